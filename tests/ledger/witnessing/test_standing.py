"""What silence of the witnesses means: the uncosigned window, who is missing, what stops, two keys for more time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import NOW, ORIGIN, code_of, key

from custodes.ledger.keys import KeyType
from custodes.ledger.note import SignedNote, cosign, sign_note
from custodes.ledger.quorum import OUTSIDE, Policy, Witness
from custodes.ledger.witnessing.standing import LONGEST_EXTENSION_S, Extension, Missing, Standing, standing

A, B, C = OUTSIDE + "a", OUTSIDE + "b", "c"
POLICY = Policy.k_of_n(
    [key(ORIGIN, KeyType.ED25519).verifier],
    [Witness(name, key(f"{name[-1]}.example", KeyType.COSIGNATURE_ED25519).verifier) for name in (A, B, C)],
    2,
)
OVERSEERS = [key(f"overseer-{n}.example", KeyType.ED25519) for n in range(3)]
KEYS = [signer.verifier for signer in OVERSEERS]
EXTENSION = Extension(ORIGIN, NOW, NOW + 86_400)


def _standing(
    cosigned: dict[str, int], oldest: int | None, *, now: int = NOW, extension: Extension | None = None
) -> Standing:
    return standing(POLICY, cosigned, oldest, now=now, limit_s=3600, grace_s=60, extension=extension)


def test_a_log_whose_entries_are_all_covered_stands_well() -> None:
    assert _standing(dict.fromkeys((A, B, C), NOW - 5), None) == Standing(0, (), True, False)


def test_nobody_is_missing_from_a_log_in_which_nothing_happens() -> None:
    """Nobody was asked for a week."""
    assert _standing(dict.fromkeys((A, B, C), NOW - 7 * 86_400), None).missing == ()


def test_one_missing_witness_is_named_with_the_time_since_when() -> None:
    now = _standing({A: NOW - 5, B: NOW - 5, C: NOW - 500}, None)
    assert now == Standing(0, (Missing(C, NOW - 500),), True, False)


def test_a_witness_that_never_cosigned_is_missing() -> None:
    assert _standing({A: NOW, B: NOW}, None).missing == (Missing(C, None),)
    assert _standing({}, None) == Standing(0, tuple(Missing(n, None) for n in (A, B, C)), False, False)


def test_searches_go_on_within_the_limit_and_stop_after_it() -> None:
    last = {A: NOW - 3700, B: NOW - 3700, C: NOW}
    within = _standing(last, NOW - 3600)
    assert (within.uncosigned_s, within.is_overdue, within.may_search, within.has_quorum) == (3600, False, True, False)
    after = _standing(last, NOW - 3601)
    assert (after.uncosigned_s, after.is_overdue, after.may_search) == (3601, True, False)
    assert after.missing == (Missing(A, NOW - 3700), Missing(B, NOW - 3700))


def test_a_quorum_without_anybody_outside_policing_is_none() -> None:
    """AUD-04: under different control."""
    assert not _standing({C: NOW}, NOW - 100).has_quorum
    assert _standing({A: NOW, C: NOW}, NOW - 100).has_quorum


def test_an_extension_lets_searches_go_on_until_it_ends() -> None:
    last = dict.fromkeys((A, B, C), NOW - 90_000)
    for now, may in ((NOW - 1, False), (NOW, True), (NOW + 86_399, True), (NOW + 86_400, False)):
        found = _standing(last, NOW - 80_000, now=now, extension=EXTENSION)
        assert (found.is_overdue, found.may_search) == (True, may)


@given(
    st.dictionaries(st.sampled_from([A, B, C, "stranger"]), st.integers(0, 2**62)),
    st.none() | st.integers(0, 2**62),
    st.integers(0, 2**62),
)
def test_whatever_the_times_the_answer_is_consistent(cosigned: dict[str, int], oldest: int | None, now: int) -> None:
    found = _standing(cosigned, oldest, now=now)
    assert found.uncosigned_s >= 0
    assert found.is_overdue == (found.uncosigned_s > 3600)
    assert oldest is not None or not found.is_overdue
    assert {one.name for one in found.missing} <= {A, B, C}


# --- two keys for more time -------------------------------------------------------------------------


def _signed(extension: Extension, *signers: int) -> bytes:
    return bytes(sign_note(str(extension), [OVERSEERS[n] for n in signers], NOW))


def test_two_overseers_extend_the_time() -> None:
    assert Extension.open(_signed(EXTENSION, 0, 2), KEYS, ORIGIN) == EXTENSION
    first = SignedNote.parse(_signed(EXTENSION, 1))
    assert Extension.open(bytes(cosign(first, [OVERSEERS[0]], NOW)), KEYS, ORIGIN) == EXTENSION


def test_one_overseer_does_not_extend_the_time() -> None:
    assert code_of(lambda: Extension.open(_signed(EXTENSION, 1), KEYS, ORIGIN)) == "ledger.overseers-missing"


def test_one_overseer_twice_is_not_two() -> None:
    note = SignedNote.parse(_signed(EXTENSION, 1))
    twice = SignedNote(note.text, (*note.signatures, *note.signatures))
    assert code_of(lambda: Extension.open(bytes(twice), KEYS, ORIGIN)) == "ledger.overseers-missing"


def test_one_overseers_key_under_two_names_is_not_two() -> None:
    from custodes.ledger.keys import SigningKey

    one, other = (SigningKey(name, KeyType.ED25519, bytes(32)) for name in ("a.example", "b.example"))
    data = bytes(sign_note(str(EXTENSION), [one, other], NOW))
    found = code_of(lambda: Extension.open(data, [one.verifier, other.verifier], ORIGIN))
    assert found == "ledger.overseers-missing"


def test_a_strangers_key_does_not_count() -> None:
    data = bytes(sign_note(str(EXTENSION), [OVERSEERS[0], key("stranger.example", KeyType.ED25519)], NOW))
    assert code_of(lambda: Extension.open(data, KEYS, ORIGIN)) == "ledger.overseers-missing"


def test_an_altered_extension_is_refused() -> None:
    data = _signed(EXTENSION, 0, 1).replace(str(EXTENSION.until).encode(), str(EXTENSION.until + 1).encode())
    assert code_of(lambda: Extension.open(data, KEYS, ORIGIN)) == "ledger.signature-wrong"


def test_an_extension_of_another_log_is_refused() -> None:
    assert code_of(lambda: Extension.open(_signed(EXTENSION, 0, 1), KEYS, "other")) == "ledger.extension-malformed"


@pytest.mark.parametrize("length", [0, -1, LONGEST_EXTENSION_S + 1])
def test_an_extension_ends_and_soon(length: int) -> None:
    data = _signed(Extension(ORIGIN, NOW, NOW + length), 0, 1)
    assert code_of(lambda: Extension.open(data, KEYS, ORIGIN)) == "ledger.extension-malformed"


@pytest.mark.parametrize(
    "text",
    [
        "custodes/quorum-extension@v2\n" + str(EXTENSION).partition("\n")[2],
        str(EXTENSION) + "more\n",
        str(EXTENSION).replace("granted ", "granted  "),
        str(EXTENSION).replace("until ", "until 0"),
        "custodes/quorum-extension@v1\n",
        "a\n",
    ],
)
def test_what_is_no_extension_is_refused(text: str) -> None:
    data = bytes(sign_note(text, OVERSEERS[:2], NOW))
    assert code_of(lambda: Extension.open(data, KEYS, ORIGIN)) == "ledger.extension-malformed"


@given(st.binary(max_size=200))
def test_whatever_is_given_is_an_extension_or_a_domain_error(data: bytes) -> None:
    assert code_of(lambda: Extension.open(data, KEYS, ORIGIN)).startswith("ledger.")
