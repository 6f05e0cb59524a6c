"""Signed manifests: made with our own command or openssl, held against the keys that are trusted (SEC-06)."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from custodes.engine.signature import TrustedKey, fingerprint, read_private_key, sign, signer, trusted_keys
from custodes.errors import ModelPackError

MANIFEST = b'name = "own"\n'
KEY, OTHER = Ed25519PrivateKey.from_private_bytes(b"k" * 32), Ed25519PrivateKey.from_private_bytes(b"o" * 32)

OPENSSL = b"x8+5loiTk26LqYVoSb7kTeHyufj6uoR6sB28pPiWI3dwH6VCrGWLR3Vj05tetSgQNYpFTm4jCZXXn2WOR8BCCw=="


def trusted(*keys: Ed25519PrivateKey) -> tuple[TrustedKey, ...]:
    return tuple(TrustedKey(f"key {n}", fingerprint(k.public_key()), k.public_key()) for n, k in enumerate(keys))


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem(key: Ed25519PrivateKey, passphrase: bytes | None = None) -> bytes:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def code(call: object, *arguments: object) -> str:
    with pytest.raises(ModelPackError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


class TestSigning:
    def test_what_was_signed_is_accepted_and_its_signer_named(self) -> None:
        assert signer(MANIFEST, sign(MANIFEST, KEY), trusted(OTHER, KEY)).name == "key 1"

    def test_openssl_makes_the_same_signature(self) -> None:
        """Made once with OpenSSL 3: ``openssl pkeyutl -sign -rawin -inkey KEY -in MANIFEST | base64 -w0``."""
        assert sign(MANIFEST, KEY) == OPENSSL + b"\n"

    def test_line_breaks_in_the_signature_mean_nothing(self) -> None:
        text = sign(MANIFEST, KEY).strip()
        assert signer(MANIFEST, text[:40] + b"\r\n" + text[40:], trusted(KEY)).name == "key 0"


class TestForgeries:
    def test_a_manifest_changed_by_one_byte(self) -> None:
        assert code(signer, MANIFEST + b" ", sign(MANIFEST, KEY), trusted(KEY)) == "pack.signature-wrong"

    def test_a_signature_by_a_stranger(self) -> None:
        assert code(signer, MANIFEST, sign(MANIFEST, OTHER), trusted(KEY)) == "pack.signature-wrong"

    def test_no_key_is_trusted(self) -> None:
        assert code(signer, MANIFEST, sign(MANIFEST, KEY), ()) == "pack.signature-wrong"

    @pytest.mark.parametrize("text", [b"", b"????", b"AAAA", b"\xff\xfe", b"A" * 88, b"A" * 5000, b"A" * 87 + b"="])
    def test_what_is_no_signature(self, text: bytes) -> None:
        assert code(signer, MANIFEST, text, trusted(KEY)) == "pack.signature-wrong"


class TestTrustedKeys:
    def test_a_folder_that_is_not_there_trusts_nobody(self, tmp_path: Path) -> None:
        assert trusted_keys(tmp_path / "none") == ()

    def test_keys_are_named_by_their_files(self, tmp_path: Path) -> None:
        (tmp_path / "vendor.pem").write_bytes(public_pem(KEY))
        (tmp_path / "notes.txt").write_text("no key")
        (found,) = trusted_keys(tmp_path)
        assert (found.name, found.fingerprint) == ("vendor", fingerprint(KEY.public_key()))

    @pytest.mark.parametrize("content", [b"", b"nonsense", private_pem(KEY)])
    def test_a_file_that_holds_no_public_key_is_named_not_passed_over(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "broken.pem").write_bytes(content)
        with pytest.raises(ModelPackError, match=r"broken\.pem") as caught:
            trusted_keys(tmp_path)
        assert caught.value.code == "pack.key-unusable"

    def test_a_key_of_another_kind(self, tmp_path: Path) -> None:
        key = generate_private_key(SECP256R1()).public_key()
        (tmp_path / "curve.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        assert code(trusted_keys, tmp_path) == "pack.key-unusable"

    def test_a_folder_in_the_place_of_a_key(self, tmp_path: Path) -> None:
        (tmp_path / "folder.pem").mkdir()
        assert code(trusted_keys, tmp_path) == "pack.key-unusable"


class TestPrivateKeys:
    def test_one_without_a_passphrase(self, tmp_path: Path) -> None:
        (tmp_path / "k.pem").write_bytes(private_pem(KEY))
        assert read_private_key(tmp_path / "k.pem").private_bytes_raw() == KEY.private_bytes_raw()

    def test_one_with_a_passphrase(self, tmp_path: Path) -> None:
        (tmp_path / "k.pem").write_bytes(private_pem(KEY, b"sesame"))
        assert code(read_private_key, tmp_path / "k.pem") == "pack.key-locked"
        assert code(read_private_key, tmp_path / "k.pem", "wrong") == "pack.key-locked"
        assert read_private_key(tmp_path / "k.pem", "sesame").private_bytes_raw() == KEY.private_bytes_raw()

    @pytest.mark.parametrize("content", [b"", b"nonsense", public_pem(KEY)])
    def test_what_is_no_private_key(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "k.pem").write_bytes(content)
        assert code(read_private_key, tmp_path / "k.pem") == "pack.key-unusable"

    def test_a_private_key_of_another_kind(self, tmp_path: Path) -> None:
        key = generate_private_key(SECP256R1())
        (tmp_path / "k.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        assert code(read_private_key, tmp_path / "k.pem") == "pack.key-unusable"

    def test_a_key_that_is_not_there(self, tmp_path: Path) -> None:
        assert code(read_private_key, tmp_path / "none.pem") == "pack.key-unusable"
