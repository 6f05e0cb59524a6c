"""What `custodes doctor` asks: is this installation whole, and does it hold its promises? Reads, never mends.

Needs nobody's sign-in, because it shows no record: only counts and states.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from custodes.config import Config
from custodes.engine import check_licence, find_pack, verify
from custodes.errors import CustodesError
from custodes.store import health as store
from custodes.store import searches
from custodes.store.keys import read_master_key
from custodes.text import N_, Text

_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is well, and if not what to do."""

    name: Text
    is_well: bool
    detail: Text = field(default_factory=lambda: Text(""))
    hint: Text = field(default_factory=lambda: Text(""))


Check = Callable[[Config], Finding]


def examine(config: Config) -> Iterator[Finding]:
    """Yield a finding per check. A check that raises one of our errors is a finding too, never a crash."""
    for name, check, needs_database in _CHECKS:
        if needs_database and not config.database_file.exists():
            continue
        try:
            yield check(config)
        except CustodesError as error:
            yield Finding(Text(name), False, error.what, error.hint)


def _data_folder(config: Config) -> Finding:
    name = Text(N_("Data folder"))
    place = {"place": config.data_dir}
    if not config.database_file.exists():
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


def _space(config: Config) -> Finding:
    place = next(path for path in (config.data_dir, *config.data_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        Text(N_("Disk space")),
        free >= _FREE_BYTES,
        Text(N_("%(free).1f GB are free."), {"free": free / 1e9}),
        Text("") if free >= _FREE_BYTES else Text(N_("Make room before enrolling.")),
    )


def _keys(config: Config) -> Finding:
    read_master_key(config.master_key_file)
    apart = config.data_dir not in config.key_dir.parents
    where = (
        Text(N_("Apart from the data folder."))
        if apart
        else Text(N_("Inside the data folder: exclude it from backups."))
    )
    return Finding(Text(N_("Master key")), True, where)


def _sealed(config: Config) -> Finding:
    counts = store.key_counts(config.key_dir / "keys.sqlite3")
    missing = counts.missing
    return Finding(
        Text(N_("Key store")),
        missing == 0,
        Text(
            N_("%(sealed)d sealed records, %(missing)d without a key, %(spare)d keys without a record."),
            {"sealed": counts.sealed, "missing": missing, "spare": counts.spare},
        ),
        Text("") if missing == 0 else Text(N_("Is this the key store that belongs to this database?")),
    )


def _schema(config: Config) -> Finding:
    waiting = store.pending_migrations()
    return Finding(
        Text(N_("Database")),
        waiting == 0 and store.is_intact(),
        Text(N_("%(waiting)d changes of its structure are waiting."), {"waiting": waiting}),
        Text("") if waiting == 0 else Text(N_("Start “custodes serve” or “custodes demo” once, which applies them.")),
    )


def _weights(config: Config) -> Finding:
    pack = find_pack(config.pack)
    check_licence(pack=pack.name, allows_operational_use=pack.operational_use, evaluation=config.evaluation)
    verify(pack, config.models_dir)
    return Finding(Text(N_("Model pack")), True, Text(N_("%(pack)s: every file has its SHA-256."), {"pack": pack.name}))


def _attribution(config: Config) -> Finding:
    """AUD-09: zero searches lack a person, a case or a purpose."""
    nameless = len(searches.unattributed())
    return Finding(
        Text(N_("Attribution")),
        nameless == 0,
        Text(N_("%(count)d searches lack a person, a case or a purpose."), {"count": nameless}),
        Text("") if nameless == 0 else Text(N_("Tell your oversight body: this must never happen.")),
    )


def _intents(config: Config) -> Finding:
    count = store.open_intents()
    return Finding(
        Text(N_("Log")),
        True,
        Text(N_("%(size)d entries, %(open)d under way."), {"size": store.log_size(), "open": count}),
    )


_CHECKS: tuple[tuple[str, Check, bool], ...] = (
    (N_("Data folder"), _data_folder, False),
    (N_("Disk space"), _space, False),
    (N_("Model pack"), _weights, False),
    (N_("Master key"), _keys, True),
    (N_("Database"), _schema, True),
    (N_("Key store"), _sealed, True),
    (N_("Attribution"), _attribution, True),
    (N_("Log"), _intents, True),
)
