"""What `custodes doctor` asks: is this installation whole, and does it hold its promises? Reads, never mends.

Needs nobody's sign-in, because it shows no record: only counts and states.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial

from custodes.config import LONGEST_EFFECT, SIGNING_KEY_CHARACTERS, Config
from custodes.engine import verify
from custodes.errors import CustodesError
from custodes.imaging import DecodingPool
from custodes.keyfile import is_protected
from custodes.store import health as store
from custodes.store import installation, searches
from custodes.store.database import is_there, readable_database
from custodes.text import N_, Text
from custodes.types import Context
from custodes.workflows import clear_templates, decoding
from custodes.workflows.finding import Finding
from custodes.workflows.packs import usable_pack

_FREE_BYTES = 1_000_000_000


Check = Callable[[Config, datetime], Finding]


def examine(
    config: Config, context: Context, *, make_pool: Callable[[Config], DecodingPool] = decoding.one_worker
) -> Iterator[Finding]:
    """Yield a finding per check. A check that fails over a file or one of our errors is a finding, never a crash."""
    try:
        has_database = is_there(config.database_file)
    except CustodesError as error:
        has_database = False
        yield Finding(Text(N_("Database")), False, error.what, error.hint)
    for name, check, needs_database in _CHECKS:
        if has_database or not needs_database:
            yield _found(name, partial(check, config, context.now()))
    with closing(make_pool(config)) as pool:
        for name, asked in decoding.CHECKS:
            yield _found(name, partial(asked, pool))


def _found(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        with readable_database():
            return check()
    except CustodesError as error:
        return Finding(Text(name), False, error.what, error.hint)
    except OSError as error:
        reason = {"reason": error.strerror or type(error).__name__}
        return Finding(Text(name), False, Text(N_("It cannot be examined (%(reason)s)."), reason))


def _data_folder(config: Config, _now: datetime) -> Finding:
    name = Text(N_("Data folder"))
    place = {"place": config.data_dir}
    if not (config.secret_key_file if config.database_url else config.database_file).exists():
        return Finding(
            name,
            False,
            Text(N_("There is no installation in %(place)s."), place),
            Text(N_("Run “custodes init”, or “make demo” to try Custodes out.")),
        )
    if config.data_dir.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding(
            name,
            False,
            Text(N_("Other users of this machine can enter %(place)s."), place),
            Text(N_("Set the folder's mode to 0700.")),
        )
    return Finding(name, True, Text("%(place)s", place))


def _space(config: Config, _now: datetime) -> Finding:
    place = next(path for path in (config.data_dir, *config.data_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        Text(N_("Disk space")),
        free >= _FREE_BYTES,
        Text(N_("%(free).1f GB are free."), {"free": free / 1e9}),
        Text("") if free >= _FREE_BYTES else Text(N_("Make room before enrolling.")),
    )


def _keys(config: Config, _now: datetime) -> Finding:
    name = Text(N_("Master key"))
    is_protected(config.master_key_file)
    for folder in {config.key_dir, config.master_key_file.parent}:
        if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return Finding(
                name,
                False,
                Text(N_("Other users of this machine can enter %(place)s."), {"place": folder}),
                Text(N_("Set the folder's mode to 0700.")),
            )
    if config.data_dir in (config.key_dir, *config.key_dir.parents, *config.master_key_file.parents):
        return Finding(
            name,
            False,
            Text(N_("Inside the data folder, so that a backup of the one holds the other.")),
            Text(N_("Move it out and set CUSTODES_KEY_DIR, or unset that to have the default.")),
        )
    return Finding(name, True, Text(N_("Apart from the data folder.")))


def _signing_key(config: Config, _now: datetime) -> Finding:
    """The key that signs sessions: 48 random bytes in hexadecimal, for its owner alone."""
    name = Text(N_("Signing key"))
    try:
        key = config.secret_key_file.stat()
    except FileNotFoundError:
        key = None
    if key is None or key.st_size < SIGNING_KEY_CHARACTERS:
        return Finding(
            name,
            False,
            Text(N_("The key that signs sessions is missing or cut short.")),
            Text(N_("Run “custodes init” again, which makes a new one and ends every session.")),
        )
    if key.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding(
            name,
            False,
            Text(N_("Other users of this machine can read the key that signs sessions.")),
            Text(N_("Delete it and run “custodes init” again, which makes a new one and ends every session.")),
        )
    return Finding(name, True, Text(N_("Present, for its owner alone.")))


def _sealed(config: Config, _now: datetime) -> Finding:
    counts = store.key_counts(config.key_dir / "keys.sqlite3")
    missing = counts.missing
    return Finding(
        Text(N_("Key store")),
        missing == 0,
        Text(
            N_("Sealed records: %(sealed)d, without a key: %(missing)d, keys without a record: %(spare)d."),
            {"sealed": counts.sealed, "missing": missing, "spare": counts.spare},
        ),
        Text("") if missing == 0 else Text(N_("Is this the key store that belongs to this database?")),
    )


def _schema(_config: Config, _now: datetime) -> Finding:
    waiting = store.pending_migrations()
    return Finding(
        Text(N_("Database")),
        waiting == 0 and store.is_intact(),
        Text(N_("Changes of its structure that are waiting: %(waiting)d."), {"waiting": waiting}),
        Text("") if waiting == 0 else Text(N_("Run “custodes migrate”, which applies them.")),
    )


def _server(_config: Config, _now: datetime) -> Finding:
    """The fence between services binds no superuser, and whoever owns the tables can take it down."""
    name, state = Text(N_("Database server")), store.server_state()
    if state is None:
        return Finding(name, True, Text(N_("None: SQLite. The workflows alone keep services apart.")))
    role = {"role": state.role, "tables": ", ".join(state.unfenced)}
    if state.is_superuser or state.is_owner:
        return Finding(
            name,
            False,
            Text(N_("The role “%(role)s” owns the tables or is a superuser, so it can lift what they refuse."), role),
            Text(N_("Run Custodes as a role that only reads and writes rows: docs/postgresql.md.")),
        )
    if state.unfenced:
        return Finding(
            name,
            False,
            Text(N_("No row-level security binds the role “%(role)s” on: %(tables)s."), role),
            Text(N_("Tell the person responsible for the server: somebody took the fence between services down.")),
        )
    if not state.is_private:
        return Finding(
            name,
            False,
            Text(N_("What is sent between this machine and the server is not encrypted.")),
            Text(N_("Set sslmode=verify-full in DATABASE_URL.")),
        )
    return Finding(name, True, Text(N_("The role “%(role)s” is bound by row-level security."), role))


def _weights(config: Config, _now: datetime) -> Finding:
    pack = usable_pack(config)
    verify(pack, config.models_dir)
    return Finding(Text(N_("Model pack")), True, Text(N_("%(pack)s: every file has its SHA-256."), {"pack": pack.name}))


def _purpose(config: Config, _now: datetime) -> Finding:
    """ENG-04: casework and evaluation have installations of their own, marked when they are made."""
    made_for_it = installation.is_for_evaluation()
    return Finding(
        Text(N_("Purpose")),
        made_for_it == config.evaluation_mark.exists() == config.evaluation,
        Text(N_("Evaluation only: no casework.") if made_for_it else N_("Casework.")),
        Text("") if made_for_it == config.evaluation else Text(N_("CUSTODES_EVALUATION says otherwise: correct it.")),
    )


def _attribution(_config: Config, _now: datetime) -> Finding:
    """AUD-09: zero searches lack a person, a case or a purpose."""
    nameless = len(searches.unattributed())
    return Finding(
        Text(N_("Attribution")),
        nameless == 0,
        Text(N_("Searches that lack a person, a case or a purpose: %(count)d."), {"count": nameless}),
        Text("") if nameless == 0 else Text(N_("Tell your oversight body: this must never happen.")),
    )


def _intents(_config: Config, now: datetime) -> Finding:
    """An intent that is older than any effect lasts was interrupted, and nobody has noted it."""
    count, old = store.open_intents(before=now - LONGEST_EFFECT)
    return Finding(
        Text(N_("Log")),
        old == 0,
        Text(
            N_("%(size)d entries, %(open)d under way, %(old)d of them for more than ten minutes."),
            {"size": store.log_size(), "open": count, "old": old},
        ),
        Text("") if old == 0 else Text(N_("They were interrupted; the next command or “custodes serve” notes it.")),
    )


_CHECKS: tuple[tuple[str, Check, bool], ...] = (
    (N_("Data folder"), _data_folder, False),
    (N_("Disk space"), _space, False),
    (N_("Model pack"), _weights, False),
    (N_("Master key"), _keys, True),
    (N_("Signing key"), _signing_key, True),
    (N_("Database"), _schema, True),
    (N_("Database server"), _server, True),
    (N_("Key store"), _sealed, True),
    (N_("Purpose"), _purpose, True),
    (N_("Attribution"), _attribution, True),
    (N_("Log"), _intents, True),
    (N_("Templates in the clear"), lambda config, _now: clear_templates.check(config), False),
)
