"""Write the reference pages of ``docs/`` from the source, or ``--check`` that they still say what the source says.

Each page keeps its own prose; what lies between ``<!-- generated -->`` and ``<!-- end -->`` is written here.
Settings come from the docstrings of ``Config``, errors from the calls that raise them, commands from click.
Log events come from their classes: a docstring says when one is written, the string after a field what it means.
"""

from __future__ import annotations

import argparse
import ast
import enum
import inspect
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from custodes.ids import Id
from custodes.ledger.events.fields import Shape

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "custodes"
DOCS = ROOT / "docs"
BEGIN, END = "<!-- generated -->", "<!-- end -->"
_REFUSALS = {"refused"}


# --- errors -----------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class ErrorCode:
    """One stable code and the sentences that come with it, as templates."""

    code: str
    error: str
    what: str
    why: str
    hint: str


def _constant(node: ast.expr | None) -> str:
    if isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def called(call: ast.Call) -> str:
    """Return the last name of what is called."""
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def error_classes(source: str) -> dict[str, tuple[int, int]]:
    """Return each class of the error tree with its exit code and HTTP status."""
    found: dict[str, tuple[int, int]] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        inherited = found.get(getattr(node.bases[0], "id", ""), (0, 0)) if node.bases else (0, 0)
        own = {
            item.target.id: item.value.value
            for item in node.body
            if isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and isinstance(item.value, ast.Constant)
            and isinstance(item.value.value, int)
        }
        inline = {
            item.targets[0].id: item.value.value
            for item in node.body
            if isinstance(item, ast.Assign)
            and isinstance(item.targets[0], ast.Name)
            and isinstance(item.value, ast.Constant)
            and isinstance(item.value.value, int)
        }
        values = own | inline
        found[node.name] = (values.get("exit_code", inherited[0]), values.get("http_status", inherited[1]))
    return found


def _raised(path: Path, classes: set[str]) -> Iterator[ErrorCode]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        name, code = called(node), node.args[0].value
        if not isinstance(code, str) or name not in classes | _REFUSALS:
            continue
        if name in _REFUSALS:
            what, why, hint = (_constant(node.args[i]) if len(node.args) > i else "" for i in (1, 9, 2))
            yield ErrorCode(code, "Refused", what, why, hint)
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        what = _constant(node.args[1]) if len(node.args) > 1 else ""
        yield ErrorCode(code, name, what, _constant(keywords.get("why")), _constant(keywords.get("hint")))


def error_codes(package: Path) -> list[ErrorCode]:
    """Return every code that the source raises, or that a rule of `policy` refuses with."""
    classes = set(error_classes((package / "errors.py").read_text(encoding="utf-8")))
    found = {error for path in package.rglob("*.py") for error in _raised(path, classes)}
    return sorted(found)


def _readable(template: str) -> str:
    return re.sub(r"%\((\w+)\)[a-z]", r"‹\1›", template).replace("%%", "%").replace("|", "\\|").replace("\n", " ")


