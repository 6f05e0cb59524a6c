"""The log as a whole, as auditors see it: its standing, its verification, proofs, promises, more time, a restore."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.ledger.sealing import KeyType, key
from tests.workflows.conftest import World
from tests.workflows.kept_log import KeptLog, behind_its_back, keep

from custodes.config import Config
from custodes.errors import Conflict, InputError, NotFound, Refused, SetupError
from custodes.ids import EntryId
from custodes.ledger import verify
from custodes.ledger.events import EventKind
from custodes.ledger.keeper import PROMISE_HEADER, Terms
from custodes.ledger.note import open_note, sign_note
from custodes.ledger.witnessing.standing import Extension
from custodes.store.models import Case, GalleryEntry, LogDetail, LogEntry, TemplateRow
from custodes.workflows import gallery, log

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def kept(world: World, config: Config) -> KeptLog:
    made = keep(world, config)
    made.seal()
    return made


def _trust(kept: KeptLog) -> verify.Trust:
    size = kept.keeper.checkpoint().size  # type: ignore[union-attr]
    return verify.Trust([str(key) for key in kept.keeper.keyring.keys_at(size)], b"quorum none\n", strict=False)


def test_the_status_says_what_is_published_and_what_waits_and_that_somebody_looked(kept: KeptLog) -> None:
    size = LogEntry.objects.count()
    kept.write(3)
    status = log.log_status(kept.world.services, kept.world.as_("auditor"))
    assert status.checkpoint is not None
    assert (status.checkpoint.size, status.waiting, status.cosigned, status.standing) == (size, 4, None, None)
    assert len(status.keys) == 2
    assert kept.world.log()[0]["kind"] == "log.viewed"


def test_a_log_of_which_nothing_was_sealed_is_not_called_sound(world: World, config: Config) -> None:
    keep(world, config)
    assert not log.verify_log(world.services, world.as_("auditor")).is_sound


def test_what_the_product_wrote_and_sealed_is_sound_and_the_verification_is_in_the_log(kept: KeptLog) -> None:
    """AUD-03."""
    kept.world.enrol(1)
    kept.world.approved(1)
    kept.write(300)
    size = kept.seal()
    found = log.verify_log(kept.world.services, kept.world.as_("auditor"))
    assert (found.is_sound, found.differing) == (True, 0)
    assert f"{size} entries" in found.said
    assert kept.world.log()[0]["facts"] == {"sound": True, "differing": 0}


def test_entries_that_wait_to_be_sealed_are_no_difference(kept: KeptLog) -> None:
    kept.write(5)
    assert log.verify_log(kept.world.services, kept.world.as_("auditor")).is_sound


@pytest.mark.parametrize("name", ["searcher", "supervisor", "administrator", "records officer"])
def test_only_an_auditor_verifies_proves_restores_or_extends(kept: KeptLog, name: str) -> None:
    """AUD-08."""
    services, context = kept.world.services, kept.world.as_(name)
    for attempt in (
        lambda: log.log_status(services, context),
        lambda: log.verify_log(services, context),
        lambda: log.export_proof(services, context, entry=EntryId(kept.world.log()[0]["id"])),
        lambda: log.restore_log(services, context, source=kept.folder),
        lambda: log.extend_quorum(services, context, note=b""),
    ):
        with pytest.raises(Refused):
            attempt()


def test_a_process_that_does_not_keep_the_log_says_so(world: World) -> None:
    with pytest.raises(SetupError, match=r"ledger\.no-keeper"):
        log.verify_log(world.services, world.as_("auditor"))


# --- proofs and promises ----------------------------------------------------------------------------


def test_an_exported_proof_is_verified_by_the_single_file_verifier_alone(kept: KeptLog) -> None:
    """AUD-07: nothing but proof, entry and public keys."""
    world = kept.world
    case = world.case()
    kept.seal()
    (entry,) = world.services.entries.newest(1, kind=EventKind.CASE_OPENED, case=case.id)
    proof, body = log.export_proof(world.services, world.as_("auditor"), entry=entry.id)
    assert body == entry.body
    assert "Verified" in verify.verify_proof(bytes(proof), body, _trust(kept))
    with pytest.raises(verify.Failure):
        verify.verify_proof(bytes(proof), body.replace(b"case.opened", b"case.closed"), _trust(kept))
    exported = world.services.entries.newest(1, kind=EventKind.PROOF_EXPORTED)
    assert entry.id.encode() in exported[0].body


def test_an_entry_that_is_not_sealed_has_no_proof_yet(kept: KeptLog) -> None:
    kept.write(1)
    with pytest.raises(Conflict, match=r"ledger\.not-covered"):
        log.export_proof(kept.world.services, kept.world.as_("auditor"), entry=EntryId(kept.world.log()[0]["id"]))


def test_an_entry_that_does_not_exist_has_no_proof(kept: KeptLog) -> None:
    with pytest.raises(NotFound, match=r"log\.no-entry"):
        log.export_proof(kept.world.services, kept.world.as_("auditor"), entry=EntryId("ent_" + "0" * 26))


def test_a_request_gets_a_signed_promise_before_it_is_sealed(kept: KeptLog) -> None:
    world = kept.world
    request = world.request(1)
    note = log.promise(world.services, world.as_("searcher"), request=request.id)
    lines = open_note(note, [use.key for use in kept.keeper.keyring.uses]).text.split("\n")
    assert (lines[0], lines[3]) == (PROMISE_HEADER, str(kept.at))


def test_another_services_request_is_promised_to_nobody(kept: KeptLog) -> None:
    request = kept.world.request(1)
    with pytest.raises(NotFound, match=r"request\.unknown"):
        log.promise(kept.world.services, kept.world.as_("partner searcher"), request=request.id)


# --- more time --------------------------------------------------------------------------------------


def test_more_time_takes_two_overseers_and_the_log_states_until_when(kept: KeptLog) -> None:
    world, at = kept.world, kept.at
    overseers = [key(f"overseer{n}", KeyType.ED25519) for n in range(2)]
    kept.terms = Terms(None, 60, tuple(one.verifier for one in overseers))
    kept.restarted()
    text = str(Extension(kept.keeper.keyring.origin, at, at + 3600))
    with pytest.raises(InputError, match=r"ledger\.overseers-missing"):
        log.extend_quorum(world.services, world.as_("auditor"), note=bytes(sign_note(text, overseers[:1], at)))
    given = log.extend_quorum(world.services, world.as_("auditor"), note=bytes(sign_note(text, overseers, at)))
    assert (given.granted, given.until) == (at, at + 3600)
    assert world.log()[0]["facts"] == {"granted": at, "until": at + 3600}


# --- restore ----------------------------------------------------------------------------------------


def _back_to(last: int) -> None:
    """Yesterday's backup: the database as it was when ``last`` was its newest entry."""
    with behind_its_back() as cursor:
        gone = list(LogEntry.objects.filter(pk__gt=last).values_list("uid", flat=True))
        cursor.execute("DELETE FROM store_logentry WHERE id > %s", [last])
    LogDetail.objects.filter(entry__in=gone).delete()


