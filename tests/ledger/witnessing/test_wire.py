"""Requests to a witness and its answers: C2SP tlog-witness, "add-checkpoint"."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import NOW, code_of, key

from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import KeyType
from custodes.ledger.note import MAX_SIGNATURES, Signature, sign_note
from custodes.ledger.tree import EMPTY_ROOT
from custodes.ledger.witnessing.wire import MAX_PROOF_LINES, MAX_REQUEST_BYTES, SIZE_TYPE, Answer, Request

# C2SP tlog-witness, "add-checkpoint": the example request and the example response
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""  # noqa: E501
RESPONSE = """\
— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
"""  # noqa: E501
NOTE = EXAMPLE.partition("\n\n")[2]
HASH = base64.b64encode(bytes(32)).decode()


def test_the_example_request_of_the_specification_is_read() -> None:
    request = Request.parse(EXAMPLE.encode())
    assert (request.old_size, len(request.proof), request.checkpoint.size) == (20852014, 4, 20852163)
    assert request.checkpoint.origin == "example.com/behind-the-sofa"
    assert bytes(request) == EXAMPLE.encode()


def test_the_example_response_of_the_specification_is_read() -> None:
    signatures = Answer(200, "", RESPONSE.encode()).signatures()
    assert [signature.name for signature in signatures] == ["witness.example/w1"] * 2 + ["witness.example/w2"]
    assert Answer.cosigned(signatures).body == RESPONSE.encode()


def test_the_largest_request_there_can_be_fits() -> None:
    log = key("log.example/" + "a" * 243, KeyType.COSIGNATURE_MLDSA44)
    text = str(Checkpoint(log.verifier.name, 0, EMPTY_ROOT))
    note = sign_note(text, [log], NOW).with_signatures(
        Signature(log.verifier.name, n.to_bytes(4, "big"), bytes(2428)) for n in range(MAX_SIGNATURES - 1)
    )
    data = bytes(Request.make(note, 2**62, [bytes(32)] * MAX_PROOF_LINES))
    assert len(data) < MAX_REQUEST_BYTES
    assert Request.parse(data).note == note


@pytest.mark.parametrize(
    "above",
    [
        "",
        "old",
        "old ",
        "old -1",
        "old 01",
        "old 1 ",
        " old 1",
        "Old 1",
        "old\t1",
        "old ٣",
        "old 99999999999999999999",
        "old 1\r",
        f"old 1\n{HASH[:-1]}",
        f"old 1\n{HASH}=",
        f"old 1\n {HASH}",
        "old 1\nAAAA",
        "old 1\n" + "\n".join([HASH] * 64),
    ],
)
def test_what_is_not_a_request_is_refused(above: str) -> None:
    assert code_of(lambda: Request.parse(f"{above}\n\n{NOTE}".encode())) == "ledger.request-malformed"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "ledger.request-malformed"),
        (b"old 0\n" + NOTE.encode(), "ledger.request-malformed"),
        (b"old 0\n\n", "ledger.note-malformed"),
        (b"old 0\n\nnot a note", "ledger.note-malformed"),
        (b"old 0\n\na\nb\nc\n\n" + NOTE.rpartition("\n\n")[2].encode(), "ledger.checkpoint-malformed"),
        (b"old 0\n\n" + b"a" * MAX_REQUEST_BYTES, "ledger.request-malformed"),
    ],
)
def test_what_carries_no_checkpoint_is_refused(data: bytes, code: str) -> None:
    assert code_of(lambda: Request.parse(data)) == code


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda t: f"old 1\n\n{t}".encode("utf-8", "surrogatepass")))
def test_whatever_arrives_is_a_request_or_a_domain_error(data: bytes) -> None:
    code = code_of(lambda: Request.parse(data))
    assert code.startswith("ledger.") or bytes(Request.parse(data)) == data


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_whatever_is_answered_is_signatures_or_a_domain_error(data: bytes) -> None:
    assert code_of(lambda: Answer(200, "", data).signatures()) in {
        "",
        "ledger.answer-malformed",
        "ledger.note-malformed",
    }


@pytest.mark.parametrize(
    ("content_type", "body", "size"),
    [
        (SIZE_TYPE, b"12\n", 12),
        (SIZE_TYPE.upper() + "; charset=utf-8", b"0\n", 0),
        (SIZE_TYPE, b"12", None),
        (SIZE_TYPE, b"012\n", None),
        (SIZE_TYPE, b"12\n\n", None),
        (SIZE_TYPE, b"\xff\n", None),
        (SIZE_TYPE, b"", None),
        ("text/plain", b"12\n", None),
    ],
)
def test_a_size_is_read_only_where_it_is_declared_one(content_type: str, body: bytes, size: int | None) -> None:
    assert Answer(409, content_type, body).size() == size
