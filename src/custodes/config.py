"""The only reader of the environment.

Every setting, its variable and its default are fields of :class:`Config`; ``docs/settings.md`` lists
them and a test keeps the two together.  Keys are files whose *place* is set; only ``DATABASE_URL`` may hold a secret,
and is never shown.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from custodes.errors import SetupError
from custodes.text import N_

N = TypeVar("N", int, float)
_HOST = re.compile(r"\.?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")
LANGUAGES = ("en", "fr")
SIGNING_KEY_CHARACTERS = 96
"""Length of the key that signs sessions: 48 random bytes in hexadecimal."""
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - each installation has a folder of its own there, mode 0700
"""A file system that lies in memory, where Linux has one."""
LONGEST_EFFECT = timedelta(minutes=10)
"""No search, and no other effect outside the database, lasts this long: an intent that is older was interrupted."""


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


def _hosts(text: str) -> tuple[str, ...]:
    """Return the names; one that stands for every host would let any page rebind its name to this machine."""
    hosts = tuple(host.strip() for host in text.split(",") if host.strip())
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise _malformed("CUSTODES_ALLOWED_HOSTS", N_("It must be names of hosts, without “*”, scheme, path or port."))
    return hosts


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(folder.strip()).expanduser().resolve() for folder in text.split(",") if folder.strip())


def _segment_dir(env: Mapping[str, str], data_dir: Path, *, kept: tuple[Path, ...]) -> Path:
    """Return the installation's own folder of segments, which must lie outside every folder that is backed up."""
    own = f"custodes-{os.getuid()}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    in_memory = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK | os.X_OK) else None
    named = env.get("CUSTODES_SEGMENT_DIR") or in_memory
    chosen = Path(named).expanduser().resolve() if named else data_dir.with_name(data_dir.name + "-segments")
    if named and chosen.name != own:
        chosen /= own
    if any(chosen.is_relative_to(folder) for folder in (*kept, *_folders(env.get("CUSTODES_LOG_COPIES", "")))):
        raise _malformed("CUSTODES_SEGMENT_DIR", N_("It must lie outside the folders that are backed up."))
    return chosen


def _database_url(text: str) -> str:
    """Return the address of a PostgreSQL database, read whole only where it is used; the error never repeats it."""
    text = text.strip()
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise _malformed("DATABASE_URL", N_("It must begin with postgresql://. Without it, the database is SQLite."))
    return text


