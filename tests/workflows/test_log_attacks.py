"""Attacks on an installation's own log by somebody who writes to its database and folder as they like (AUD-03, SEC-07).

What finds them is named in each test: the auditor's verification, the next process that seals, or the witnesses.  The
folder alone is attacked more widely in ``tests/ledger/test_verify_attacks.py``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from tests.ledger.sealing import SealedLog, numbered
from tests.workflows.conftest import World
from tests.workflows.kept_log import LIMIT_S, KeptLog, behind_its_back, keep, three_witnesses

from custodes.app import sealing
from custodes.config import Config
from custodes.errors import Conflict, CustodesError, Refused
from custodes.ids import EntryId
from custodes.ledger.notary import COSIGNED
from custodes.ledger.note import SignedNote
from custodes.ledger.witnessing.client import Failed
from custodes.store.models import GalleryEntry, LogEntry, RoleGrant
from custodes.types import Role
from custodes.workflows import gallery, log
from custodes.workflows.search import search

pytestmark = pytest.mark.usefixtures("committed")
ENTRIES = 300  # one full tile and a partial one


@pytest.fixture
def kept(world: World, config: Config) -> KeptLog:
    made = keep(world, config)
    made.write(ENTRIES - LogEntry.objects.count())
    assert made.seal() == ENTRIES
    return made


def _verified(kept: KeptLog) -> log.Verification:
    kept.restarted()
    return log.verify_log(kept.world.services, kept.world.as_("auditor"))


# --- the database -----------------------------------------------------------------------------------

Attack = Callable[[Any], None]


def _shift(cursor: Any, first: int, by: int) -> None:
    """Move the positions from ``first`` on; in two steps, because each must be unique at every moment."""
    cursor.execute("UPDATE store_logentry SET position = position + 1000000 WHERE position >= %s", [first])
    cursor.execute("UPDATE store_logentry SET position = position - %s WHERE position >= 1000000", [1000000 - by])


def _later(position: int) -> Attack:
    """Another time, in column and body: a leaf that the product could have written."""

    def attack(cursor: Any) -> None:
        row = LogEntry.objects.get(position=position)
        body = bytes(row.body).replace(row.at.isoformat()[:4].encode(), b"2019", 1)
        assert body != bytes(row.body)
        at = connection.ops.adapt_datetimefield_value(row.at.replace(year=2019))
        cursor.execute("UPDATE store_logentry SET body = %s, at = %s WHERE position = %s", [body, at, position])

    return attack


def _remove_one(cursor: Any) -> None:
    cursor.execute("DELETE FROM store_logentry WHERE position = 5")


def _remove_one_and_close_the_gap(cursor: Any) -> None:
    _remove_one(cursor)
    _shift(cursor, 6, -1)


def _remove_the_first(cursor: Any) -> None:
    cursor.execute("DELETE FROM store_logentry WHERE position = 0")


def _remove_the_last(cursor: Any) -> None:
    cursor.execute("DELETE FROM store_logentry WHERE position = %s", [ENTRIES - 1])


def _remove_all(cursor: Any) -> None:
    cursor.execute("DELETE FROM store_logentry")


def _reorder(cursor: Any) -> None:
    for old, new in ((7, 1000000), (8, 7), (1000000, 8)):
        cursor.execute("UPDATE store_logentry SET position = %s WHERE position = %s", [new, old])


def _repeat(cursor: Any) -> None:
    """The body of one entry a second time, in the place of the next."""
    body = bytes(LogEntry.objects.get(position=7).body)
    cursor.execute("UPDATE store_logentry SET body = %s WHERE position = 8", [body])


def _insert(cursor: Any) -> None:
    _shift(cursor, 7, 1)
    row = LogEntry.objects.get(position=6)
    row.pk, row.uid, row.position = None, EntryId("ent_" + "0" * 26), 7
    row.save(force_insert=True)


EVERYTHING: dict[str, Attack] = {
    "the-first-edited": _later(0),
    "one-edited": _later(7),
    "the-last-edited": _later(ENTRIES - 1),
    "one-removed": _remove_one,
    "one-removed-without-a-gap": _remove_one_and_close_the_gap,
    "the-first-removed": _remove_the_first,
    "the-last-removed": _remove_the_last,
    "all-removed": _remove_all,
    "reordered": _reorder,
    "repeated": _repeat,
    "inserted": _insert,
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_an_entry_of_the_database_cannot_be_changed_unseen(kept: KeptLog, name: str) -> None:
    """AUD-03: verification finds it."""
    assert _verified(kept).is_sound
    with behind_its_back() as cursor:
        EVERYTHING[name](cursor)
    found = _verified(kept)
    assert not found.is_sound
    assert found.differing


@pytest.mark.parametrize("name", ["the-last-edited", "one-removed-without-a-gap", "the-last-removed", "all-removed"])
def test_the_next_process_does_not_seal_on_top_of_it(kept: KeptLog, name: str) -> None:
    with behind_its_back() as cursor:
        EVERYTHING[name](cursor)
    kept.write(3)
    before = (kept.folder / "checkpoint").read_bytes()
    with pytest.raises(Conflict, match=r"ledger\.(database-behind|history-differs)"):
        kept.seal()
    assert (kept.folder / "checkpoint").read_bytes() == before


def _garble_the_checkpoint(kept: KeptLog) -> None:
    (kept.folder / "checkpoint").write_bytes(b"nothing")


def _put_something_in_the_folders_way(kept: KeptLog) -> None:
    shutil.rmtree(kept.folder / "incoming")
    (kept.folder / "incoming").write_bytes(b"")


def _in_the_database(attack: Attack) -> Callable[[KeptLog], None]:
    def done(kept: KeptLog) -> None:
        with behind_its_back() as cursor:
            attack(cursor)

    return done


STOPPING = {
    "the-last-removed": _in_the_database(_remove_the_last),
    "the-last-edited": _in_the_database(_later(ENTRIES - 1)),
    "checkpoint-garbled": _garble_the_checkpoint,
    "folder-not-to-be-written": _put_something_in_the_folders_way,
}


@pytest.mark.parametrize("name", STOPPING)
def test_what_cannot_be_sealed_stops_searches(kept: KeptLog, name: str) -> None:
    request = kept.world.approved(1)
    STOPPING[name](kept)
    for _ in range(2):
        with pytest.raises(CustodesError):
            kept.seal()
    kept.world.clock.advance(minutes=6)
    assert name == "checkpoint-garbled" or kept.keeper.is_waiting(), "so that it is tried again"
    with pytest.raises(Refused, match=r"gate\.log-unsealed"):
        search(kept.world.services, kept.world.as_("searcher"), request=request)


def test_a_garbled_checkpoint_ends_no_command_in_a_crash(kept: KeptLog, caplog: pytest.LogCaptureFixture) -> None:
    _garble_the_checkpoint(kept)
    sealing.seal_now(kept.world.services)
    assert "ledger.note-malformed" in caplog.text


@pytest.mark.parametrize(
    "column", ["kind = 'log.viewed'", "actor = ''", "agency = ''", "\"case\" = 'cas_another'", "phase = 'alone'"]
)
def test_an_entry_cannot_be_misfiled_unseen(kept: KeptLog, column: str) -> None:
    """Its body is untouched, so that tree and tiles agree; only who looks by kind or person does not find it."""
    with behind_its_back() as cursor:
        cursor.execute(f"UPDATE store_logentry SET {column} WHERE position = 290")
    found = _verified(kept)
    assert (found.is_sound, found.differing) == (False, 1)


def test_a_comparison_that_came_out_uneven_cannot_be_hidden_unseen(kept: KeptLog) -> None:
    world = kept.world
    world.enrol(1)
    GalleryEntry.objects.update(barriers=1)
    gallery.check_balance(world.services, world.as_("auditor"))
    assert not gallery.last_balance_is_even(world.services)
    kept.seal()
    with behind_its_back() as cursor:
        cursor.execute("UPDATE store_logentry SET kind = 'log.viewed' WHERE kind = 'gallery.balanced'")
    assert not gallery.last_balance_is_even(world.services), "this process remembers what it found"
    world.services.found_uneven = False
    assert gallery.last_balance_is_even(world.services), "searches would go on in another, until it compares"
    assert _verified(kept).differing == 1


def test_a_row_hidden_together_with_its_entry_is_found_by_verification(kept: KeptLog) -> None:
    """SEC-07: gallery and database log agree again; the sealed log does not."""
    world = kept.world
    world.enrol(1)
    kept.seal()
    with behind_its_back() as cursor:
        cursor.execute("DELETE FROM store_logentry WHERE position = %s", [ENTRIES])
    GalleryEntry.objects.all().delete()
    assert gallery.weigh(world.services).is_even
    assert not _verified(kept).is_sound


def test_a_role_granted_together_with_a_forged_entry_stands_in_the_log_for_ever(kept: KeptLog) -> None:
    """Not prevented, and even to the comparison: what a host administrator appends is an entry like any other."""
    world = kept.world
    row = LogEntry.objects.filter(kind="role.granted").last()
    assert row is not None
    account, uid = world.person("searcher").id, EntryId("ent_" + "0" * 26)
    body = bytes(row.body).replace(row.uid.encode(), uid.encode())
    target, granted = world.person("partner records officer").id, b'"granted":"records-officer"'
    assert target.encode() in body
    assert granted in body
    row.body = body.replace(target.encode(), account.encode()).replace(granted, b'"granted":"supervisor"')
    row.pk, row.uid, row.position = None, uid, None
    row.save(force_insert=True)
    holder = RoleGrant.objects.filter(account__uid=account)[0].account
    RoleGrant.objects.create(account=holder, role=Role.SUPERVISOR, granted_at=world.clock.now())
    assert gallery.weigh(world.services).is_even
    kept.seal()
    assert _verified(kept).is_sound
    with behind_its_back() as cursor:
        cursor.execute("DELETE FROM store_logentry WHERE uid = %s", [uid])
    assert not _verified(kept).is_sound


# --- the folder -------------------------------------------------------------------------------------

CHANGES: dict[str, Callable[[bytes], bytes | None]] = {
    "flipped": lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
    "truncated": lambda data: data[:-1],
    "emptied": lambda data: b"",
    "lengthened": lambda data: data + bytes(32),
    "deleted": lambda data: None,
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_file_of_the_log_can_be_changed_unseen(kept: KeptLog, change: str) -> None:
    """AUD-03: checkpoint, tiles and bundles of the installation's own folder."""
    files = kept.files()
    assert len(files) == 6
    for path in files:
        data = path.read_bytes()
        changed = CHANGES[change](data)
        path.unlink() if changed is None else path.write_bytes(changed)
        assert not _verified(kept).is_sound, path.name
        path.write_bytes(data)
    assert _verified(kept).is_sound


