"""Fill a virtual environment from a lock file: with uv where it can be had (seconds), else with pip (a minute or two).

Runs under the machine's own Python, before anything is installed: standard library only.
Every download is held to the hashes of the lock file; nothing is built but Custodes itself.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PIP_QUIET = ["--disable-pip-version-check", "--no-input"]


def _say(text: str) -> None:
    print(text, flush=True)


def create(venv: Path) -> Path:
    """Create ``venv`` unless it works already; return its interpreter."""
    python = venv / "bin" / "python"
    if python.exists() and subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return python
    _say(f"Creating {venv.name} with Python {sys.version.split()[0]} ...")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", venv], capture_output=True, text=True)
    if made.returncode:
        sys.exit(
            f"{made.stdout}{made.stderr}\nPython could not create a virtual environment. "
            "On Debian and Ubuntu: apt-get install python3-venv"
        )
    return python


def _uv_environment(python: Path) -> dict[str, str]:
    """Tell uv, which reads no pip.conf, which index pip would use."""
    listed = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True)
    pairs = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
    settings = {key.rpartition(".")[2].replace("_", "-"): value.strip("'\"") for key, value in pairs.items()}
    environment = dict(os.environ)
    if "index-url" in settings:
        environment.setdefault("UV_DEFAULT_INDEX", settings["index-url"])
    if "cert" in settings:
        environment.setdefault("SSL_CERT_FILE", settings["cert"])
    return environment


def find_uv(python: Path) -> str | None:
    """Return a uv: the machine's, the environment's, or one installed into the environment; ``None`` without."""
    found = shutil.which("uv") or shutil.which("uv", path=str(python.parent))
    if found:
        return found
    _say("Installing uv, which installs the rest quickly ...")
    command: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "-q",
        *_PIP_QUIET,
        "--require-hashes",
        "-r",
        ROOT / "requirements/uv.txt",
    ]
    if subprocess.run(command, capture_output=True).returncode:
        _say("uv cannot be had here; pip will do.")
        return None
    return shutil.which("uv", path=str(python.parent))


def _install_with_pip(python: Path, lock: Path) -> None:
    command: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        *_PIP_QUIET,
        "--progress-bar=off",
        "--require-hashes",
        "-r",
        lock,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pip:
        for line in pip.stdout or ():
            if line.startswith(("Collecting", "Installing", "Successfully")):
                _say("  " + line.strip()[:100])
    if pip.returncode:
        sys.exit("pip could not install what the lock file names; its own message is above.")


def install(python: Path, lock: Path) -> None:
    """Install every package of ``lock``, then Custodes itself (editable)."""
    count = sum("==" in line for line in lock.read_text().splitlines())
    uv = find_uv(python)
    _say(f"Installing {count} packages with {'uv' if uv else 'pip'} ...")
    command = [str(uv), "pip", "install", "-q", "--python", str(python), "--require-hashes", "-r", str(lock)]
    if not uv or subprocess.run(command, env=_uv_environment(python)).returncode:
        if uv:
            _say("uv could not; trying again with pip ...")
        _install_with_pip(python, lock)
    own: list[str | Path] = ["install", "-q", *_PIP_QUIET, "--no-deps", "--no-build-isolation", "-e", ROOT]
    if subprocess.run([python, "-m", "pip", *own]).returncode:
        sys.exit("Custodes itself could not be installed into the environment; pip's message is above.")


def main() -> None:
    """Read the command line and fill the environment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements" / "lock.txt")
    arguments = parser.parse_args()
    started = time.monotonic()
    install(create(arguments.venv), arguments.lock)
    _say(f"Installed in {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()
