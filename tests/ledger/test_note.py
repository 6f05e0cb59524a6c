"""Signed notes: the specification's example, Go's vectors, and every way in which a note can be malformed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.ledger.sealing import code_of, key

from custodes.errors import InputError
from custodes.ledger.keys import KeyType, SigningKey, VerifierKey
from custodes.ledger.note import (
    MAX_SIGNATURES,
    Signature,
    SignedNote,
    cosign,
    open_note,
    sign_note,
    verified_signatures,
)

# C2SP signed-note, "Verifier keys", the example
FOO_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# C2SP signed-note, the example at its beginning; its key is not published
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()
# golang.org/x/mod/sumdb/note, note_test.go: the format's first implementation
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

peter, enoch = VerifierKey.parse(PETER_KEY), VerifierKey.parse(ENOCH_KEY)


def _open_code(text: str, *known: VerifierKey) -> str:
    return code_of(lambda: open_note(text.encode("utf-8", "surrogateescape"), known))


# --- published vectors ------------------------------------------------------------------------------


def test_the_example_of_the_specification_verifies() -> None:
    assert open_note(FOO_NOTE, [VerifierKey.parse(FOO_KEY)]).text == "This is an example message.\n"


def test_the_poem_keeps_its_empty_line_and_comes_out_as_it_went_in() -> None:
    note = SignedNote.parse(POEM)
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert [(one.name, len(one.payload)) for one in note.signatures] == [("quasimodo.example/salvatore", 64)]
    assert bytes(note) == POEM


def test_signing_gives_the_bytes_that_go_gives() -> None:
    note = sign_note(TEXT, [SigningKey("PeterNeumann", KeyType.ED25519, PETER_SEED)], at=0)
    assert bytes(note) == f"{TEXT}\n{PETER}".encode()


@pytest.mark.parametrize(("known", "verified"), [([peter], [peter]), ([peter, enoch], [peter, enoch]), ([], [])])
def test_signatures_of_known_keys_are_verified_and_others_ignored(
    known: list[VerifierKey], verified: list[VerifierKey]
) -> None:
    note = SignedNote.parse(f"{TEXT}\n{PETER}{ENOCH}".encode())
    assert [key for key, _ in verified_signatures(note, known)] == verified


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETER[:-1],
        "\x01" + TEXT + "\n" + PETER,
        "\udcff" + TEXT + "\n" + PETER,
        TEXT + "\n" + PETER.replace("PeterNeumann", "Bad Name"),
        TEXT + "\n" + PETER + "Unexpected line.\n",
        TEXT + "\n" + PETER * (MAX_SIGNATURES + 1),
    ],
)
def test_what_go_refuses_as_malformed_is_malformed(text: str) -> None:
    assert _open_code(text, peter) == "ledger.note-malformed"


def test_what_go_refuses_as_wrong_is_wrong() -> None:
    assert _open_code(f"{TEXT}\n{PETER[:60]}ABCD{PETER[60:]}", peter) == "ledger.signature-wrong"
    assert _open_code(f"{TEXT}\n{PETER}{ENOCH}") == "ledger.signature-missing"


def test_no_part_and_no_change_of_a_verifier_key_is_one() -> None:
    for begin in range(len(PETER_KEY)):
        for end in range(begin, len(PETER_KEY) + 1):
            if end - begin < len(PETER_KEY):
                assert code_of(lambda b=begin, e=end: VerifierKey.parse(PETER_KEY[b:e])) == "ledger.key-malformed"  # type: ignore[misc]
    for place in range(len(PETER_KEY)):
        changed = PETER_KEY[:place] + chr(ord(PETER_KEY[place]) + 1) + PETER_KEY[place + 1 :]
        assert code_of(lambda text=changed: VerifierKey.parse(text)) == "ledger.key-malformed"  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # of another length
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # of another type
    ],
)
def test_the_two_keys_that_go_refuses_are_refused(text: str) -> None:
    assert code_of(lambda: VerifierKey.parse(text)) == "ledger.key-malformed"


def test_verifier_keys_are_written_as_they_are_read() -> None:
    for text in (FOO_KEY, PETER_KEY, ENOCH_KEY):
        assert str(VerifierKey.parse(text)) == text


# --- the specification's demands --------------------------------------------------------------------


def test_a_known_name_with_another_id_and_a_known_id_with_another_name_are_unknown_keys() -> None:
    other_id = PETER.replace("x08go", "y08go")
    assert _open_code(f"{TEXT}\n{other_id}", peter) == "ledger.signature-missing"
    assert _open_code(f"{TEXT}\n{PETER.replace('PeterNeumann', 'Peter')}", peter) == "ledger.signature-missing"
    assert _open_code(f"{TEXT}\n{other_id}{PETER}", peter) == ""


def test_one_wrong_signature_of_a_known_key_refuses_the_note_whoever_else_signed() -> None:
    wrong = PETER.replace("nAM=", "nAQ=")
    assert _open_code(f"{TEXT}\n{ENOCH}{wrong}", peter, enoch) == "ledger.signature-wrong"


def test_sixteen_signatures_are_accepted() -> None:
    """signed-note, "Format": verifiers must accept at least 16, and unknown ones of any size."""
    strangers = "".join(str(Signature(f"w{n}", b"abcd", bytes(5000))) for n in range(15))
    assert _open_code(f"{TEXT}\n{strangers}{PETER}", peter) == ""


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u2003", "\u0085", "\u3000"])
def test_a_key_name_has_no_space_of_any_script(space: str) -> None:
    assert _open_code(f"{TEXT}\n{PETER.replace('Peter', 'Peter' + space)}", peter) == "ledger.note-malformed"


@pytest.mark.parametrize(
    "line", ["— a+b AAAAAAA=", "—  AAAAAAA=", "— a AAAA", "— a AAAAAA=", "- a AAAAAAA=", "— a", "—"]
)
def test_a_line_that_is_no_signature_refuses_the_note(line: str) -> None:
    assert _open_code(f"{TEXT}\n{line}\n{PETER}", peter) == "ledger.note-malformed"


@pytest.mark.parametrize("changed", ["nAN=", "nAM", "nAM= ", "nAM==", "n\nAM="])
def test_base64_has_one_spelling(changed: str) -> None:
    """RFC 4648, section 3.5: bits that are thrown away must be zero, or a flipped byte would go unseen."""
    assert _open_code(f"{TEXT}\n{PETER.replace('nAM=', changed)}", peter) == "ledger.note-malformed"


def test_a_note_longer_than_any_is_refused_before_it_is_read() -> None:
    assert _open_code("a" * 1_000_001 + f"\n\n{PETER}", peter) == "ledger.note-malformed"


@pytest.mark.parametrize("text", ["no newline", "a\tb\n", "a\rb\n", ""])
def test_what_cannot_be_a_notes_text_is_not_signed(text: str) -> None:
    with pytest.raises(InputError, match=r"ledger.note-malformed"):
        sign_note(text, [], at=0)


def test_signing_again_replaces_the_signature_of_the_same_key() -> None:
    signer = key("a.example/w", KeyType.COSIGNATURE_ED25519)
    text = "log.example\n1\n" + base64.b64encode(bytes(32)).decode() + "\n"
    once = sign_note(text, [signer], at=5)
    again = cosign(once, [signer], at=6)
    assert len(again.signatures) == 1
    assert again.signatures != once.signatures


@given(st.binary(max_size=300))
@example(b"\n\n\xe2\x80\x94 n AAAAAAA=\n")
def test_any_bytes_are_a_note_or_a_domain_error(data: bytes) -> None:
    if not code_of(lambda: SignedNote.parse(data)):
        assert bytes(SignedNote.parse(data)) == data


@given(st.data())
def test_a_damaged_note_is_a_note_or_a_domain_error(data: st.DataObject) -> None:
    damaged = bytearray(f"{TEXT}\n{PETER}{ENOCH}".encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3) | st.just(b"\n"))
    _open_code(bytes(damaged).decode("utf-8", "surrogateescape"), peter)  # raises what is no domain error


@given(st.text(max_size=120) | st.from_regex(r"[a-z]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}", fullmatch=True))
def test_any_text_is_a_verifier_key_or_a_domain_error(text: str) -> None:
    assert code_of(lambda: VerifierKey.parse(text)) in {"", "ledger.key-malformed"}