@pytest.mark.parametrize("gone", [0, 1])
def test_neither_of_the_logs_signatures_can_be_taken_off(kept: KeptLog, gone: int) -> None:
    path = kept.folder / "checkpoint"
    note = SignedNote.parse(path.read_bytes())
    path.write_bytes(bytes(SignedNote(note.text, (note.signatures[1 - gone],))))
    assert not _verified(kept).is_sound


def test_an_older_checkpoint_put_back_leads_to_the_same_newer_one_again(kept: KeptLog) -> None:
    """The next process seals up to what the database holds."""
    older = (kept.folder / "checkpoint").read_bytes()
    kept.write(5)
    kept.seal()
    newest = kept.keeper.checkpoint()
    (kept.folder / "checkpoint").write_bytes(older)
    assert kept.seal() == ENTRIES + 5
    assert kept.keeper.checkpoint() == newest


def test_two_logs_folders_swapped_are_refused_by_verification_and_sealing(kept: KeptLog, tmp_path: Path) -> None:
    other = SealedLog(tmp_path / "other", origin="log.other.example/custodes")
    other.seal(numbered(ENTRIES))
    shutil.rmtree(kept.folder)
    shutil.copytree(tmp_path / "other", kept.folder)
    assert not _verified(kept).is_sound
    with pytest.raises(CustodesError, match=r"ledger\.history-differs"):
        kept.seal()


