"""Secret files: how any key of this product lies on a disk, and how it is read.

A secret is 32 random bytes.  Its file, mode 0600, is either *plain*, those 32 bytes and nothing else, or *protected* by
a passphrase, in the form that `protected` describes.

What it is not: it knows no purpose of a key, and a passphrase protects none while its process runs.  A device that
never lets a key out (HSM) or a service (KMS) takes this module's place altogether: docs/keys.md.
"""

from __future__ import annotations

import os
import stat
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path

from custodes.errors import SetupError
from custodes.ids import Entropy
from custodes.protected import SECRET_BYTES, Cost, ProtectedSecret, malformed
from custodes.text import N_

PassphraseSource = Callable[[], "bytes | None"]
"""Called once a passphrase is needed; returns it as :func:`passphrase_bytes` does, or None where there is none."""

_MAX_FILE_BYTES = 1000
_MAX_PASSPHRASE_BYTES = 1024


def no_passphrase() -> None:
    """Return no passphrase: a :data:`PassphraseSource` where there is none to be had."""
    return


def passphrase_bytes(text: str) -> bytes:
    """Return what a typed passphrase stands for: UTF-8 of Unicode's form NFC, so that every keyboard says the same.

    Raises:
        SetupError: ``key-file.passphrase-malformed``, empty or over 1,024 bytes.
    """
    made = unicodedata.normalize("NFC", text).encode("utf-8", "surrogateescape")
    if not 0 < len(made) <= _MAX_PASSPHRASE_BYTES:
        raise SetupError(
            "key-file.passphrase-malformed",
            N_("This cannot be a passphrase: it is empty, or longer than %(most)d bytes."),
            hint=N_("Choose one that can be typed."),
            most=_MAX_PASSPHRASE_BYTES,
        )
    return made


def passphrase_file(path: Path) -> PassphraseSource:
    """Return a source that reads the first line of ``path``: a file, a credential of systemd's, a descriptor.

    The source raises SetupError ``key-file.unreadable``, ``key-file.exposed`` or ``key-file.passphrase-malformed``.
    """

    def read() -> bytes:
        line = _content(path, _MAX_PASSPHRASE_BYTES + 2, regular=False).partition(b"\n")[0].removesuffix(b"\r")
        return passphrase_bytes(line.decode("utf-8", "surrogateescape"))

    return read


def is_protected(path: Path) -> bool:
    """Return whether a passphrase protects the secret in ``path``, without asking for it.

    Raises:
        SetupError: ``key-file.unreadable``, ``key-file.exposed`` or ``key-file.malformed``.
    """
    content = _content(path, _MAX_FILE_BYTES)
    if len(content) == SECRET_BYTES:
        return False
    ProtectedSecret.parse(content, path.name)
    return True


def read_secret(path: Path, passphrase: PassphraseSource = no_passphrase) -> bytes:
    """Return the 32 bytes that ``path`` holds; ``passphrase`` is asked only if they are protected.

    Raises:
        SetupError: ``key-file.unreadable``, ``key-file.exposed``, ``key-file.malformed``,
            ``key-file.passphrase-needed`` or ``key-file.passphrase-wrong``.
    """
    content = _content(path, _MAX_FILE_BYTES)
    return content if len(content) == SECRET_BYTES else _opened(content, path, passphrase)


def secret_file(secret: bytes, passphrase: bytes | None, entropy: Entropy, *, cost: Cost | None = None) -> bytes:
    """Return what to write for ``secret`` (32 bytes): plain, or protected by ``passphrase``."""
    if len(secret) != SECRET_BYTES:
        raise ValueError("a secret has 32 bytes")
    if passphrase is None:
        return secret
    return ProtectedSecret.seal(secret, passphrase, entropy, cost or Cost()).encode()


