"""The end of a log is lost with every copy: another begins, says what is missing, and witnesses accept it knowingly.

AUD-01, AUD-04: nothing of it happens silently, and no one person can do it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ledger.sealing import SealedLog, key
from tests.ledger.witnessing.scene import NAMES, ed25519, witness_in
from tests.ledger.witnessing.test_serving import Served
from tests.workflows.conftest import World
from tests.workflows.kept_log import KeptLog, behind_its_back, keep

from custodes.config import Config
from custodes.errors import Conflict, CustodesError, InputError, Refused
from custodes.keyfile import no_passphrase
from custodes.ledger import verify
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.growth import Growth
from custodes.ledger.keeper import LogKeeper, Terms
from custodes.ledger.key_folder import create_log_keys, open_log_keys, read_log_keys
from custodes.ledger.keys import KeyType
from custodes.ledger.note import SignedNote, sign_note
from custodes.ledger.quorum import Policy
from custodes.ledger.quorum import Witness as Listed
from custodes.ledger.succession import Declaration, Tree
from custodes.ledger.witnessing.client import Failed, Trouble
from custodes.ledger.witnessing.witness import Witness
from custodes.store.log import SealedEntries
from custodes.store.models import LogEntry
from custodes.workflows import succession
from custodes.workflows.gallery import check_balance
from custodes.workflows.log import export_proof, restore_log, verify_log
from custodes.workflows.search import search
from custodes.workflows.succession import Succession, declare_successor, draft_declaration

ORIGIN = "custodes-0123456789abcdef"
OVERSEERS = [key(f"overseer-{n}", KeyType.ED25519) for n in range(3)]


class Disaster:
    """A witnessed log whose last entries are lost: folder and database are those of an older day."""

    def __init__(self, world: World, config: Config, folder: Path) -> None:
        create_log_keys(config.log_key_dir, ORIGIN, lambda n: hashlib.shake_256(b"keys").digest(n))
        self.world = world
        self.keys = [use.key for use in read_log_keys(config.log_key_dir).uses]
        at = int(world.clock.now().timestamp())
        self.witnesses: list[Witness] = []
        self.served: list[Served] = []
        for number in range(len(NAMES)):
            witness = witness_in(folder / f"w{number}", name=f"w{number}.example/w", at=at)
            witness.add_log(self.keys)
            self.witnesses.append(witness)
            self.served.append(Served(witness.add_checkpoint))
        listed = [
            Listed(name, ed25519(witness), served.url)
            for name, witness, served in zip(NAMES, self.witnesses, self.served, strict=True)
        ]
        self.kept = KeptLog(world, config, Policy.k_of_n(self.keys, listed, 2))
        self.kept.terms = Terms(self.kept.terms.policy, 3600, tuple(one.verifier for one in OVERSEERS))
        self.kept.seal()
        self.older = folder / "older-day"
        shutil.copytree(self.kept.folder, self.older)
        self.size = LogEntry.objects.filter(position__isnull=False).count()

    def happens(self) -> bytes:
        """Write and have cosigned five entries more, then lose them; the last checkpoint that the witnesses know."""
        self._world_goes_on()
        cosigned = (self.kept.folder / "cosigned").read_bytes()
        shutil.rmtree(self.kept.folder)
        shutil.copytree(self.older, self.kept.folder)
        self.kept.restarted()
        return cosigned

    def _world_goes_on(self) -> None:
        """The witnesses see a log that went on; this database never did: it is the backup."""
        twin = self.kept.folder.with_name("twin")
        shutil.copytree(self.kept.folder, twin)
        grown = SealedLog(twin, ORIGIN)
        grown.log_keys = list(self.kept.keeper.keyring.signers)  # type: ignore[arg-type]
        grown._growth = Growth(grown.store, self.size)
        note = grown.seal([b'{"lost":%d}' % n for n in range(5)], witnesses=())
        shutil.rmtree(self.kept.folder)
        shutil.copytree(twin, self.kept.folder)
        shutil.rmtree(twin)
        gathered = self.kept.keeper.ask_witnesses(self.kept.at)
        assert gathered is not None
        assert gathered.has_quorum, note

    def signed(self, declaration: Declaration, *signers: int) -> bytes:
        return bytes(sign_note(str(declaration), [OVERSEERS[n] for n in signers], self.kept.at))

    def declare(self, cosigned: bytes) -> Succession:
        world = self.world
        auditor = world.as_("auditor")
        checkpoint = Checkpoint.parse(SignedNote.parse(cosigned).text)
        declaration = draft_declaration(world.services, auditor, cosigned=checkpoint)
        return declare_successor(world.services, auditor, note=self.signed(declaration, 0, 1), passphrase=no_passphrase)

    def close(self) -> None:
        for one in self.served:
            one.close()


@pytest.fixture
def disaster(world: World, config: Config, tmp_path: Path) -> Iterator[Disaster]:
    world.enrol(1)
    made = Disaster(world, config, tmp_path)
    yield made
    made.close()


def test_the_witnesses_refuse_what_is_left_and_the_successor_is_played_through(disaster: Disaster) -> None:
    world, kept = disaster.world, disaster.kept
    services, auditor = world.services, world.as_("auditor")
    cosigned = disaster.happens()
    before = kept.keeper.ask_witnesses(kept.at)
    assert before is not None
    assert not before.has_quorum
    assert {one.trouble for one in before.outcomes.values() if isinstance(one, Failed)} == {Trouble.AHEAD}
    left = (kept.folder / "checkpoint").read_bytes()

    found = disaster.declare(cosigned)
    assert (found.declaration.gap, found.declaration.left.size) == (5, disaster.size)
    assert found.successor.startswith(f"{ORIGIN}~")

    # the old log lies beside, verifies with its own keys, and nobody's tools are needed for it
    ended = kept.folder.with_name(f"{kept.folder.name}.ended-1")
    trust = verify.Trust([str(one) for one in disaster.keys], b"quorum none\n", strict=False)
    assert f"{disaster.size} entries" in verify.verify_log(ended, trust)
    assert (kept.folder / "predecessor").exists()

    # the new one says it first, verifies, and everything goes on
    sealed = kept.keeper.seal(kept.at)
    assert sealed is not None
    entry = services.entries.last_of("log.succeeded")
    assert entry is not None
    assert entry.position == disaster.size
    facts = json.loads(entry.body)["facts"]
    assert (facts["gap"], facts["left_size"], len(facts["declared_by"])) == (5, disaster.size, 2)
    assert verify_log(services, auditor).is_sound
    assert check_balance(services, auditor).is_even

    # no witness cosigns it before its operator has agreed to the gap
    refused = kept.keeper.ask_witnesses(kept.at)
    assert refused is not None
    assert not refused.has_quorum
    for witness in disaster.witnesses:
        new = [use.key for use in kept.keeper.keyring.uses]
        with pytest.raises(InputError, match=r"ledger\.succession-refused"):
            witness.accept_successor(new, left, gap=4)
        witness.accept_successor(new, left, gap=5)
    kept.keeper.seal(kept.at)
    accepted = kept.keeper.ask_witnesses(kept.at)
    assert accepted is not None
    assert accepted.has_quorum
    assert search(services, world.as_("searcher"), request=world.approved(1)).compared == 1
    kept.keeper.seal(kept.at)
    kept.keeper.ask_witnesses(kept.at)
    export_proof(services, auditor, entry=entry.id)


def test_what_is_written_between_draft_and_declaration_stays_in_the_log_that_ends(disaster: Disaster) -> None:
    world, kept = disaster.world, disaster.kept
    services, auditor = world.services, world.as_("auditor")
    checkpoint = Checkpoint.parse(SignedNote.parse(disaster.happens()).text)
    note = disaster.signed(draft_declaration(services, auditor, cosigned=checkpoint), 0, 2)
    kept.write(3)
    kept.seal()
    declare_successor(services, auditor, note=note, passphrase=no_passphrase)
    entry = services.entries.last_of("log.succeeded")
    assert entry is not None
    facts = json.loads(entry.body)["facts"]
    assert facts["left_size"] == disaster.size
    ended = kept.folder.with_name(f"{kept.folder.name}.ended-1")
    shown = (ended / "left").read_bytes()
    new = [use.key for use in kept.keeper.keyring.uses]
    assert disaster.witnesses[0].accept_successor(new, shown, gap=5).follows
    assert facts["ended_size"] == entry.position == LogEntry.objects.filter(position__lt=entry.position).count()
    assert entry.position == disaster.size + 3
    kept.keeper.seal(kept.at)
    assert verify_log(services, auditor).is_sound


def test_what_is_in_the_ended_log_is_not_proven_from_the_new_one(disaster: Disaster) -> None:
    services, auditor = disaster.world.services, disaster.world.as_("auditor")
    disaster.declare(disaster.happens())
    old = LogEntry.objects.get(position=2)
    with pytest.raises(Conflict, match=r"ledger\.of-ended-log"):
        export_proof(services, auditor, entry=old.uid)  # type: ignore[arg-type]


def test_one_overseer_alone_or_a_stranger_cannot_declare_it(disaster: Disaster) -> None:
    world = disaster.world
    services, auditor = world.services, world.as_("auditor")
    checkpoint = Checkpoint.parse(SignedNote.parse(disaster.happens()).text)
    declaration = draft_declaration(services, auditor, cosigned=checkpoint)
    stranger = key("stranger", KeyType.ED25519)
    notes = [
        disaster.signed(declaration, 0),
        bytes(sign_note(str(declaration), [OVERSEERS[0], stranger], disaster.kept.at)),
    ]
    for note in notes:
        with pytest.raises(InputError, match=r"ledger\.overseers-missing"):
            declare_successor(services, auditor, note=note, passphrase=no_passphrase)
    with pytest.raises(Refused):
        declare_successor(
            services, world.as_("administrator"), note=disaster.signed(declaration, 0, 1), passphrase=no_passphrase
        )
    assert not LogEntry.objects.filter(kind="log.succeeded").exists()


def test_a_declaration_that_is_not_about_what_is_here_is_refused(disaster: Disaster) -> None:
    """Attack: get rid of the newest entries by a declaration of an older state, or of another log."""
    world = disaster.world
    services, auditor = world.services, world.as_("auditor")
    checkpoint = Checkpoint.parse(SignedNote.parse(disaster.happens()).text)
    true = draft_declaration(services, auditor, cosigned=checkpoint)
    for other in (
        Declaration(true.origin, true.cosigned, Tree(true.left.size - 1, true.left.root), true.at),
        Declaration(true.origin, true.cosigned, Tree(true.left.size, bytes(32)), true.at),
        Declaration("another.example/log", true.cosigned, true.left, true.at),
    ):
        with pytest.raises(Conflict, match=r"ledger\.declaration-of-another"):
            declare_successor(services, auditor, note=disaster.signed(other, 0, 1), passphrase=no_passphrase)
    nothing_lost = Declaration(true.origin, true.left, true.left, true.at)
    with pytest.raises(InputError, match=r"ledger\.declaration-malformed"):
        declare_successor(services, auditor, note=disaster.signed(nothing_lost, 0, 1), passphrase=no_passphrase)
    assert not LogEntry.objects.filter(kind="log.succeeded").exists()


@pytest.mark.parametrize("broken", ["_state", "_change_keys", "set_aside"])
def test_interrupted_anywhere_nothing_is_sealed_until_it_is_done_again(
    disaster: Disaster, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, kept = disaster.world, disaster.kept
    services, auditor = world.services, world.as_("auditor")
    cosigned = disaster.happens()
    checkpoint = Checkpoint.parse(SignedNote.parse(cosigned).text)
    note = disaster.signed(draft_declaration(services, auditor, cosigned=checkpoint), 1, 2)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LogKeeper if broken == "set_aside" else succession, broken, killed)
        with pytest.raises(KeyboardInterrupt):
            declare_successor(services, auditor, note=note, passphrase=no_passphrase)
    keeper = kept.restarted()
    with pytest.raises(Conflict, match=r"ledger\.succession-unfinished"):
        keeper.seal(kept.at)
    other = disaster.signed(Declaration(ORIGIN, Tree(99, bytes(32)), Tree(1, bytes(32)), 5), 0, 1)
    with pytest.raises(CustodesError):
        declare_successor(services, auditor, note=other, passphrase=no_passphrase)
    done = declare_successor(services, auditor, note=note, passphrase=no_passphrase)
    sealed = kept.restarted().seal(kept.at)
    assert sealed is not None
    assert LogEntry.objects.filter(kind="log.succeeded").count() == 1
    assert kept.keeper.keyring.origin == done.successor
    assert verify_log(services, auditor).is_sound


def test_a_database_and_a_log_put_back_together_are_not_sealed_while_a_copy_has_more(
    world: World, config: Config, tmp_path: Path
) -> None:
    """Attack, or mistake: a silent rollback of folder and database at once."""
    kept = keep(world, config)
    kept.seal()
    older = tmp_path / "older"
    shutil.copytree(kept.folder, older)
    copy = tmp_path / "copy"

    def keeper(*copies: Path) -> LogKeeper:
        made = LogKeeper(kept.folder, SealedEntries(), lambda: open_log_keys(config.log_key_dir), copies=copies)
        world.services.keeper = made
        return made

    rows = LogEntry.objects.count()
    kept.write(5)
    keeper(copy).seal(kept.at)
    with behind_its_back() as cursor:
        cursor.execute("DELETE FROM store_logentry WHERE position >= %s", [rows])
    shutil.rmtree(kept.folder)
    shutil.copytree(older, kept.folder)
    kept.write(1)
    with pytest.raises(Conflict, match=r"ledger\.copy-ahead"):
        keeper(copy).seal(kept.at)
    shutil.rmtree(kept.folder)
    with pytest.raises(Conflict, match=r"ledger\.copy-ahead"):
        keeper(copy).seal(kept.at)
    assert LogEntry.objects.filter(position__isnull=True).count() == 1, "it waits, without a place"
    found = restore_log(world.services, world.as_("auditor"), source=copy)
    assert found.lacking == 5
    sealed = keeper(copy).seal(kept.at)
    assert sealed is not None
    assert sealed.copies_behind == ()