def test_an_entry_changed_in_database_and_folder_together_is_found(kept: KeptLog) -> None:
    """Without the log's keys nothing can be signed: the old checkpoint says otherwise."""
    with behind_its_back() as cursor:
        _later(7)(cursor)
    checkpoint = (kept.folder / "checkpoint").read_bytes()
    shutil.rmtree(kept.folder)
    kept.seal()
    (kept.folder / "checkpoint").write_bytes(checkpoint)
    assert not _verified(kept).is_sound
    with pytest.raises(Conflict, match=r"ledger\.history-differs"):
        kept.seal()


# --- a restore that is none -------------------------------------------------------------------------


def _back_to_yesterday(kept: KeptLog) -> None:
    kept.write(10)
    kept.seal()
    with behind_its_back() as cursor:
        cursor.execute("DELETE FROM store_logentry WHERE position >= %s", [ENTRIES])
    kept.restarted()


def test_yesterdays_database_put_back_silently_is_found_by_verification_and_sealing(kept: KeptLog) -> None:
    _back_to_yesterday(kept)
    assert _verified(kept).differing == 10
    with pytest.raises(Conflict, match=r"ledger\.database-behind"):
        kept.seal()


def test_a_tampered_copy_restores_nothing(kept: KeptLog, tmp_path: Path) -> None:
    _back_to_yesterday(kept)
    for number, name in enumerate(path.relative_to(kept.folder) for path in kept.files()):
        copy = tmp_path / str(number)
        shutil.copytree(kept.folder, copy)
        data = (copy / name).read_bytes()
        (copy / name).write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
        with pytest.raises(CustodesError, match=r"ledger\.(not-verified|note-malformed)"):
            log.restore_log(kept.world.services, kept.world.as_("auditor"), source=copy)
    assert LogEntry.objects.filter(position__gte=ENTRIES).count() == 0


