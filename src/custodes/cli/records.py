"""`custodes records`: corrections that wait, what a re-export no longer names, dispositions in bulk, the history."""

from __future__ import annotations

import csv
import enum
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custodes.cli.enrol import show_failures, write_failures
from custodes.cli.say import Progress, label, say, show_table, translator, yes_or_no
from custodes.errors import InputError
from custodes.ids import CorrectionId, JobId
from custodes.text import N_
from custodes.types import Barrier, Context, Offence

if TYPE_CHECKING:
    from custodes.store.corrections import CorrectionRecord
    from custodes.store.vanished import VanishedRecord
    from custodes.workflows.services import Services

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_SHOWN = 50
_VANISHED = ("booking_number", "person_number", "photograph", "taken_on", "whole_booking", "barred")


@click.group()
def command() -> None:
    """Decide on corrections, see what vanished, update dispositions."""


@command.command()
@click.option("--job", help="Only what this re-export or update brought in.")
def waiting(job: str | None) -> None:
    """List corrections that wait for a second person."""
    from custodes.cli.session import acting
    from custodes.workflows import corrections

    first: list[CorrectionRecord] = []

    def show(record: CorrectionRecord) -> None:
        if len(first) < _SHOWN:
            first.append(record)

    with acting() as (services, context):
        count = corrections.list_waiting(services, context, show=show, job=_job(job))
    say(N_("%(count)d corrections wait for a second person."), count=count)
    _show(first)
    if count > len(first):
        say(N_("... and %(more)d more."), more=count - len(first))


@command.command()
@click.argument("correction", nargs=-1)
@click.option("--job", help="Confirm everything that waits of this re-export or update.")
@click.option("--all", "everything", is_flag=True, help="Confirm everything that waits.")
def confirm(correction: tuple[str, ...], job: str | None, everything: bool) -> None:
    """Confirm each CORRECTION, as a second person: it takes effect, and its record may be searched.

    What you brought in yourself is left to somebody else. Exits with 1 if something could not be confirmed.
    """
    from custodes.cli.session import acting
    from custodes.workflows import corrections

    if bool(correction) + bool(job) + everything != 1:
        raise InputError(
            "correction.which",
            N_("Say which corrections: name them, or a --job, or --all."),
            hint=N_("“custodes records waiting” lists them."),
        )
    with acting() as (services, context):
        for each in correction:
            record = corrections.confirm_correction(services, context, correction=CorrectionId.parse(each))
            say(N_("Confirmed: %(correction)s, booking %(number)s."), correction=each, number=record.booking_number)
        if correction:
            return
        progress = Progress(translator()(N_("confirmed")))
        decided = corrections.confirm_all(services, context, job=_job(job), progress=progress)
        progress.end()
    say(
        N_("%(confirmed)d confirmed; %(own)d left, since you brought them in yourself."),
        confirmed=decided.confirmed,
        own=decided.own,
    )
    if decided.failed:
        show_table((N_("not confirmed because"), N_("corrections")), decided.failed.items())
        click.get_current_context().exit(1)


@command.command()
@click.argument("correction")
@click.option("--reason", required=True, help="Why it should not take effect; kept with the record.")
def decline(correction: str, reason: str) -> None:
    """Decline CORRECTION, as a second person: what bars the record stays."""
    from custodes.cli.session import acting
    from custodes.workflows import corrections

    with acting() as (services, context):
        record = corrections.decline_correction(
            services, context, correction=CorrectionId.parse(correction), reason=reason
        )
    say(N_("Declined: %(correction)s, booking %(number)s."), correction=correction, number=record.booking_number)


@command.command()
@click.argument("person")
def history(person: str) -> None:
    """Show every correction of the bookings of PERSON, your own service's number of a person; newest first."""
    from custodes.cli.session import acting
    from custodes.workflows import corrections

    with acting() as (services, context):
        found = corrections.list_history(services, context, person_number=person)
    say(N_("%(count)d corrections."), count=len(found))
    _show(found)


@command.command()
@click.option("--job", help="Of this re-export (default: the latest that was finished).")
@click.option("--csv", "path", type=_NEW_FILE, help="Write them all to this file.")
def vanished(job: str | None, path: Path | None) -> None:
    """List photographs that the latest re-export should have named and did not. None of them was deleted."""
    from custodes.cli.session import acting
    from custodes.workflows import corrections

    first: list[VanishedRecord] = []

    def show(record: VanishedRecord) -> None:
        if len(first) < _SHOWN:
            first.append(record)

    with acting() as (services, context):
        if path is not None:
            count = write_vanished(services, context, path, _job(job))
        else:
            count = corrections.list_vanished(services, context, show=show, job=_job(job))
    say(N_("%(count)d photographs were not named."), count=count)
    show_table(
        (N_("booking"), N_("person"), N_("photograph"), N_("taken on"), N_("whole booking"), N_("barred")),
        (_cells(record) for record in first),
    )
    if path is None and count > len(first):
        say(N_("... and %(more)d more; --csv writes them all to a file."), more=count - len(first))