def variable_of(setting: str) -> str:
    """Return the environment variable of a field of :class:`Config`."""
    # the name by which every other tool knows it
    return "DATABASE_URL" if setting == "database_url" else f"CUSTODES_{setting.upper()}"


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
    """``CUSTODES_KEY_DIR``: the key store, beside the data folder and not in it: ordinary backups must not hold it."""
    master_key_file: Path
    """``CUSTODES_MASTER_KEY_FILE``: 32 random bytes that wrap every data key; mode 0600; see [Keys](keys.md)."""
    log_key_dir: Path
    """``CUSTODES_LOG_KEY_DIR``: the log's signing keys and ``log-keys``, the list of its public ones."""
    log_dir: Path
    """``CUSTODES_LOG_DIR``: the sealed log, as files that anybody can verify; see [The log](ledger.md)."""
    segment_dir: Path
    """``CUSTODES_SEGMENT_DIR``: where templates lie in the clear to be searched: in memory, or on an encrypted volume,
    and in no backup; see [Search](search.md). By default in /dev/shm, or beside the data folder where there is none."""
    session_file: Path
    """``CUSTODES_SESSION_FILE``: the command line's sign-in of one person; mode 0600."""
    database_url: str = field(default="", repr=False)
    """``DATABASE_URL``: the PostgreSQL database of records and log, ``postgresql://…``; never shown.
    See [PostgreSQL](postgresql.md)."""
    master_passphrase_file: str = ""
    """``CUSTODES_MASTER_PASSPHRASE_FILE``: a file or descriptor whose first line is the master key's passphrase."""
    log_passphrase_file: str = ""
    """``CUSTODES_LOG_PASSPHRASE_FILE``: the same for the log's signing keys."""
    log_copies: tuple[Path, ...] = ()
    """``CUSTODES_LOG_COPIES``: folders off this host, separated by commas, to which the log is copied when sealed."""
    witness_policy: Path = Path("witness-policy")
    """``CUSTODES_WITNESS_POLICY``: the file that names the log's witnesses and how many must cosign; see
    [The log](ledger.md). Without the file there are none."""
    witness_limit: int = 3600
    """``CUSTODES_WITNESS_LIMIT``: seconds that entries may be without a quorum of witnesses before searches stop."""
    night_hour: int = 3
    """``CUSTODES_NIGHT_HOUR``: the hour, UTC (1 to 24), after which the server checks log, gallery and searches."""
    night_sample: int = 20
    """``CUSTODES_NIGHT_SAMPLE``: how many searches of each service that check runs again."""
    overseer_keys: Path = Path("overseers")
    """``CUSTODES_OVERSEER_KEYS``: the public keys, one to a line, of which two may extend that time."""
    timestamp_url: str = ""
    """``CUSTODES_TIMESTAMP_URL``: an authority (RFC 3161) that stamps checkpoints; without one, nothing leaves."""
    timestamp_roots: str = ""
    """``CUSTODES_TIMESTAMP_ROOTS``: a PEM file with the certificates of which that authority's must descend."""
    pack: str = "opencv-zoo"
    """``CUSTODES_PACK``: the model pack whose contract the gallery uses."""
    pack_keys_dir: Path = Path("pack-keys")
    """``CUSTODES_PACK_KEYS_DIR``: public keys (``*.pem``) of those whose signed model packs are trusted."""
    evaluation: bool = False
    """``CUSTODES_EVALUATION=1``: evaluation mode, the only one in which research packs run."""
    language: str = "en"
    """``CUSTODES_LANGUAGE``: ``en`` or ``fr``, for the command line and as the pages' default."""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """``CUSTODES_ALLOWED_HOSTS``: comma-separated names the pages answer to; ``*`` is refused."""
    https: bool = False
    """``CUSTODES_HTTPS=1``: a reverse proxy before the pages speaks HTTPS, and cookies travel over nothing else."""
    max_image_bytes: int = 40_000_000
    """``CUSTODES_MAX_IMAGE_BYTES``: a larger image file is refused before it is read."""
    max_image_pixels: int = 40_000_000
    """``CUSTODES_MAX_IMAGE_PIXELS``: a larger image is refused before it is decoded."""
    max_decode_seconds: float = 10.0
    """``CUSTODES_MAX_DECODE_SECONDS``: decoding that takes longer is abandoned."""
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    """``CUSTODES_THREADS``: processor cores used for inference and for searching."""
    ofiq_program: str = ""
    """``CUSTODES_OFIQ_PROGRAM``: the program OFIQSampleApp, where “custodes quality compare” is to run it."""
    ofiq_config: str = ""
    """``CUSTODES_OFIQ_CONFIG``: OFIQ's configuration file, or the folder that it is in."""

    def in_force(self) -> Iterator[tuple[str, str]]:
        """Yield every variable with the value it has in this process, set or by default, as it would be written."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, tuple):
                value = ",".join(map(str, value))
            if setting.name == "database_url":
                value = value and "postgresql://…"
            yield variable_of(setting.name), str(int(value) if isinstance(value, bool) else value)

    @property
    def database_file(self) -> Path:
        """The SQLite database of records and of the log.

        In it photographs, probes and templates are ciphertext; person numbers, dates, offences, accounts and what
        people wrote into their requests are not.
        """
        return self.data_dir / "custodes.sqlite3"

    @property
    def evaluation_mark(self) -> Path:
        """Beside a master key that was made for evaluation: it opens no operational installation, nor the reverse."""
        return self.master_key_file.with_name(self.master_key_file.name + ".evaluation")

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
        key_dir = (
            Path(env.get("CUSTODES_KEY_DIR") or data_dir.with_name(data_dir.name + "-keys")).expanduser().resolve()
        )

        def path(name: str, default: Path) -> Path:
            return Path(env.get(name) or default).expanduser().resolve()

        def number(name: str, kind: type[N], default: N) -> N:
            return _number(name, env.get(name, ""), kind, default)

        return cls(
            data_dir=data_dir,
            models_dir=path("CUSTODES_MODELS_DIR", data_dir / "models"),
            key_dir=key_dir,
            master_key_file=path("CUSTODES_MASTER_KEY_FILE", key_dir / "master.key"),
            log_key_dir=path("CUSTODES_LOG_KEY_DIR", key_dir / "log"),
            log_dir=path("CUSTODES_LOG_DIR", data_dir / "log"),
            segment_dir=_segment_dir(env, data_dir, kept=(data_dir, key_dir)),
            session_file=path("CUSTODES_SESSION_FILE", data_dir / "session"),
            database_url=_database_url(env.get("DATABASE_URL", "")),
            master_passphrase_file=env.get("CUSTODES_MASTER_PASSPHRASE_FILE", ""),
            log_passphrase_file=env.get("CUSTODES_LOG_PASSPHRASE_FILE", ""),
            log_copies=_folders(env.get("CUSTODES_LOG_COPIES", "")),
            witness_policy=path("CUSTODES_WITNESS_POLICY", key_dir / "log" / "witness-policy"),
            witness_limit=number("CUSTODES_WITNESS_LIMIT", int, cls.witness_limit),
            night_hour=number("CUSTODES_NIGHT_HOUR", int, cls.night_hour),
            night_sample=number("CUSTODES_NIGHT_SAMPLE", int, cls.night_sample),
            overseer_keys=path("CUSTODES_OVERSEER_KEYS", key_dir / "log" / "overseers"),
            timestamp_url=env.get("CUSTODES_TIMESTAMP_URL", ""),
            timestamp_roots=env.get("CUSTODES_TIMESTAMP_ROOTS", ""),
            pack=env.get("CUSTODES_PACK") or cls.pack,
            pack_keys_dir=path("CUSTODES_PACK_KEYS_DIR", data_dir / "pack-keys"),
            evaluation=env.get("CUSTODES_EVALUATION") == "1",
            language=_language(env.get("CUSTODES_LANGUAGE") or cls.language),
            allowed_hosts=_hosts(env.get("CUSTODES_ALLOWED_HOSTS", "")) or cls.allowed_hosts,
            https=env.get("CUSTODES_HTTPS") == "1",
            max_image_bytes=number("CUSTODES_MAX_IMAGE_BYTES", int, cls.max_image_bytes),
            max_image_pixels=number("CUSTODES_MAX_IMAGE_PIXELS", int, cls.max_image_pixels),
            max_decode_seconds=number("CUSTODES_MAX_DECODE_SECONDS", float, cls.max_decode_seconds),
            threads=number("CUSTODES_THREADS", int, len(os.sched_getaffinity(0))),
            ofiq_program=env.get("CUSTODES_OFIQ_PROGRAM", ""),
            ofiq_config=env.get("CUSTODES_OFIQ_CONFIG", ""),
        )