def test_another_logs_folder_restores_nothing(kept: KeptLog, tmp_path: Path) -> None:
    _back_to_yesterday(kept)
    other = SealedLog(tmp_path / "other")
    other.seal(numbered(ENTRIES + 10))
    with pytest.raises(Conflict, match=r"ledger\.not-verified"):
        log.restore_log(kept.world.services, kept.world.as_("auditor"), source=tmp_path / "other")


def test_an_older_copy_restores_nothing_over_what_is_there(kept: KeptLog, tmp_path: Path) -> None:
    shutil.copytree(kept.folder, tmp_path / "older")
    kept.write(10)
    kept.seal()
    with pytest.raises(Conflict, match=r"ledger\.history-differs"):
        log.restore_log(kept.world.services, kept.world.as_("auditor"), source=tmp_path / "older")


def test_a_database_that_was_edited_before_the_restore_is_not_given_the_tail(kept: KeptLog) -> None:
    _back_to_yesterday(kept)
    with behind_its_back() as cursor:
        _later(7)(cursor)
    with pytest.raises(Conflict, match=r"ledger\.history-differs"):
        log.restore_log(kept.world.services, kept.world.as_("auditor"), source=kept.folder)


# --- with the log's own keys, and without those of the witnesses -----------------------------------


@pytest.fixture
def witnessed(world: World, config: Config, tmp_path: Path) -> Iterator[KeptLog]:
    with three_witnesses(world, config, tmp_path / "witnesses") as policy:
        made = keep(world, config, policy)
        made.world.enrol(1)
        made.seal()
        gathered = made.keeper.ask_witnesses(made.at)
        assert gathered is not None
        assert gathered.has_quorum
        yield made


def _troubles(kept: KeptLog) -> set[str]:
    gathered = kept.keeper.ask_witnesses(kept.at)
    assert gathered is not None
    assert not gathered.has_quorum
    return {one.trouble.value for one in gathered.outcomes.values() if isinstance(one, Failed)}


def _assert_searches_stop(kept: KeptLog) -> None:
    request = kept.world.approved(1)
    kept.seal()
    assert _troubles(kept)
    kept.world.clock.advance(seconds=LIMIT_S + 1)
    with pytest.raises(Refused, match=r"gate\.log-unwitnessed"):
        search(kept.world.services, kept.world.as_("searcher"), request=request)


def test_a_history_rewritten_everywhere_and_signed_anew_gets_no_quorum_and_searches_stop(witnessed: KeptLog) -> None:
    """AUD-04: by who holds the log's keys. The installation's own verification finds nothing; the witnesses do."""
    with behind_its_back() as cursor:
        _later(3)(cursor)
    cosigned = (witnessed.folder / COSIGNED).read_bytes()
    shutil.rmtree(witnessed.folder)
    witnessed.seal()
    (witnessed.folder / COSIGNED).write_bytes(cosigned)
    assert _verified(witnessed).is_sound
    _assert_searches_stop(witnessed)


def test_yesterdays_database_and_log_put_back_together_get_no_quorum_and_searches_stop(witnessed: KeptLog) -> None:
    """Both are genuine, so that they verify; the witnesses remember more."""
    yesterday = LogEntry.objects.count()
    shutil.copytree(witnessed.folder, witnessed.folder.with_name("yesterday"))
    witnessed.write(50)
    witnessed.seal()
    assert witnessed.keeper.ask_witnesses(witnessed.at).has_quorum  # type: ignore[union-attr]
    with behind_its_back() as cursor:
        cursor.execute("DELETE FROM store_logentry WHERE position >= %s", [yesterday])
    shutil.rmtree(witnessed.folder)
    shutil.copytree(witnessed.folder.with_name("yesterday"), witnessed.folder)
    assert _verified(witnessed).is_sound
    _assert_searches_stop(witnessed)


def test_an_old_cosigned_checkpoint_put_back_covers_nothing_newer(witnessed: KeptLog) -> None:
    old = (witnessed.folder / COSIGNED).read_bytes()
    witnessed.write(1)
    entry = EntryId(witnessed.world.log()[0]["id"])
    witnessed.seal()
    witnessed.keeper.ask_witnesses(witnessed.at)
    auditor = witnessed.world.as_("auditor")
    assert log.export_proof(witnessed.world.services, auditor, entry=entry)
    for put_back in (old, old[:-5] + b"AAAA\n", b""):
        (witnessed.folder / COSIGNED).write_bytes(put_back)
        with pytest.raises(Conflict, match=r"ledger\.not-covered"):
            log.export_proof(witnessed.world.services, auditor, entry=entry)
