"""Keys of logs and witnesses: three ways to sign, what each covers, and what the specifications publish of them."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import NOW, ORIGIN, code_of, key

from custodes.errors import InputError
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import KeyType, SigningKey, VerifierKey, cosignature_time, signed_message
from custodes.ledger.note import SignedNote, open_note, sign_note

# C2SP tlog-checkpoint and tlog-cosignature, their examples; the keys are not published
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SOFA_NOTE = (
    SOFA + "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()
# github.com/FiloSottile/torchwood, cmd/litewitness/testdata/mldsa.txt: a verifier key, and a checkpoint signed with it
MLDSA_KEY, _, MLDSA_NOTE = (Path(__file__).parent / "vectors" / "mldsa-log.txt").read_text("utf-8").partition("\n\n")

CHECKPOINT = Checkpoint(ORIGIN, 5, bytes(range(32)))
COSIGNING = [KeyType.COSIGNATURE_ED25519, KeyType.COSIGNATURE_MLDSA44]


def test_the_ed25519_cosignature_of_the_specification_is_framed_as_ours() -> None:
    signature = SignedNote.parse(SOFA_NOTE).signatures[1]
    witness = key("witness.example.com/w1", KeyType.COSIGNATURE_ED25519).verifier
    assert cosignature_time(witness, signature) == 1_679_315_147
    assert len(signature.payload) == 8 + 64
    assert signed_message(KeyType.COSIGNATURE_ED25519, witness.name, SOFA.encode(), 1_679_315_147) == (
        b"cosignature/v1\ntime 1679315147\n" + SOFA.encode()
    )


def test_the_ml_dsa_checkpoint_of_another_implementation_verifies() -> None:
    log = VerifierKey.parse(MLDSA_KEY)
    note = open_note(MLDSA_NOTE.encode(), [log])
    assert (log.type, str(log)) == (KeyType.COSIGNATURE_MLDSA44, MLDSA_KEY)
    assert Checkpoint.parse(note.text).size == 1
    assert cosignature_time(log, note.signatures[0]) == 0
    other = MLDSA_NOTE.replace("log\n1\n", "log\n2\n").encode()
    assert code_of(lambda: open_note(other, [log])) == "ledger.signature-wrong"


def test_the_ml_dsa_message_is_the_structure_of_the_specification() -> None:
    """tlog-cosignature, "ML-DSA-44 signed message", put together by hand."""
    message = signed_message(KeyType.COSIGNATURE_MLDSA44, "w.example", SOFA.encode(), 7)
    assert message == (
        b"subtree/v1\n\0\x09w.example"
        + struct.pack(">Q", 7)
        + b"\x1bexample.com/behind-the-sofa"
        + struct.pack(">QQ", 0, 20_852_163)
        + base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    )


@pytest.mark.parametrize("kind", list(KeyType))
def test_a_key_verifies_its_own_signature_and_no_other(kind: KeyType) -> None:
    signer, text = key(ORIGIN, kind), str(CHECKPOINT).encode()
    payload = signer.sign(text, NOW)
    assert signer.verifier.verify(text, payload)
    assert VerifierKey.parse(str(signer.verifier)) == signer.verifier
    assert not key(ORIGIN, kind, "another").verifier.verify(text, payload)
    assert not signer.verifier.verify(str(Checkpoint(ORIGIN, 6, CHECKPOINT.root)).encode(), payload)
    for place in {0, 7, 8, len(payload) // 2, len(payload) - 1}:
        flipped = payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
        assert not signer.verifier.verify(text, flipped)
    for cut in (b"", payload[:-1], payload + b"\0", payload[8:]):
        assert not signer.verifier.verify(text, cut)


@pytest.mark.parametrize("kind", COSIGNING)
def test_the_time_of_a_cosignature_is_signed(kind: KeyType) -> None:
    signer, text = key("w.example", kind), str(CHECKPOINT).encode()
    later = struct.pack(">Q", NOW + 1) + signer.sign(text, NOW)[8:]
    assert not signer.verifier.verify(text, later)


@pytest.mark.parametrize("kind", COSIGNING)
def test_a_cosignature_is_only_of_a_checkpoint_and_only_of_a_possible_time(kind: KeyType) -> None:
    signer, text = key("w.example", kind), str(CHECKPOINT).encode()
    for text_of_none in (b"any text\n", b"\xff\n1\n"):
        assert code_of(lambda it=text_of_none: signer.sign(it, NOW)) == "ledger.checkpoint-malformed"  # type: ignore[misc]
    assert not signer.verifier.verify(b"any text\n", signer.sign(text, NOW))
    assert not signer.verifier.verify(b"\xff\n1\n", signer.sign(text, NOW))
    for time in (-1, 2**63):
        assert code_of(lambda at=time: signer.sign(text, at)) == "ledger.cosignature-impossible"  # type: ignore[misc]
    assert not signer.verifier.verify(text, b"\xff" * 8 + signer.sign(text, NOW)[8:])


def test_an_ml_dsa_cosignature_covers_its_signers_name() -> None:
    """tlog-cosignature: the Ed25519 type does not commit to the name, the ML-DSA type does."""
    text = str(CHECKPOINT).encode()
    signer = key("one.example", KeyType.COSIGNATURE_MLDSA44)
    renamed = VerifierKey("two.example", KeyType.COSIGNATURE_MLDSA44, signer.verifier.public)
    assert not renamed.verify(text, signer.sign(text, NOW))


def test_extension_lines_ride_along_with_no_ml_dsa_cosignature() -> None:
    extended = str(Checkpoint(ORIGIN, 5, CHECKPOINT.root, ("extra",)))
    mldsa, ed = key(ORIGIN, KeyType.COSIGNATURE_MLDSA44), key(ORIGIN, KeyType.COSIGNATURE_ED25519)
    with pytest.raises(InputError, match=r"ledger.cosignature-impossible"):
        mldsa.sign(extended.encode(), NOW)
    assert not mldsa.verifier.verify(extended.encode(), mldsa.sign(str(CHECKPOINT).encode(), NOW))
    assert ed.verifier.verify(extended.encode(), ed.sign(extended.encode(), NOW))


def test_the_same_key_in_two_types_has_two_ids() -> None:
    seed = bytes(32)
    one, two = (SigningKey("a.example", kind, seed).verifier for kind in (KeyType.ED25519, KeyType.COSIGNATURE_ED25519))
    assert one.public == two.public
    assert one.key_id != two.key_id


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "é" * 128])
def test_a_key_without_a_name_that_a_note_can_carry_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"ledger.key-malformed"):
        SigningKey(name, KeyType.ED25519, bytes(32))


def test_a_private_key_is_made_of_32_bytes() -> None:
    with pytest.raises(InputError, match=r"ledger.key-malformed"):
        SigningKey("a.example", KeyType.ED25519, bytes(31))


def test_a_private_key_is_in_no_representation() -> None:
    assert "0101" not in repr(SigningKey("a.example", KeyType.ED25519, b"\1" * 32))


@given(st.sampled_from(list(KeyType)), st.binary(max_size=100), st.binary(max_size=100))
def test_any_bytes_are_a_wrong_signature_and_never_an_error(kind: KeyType, text: bytes, payload: bytes) -> None:
    assert not key(ORIGIN, kind).verifier.verify(text, payload)


def test_a_log_signs_with_both_its_keys_at_once() -> None:
    signers = [key(ORIGIN, KeyType.ED25519), key(ORIGIN, KeyType.COSIGNATURE_MLDSA44)]
    data = bytes(sign_note(str(CHECKPOINT), signers, NOW))
    for signer in signers:
        assert open_note(data, [signer.verifier]).text == str(CHECKPOINT)
