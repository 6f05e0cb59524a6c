"""A log kept: sealed by one at a time, shown to witnesses over real sockets, proven once enough have seen it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.conftest import CountedEntropy
from tests.ledger.sealing import NOW, ORIGIN, key
from tests.ledger.witnessing.scene import NAMES, ed25519, witness_in
from tests.ledger.witnessing.test_serving import Served

from custodes.errors import Conflict, CustodesError
from custodes.ids import EntryId
from custodes.ledger import verify
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.keeper import PROMISE_HEADER, PROMISED_S, LogKeeper, Terms
from custodes.ledger.key_folder import create_log_keys, open_log_keys
from custodes.ledger.keyring import Keyring
from custodes.ledger.keys import KeyType
from custodes.ledger.memory import MemoryEntryStore
from custodes.ledger.notary import STATE
from custodes.ledger.note import SignedNote, open_note, sign_note
from custodes.ledger.quorum import Policy
from custodes.ledger.quorum import Witness as Listed
from custodes.ledger.tree import leaf_hash
from custodes.ledger.witnessing.client import Failed
from custodes.ledger.witnessing.standing import Extension
from custodes.ledger.witnessing.witness import Witness
from custodes.types import Entry, Phase

WRITTEN = datetime.fromtimestamp(NOW - 100, UTC)


class Town:
    """A log with three witnesses that serve on ports of their own; two of three are a quorum."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keyring: Keyring = create_log_keys(folder / "keys", ORIGIN, CountedEntropy())
        keys = [use.key for use in self.keyring.uses]
        self.overseers = [key(f"overseer{n}", KeyType.ED25519) for n in range(3)]
        self.witnesses: dict[str, Witness] = {}
        for number, name in enumerate(NAMES):
            witness = witness_in(folder / f"w{number}", name=f"w{number}.example/w")
            witness.add_log(keys)
            self.witnesses[name] = witness
        self.served = {name: Served(witness.add_checkpoint) for name, witness in self.witnesses.items()}
        listed = [Listed(n, ed25519(w), self.served[n].url) for n, w in self.witnesses.items()]
        self.policy = Policy.k_of_n(keys, listed, 2)
        self.entries = MemoryEntryStore()
        self.keeper = self.new_keeper()

    def new_keeper(self, *, limit_s: int = 3600) -> LogKeeper:
        terms = Terms(self.policy, limit_s, tuple(one.verifier for one in self.overseers))
        return LogKeeper(self.folder / "log", self.entries, lambda: open_log_keys(self.folder / "keys"), terms=terms)

    def write(self, count: int, first: int = 0) -> None:
        with self.entries.transaction():
            for n in range(first, first + count):
                self.entries.add([Entry(EntryId(f"ent_{n}"), WRITTEN, "k", Phase.ALONE, b"entry %d" % n)])

    def end(self, *names: str) -> None:
        for name in names:
            self.served.pop(name).close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.end(*list(made.served))


def test_what_is_sealed_is_cosigned_and_the_single_file_verifier_finds_both(town: Town, tmp_path: Path) -> None:
    """AUD-04."""
    town.write(300)
    assert town.keeper.seal(NOW).size == 300  # type: ignore[union-attr]
    assert town.keeper.wants_witnesses()
    gathered = town.keeper.ask_witnesses(NOW)
    assert gathered is not None
    assert gathered.has_quorum
    assert not town.keeper.wants_witnesses()
    standing = town.keeper.standing(NOW)
    assert standing is not None
    assert (standing.uncosigned_s, standing.missing, standing.may_search) == (0, (), True)
    proof, entry = town.keeper.proof(123)
    assert entry == b"entry 123"
    (tmp_path / "p.tlog-proof").write_bytes(bytes(proof))
    (tmp_path / "entry").write_bytes(entry)
    (tmp_path / "policy").write_text(str(town.policy))
    keys = [part for use in town.keyring.uses for part in ("--key", str(use.key))]
    command = ["proof", str(tmp_path / "p.tlog-proof"), "--entry", str(tmp_path / "entry"), *keys]
    assert verify.main([*command, "--policy", str(tmp_path / "policy")]) == 0
    (tmp_path / "entry").write_bytes(b"entry 124")
    assert verify.main([*command, "--policy", str(tmp_path / "policy")]) == 1


def test_a_proof_waits_for_the_quorum_and_then_outlives_the_tiles_it_was_made_of(town: Town) -> None:
    """Nothing leaves before a checkpoint that covers it has its quorum."""
    town.write(10)
    town.keeper.seal(NOW)
    with pytest.raises(Conflict, match=r"ledger\.not-covered"):
        town.keeper.proof(3)
    town.keeper.ask_witnesses(NOW)
    town.write(600, 10)
    town.keeper.seal(NOW)
    proof, entry = town.keeper.proof(3)
    assert proof.verify(entry, town.policy).checkpoint.size == 10
    with pytest.raises(Conflict, match=r"ledger\.not-covered"):
        town.keeper.proof(10)
    with pytest.raises(Conflict, match=r"ledger\.not-covered"):
        town.keeper.proof(None)


