"""Weights on this machine: read once, hashed, and used from the very bytes that were hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custodes.engine.packs import Pack, WeightsFile
from custodes.errors import ModelPackError
from custodes.text import N_


@dataclass(frozen=True, slots=True)
class PulledFile:
    """A verified file and what gave it (``None``: it was already here)."""

    path: Path
    source: str | None


@dataclass(frozen=True, slots=True)
class PulledFiles:
    """A whole pack, verified, in ``folder``."""

    pack: str
    folder: Path
    files: tuple[PulledFile, ...]


@contextmanager
def writable() -> Iterator[None]:
    """Turn what the file system says of the models folder into our error.

    Raises:
        ModelPackError: ``pack.folder-unusable``.
    """
    try:
        yield
    except OSError as error:
        raise ModelPackError(
            "pack.folder-unusable",
            N_("The folder of model packs cannot be changed (%(reason)s)."),
            hint=N_("Check its owner and mode, and whether the disk is full."),
            reason=error.strerror or type(error).__name__,
        ) from error


def verify(pack: Pack, models_dir: Path) -> PulledFiles:
    """Hash every file of ``pack`` in ``models_dir`` again.

    Raises:
        ModelPackError: ``pack.not-pulled``, ``pack.weights-truncated`` or ``pack.weights-altered``.
    """
    folder = models_dir / pack.name
    for file in pack.files:
        read_verified(folder / file.filename, file, pack.name)
    return PulledFiles(pack.name, folder, tuple(PulledFile(folder / file.filename, None) for file in pack.files))


def read_weights(pack: Pack, models_dir: Path, role: str) -> bytes:
    """Return the bytes of the file that plays ``role``: the same bytes that were hashed.

    Raises:
        ModelPackError: ``pack.not-pulled``, ``pack.weights-truncated`` or ``pack.weights-altered``.
    """
    file = pack.file(role)
    return read_verified(models_dir / pack.name / file.filename, file, pack.name)


def read_verified(path: Path, file: WeightsFile, pack: str) -> bytes:
    """Return the bytes at ``path`` if they are ``file`` of the pack named ``pack``.

    Raises:
        ModelPackError: ``pack.not-pulled``, ``pack.weights-truncated`` or ``pack.weights-altered``.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(file.size + 1)
    except OSError as error:
        raise ModelPackError(
            "pack.not-pulled",
            N_("The file “%(file)s” of the model pack “%(pack)s” is not on this machine."),
            hint=N_("Fetch it with “custodes models pull %(pack)s”; without a network, add --from-folder FOLDER."),
            file=file.filename,
            pack=pack,
        ) from error
    check(file, len(data), hashlib.sha256(data).hexdigest())
    return data


def check(file: WeightsFile, size: int, digest: str) -> None:
    """Do nothing if ``size`` in bytes and SHA-256 ``digest`` are those of ``file``.

    Raises:
        ModelPackError: ``pack.weights-truncated`` or ``pack.weights-altered``.
    """
    if size < file.size:
        raise ModelPackError(
            "pack.weights-truncated",
            N_("The file “%(file)s” is incomplete: %(size)s of %(expected)s bytes."),
            hint=N_("Fetch the model pack again."),
            file=file.filename,
            size=size,
            expected=file.size,
        )
    if size > file.size or digest != file.sha256:
        raise altered(file)


def altered(file: WeightsFile) -> ModelPackError:
    """Return the error for bytes that are not those the manifest names."""
    return ModelPackError(
        "pack.weights-altered",
        N_("The file “%(file)s” is not the one its manifest names."),
        why=N_("Its SHA-256 is different: it was changed, damaged or exchanged. It was not loaded."),
        hint=N_("Find out who changed it, then fetch the model pack again."),
        file=file.filename,
    )