def protect(path: Path, passphrase: PassphraseSource, new_passphrase: bytes | None, entropy: Entropy) -> None:
    """Write the secret in ``path`` anew under ``new_passphrase``, or plain without one; the key itself stays.

    Raises:
        SetupError: as :func:`read_secret`, or ``keys.not-written``.
    """
    replace_file(path, secret_file(read_secret(path, passphrase), new_passphrase, entropy))


def write_new_file(path: Path, content: bytes) -> None:
    """Write ``content`` to a ``path`` that is not there yet (mode 0600): whole and on the disk, or not at all.

    Raises:
        FileExistsError: something is there; it stays as it is.
        SetupError: ``keys.not-written``.
    """
    # unlike a rename, a link never replaces what is there
    _write(path, content, lambda unfinished: os.link(unfinished, path))


def replace_file(path: Path, content: bytes) -> None:
    """Put ``content`` (mode 0600) in the place of ``path``: at any moment the old file or the new one is there, whole.

    The old file's bytes are overwritten afterwards where its file system lets them be; see docs/keys.md for what that
    is worth. Raises SetupError ``keys.not-written``.
    """
    _write(path, content, lambda unfinished: _take_place(unfinished, path))


def take_place(new: Path, path: Path) -> None:
    """Rename ``new`` to ``path``, then overwrite what was there. Raises SetupError ``keys.not-written``."""
    try:
        _take_place(new, path)
    except OSError as error:
        raise _not_written(error) from error


def destroy_file(path: Path) -> None:
    """Overwrite and remove a secret's file, if it is there. Raises SetupError ``keys.not-written``."""
    try:
        with path.open("r+b") as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _sync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _not_written(error) from error


def _take_place(new: Path, path: Path) -> None:
    try:
        old = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        old = None
    try:
        new.replace(path)
        _sync_folder(path.parent)
        if old is not None:
            os.pwrite(old, bytes(os.fstat(old).st_size), 0)
            os.fsync(old)
    finally:
        if old is not None:
            os.close(old)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, put: Callable[[Path], None]) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        unfinished = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            put(unfinished)
        finally:
            unfinished.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise _not_written(error) from error


def _not_written(error: OSError) -> SetupError:
    return SetupError(
        "keys.not-written",
        N_("A new key could not be written (%(reason)s)."),
        hint=N_("Make room, or set CUSTODES_KEY_DIR to a folder on a local disk that you may write."),
        reason=error.strerror or type(error).__name__,
    )


def _content(path: Path, most: int, *, regular: bool = True) -> bytes:
    """Return the first ``most`` bytes of a file that nobody else can reach; a pipe only where none is ``regular``."""
    try:
        # what is no file must not keep the process waiting before it is refused
        with open(path, "rb", buffering=0, opener=_without_waiting if regular else None) as file:
            mode = os.fstat(file.fileno()).st_mode
            content = b""
            while len(content) < most and (part := file.read(most - len(content))):
                content += part
    except OSError as error:
        raise SetupError(
            "key-file.unreadable",
            N_("The key file %(file)s cannot be read (%(reason)s)."),
            hint=N_("Put the file back in its place, readable for the account that Custodes runs as."),
            file=path.name,
            reason=error.strerror or type(error).__name__,
        ) from error
    if regular and not stat.S_ISREG(mode):
        raise malformed(path.name)
    if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SetupError(
            "key-file.exposed",
            N_("Other users of this machine can reach the key file %(file)s."),
            hint=N_("Set the file's mode to 0600 and consider the key disclosed: replace it."),
            file=path.name,
        )
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _opened(content: bytes, path: Path, passphrase: PassphraseSource) -> bytes:
    protected = ProtectedSecret.parse(content, path.name)
    given = passphrase()
    if given is None:
        raise SetupError(
            "key-file.passphrase-needed",
            N_("A passphrase protects the key file %(file)s, and there is none here."),
            hint=N_("Name a file that holds it in the setting for it: docs/settings.md."),
            file=path.name,
        )
    return protected.open(given, path.name)
