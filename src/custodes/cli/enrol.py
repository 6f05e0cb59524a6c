"""`custodes enrol`: enrol booking photographs from a manifest, or check it first."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custodes.cli.asked import DAY
from custodes.cli.say import Progress, label, say, show_table, translator
from custodes.errors import InputError
from custodes.text import N_
from custodes.types import Barrier, RecordFact

if TYPE_CHECKING:
    from custodes.store.records import RowFailureRecord
    from custodes.workflows.enrolment import Coverage, EnrolmentReport, Scope
    from custodes.workflows.enrolment.forecast import Forecast

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
@click.option("--re-export", is_flag=True, help="MANIFEST is the present state of the records: correct what differs.")
@click.option("--taken-from", type=DAY, help="The re-export is complete only for photographs from this day on.")
@click.option("--taken-to", type=DAY, help="The re-export is complete only for photographs up to this day.")
@click.option(
    "--vanished",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what it does not name to this CSV.",
)
def command(manifest: Path, mapping: Path, images: Path | None, **options: object) -> None:
    """Enrol the photographs listed in MANIFEST (.csv or .jsonl), or check it first.

    Stopping and starting again resumes. Exits with 1 if a row failed. docs/enrolment.md explains the manifest,
    the mapping file and re-exports.
    """
    from custodes.cli.session import acting
    from custodes.workflows.enrolment import check_enrolment, enrol

    scope = _scope(**options)  # type: ignore[arg-type]
    given = {"manifest": manifest, "mapping": mapping, "images": images or manifest.parent}
    with acting() as (services, context):
        if options["check"]:
            show_coverage(check_enrolment(services, context, re_export=scope, **given))
            return
        progress = Progress(manifest.name)
        report = enrol(services, context, re_export=scope, progress=progress, **given)
        progress.end()
        if isinstance(options["vanished"], Path):
            from custodes.cli.records import write_vanished

            write_vanished(services, context, options["vanished"], report.job)
    show_report(report)
    if scope is not None:
        show_re_export(report)
    if isinstance(options["failures"], Path):
        write_failures(options["failures"], report.failures)
    if report.failed:
        click.get_current_context().exit(1)


def _scope(
    *, re_export: bool, taken_from: date | None, taken_to: date | None, vanished: object, **_: object
) -> Scope | None:
    from custodes.workflows.enrolment import Scope

    if not re_export and (taken_from or taken_to or vanished):
        raise InputError(
            "enrolment.no-re-export",
            N_("--taken-from, --taken-to and --vanished say something of a re-export only."),
            hint=N_("Add --re-export if the manifest is the present state of your records; leave them out otherwise."),
        )
    if taken_from and taken_to and taken_from > taken_to:
        raise InputError("enrolment.empty-scope", N_("The re-export's first day lies after its last one."))
    return Scope(taken_from, taken_to) if re_export else None


def write_failures(path: Path, failures: Sequence[RowFailureRecord]) -> None:
    """Write every row that failed to a CSV file, in the operator's language."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "code", "sentence"))
        writer.writerows((f.row, f.code, f.sentences(translator())) for f in failures)


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
        quarantined=report.enrolled - report.searchable - report.unsearched,
    )
    if report.unsearched:
        say(N_("%(count)d show no face from the front: kept and shown, not searched."), count=report.unsearched)
    if report.advised:
        say(
            N_("%(count)d of those enrolled now are of poor quality, so that a search may miss the person."),
            count=report.advised,
        )
    if report.records_quarantined:
        say(
            N_("%(count)d records that were kept before were quarantined, because a row states what bars them."),
            count=report.records_quarantined,
        )
    if report.quarantined:
        show_table(
            (N_("quarantined because"), N_("rows")), ((_words(k), n) for k, n in sorted(report.quarantined.items()))
        )
    show_failures(report.failures)


def show_failures(failures: Sequence[RowFailureRecord]) -> None:
    """Print the first rows that failed, and how many more there are."""
    count = len(failures)
    if count:
        show_table(
            (N_("row"), N_("code"), N_("what is wrong")),
            ((f.row, f.code, f.sentences(translator())) for f in failures[:_SHOWN]),
        )
    if count > _SHOWN:
        say(N_("... and %(more)d more; --failures writes them all to a file."), more=count - _SHOWN)


def show_re_export(report: EnrolmentReport) -> None:
    """Print what a re-export corrected and what it no longer names."""
    say(N_("Corrections: %(corrected)d made at once."), corrected=report.corrected)
    if report.waiting:
        say(
            N_("%(waiting)d would let a search see more and wait for a second person: %(command)s."),
            waiting=report.waiting,
            command=f"custodes records waiting --job {report.job}",
        )
    if report.vanished:
        say(
            N_("%(vanished)d photographs are not named any more; %(barred)d of them are barred from now on."),
            vanished=report.vanished,
            barred=report.vanished_barred,
        )
        say(N_("To list them: %(command)s."), command="custodes records vanished")
    if report.unreadable:
        say(
            N_("%(count)d rows could not be read and may have named any record, so nothing was barred for that."),
            count=report.unreadable,
        )


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
    if coverage.unsearched:
        say(N_("%(count)d show no face from the front: kept and shown, not searched."), count=coverage.unsearched)
    if coverage.codes_without_ground:
        show_table(
            (N_("offence code without a ground"), N_("offences")), coverage.codes_without_ground.most_common(_SHOWN)
        )
    if coverage.problems:
        show_table(
            (N_("problem"), N_("rows"), N_("first in row")),
            ((code, n, coverage.first_problem[code]) for code, n in coverage.problems.most_common()),
        )
    if coverage.re_export is not None:
        _show_forecast(coverage.re_export)


def _show_forecast(forecast: Forecast) -> None:
    if forecast.corrected:
        show_table(
            (N_("would be corrected at once"), N_("bookings")),
            ((label(RecordFact(fact)), n) for fact, n in forecast.corrected.most_common()),
        )
    say(N_("%(count)d bookings would wait for a second person, since more would be searched."), count=forecast.waiting)
    say(N_("%(count)d bookings that are kept are not named, and would be barred."), count=forecast.unnamed)


def _words(barrier: str) -> str:
    from custodes.workflows.labels import barrier_words

    return " ".join(map(translator(), barrier_words(Barrier[barrier])))
