"""Keep the French catalogue complete: extract, update, compile; ``--check`` changes nothing and fails on a gap.

gettext's own programs are not needed: Babel reads Python, Django turns its templates into something Babel reads.
The command line's help is collected by walking its commands as `cli.words` does when it translates them; click's own
sentences come from click, and licence notes from the model packs that come with Custodes. English is the source
language and has no catalogue. French is held to Canadian typography: U+00A0 before a colon and inside guillemets,
nothing before a semicolon, a question mark or an exclamation mark.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "custodes"
PO = PACKAGE / "locale" / "fr" / "LC_MESSAGES" / "django.po"
_KEYWORDS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "gettext_noop": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_TEMPLATES = {".html", ".txt"}
# sentences of click that no operator can meet; both speak of what "does not match", which Custodes never says
_UNREACHABLE = {
    "Error: The two entered values do not match.",
    ("{value!r} does not match the format {format}.", "{value!r} does not match the formats {formats}."),
}
# what is wrong with the spaces of a French sentence; a colon inside a time, an address or a command has none after it
_SPACING = re.compile(
    r"""\u202f                        # a narrower space: U+00A0 is the one in use
    | \s[;?!]                        # nothing stands before these in Canada
    | [^\S\u00a0]: | [^\s]:(?=\s|$)  # U+00A0 before a colon
    | «(?!\u00a0) | (?<!\u00a0)»      # U+00A0 inside guillemets
    | \d\ (?=\d{3}(?!\d)) | \d\ %(?=%|\s|$)
    | \s[,.](?=\s|$) | \S[ ]{2,}\S    # stray spaces
    """,
    re.VERBOSE,
)
# a catalogue that changes only when its messages do
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def _template_as_python(text: str) -> str:
    from django.conf import settings

    if not settings.configured:
        settings.configure()
    from django.utils.translation.template import templatize

    # what is not a message becomes X's, indented at random; indentation means nothing here
    return "\n".join(line.strip() for line in templatize(text).splitlines())


def _extracted(text: str, name: str) -> Iterator[tuple[str | tuple[str, ...], list[str], str | None]]:
    found = extract("python", io.BytesIO(text.encode()), _KEYWORDS, comment_tags=["Translators:"])
    for _line, message, comments, context in found:
        if message and message != "":
            yield message, [*comments], context
        else:
            raise SystemExit(f"{name}: an empty message")


def collect(package: Path) -> Catalog:
    """Return a catalogue of every message below ``package``: in Python, and in templates."""
    catalog = Catalog(project="custodes", charset="utf-8", creation_date=_EPOCH, fuzzy=False)
    for path in sorted(package.rglob("*")):
        template = "templates" in path.parts and path.suffix in _TEMPLATES
        if path.suffix != ".py" and not template:
            continue
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(package.parent))
        for message, comments, context in _extracted(_template_as_python(text) if template else text, name):
            catalog.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return catalog


def add_commands(catalog: Catalog) -> None:
    """Add the summaries and the help of every command, and what click itself says."""
    from custodes.cli import main, words

    def add(name: str, command: click.Command) -> None:
        def note(message: str) -> str:
            catalog.add(message, locations=[(name, 0)])
            return message

        words.in_words(command, note)

    add("custodes/cli/main.py", main.command)
    for name, target in main.COMMANDS.items():
        add(f"custodes/cli/{target.partition(':')[0]}.py", main.load(name))
    for module in words.CLICK:
        file = Path(str(module.__file__))
        for message, _comments, _context in _extracted(file.read_text(encoding="utf-8"), file.name):
            if message not in _UNREACHABLE:
                catalog.add(message, locations=[(f"click/{file.name}", 0)])
    # click looks this one up under a variable
    catalog.add("required", locations=[("click/core.py", 0)])


def add_licence_notes(catalog: Catalog) -> None:
    """Add what the model packs that come with Custodes say of their licences."""
    from custodes.engine import builtin_packs

    for pack in builtin_packs().values():
        catalog.add(pack.licence_note, locations=[(f"custodes/engine/manifests/{pack.name}.toml", 0)])


def everything() -> Catalog:
    """Return a catalogue of every message that Custodes can show."""
    catalog = collect(PACKAGE)
    add_commands(catalog)
    add_licence_notes(catalog)
    return catalog


def updated(template: Catalog, po: Path) -> Catalog:
    """Return the French catalogue with the messages of ``template`` and the translations that ``po`` has for them."""
    catalog = Catalog(locale="fr", charset="utf-8")
    if po.exists():
        with po.open("rb") as file:
            catalog = read_po(file, locale="fr")
    catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    catalog.project, catalog.version, catalog.msgid_bugs_address = "custodes", "", ""
    catalog.creation_date = catalog.revision_date = _EPOCH
    catalog.last_translator, catalog.language_team = "Custodes", "fr"
    catalog.header_comment = "# French for Custodes. Kept by tools/messages.py (make messages)."
    catalog.fuzzy = False
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """Return the text of the catalogue, sorted, without line numbers: it changes only when messages do."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return buffer.getvalue().rstrip() + b"\n"


def as_mo(catalog: Catalog) -> bytes:
    """Return the compiled catalogue."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def _complaint(message: Message) -> str | None:
    strings = message.string if isinstance(message.string, list | tuple) else [message.string]
    if not all(strings):
        return "not translated"
    if message.fuzzy:
        return "translation marked fuzzy"
    errors = list(message.check())
    if errors:
        return str(errors[0])
    misspaced = next((found for text in strings if (found := _SPACING.search(str(text)))), None)
    return f"spaces around “{misspaced.string[: misspaced.end() + 1][-12:]}”" if misspaced else None


def problems(catalog: Catalog, po: Path) -> list[str]:
    """Return what is wrong: messages without (sound) French, a catalogue or compiled file that is out of date."""
    found = [f"{complaint}: {message.id!r}" for message in catalog if message.id and (complaint := _complaint(message))]
    mo = po.with_suffix(".mo")
    if not po.exists() or po.read_bytes() != as_po(catalog):
        found.append(f"{po.name} is out of date: run make messages")
    if not mo.exists() or mo.read_bytes() != as_mo(catalog):
        found.append(f"{mo.name} is out of date: run make messages")
    return found


def main() -> int:
    """Update and compile, or with ``--check`` only report; return 1 on a gap."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a message lacks French")
    check = parser.parse_args().check
    catalog = updated(everything(), PO)
    if not check:
        PO.parent.mkdir(parents=True, exist_ok=True)
        PO.write_bytes(as_po(catalog))
        PO.with_suffix(".mo").write_bytes(as_mo(catalog))
    found = problems(catalog, PO)
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"{len(catalog)} messages, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
