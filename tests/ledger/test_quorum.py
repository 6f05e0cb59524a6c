"""Policies of logs and witnesses: C2SP tlog-policy, and the rules of Custodes over it (AUD-04)."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import NOW, ORIGIN, SealedLog, code_of, key, numbered

from custodes.errors import InputError
from custodes.ledger import verify
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import KeyType, SigningKey
from custodes.ledger.note import SignedNote, cosign, sign_note
from custodes.ledger.quorum import OUTSIDE, Policy, Witness

LOG = key(ORIGIN, KeyType.ED25519)
W = {name: key(f"{name.lower()}.example", KeyType.COSIGNATURE_ED25519) for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")}
# C2SP tlog-policy, "Example policy", with keys where it has "<vkey>"
EXAMPLE = f"""
log {LOG.verifier}

witness X1 {W["X1"].verifier}
witness X2 {W["X2"].verifier} https://x2.example/
witness X3 {W["X3"].verifier}
group X-witnesses 2 X1 X2 X3

witness Y1 {W["Y1"].verifier}
witness Y2 {W["Y2"].verifier}
  \t witness \t Y3 {W["Y3"].verifier}
group Y-witnesses any Y1 Y2 Y3
# a comment
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def _verdicts(text: str) -> tuple[str, str]:
    """Return what the library and what the single-file verifier make of a policy: "" if they take it."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        verify.Trust([], data)
    except verify.Failure:
        return code_of(lambda: Policy.parse(data)), "refused"
    return code_of(lambda: Policy.parse(data)), ""


# --- the format -------------------------------------------------------------------------------------


def test_the_example_of_the_specification_means_what_it_says() -> None:
    policy = Policy.parse(EXAMPLE.encode())
    alone = verify.Trust([], EXAMPLE.encode())
    for count in range(7):
        for cosigners in itertools.combinations(W, count):
            xs = sum(name.startswith("X") for name in cosigners)
            expected = xs >= 2 and len(cosigners) > xs
            assert policy.is_met_by(cosigners) is alone.is_met_by(cosigners) is expected
    assert policy.witnesses[1].url == "https://x2.example/"


def test_a_policy_is_read_back_as_it_was_written() -> None:
    policy = Policy.parse(EXAMPLE.encode())
    assert Policy.parse(str(policy).encode()) == policy
    assert str(Policy.parse(b"quorum none\n")) == "quorum none\n"


def test_a_quorum_may_be_one_witness_or_none() -> None:
    assert Policy.parse(f"witness a {W['X1'].verifier}\nquorum a".encode()).is_met_by({"a"})
    assert not Policy.parse(f"witness a {W['X1'].verifier}\nquorum a".encode()).is_met_by({"b"})
    assert Policy.parse(b"quorum none").is_met_by([])


_A, _B = f"witness a {W['X1'].verifier}\n", f"witness b {W['X2'].verifier}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "quorum none\nquorum none\n",
        "quorum missing\n",
        f"quorum a\n{_A}",
        f"{_A}{_A}quorum a\n",
        f"{_A}{_A.replace(' a ', ' b ')}quorum a\n",
        _A.replace(" a ", " none ") + "quorum none\n",
        f"witness a {LOG.verifier}\nquorum a\n",
        f"log {W['X1'].verifier}\nquorum none\n",
        "log nonsense\nquorum none\n",
        "witness a\nquorum none\n",
        f"{_A}group g 2 a\nquorum g\n",
        f"{_A}group g 0 a\nquorum g\n",
        f"{_A}group g 01 a\nquorum g\n",
        f"{_A}group g -1 a\nquorum g\n",
        f"{_A}group g some a\nquorum g\n",
        f"{_A}group g any\nquorum g\n",
        f"{_A}group g any a a\nquorum g\n",
        f"{_A}group g any a b\n{_B}quorum g\n",
        f"{_A}group g any g\nquorum g\n",
        f"{_A}{_B}group g any a\ngroup h any a b\nquorum h\n",
        f"{_A}group a any a\nquorum a\n",
        f"{_A}group none any a\nquorum none\n",
        "quorum\u00a0none\n",
        "QUORUM none\n",
        "quorum none extra\n",
        "unknown line\nquorum none\n",
        "quorum none\r\n",
    ],
)
def test_a_policy_that_says_something_else_is_refused(text: str) -> None:
    assert _verdicts(text) == ("ledger.policy-malformed", "refused")


@pytest.mark.parametrize("text", ["quorum none\n\udcff", "# \x01\nquorum none\n", "a\n" * 2000, "#" * 300_000])
def test_what_is_no_text_or_too_long_is_refused(text: str) -> None:
    assert code_of(lambda: Policy.parse(text.encode("utf-8", "surrogateescape"))) == "ledger.policy-malformed"


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(EXAMPLE.split() + ["\n"] * 20)).map(lambda w: " ".join(w).encode())
)
def test_any_bytes_are_a_policy_or_a_domain_error_and_the_two_readers_agree(data: bytes) -> None:
    code, refused = _verdicts(data.decode("utf-8", "surrogateescape"))
    assert code in {"", "ledger.policy-malformed"}
    if code == "":
        assert refused == ""
        assert str(Policy.parse(str(Policy.parse(data)).encode())) == str(Policy.parse(data))


# --- the rules of Custodes --------------------------------------------------------------------------


def _policy(outside: int, inside: int, k: int) -> Policy:
    names = [f"{OUTSIDE}o{n}" for n in range(outside)] + [f"p{n}" for n in range(inside)]
    witnesses = [Witness(name, key(f"{name[-2:]}.example", KeyType.COSIGNATURE_ED25519).verifier) for name in names]
    return Policy.k_of_n([LOG.verifier], witnesses, k)


@pytest.mark.parametrize(("outside", "inside", "k"), [(2, 1, 2), (3, 3, 4), (3, 4, 4)])
def test_a_policy_in_which_any_witness_may_fail_is_strong_enough(outside: int, inside: int, k: int) -> None:
    policy = _policy(outside, inside, k)
    assert Policy.parse(str(policy).encode()) == policy


@pytest.mark.parametrize(
    ("outside", "inside", "k"),
    [
        (1, 0, 1),  # n = k
        (2, 1, 3),  # n = k
        (0, 3, 2),  # nobody outside policing
        (1, 2, 2),  # the only one outside policing may not fail
    ],
)
def test_a_policy_that_needs_everybody_or_nobody_outside_is_too_weak(outside: int, inside: int, k: int) -> None:
    with pytest.raises(InputError, match=r"ledger.policy-weak"):
        _policy(outside, inside, k)


def test_no_witness_is_no_policy_to_use() -> None:
    assert code_of(Policy.parse(b"quorum none\n").hold_to_rules) == "ledger.policy-weak"


@pytest.mark.parametrize(("outside", "inside", "k"), [(2, 2, 2), (2, 0, 1), (2, 3, 2), (2, 5, 3)])
def test_a_policy_by_which_a_fork_could_have_two_quorums_is_refused(outside: int, inside: int, k: int) -> None:
    with pytest.raises(InputError, match=r"ledger.policy-divided"):
        _policy(outside, inside, k)


def test_a_policy_of_too_many_witnesses_is_refused() -> None:
    _policy(8, 7, 9)
    with pytest.raises(InputError, match=r"ledger.policy-large"):
        _policy(8, 8, 9)


@pytest.mark.parametrize("k", [0, 4])
def test_k_of_n_needs_a_k_from_1_to_n(k: int) -> None:
    assert code_of(lambda: _policy(2, 1, k)) == "ledger.policy-malformed"


def test_police_alone_are_never_a_quorum() -> None:
    policy = _policy(2, 3, 3)
    assert policy.is_met_by({"p0", "p1", f"{OUTSIDE}o1"})
    assert not policy.is_met_by({"p0", "p1", "p2"})
    assert not verify.Trust([], str(policy).encode()).is_met_by({"p0", "p1", "p2"})


# --- checkpoints under a policy ---------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> SealedLog:
    return SealedLog(tmp_path)


def test_a_checkpoint_with_a_quorum_is_accepted_with_who_cosigned_when(log: SealedLog) -> None:
    witnessed = log.policy.accept(log.seal(numbered(3), [OUTSIDE + "ombudsman", "police-b"]))
    assert witnessed.has_quorum
    assert witnessed.cosigned == {OUTSIDE + "ombudsman": NOW + 4, "police-b": NOW + 4}
    assert witnessed.checkpoint.size == 3


def test_a_checkpoint_without_a_quorum_is_judged_and_not_accepted(log: SealedLog) -> None:
    note = log.seal(numbered(3), ["police-b"])
    assert not log.policy.judge(note).has_quorum
    assert code_of(lambda: log.policy.accept(note)) == "ledger.quorum-missing"
    assert code_of(lambda: log.policy.accept(log.seal([], []))) == "ledger.quorum-missing"


def test_witnesses_without_the_log_are_nothing(log: SealedLog) -> None:
    note = SignedNote.parse(log.seal(numbered(3)))
    witnesses_only = bytes(SignedNote(note.text, note.signatures[2:]))
    assert code_of(lambda: log.policy.judge(witnesses_only)) == "ledger.signature-missing"


def test_a_key_of_another_log_signs_for_its_own_origin_only(log: SealedLog) -> None:
    other = str(Checkpoint("another.example", 3, bytes(32)))
    assert code_of(lambda: log.policy.judge(bytes(sign_note(other, log.log_keys, NOW)))) == "ledger.signature-missing"


def test_a_cosignature_that_states_no_time_does_not_count(log: SealedLog) -> None:
    """tlog-cosignature: time 0 makes no statement that this is the largest tree the witness has seen."""
    note = SignedNote.parse(log.seal(numbered(3), ["police-b"]))
    timeless = cosign(note, [log.witness_keys[OUTSIDE + "ombudsman"]], at=0)
    assert set(log.policy.judge(bytes(timeless)).cosigned) == {"police-b"}


@pytest.mark.parametrize("kind", [KeyType.ED25519, KeyType.COSIGNATURE_MLDSA44])
def test_a_log_cannot_be_its_own_witness(kind: KeyType) -> None:
    """Neither with the same key nor, for Ed25519, with the same bytes as a key of the other type."""
    as_witness = KeyType.COSIGNATURE_ED25519 if kind is KeyType.ED25519 else kind
    log_key, witness = SigningKey(ORIGIN, kind, bytes(32)), SigningKey("w.example", as_witness, bytes(32))
    text = f"log {log_key.verifier}\nwitness a {witness.verifier}\nquorum a\n"
    assert _verdicts(text) == ("ledger.policy-malformed", "refused")


def test_one_key_under_two_names_counts_once(log: SealedLog) -> None:
    twice = SigningKey("alias.example", KeyType.COSIGNATURE_ED25519, bytes(32)).verifier
    again = SigningKey("other.example", KeyType.COSIGNATURE_ED25519, bytes(32)).verifier
    with pytest.raises(InputError, match=r"ledger.policy-malformed"):
        Policy.k_of_n([], [Witness("a", twice), Witness("b", again), Witness(OUTSIDE + "c", again)], 2)