def test_a_quorum_lost_stops_searches_after_the_limit_and_regained_lets_them_go_on(town: Town) -> None:
    town.write(5)
    town.keeper.seal(NOW)
    town.keeper.ask_witnesses(NOW)
    town.end(NAMES[1])
    town.write(5, 5)
    town.keeper.seal(NOW)
    gathered = town.keeper.ask_witnesses(NOW)
    assert gathered is not None
    assert gathered.has_quorum, "one of three may fail"
    address = town.served[NAMES[0]].server.server_address
    town.end(NAMES[0])
    town.write(5, 10)
    town.keeper.seal(NOW)
    gathered = town.keeper.ask_witnesses(NOW)
    assert gathered is not None
    assert not gathered.has_quorum
    assert isinstance(gathered.outcomes[NAMES[0]], Failed)
    strict = town.new_keeper(limit_s=60)
    early, late = town.keeper.standing(NOW), strict.standing(NOW)
    assert early is not None
    assert late is not None
    assert (early.uncosigned_s, early.may_search, late.may_search) == (100, True, False)
    assert [missing.name for missing in strict.standing(NOW + 500).missing] == list(NAMES)  # type: ignore[union-attr]
    back = Served(town.witnesses[NAMES[0]].add_checkpoint)
    town.served[NAMES[0]] = back
    moved = [Listed(w.name, w.key, back.url if w.name == NAMES[0] else w.url) for w in town.policy.witnesses]
    town.policy = Policy.k_of_n([use.key for use in town.keyring.uses], moved, 2)
    assert address
    again = town.new_keeper(limit_s=60)
    gathered = again.ask_witnesses(NOW)
    assert gathered is not None
    assert gathered.has_quorum
    assert again.standing(NOW).may_search  # type: ignore[union-attr]


def test_two_overseers_extend_the_time_and_one_does_not(town: Town) -> None:
    town.write(5)
    strict = town.new_keeper(limit_s=60)
    strict.seal(NOW)
    assert not strict.standing(NOW).may_search  # type: ignore[union-attr]
    text = str(Extension(ORIGIN, NOW - 1, NOW + 3600))
    with pytest.raises(CustodesError, match=r"ledger\.overseers-missing"):
        strict.extend(bytes(sign_note(text, town.overseers[:1], NOW)))
    assert not strict.standing(NOW).may_search  # type: ignore[union-attr]
    strict.extend(bytes(sign_note(text, town.overseers[:2], NOW)))
    assert strict.standing(NOW).may_search  # type: ignore[union-attr]
    assert not strict.standing(NOW + 3601).may_search  # type: ignore[union-attr]


def test_a_rollback_of_database_and_log_together_is_seen_by_the_witnesses(town: Town) -> None:
    """Yesterday's backup of everything put back: a silent rollback fails (AUD-03)."""
    town.write(10)
    town.keeper.seal(NOW)
    town.keeper.ask_witnesses(NOW)
    other = Town.__new__(Town)
    other.__dict__.update(town.__dict__, folder=town.folder, entries=MemoryEntryStore())
    other.write(4)
    kept = town.folder / "log"
    kept.rename(town.folder / "log-of-today")
    rolled = other.new_keeper()
    rolled.seal(NOW)
    gathered = rolled.ask_witnesses(NOW)
    assert gathered is not None
    assert not gathered.has_quorum
    assert {o.trouble.value for o in gathered.outcomes.values() if isinstance(o, Failed)} == {"ahead"}


def test_what_is_known_of_the_witnesses_may_be_lost_or_spoilt(town: Town) -> None:
    town.write(5)
    town.keeper.seal(NOW)
    town.keeper.ask_witnesses(NOW)
    store = FolderTileStore(town.folder / "log")
    for spoilt in (b"", b"{", b"[]", b'{"sizes": 3}', b'{"sizes": {"a": -1}}', b'{"times": {"a": "x"}}', b"\xff"):
        store.write_named(STATE, spoilt)
        town.write(1, len(town.entries.entries))
        town.keeper.seal(NOW)
        gathered = town.keeper.ask_witnesses(NOW)
        assert gathered is not None
        assert gathered.has_quorum


def test_a_promise_names_the_entry_the_log_and_a_time_and_is_signed(town: Town) -> None:
    note = town.keeper.promise(b"entry 7", NOW)
    keys = [use.key for use in town.keyring.uses]
    lines = open_note(note, keys).text.split("\n")
    digest = base64.b64encode(leaf_hash(b"entry 7")).decode()
    assert lines == [PROMISE_HEADER, ORIGIN, digest, str(NOW), str(NOW + PROMISED_S), ""]
    with pytest.raises(CustodesError):
        open_note(note.replace(b"entry" if b"entry" in note else digest.encode()[:4], b"AAAA", 1), keys)


def test_one_seals_at_a_time(town: Town) -> None:
    town.write(50)
    with town.keeper._leading() as is_leading:
        assert is_leading
        assert town.new_keeper().seal(NOW) is None
    assert town.new_keeper().seal(NOW).size == 50  # type: ignore[union-attr]
    assert town.keeper.seal(NOW).size == 50  # type: ignore[union-attr]


def test_sealers_that_take_turns_write_one_log(town: Town) -> None:
    keepers = [town.new_keeper() for _ in range(3)]
    for number in range(30):
        town.write(20, number * 20)
        keepers[number % 3].seal(NOW)
    keys = [part for use in town.keyring.uses for part in ("--key", str(use.key))]
    assert verify.main(["log", str(town.folder / "log"), *keys]) == 0


def test_a_clock_that_went_back_is_noticed(town: Town) -> None:
    town.write(3)
    assert town.keeper.clock_went_back(NOW - 500) == 0
    town.keeper.seal(NOW)
    assert town.keeper.clock_went_back(NOW - 500) == 400
    assert town.keeper.clock_went_back(NOW) == 0


def test_without_witnesses_a_proof_has_the_logs_own_signatures(town: Town) -> None:
    alone = LogKeeper(town.folder / "log", town.entries, lambda: town.keyring)
    town.write(5)
    alone.seal(NOW)
    proof, entry = alone.proof(2)
    assert SignedNote.parse(proof.note).text.startswith(ORIGIN)
    assert proof.verify(entry, Policy(tuple((use.key, "") for use in town.keyring.uses))).checkpoint.size == 5
    assert (alone.ask_witnesses(NOW), alone.standing(NOW), alone.wants_witnesses()) == (None, None, False)