def _newest() -> int:
    return LogEntry.objects.order_by("pk").last().pk  # type: ignore[union-attr]


def _lose_a_day(kept: KeptLog) -> str:
    """A case is opened and sealed, then the database put back to what it was before; what the case's id was."""
    before = _newest()
    case = kept.world.case()
    kept.seal()
    Case.objects.filter(uid=case.id).delete()
    _back_to(before)
    return case.id


def test_an_honest_restore_gives_the_entries_back_and_names_what_the_database_lacks(kept: KeptLog) -> None:
    world = kept.world
    size, today = LogEntry.objects.count(), (kept.folder / "checkpoint").read_bytes()
    lost = _lose_a_day(kept)
    newest = (kept.folder / "checkpoint").read_bytes()
    kept.restarted()
    found = log.restore_log(world.services, world.as_("auditor"), source=kept.folder)
    assert (found.first, found.lacking, found.kinds) == (size, 1, {"case.opened": 1})
    assert lost in found.targets
    assert world.log()[0]["facts"] == {"first": size, "entries": 1, "lacking": 1}
    assert kept.seal() == size + 2
    assert log.verify_log(world.services, world.as_("auditor")).is_sound
    for earlier in (today, newest):
        assert "continues" in verify.verify_log(kept.folder, _trust(kept), earlier)


def test_a_restore_is_still_possible_when_sealing_was_tried_before_it(kept: KeptLog) -> None:
    """Whoever starts the product or signs in writes entries; they must not take the places of those to be restored."""
    world = kept.world
    _lose_a_day(kept)
    kept.write(4)
    for _ in range(2):
        with pytest.raises(Conflict, match=r"ledger\.database-behind"):
            kept.seal()
    assert log.restore_log(world.services, world.as_("auditor"), source=kept.folder).lacking == 1
    kept.seal()
    assert log.verify_log(world.services, world.as_("auditor")).is_sound


def test_a_restore_from_a_copy_is_as_good(kept: KeptLog, tmp_path: Path) -> None:
    world = kept.world
    _lose_a_day(kept)
    shutil.copytree(kept.folder, tmp_path / "copy")
    kept.restarted()
    assert log.restore_log(world.services, world.as_("auditor"), source=tmp_path / "copy").lacking == 1
    kept.seal()
    assert log.verify_log(world.services, world.as_("auditor")).is_sound


def test_a_restore_of_what_lacks_nothing_changes_nothing(kept: KeptLog) -> None:
    found = log.restore_log(kept.world.services, kept.world.as_("auditor"), source=kept.folder)
    assert (found.lacking, found.kinds) == (0, {})


def test_rows_that_the_backup_lacks_keep_the_gallery_uneven_after_a_restore(kept: KeptLog) -> None:
    world = kept.world
    world.enrol(1)
    kept.seal()
    before = _newest()
    world.enrol(2)
    kept.seal()
    newest = GalleryEntry.objects.order_by("pk").last()
    assert newest is not None
    template = newest.template_id
    newest.delete()
    TemplateRow.objects.filter(pk=template).delete()
    _back_to(before)
    kept.restarted()
    log.restore_log(world.services, world.as_("auditor"), source=kept.folder)
    found = gallery.check_balance(world.services, world.as_("auditor"))
    assert (found.hidden, found.inserted, found.altered) == (1, 0, 0)
    assert not gallery.last_balance_is_even(world.services)
