"""Where packs are: those that ship with Custodes, and the operator's own in ``packs/`` of the models folder.

A pack of the operator's is ``packs/NAME.toml`` with, beside it, ``NAME.toml.sig`` if somebody signed it; its weights
are in the folder ``NAME`` like any other pack's.  Lying there makes a pack known, not usable: an administrator adds it
to the installation (`workflows.packs`), which remembers the manifest's hash.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from custodes.engine.manifest import malformed, parse_manifest
from custodes.engine.packs import Manifest, builtin_manifests
from custodes.engine.signature import SUFFIX
from custodes.engine.weights import writable
from custodes.errors import ModelPackError
from custodes.text import N_

SHELF = "packs"
_LARGEST_MANIFEST = 100_000
_LARGEST_SIGNATURE = 1_000


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in the TOML file at ``path``, with the signature beside it.

    Raises:
        ModelPackError: ``pack.manifest-malformed``.
    """
    try:
        content = _read(path, _LARGEST_MANIFEST)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise malformed("file", "cannot be read as UTF-8 text") from error
    if len(content) > _LARGEST_MANIFEST:
        raise malformed("file", "is longer than any manifest")
    signature = None
    with suppress(FileNotFoundError):
        signature = _read(path.with_name(path.name + SUFFIX), _LARGEST_SIGNATURE)
    return Manifest(parse_manifest(text), content, signature)


def write_signature(manifest: Path, signature: bytes) -> Path:
    """Write ``signature`` beside ``manifest`` and return where. Raises ModelPackError ``pack.folder-unusable``."""
    path = manifest.with_name(manifest.name + SUFFIX)
    with writable():
        _write(path, signature)
    return path


def own_names(models_dir: Path) -> list[str]:
    """Return the names of the operator's own packs in ``models_dir``, whether or not their manifests are sound."""
    return sorted(path.stem for path in (models_dir / SHELF).glob("*.toml"))


def find_manifest(name: str, models_dir: Path | None = None) -> Manifest:
    """Return the manifest of the pack ``name``: a built-in one, or one of the operator's own in ``models_dir``.

    Raises:
        ModelPackError: ``pack.unknown`` or ``pack.manifest-malformed``.
    """
    known = builtin_manifests()
    if name in known:
        return known[name]
    own = own_names(models_dir) if models_dir else []
    if models_dir is None or name not in own:
        raise ModelPackError(
            "pack.unknown",
            N_("There is no model pack named “%(pack)s”."),
            hint=N_("Known packs: %(known)s. An administrator adds one of your own with “custodes models add”."),
            pack=name,
            known=", ".join([*known, *own]),
        )
    manifest = read_manifest(models_dir / SHELF / f"{name}.toml")
    if manifest.pack.name != name:
        raise malformed("name", "is not the name of its file")
    return manifest


def put(manifest: Manifest, staged: Path, models_dir: Path) -> None:
    """Put ``manifest`` on the shelf of ``models_dir``, its weights first, from the folder ``staged`` beside it.

    ``staged`` is on the same file system.  Each step is whole or not done, and all of it can be done again.

    Raises:
        ModelPackError: ``pack.folder-unusable``.
    """
    with writable():
        _put(manifest, staged, models_dir)


def _put(manifest: Manifest, staged: Path, models_dir: Path) -> None:
    pack, target = manifest.pack, models_dir / manifest.pack.name
    target.mkdir(parents=True, exist_ok=True)
    for file in pack.files:
        (staged / file.filename).replace(target / file.filename)
    _sync(target)
    shelf = models_dir / SHELF
    shelf.mkdir(parents=True, exist_ok=True)
    path = shelf / f"{pack.name}.toml"
    beside = path.with_name(path.name + SUFFIX)
    if manifest.signature is None:
        beside.unlink(missing_ok=True)
    else:
        _write(beside, manifest.signature)
    _write(path, manifest.content)
    _sync(models_dir)


def take_away(name: str, models_dir: Path) -> None:
    """Remove an own pack's manifest, signature and weights from ``models_dir``; what is gone already is no error.

    Raises:
        ModelPackError: ``pack.folder-unusable``.
    """
    path = models_dir / SHELF / f"{name}.toml"
    with writable():
        path.unlink(missing_ok=True)
        path.with_name(path.name + SUFFIX).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            shutil.rmtree(models_dir / name)
        with suppress(FileNotFoundError):
            _sync(path.parent)


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most + 1)


def _write(path: Path, content: bytes) -> None:
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).chmod(0o644)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
