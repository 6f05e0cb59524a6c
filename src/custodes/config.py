"""The only reader of the environment.

Every setting, its variable and its default are fields of :class:`Config`; ``docs/settings.md`` lists
them and a test keeps the two together.  Nothing here is secret: keys are files whose *place* is set.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from custodes.errors import SetupError
from custodes.text import N_

N = TypeVar("N", int, float)
LANGUAGES = ("en", "fr")


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "custodes"


def _number(name: str, text: str, kind: type[N], default: N) -> N:
    if not text.strip():
        return default
    try:
        value = kind(text)
    except ValueError:
        value = kind(0)
    if not (math.isfinite(value) and value > 0):
        raise _malformed(name, N_("It must be a number greater than zero."))
    return value


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise _malformed("CUSTODES_LANGUAGE", N_("It must be “en” or “fr”."))
    return text


def _malformed(name: str, why: str) -> SetupError:
    return SetupError(
        "config.malformed",
        N_("The environment variable %(name)s cannot be used."),
        why=why,
        hint=N_("Correct it, or unset it to have the default; docs/settings.md lists every setting."),
        name=name,
    )


@dataclass(frozen=True)
class Config:
    """One installation's settings.  Paths are absolute; durations in seconds; sizes in bytes or pixels."""

    data_dir: Path
    """``CUSTODES_DATA_DIR``: database, key store and session of this installation."""
    models_dir: Path
    """``CUSTODES_MODELS_DIR``: model packs' weights; may be shared by several installations."""
    key_dir: Path
    """``CUSTODES_KEY_DIR``: the key store, which ordinary backups must not hold."""
    master_key_file: Path
    """``CUSTODES_MASTER_KEY_FILE``: 32 random bytes that wrap every data key; mode 0600."""
    session_file: Path
    """``CUSTODES_SESSION_FILE``: the command line's sign-in of one person; mode 0600."""
    pack: str = "opencv-zoo"
    """``CUSTODES_PACK``: the model pack whose contract the gallery uses."""
    evaluation: bool = False
    """``CUSTODES_EVALUATION=1``: evaluation mode, the only one in which research packs run."""
    language: str = "en"
    """``CUSTODES_LANGUAGE``: ``en`` or ``fr``, for the command line and as the pages' default."""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """``CUSTODES_ALLOWED_HOSTS``: comma-separated names the pages answer to."""
    max_image_bytes: int = 40_000_000
    """``CUSTODES_MAX_IMAGE_BYTES``: a larger image file is refused before it is read."""
    max_image_pixels: int = 64_000_000
    """``CUSTODES_MAX_IMAGE_PIXELS``: a larger image is refused before it is decoded."""
    max_decode_seconds: float = 10.0
    """``CUSTODES_MAX_DECODE_SECONDS``: decoding that takes longer is abandoned."""
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    """``CUSTODES_THREADS``: processor cores used for inference."""

    @property
    def database_file(self) -> Path:
        """The SQLite database of records (ciphertext only) and of the log."""
        return self.data_dir / "custodes.sqlite3"

    @property
    def secret_key_file(self) -> Path:
        """Django's signing key for sessions and forms."""
        return self.data_dir / "web-secret.key"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read every setting; unset variables take the defaults documented on the fields.

        Raises:
            SetupError: ``config.malformed``, naming the variable.
        """
        env = os.environ if environ is None else environ
        data_dir = Path(env.get("CUSTODES_DATA_DIR") or _default_data_dir(env)).expanduser().resolve()
        key_dir = Path(env.get("CUSTODES_KEY_DIR") or data_dir / "keys").expanduser().resolve()

        def path(name: str, default: Path) -> Path:
            return Path(env.get(name) or default).expanduser().resolve()

        def number(name: str, kind: type[N], default: N) -> N:
            return _number(name, env.get(name, ""), kind, default)

        hosts = tuple(host.strip() for host in env.get("CUSTODES_ALLOWED_HOSTS", "").split(",") if host.strip())
        return cls(
            data_dir=data_dir,
            models_dir=path("CUSTODES_MODELS_DIR", data_dir / "models"),
            key_dir=key_dir,
            master_key_file=path("CUSTODES_MASTER_KEY_FILE", key_dir / "master.key"),
            session_file=path("CUSTODES_SESSION_FILE", data_dir / "session"),
            pack=env.get("CUSTODES_PACK") or cls.pack,
            evaluation=env.get("CUSTODES_EVALUATION") == "1",
            language=_language(env.get("CUSTODES_LANGUAGE") or cls.language),
            allowed_hosts=hosts or cls.allowed_hosts,
            max_image_bytes=number("CUSTODES_MAX_IMAGE_BYTES", int, cls.max_image_bytes),
            max_image_pixels=number("CUSTODES_MAX_IMAGE_PIXELS", int, cls.max_image_pixels),
            max_decode_seconds=number("CUSTODES_MAX_DECODE_SECONDS", float, cls.max_decode_seconds),
            threads=number("CUSTODES_THREADS", int, len(os.sched_getaffinity(0))),
        )
