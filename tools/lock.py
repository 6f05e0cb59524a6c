"""Resolve the lock files: exact versions with hashes, for every platform, and no index named in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LOCKS = {
    "requirements/lock.txt": ["pyproject.toml", "requirements/build.in"],
    "requirements/lock-dev.txt": [
        "pyproject.toml",
        "requirements/build.in",
        "--extra=dev",
        "-c",
        "requirements/lock.txt",
    ],
    "requirements/uv.txt": ["requirements/uv.in"],
}


def main() -> None:
    """Write every lock file; versions already locked stay unless pyproject.toml no longer allows them."""
    for target, sources in _LOCKS.items():
        print(f"Resolving {target} ...", flush=True)
        options = [
            "-q",
            "--generate-hashes",
            "--universal",
            "--python-version=3.11",
            "--no-header",
            "--no-emit-index-url",
        ]
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "compile", *sources, *options, "-o", target], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
