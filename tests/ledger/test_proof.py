"""Proofs in a file: C2SP tlog-proof, made, read and verified by the library and by the single-file verifier."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.sealing import OUTSIDE_ONLY, SealedLog, code_of, numbered

from custodes.errors import InputError
from custodes.ledger import verify
from custodes.ledger.proof import Proof
from custodes.ledger.tiles import TileReader

H1, H2 = (hashlib.sha256(text).digest() for text in (b"hash1", b"hash2"))
B1, B2 = (base64.b64encode(digest).decode() for digest in (H1, H2))
HEADER = "c2sp.org/tlog-proof@v1"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SealedLog:
    log = SealedLog(tmp_path_factory.mktemp("log"))
    log.seal(numbered(700))
    return log


def _proof(log: SealedLog, index: int, extra: bytes | None = None) -> Proof:
    note = log.store.read_checkpoint()
    assert note is not None
    return Proof.make(TileReader(log.store, 700), index, note, extra=extra)


# --- published vectors: github.com/transparency-dev/formats, proof/tlog_proof_test.go ---------------


@pytest.mark.parametrize(
    ("proof", "text"),
    [
        (Proof(5, (H1, H2), b"test checkpoint\n"), f"{HEADER}\nindex 5\n{B1}\n{B2}\n\ntest checkpoint\n"),
        (
            Proof(10, (H1,), b"checkpoint data\n", b"extra information"),
            f"{HEADER}\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n{B1}\n\ncheckpoint data\n",
        ),
        (Proof(0, (), b"checkpoint\n"), f"{HEADER}\nindex 0\n\ncheckpoint\n"),
    ],
)
def test_proofs_are_written_as_the_formats_package_writes_them(proof: Proof, text: str) -> None:
    assert bytes(proof) == text.encode()


@pytest.mark.parametrize(
    "above",
    [
        "wrong-header\nindex 0",
        f"{HEADER}\nextra !!notbase64!!\nindex 0",
        f"{HEADER}\n",
        f"{HEADER}\nindex notanumber",
        f"{HEADER}\nindex -5",
        f"{HEADER}\nindex 0\n!!notbase64!!",
        f"{HEADER}\nindex 0\n{base64.b64encode(bytes(64)).decode()}",
        f"{HEADER}\nindex 0\n{'a' * 65 * 1024}",
        # where the specification is stricter than that package
        f"{HEADER}\nindex 007",
        f"{HEADER}\nindex +1",
        f"{HEADER}\nindex  1",
        f"{HEADER}\nindex 18446744073709551616",
        f"{HEADER}\nextra\nindex 0",
        f"{HEADER}\nextra YR==\nindex 0",
        f"{HEADER}\nindex 0\nextra YWI=",
        f"{HEADER}\r\nindex 0\r",
        f"{HEADER}\nindex 0\nypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLt=",
        f"{HEADER}\nindex 0\n" + "\n".join([B1] * 63),
    ],
)
def test_what_is_no_proof_is_refused_by_both_readers(log: SealedLog, above: str) -> None:
    data = f"{above}\n\n".encode() + _proof(log, 0).note
    assert code_of(lambda: Proof.parse(data)) == "ledger.proof-malformed"
    with pytest.raises(verify.Failure):
        verify.verify_proof(data, log.entries[0], log.trust())


# --- making and verifying ---------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 698, 699])
def test_a_proof_is_read_back_and_verifies_without_the_log(log: SealedLog, index: int) -> None:
    data = bytes(_proof(log, index, b"extra"))
    proof = Proof.parse(data)
    assert bytes(proof) == data
    assert proof.verify(log.entries[index], log.policy).checkpoint.size == 700
    assert f"entry {index} of" in verify.verify_proof(data, log.entries[index], log.trust())


@pytest.mark.parametrize("index", [0, 300, 699])
def test_no_other_entry_number_or_path_verifies(log: SealedLog, index: int) -> None:
    good = _proof(log, index)
    others = [Proof(number, good.path, good.note) for number in (index + 1, abs(index - 1), 700, 2**62)]
    others += [Proof(index, path, good.note) for path in (good.path[:-1], good.path[1:], (*good.path, H1), ())]
    others += [Proof(index, tuple(reversed(good.path)), good.note)]
    for proof in others:
        assert code_of(lambda one=proof: one.verify(log.entries[index], log.policy)) == "ledger.inclusion-wrong"  # type: ignore[misc]
        with pytest.raises(verify.Failure):
            verify.verify_proof(bytes(proof), log.entries[index], log.trust())
    assert code_of(lambda: good.verify(b"another entry", log.policy)) == "ledger.inclusion-wrong"
    with pytest.raises(verify.Failure, match="does not show"):
        verify.verify_proof(bytes(good), b"another entry", log.trust())


def test_a_proof_under_a_checkpoint_without_a_quorum_is_none(tmp_path: Path) -> None:
    log = SealedLog(tmp_path)
    note = log.seal(numbered(9), ["police-b"])
    proof = Proof.make(TileReader(log.store, 9), 4, note)
    assert code_of(lambda: proof.verify(log.entries[4], log.policy)) == "ledger.quorum-missing"
    with pytest.raises(verify.Failure, match="quorum"):
        verify.verify_proof(bytes(proof), log.entries[4], log.trust())
    log.seal([], OUTSIDE_ONLY)


def test_an_entry_after_the_checkpoint_has_no_proof_under_it(log: SealedLog) -> None:
    with pytest.raises(InputError, match=r"ledger.index-outside"):
        _proof(log, 700)


def test_every_flipped_byte_of_a_proof_is_detected(log: SealedLog) -> None:
    data = bytes(_proof(log, 300))
    for place in range(len(data)):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(verify.Failure):
            verify.verify_proof(flipped, log.entries[300], log.trust())


@given(st.data())
@settings(max_examples=200)
def test_a_damaged_proof_is_a_domain_error_or_still_good_to_both_readers(log: SealedLog, data: st.DataObject) -> None:
    damaged = bytearray(bytes(_proof(log, 300, b"extra")))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3) | st.just(b"\n"))
    code = code_of(lambda: Proof.parse(bytes(damaged)).verify(log.entries[300], log.policy))
    try:
        verify.verify_proof(bytes(damaged), log.entries[300], log.trust(strict=False))
    except verify.Failure:
        return
    assert code == ""


@given(st.binary(max_size=300))
def test_any_bytes_are_a_proof_or_a_domain_error(data: bytes) -> None:
    assert code_of(lambda: Proof.parse(data)).startswith("ledger.")
    assert code_of(lambda: Proof.parse(f"{HEADER}\nindex 0\n".encode() + data)).startswith("ledger.")
