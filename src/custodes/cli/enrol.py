"""`custodes enrol`: enrol booking photographs from a manifest, or check it first."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custodes.cli.say import Progress, say, show_table, translator
from custodes.text import N_
from custodes.types import Barrier

if TYPE_CHECKING:
    from custodes.workflows.enrolment import Coverage, EnrolmentReport

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SHOWN = 20


@click.command()
@click.argument("manifest", type=_FILE)
@click.option("--mapping", required=True, type=_FILE, help="TOML file that explains the manifest's columns and codes.")
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that the manifest's paths begin in (default: the manifest's own).",
)
@click.option("--check", is_flag=True, help="Only report what the manifest covers; write nothing.")
@click.option("--failures", type=click.Path(dir_okay=False, path_type=Path), help="Write every failed row to this CSV.")
def command(manifest: Path, mapping: Path, images: Path | None, check: bool, failures: Path | None) -> None:
    """Enrol the photographs listed in MANIFEST (.csv or .jsonl), or check it first.

    Stopping and starting again resumes. Exits with 1 if a row failed. docs/enrolment.md explains the manifest
    and the mapping file.
    """
    from custodes.cli.session import acting
    from custodes.workflows.enrolment import check_enrolment, enrol

    folder = images or manifest.parent
    with acting() as (services, context):
        if check:
            show_coverage(check_enrolment(services, context, manifest=manifest, mapping=mapping, images=folder))
            return
        progress = Progress(manifest.name)
        report = enrol(services, context, manifest=manifest, mapping=mapping, images=folder, progress=progress)
        progress.end()
    show_report(report)
    if failures is not None:
        with failures.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("row", "code", "sentence"))
            writer.writerows((f.row, f.code, f.sentence) for f in report.failures)
    if report.failed:
        click.get_current_context().exit(1)


def show_report(report: EnrolmentReport) -> None:
    """Print what an enrolment came to."""
    say(
        N_("%(rows)d rows: %(enrolled)d enrolled, %(already)d enrolled before, %(failed)d failed."),
        rows=report.rows,
        enrolled=report.enrolled,
        already=report.already,
        failed=report.failed,
    )
    say(
        N_("%(searchable)d of those enrolled now can be searched; %(quarantined)d are quarantined."),
        searchable=report.searchable,
        quarantined=report.enrolled - report.searchable,
    )
    if report.quarantined:
        show_table(
            (N_("quarantined because"), N_("rows")), ((_words(k), n) for k, n in sorted(report.quarantined.items()))
        )
    if report.failures:
        show_table(
            (N_("row"), N_("code"), N_("what is wrong")),
            ((f.row, f.code, f.sentence) for f in report.failures[:_SHOWN]),
        )
    if len(report.failures) > _SHOWN:
        say(N_("... and %(more)d more; --failures writes them all to a file."), more=len(report.failures) - _SHOWN)


def show_coverage(coverage: Coverage) -> None:
    """Print what a manifest covers."""
    say(
        N_("%(rows)d rows; %(searchable)d would be searchable. Nothing was written."),
        rows=coverage.rows,
        searchable=coverage.searchable,
    )
    stated = translator()(N_("%(count)d of %(rows)d"))
    show_table(
        (N_("field"), N_("rows that state it")),
        ((name, stated % {"count": count, "rows": coverage.rows}) for name, count in coverage.filled.items()),
    )
    if coverage.quarantined:
        show_table(
            (N_("would be quarantined because"), N_("rows")),
            ((_words(k), n) for k, n in coverage.quarantined.most_common()),
        )
    if coverage.codes_without_ground:
        show_table(
            (N_("offence code without a ground"), N_("offences")), coverage.codes_without_ground.most_common(_SHOWN)
        )
    if coverage.problems:
        show_table(
            (N_("problem"), N_("rows"), N_("first in row")),
            ((code, n, coverage.first_problem[code]) for code, n in coverage.problems.most_common()),
        )


def _words(barrier: str) -> str:
    from custodes.workflows.labels import barrier_words

    return " ".join(map(translator(), barrier_words(Barrier[barrier])))
