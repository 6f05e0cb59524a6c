"""A secret under a passphrase, as bytes: the form in which any key of this product lies on a disk if it is protected.

Four lines of ASCII::

    custodes protected key 1
    argon2id <memory in KiB> <passes> <lanes>
    <salt, 16 bytes in base64>
    <nonce, 12 bytes, and AES-256-GCM's output, 48 bytes, in base64>

The key of AES-256-GCM (NIST SP 800-38D) is made of the passphrase by Argon2id (RFC 9106); what is authenticated beside
the secret is the first three lines, so that none of them can be changed.  Costs are bounded when a file is read: a
hostile one costs seconds and 256 MiB at most.

What it is not: it opens no file and asks nobody for a passphrase, which is `keyfile`'s to do.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from custodes.errors import SetupError
from custodes.ids import Entropy
from custodes.text import N_

SECRET_BYTES = 32
_TITLE = "custodes protected key 1"
_SALT_BYTES = 16
_NONCE_BYTES = 12
_TAG_BYTES = 16
_COST_LINE = re.compile(r"argon2id ([1-9][0-9]{0,6}) ([1-9][0-9]?) ([1-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess at a passphrase costs (RFC 9106, section 4). ``memory``: KiB, up to 262,144; ``passes``: up to 16.

    The default is the RFC's second recommended option.
    """

    memory: int = 65_536
    passes: int = 3
    lanes: int = 4

    @property
    def is_bearable(self) -> bool:
        """Whether a file may ask for it."""
        return 8 * self.lanes <= self.memory <= 262_144 and 1 <= self.passes <= 16 and 1 <= self.lanes <= 8


@dataclass(frozen=True, slots=True)
class ProtectedSecret:
    """A secret that a passphrase protects, as its file states it.

    ``salt``: 16 bytes; ``head``: the lines that are authenticated; ``body``: nonce (12 bytes) and ciphertext with its
    tag (48 bytes).
    """

    cost: Cost
    salt: bytes
    head: bytes
    body: bytes

    @classmethod
    def seal(cls, secret: bytes, passphrase: bytes, entropy: Entropy, cost: Cost) -> ProtectedSecret:
        """Protect ``secret`` (32 bytes) with ``passphrase``, under a salt and a nonce of its own."""
        salt, nonce = entropy(_SALT_BYTES), entropy(_NONCE_BYTES)
        salt_line = base64.b64encode(salt).decode()
        head = f"{_TITLE}\nargon2id {cost.memory} {cost.passes} {cost.lanes}\n{salt_line}\n".encode()
        body = nonce + AESGCM(_stretched(passphrase, salt, cost)).encrypt(nonce, secret, head)
        return cls(cost, salt, head, body)

    @classmethod
    def parse(cls, content: bytes, name: str) -> ProtectedSecret:
        """Read the four lines in a file called ``name``. Raises SetupError ``key-file.malformed``."""
        lines = content.split(b"\n")
        if len(lines) != 5 or lines[0] != _TITLE.encode() or lines[4]:
            raise malformed(name)
        found = _COST_LINE.fullmatch(lines[1].decode("ascii", "replace"))
        salt, body = _from_base64(lines[2]), _from_base64(lines[3])
        cost = Cost(int(found[1]), int(found[2]), int(found[3])) if found else None
        is_whole = len(salt) == _SALT_BYTES and len(body) == _NONCE_BYTES + SECRET_BYTES + _TAG_BYTES
        if cost is None or not cost.is_bearable or not is_whole:
            raise malformed(name)
        return cls(cost, salt, content[: content.rindex(lines[3])], body)

    def encode(self) -> bytes:
        """Return the four lines."""
        return self.head + base64.b64encode(self.body) + b"\n"

    def open(self, passphrase: bytes, name: str) -> bytes:
        """Return the secret. Raises SetupError ``key-file.passphrase-wrong``."""
        cipher = AESGCM(_stretched(passphrase, self.salt, self.cost))
        try:
            return cipher.decrypt(self.body[:_NONCE_BYTES], self.body[_NONCE_BYTES:], self.head)
        except InvalidTag as error:
            raise SetupError(
                "key-file.passphrase-wrong",
                N_("This passphrase does not open the key file %(file)s."),
                why=N_("It is another one, or the file was altered."),
                hint=N_("Try again; if you are sure of the passphrase, put the file back from its copy."),
                file=name,
            ) from error


def malformed(name: str) -> SetupError:
    """Return the error for a file that is no secret's."""
    return SetupError(
        "key-file.malformed",
        N_("The key file %(file)s holds neither 32 bytes nor a protected key that can be read here."),
        hint=N_("Put the right key file back in its place."),
        file=name,
    )


def _from_base64(line: bytes) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw) == line else b""


def _stretched(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    return Argon2id(
        salt=salt, length=SECRET_BYTES, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory
    ).derive(passphrase)