def errors_page(_old: str) -> str:
    """Return the table of error codes, by what they begin with."""
    classes = error_classes((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    lines: list[str] = []
    group = ""
    for error in error_codes(PACKAGE):
        if (prefix := error.code.partition(".")[0]) != group:
            group = prefix
            lines += [
                "",
                f"## {group}",
                "",
                "| code | exit | HTTP | what | why | what to do |",
                "|---|---|---|---|---|---|",
            ]
        exit_code, status = classes[error.error]
        texts = " | ".join(_readable(text) for text in (error.what, error.why, error.hint))
        lines.append(f"| `{error.code}` | {exit_code} | {status} | {texts} |")
    return "\n".join(lines).strip()


# --- settings ---------------------------------------------------------------------------------------


def documented_members(source: str, class_name: str) -> dict[str, str]:
    """Return the fields or members of a class with the string that follows each ("" without)."""
    body = next(n.body for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and n.name == class_name)
    found: dict[str, str] = {}
    for item, following in zip(body, [*body[1:], None], strict=True):
        target = (
            item.target
            if isinstance(item, ast.AnnAssign)
            else item.targets[0]
            if isinstance(item, ast.Assign)
            else None
        )
        if isinstance(target, ast.Name):
            text = following.value if isinstance(following, ast.Expr) else None
            found[target.id] = " ".join(_constant(text).split())
    return found


def _default(name: str) -> str:
    from custodes.config import Config

    config = Config.from_environment({"CUSTODES_DATA_DIR": "/DATA", "CUSTODES_KEY_DIR": "/KEYS"})
    written = {
        "data_dir": "`$XDG_DATA_HOME/custodes`, else `~/.local/share/custodes`",
        "key_dir": "`DATA_DIR-keys`",
        "database_url": "none: SQLite in `DATA_DIR`",
        "segment_dir": "in `/dev/shm`",
        "threads": "all that the process may use",
        "evaluation": "off",
        "https": "off",
    }
    if name in written:
        return written[name]
    value = getattr(config, name)
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return "`" + text.replace("/DATA", "DATA_DIR").replace("/KEYS", "KEY_DIR") + "`"


def settings_page(_old: str) -> str:
    """Return the table of settings."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    source = (PACKAGE / "config.py").read_text(encoding="utf-8")
    for name, text in documented_members(source, "Config").items():
        variable, _, meaning = text.partition(": ")
        lines.append(f"| {variable.replace('``', '`')} | {_default(name)} | {meaning.replace('``', '`')} |")
    return "\n".join(lines)


# --- commands ---------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name, groups before their members."""
    from custodes.cli.main import command as root

    def walk(command: click.Command, context: click.Context, name: str) -> Iterator[tuple[str, click.Command]]:
        yield name, command
        if isinstance(command, click.Group):
            for part in command.list_commands(context):
                inner = command.get_command(context, part)
                if inner is not None and not inner.hidden:
                    yield from walk(inner, click.Context(inner, info_name=part, parent=context), f"{name} {part}")

    yield from walk(root, click.Context(root, info_name="custodes"), "custodes")


def commands_page(_old: str) -> str:
    """Return each command's usage, help and options."""
    lines: list[str] = []
    for name, command in commands():
        context = click.Context(command, info_name=name)
        usage = " ".join(command.collect_usage_pieces(context))
        help_text = inspect.cleandoc(command.help or "").replace("\b\n", "").partition("\f")[0].strip()
        lines += ["", f"## {name}", "", f"`{name} {usage}`", "", help_text]
        rows = [record for p in command.get_params(context) if (record := p.get_help_record(context))]
        rows = [row for row in rows if not row[0].startswith("--help")]
        if rows:
            lines += ["", "| option | meaning |", "|---|---|"]
            lines += [f"| `{option}` | {_readable(text)} |" for option, text in rows]
    return "\n".join(lines).strip()


# --- log events -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EventField:
    """One field of a kind of log entry: where it stands, what it holds, and what it means."""

    kind: str
    name: str
    place: str
    holds: str
    meaning: str


def event_kinds() -> dict[str, tuple[str, str]]:
    """Return the pattern of each kind of log entry, and its class's docstring: when it is written."""
    from custodes.ledger.events import DEEDS

    return {kind.value: (deed.pattern.value, _sentence(deed.__doc__ or "")) for kind, deed in DEEDS.items()}


def event_fields() -> Iterator[EventField]:
    """Yield every field of every kind of log entry, with the string that follows it in its class."""
    from custodes.ledger.events import DEEDS, specs

    for kind, deed in DEEDS.items():
        for stated in (deed, deed.outcome):
            for spec in specs(stated) if stated else ():
                meaning = next(filter(None, (_member(each, spec.name) for each in stated.__mro__)), "")  # type: ignore[union-attr]
                yield EventField(kind.value, spec.name, spec.place.value, _holds(spec.shape), meaning)


def _member(kind: type, name: str) -> str:
    if name not in inspect.get_annotations(kind):
        return ""
    source = Path(inspect.getfile(kind)).read_text(encoding="utf-8")
    return documented_members(source, kind.__name__)[name]


def _holds(shape: Shape) -> str:
    words = {bool: "yes or no", int: "count", str: "text", Id: "any id"}
    kinds = [
        words.get(kind) or (f"`{kind.prefix}_…`" if issubclass(kind, Id) else kind.__name__) for kind in shape.kinds
    ]
    return " or ".join(kinds) + (", several" if shape.is_many else "") + (", or nothing" if shape.is_optional else "")


def _sentence(docstring: str) -> str:
    text = " ".join(docstring.rstrip(".").split())
    return text[:1].lower() + text[1:]


def _value_types() -> Iterator[tuple[str, str]]:
    """Yield the types of open fields that are neither id, count nor truth value, with what they may hold."""
    from custodes.ledger.events import DEEDS, specs

    deeds = [stated for deed in DEEDS.values() for stated in (deed, deed.outcome) if stated]
    kinds = {kind for each in deeds for spec in specs(each) for kind in spec.shape.kinds}
    for kind in sorted(kinds, key=lambda kind: kind.__name__):
        if issubclass(kind, enum.StrEnum):
            yield kind.__name__, "one of " + ", ".join(f"`{member.value}`" for member in kind)
        elif not issubclass(kind, Id) and kind not in (bool, int, str):
            yield kind.__name__, _readable(_sentence(inspect.getdoc(kind) or "")).replace("``", "`")


def events_page(_old: str) -> str:
    """Return the kinds of log entry, their fields, and what a field may hold."""
    lines = ["## Kinds", "", "| kind | pattern | written when |", "|---|---|---|"]
    lines += [f"| `{kind}` | {pattern} | {meaning} |" for kind, (pattern, meaning) in event_kinds().items()]
    lines += ["", "## Fields", "", "| kind | field | place | holds | meaning |", "|---|---|---|---|---|"]
    lines += [f"| `{f.kind}` | `{f.name}` | {f.place} | {f.holds} | {f.meaning} |" for f in event_fields()]
    lines += ["", "## What an open field may hold", "", "| type | what it is |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in _value_types()]
    return "\n".join(lines)


PAGES = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "log-events.md": events_page,
    "commands.md": commands_page,
}


def rewritten(page: str, name: str) -> str:
    """Return ``page`` with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    inner, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"docs/{name} has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{PAGES[name](inner)}\n\n{END}{after}"


def main() -> int:
    """Write or check every page; return 1 if one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="change nothing; fail if a page is out of date")
    mode.add_argument("--write", action="store_true", help="rewrite the generated parts")
    check = parser.parse_args().check
    os.environ["CUSTODES_LANGUAGE"] = "en"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "custodes.settings")
    stale = 0
    for name in PAGES:
        path = DOCS / name
        old = path.read_text(encoding="utf-8")
        new = rewritten(old, name)
        if new == old:
            continue
        if check:
            stale += 1
            print(f"docs/{name} is out of date: run make reference", file=sys.stderr)
        else:
            path.write_text(new, encoding="utf-8")
            print(f"docs/{name} rewritten")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