def write_vanished(services: Services, context: Context, path: Path, job: JobId | None) -> int:
    """Write what a re-export did not name to a CSV file; return how many photographs."""
    from custodes.workflows import corrections

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_VANISHED)
        return corrections.list_vanished(
            services, context, show=lambda record: writer.writerow(_plain(record)), job=job
        )


@command.command()
@click.argument("file", type=_FILE)
@click.option("--mapping", type=_FILE, help="TOML file that explains the file's columns and codes.")
@click.option("--check", is_flag=True, help="Only report what it would come to; write nothing.")
@click.option("--failures", type=_NEW_FILE, help="Write every failed row to this CSV.")
def dispositions(file: Path, mapping: Path | None, check: bool, failures: Path | None) -> None:
    """Update how offences ended, from FILE (.csv or .jsonl): one row for each offence of a booking.

    Stopping and starting again resumes. Exits with 1 if a row failed. docs/enrolment.md explains the file.
    """
    from custodes.cli.session import acting
    from custodes.workflows.dispositions import check_dispositions, update_dispositions

    with acting() as (services, context):
        if check:
            report = check_dispositions(services, context, file=file, mapping=mapping)
        else:
            progress = Progress(file.name)
            report = update_dispositions(services, context, file=file, mapping=mapping, progress=progress)
            progress.end()
    say(
        N_("%(rows)d rows: %(corrected)d corrected, %(waiting)d waiting, %(unchanged)d unchanged, %(failed)d failed."),
        rows=report.rows,
        corrected=report.corrected,
        waiting=report.waiting,
        unchanged=report.unchanged,
        failed=report.failed,
    )
    if check:
        say(N_("Nothing was written."))
    show_failures(report.failures)
    if failures is not None:
        write_failures(failures, report.failures)
    if report.failed:
        click.get_current_context().exit(1)


def _job(text: str | None) -> JobId | None:
    return JobId.parse(text) if text else None


def _show(found: Iterable[CorrectionRecord]) -> None:
    for record in found:
        click.echo()
        say(
            N_("%(id)s: booking %(number)s of person %(person)s. %(state)s."),
            id=record.id,
            number=record.booking_number,
            person=record.person_number,
            state=label(record.state),
        )
        say(
            N_("Brought in by %(name)s on %(day)s (row %(row)d of %(job)s)."),
            name=record.proposed_by_name,
            day=record.proposed_at.date(),
            row=record.row,
            job=record.job,
        )
        if record.decided_by_name and record.decided_at:
            say(N_("Decided by %(name)s on %(day)s."), name=record.decided_by_name, day=record.decided_at.date())
        if record.reason:
            say(N_("Reason: %(reason)s"), reason=record.reason)
        show_table(
            (N_("fact"), N_("was"), N_("stated now")),
            ((label(change.fact), _words(change.old), _words(change.new)) for change in record.changes),
        )


def _words(value: Any) -> str:
    """Return the value of a fact in words."""
    if isinstance(value, Barrier):
        from custodes.workflows.labels import barrier_words

        return " ".join(map(translator(), barrier_words(value))) or "—"
    if isinstance(value, enum.StrEnum):
        return label(value)
    if isinstance(value, bool):
        return yes_or_no(value)
    if isinstance(value, tuple):
        return "; ".join(map(_offence, value)) or "—"
    return str(value) if value else "—"


def _offence(offence: Offence) -> str:
    ended = f"{label(offence.disposition)} {offence.disposition_date or ''}".strip()
    return " ".join(str(part) for part in (offence.code, offence.ground, offence.committed_on, ended) if part)


def _plain(record: VanishedRecord) -> tuple[str | date, ...]:
    marks = ("yes" if record.is_whole else "no", "yes" if record.barred else "no")
    return (record.booking_number, record.person_number, record.photograph, record.taken_on or "", *marks)


def _cells(record: VanishedRecord) -> tuple[object, ...]:
    taken = record.taken_on or "—"
    marks = (yes_or_no(record.is_whole), yes_or_no(record.barred))
    return (record.booking_number, record.person_number, record.photograph, taken, *marks)
