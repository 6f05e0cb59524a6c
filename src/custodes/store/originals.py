"""An original and the name it came under, as one plaintext, so that both are sealed and destroyed together (PRB-01).

Layout: 4 bytes, big-endian, the length of the name; the name in UTF-8, half characters of foreign file systems let
pass; then the file's bytes, untouched.
"""

from __future__ import annotations

_LENGTH_BYTES = 4


def with_name(name: str, data: bytes) -> bytes:
    """Return the plaintext to seal."""
    encoded = name.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded + data


def split_name(plaintext: bytes) -> tuple[str, bytes]:
    """Return the name and the bytes that :func:`with_name` joined."""
    end = _LENGTH_BYTES + int.from_bytes(plaintext[:_LENGTH_BYTES], "big")
    return plaintext[_LENGTH_BYTES:end].decode("utf-8", "surrogatepass"), plaintext[end:]
