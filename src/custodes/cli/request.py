"""`custodes request`: ask for a search; approve or decline one."""

from __future__ import annotations

from typing import Any

import click

from custodes.cli.asked import DAY
from custodes.cli.say import label, say, show_table, translator
from custodes.text import N_
from custodes.types import Authority, ProbeSource, Purpose, Sex


@click.group()
def command() -> None:
    """Ask for a search; approve or decline one."""


@command.command()
@click.option("--case", default="", help="The case's number.")
@click.option("--probe", default="", help="The probe's id.")
@click.option("--face", type=click.IntRange(1), help="Which face of the probe, as “probe add” numbered them.")
@click.option("--offence", default="", help="Code of the offence under investigation, from the serious-offence list.")
@click.option("--purpose", default="", help="One of: " + ", ".join(Purpose))
@click.option("--authority", default="", help="One of: " + ", ".join(Authority))
@click.option("--authority-reference", default="", help="Number or section of the authority.")
@click.option("--necessity", default="", help="Why the search is necessary and proportionate.")
@click.option("--source", default="", help="Where the probe comes from, one of: " + ", ".join(ProbeSource))
@click.option("--how-obtained", default="", help="How the probe was obtained.")
@click.option(
    "--sex", type=click.Choice([sex.value for sex in Sex if sex]), help="Only records of this sex, or of none stated."
)
@click.option("--age-from", type=int, help="Only persons of at least this age on the day of the search.")
@click.option("--age-to", type=int, help="Only persons of at most this age on the day of the search.")
@click.option("--agency", "agencies", multiple=True, help="Only records of this service (its code).")
@click.option("--taken-from", type=DAY, help="Only photographs taken on or after this day.")
@click.option("--taken-to", type=DAY, help="Only photographs taken on or before this day.")
def make(case: str, probe: str, face: int | None, **fields: Any) -> None:
    """Ask for a search; it waits for another person's decision."""
    from custodes.cli.session import acting
    from custodes.ids import ProbeId
    from custodes.workflows import cases, requests

    with acting() as (services, context):
        form = requests.RequestForm(
            case=cases.case_by_number(services, context, number=case).id if case else None,
            probe=ProbeId.parse(probe) if probe else None,
            face=face - 1 if face is not None else None,
            offence_code=fields["offence"],
            purpose=fields["purpose"],
            authority=fields["authority"],
            authority_reference=fields["authority_reference"],
            necessity=fields["necessity"],
            source=fields["source"],
            how_obtained=fields["how_obtained"],
            filters=_filters(fields),
        )
        record = requests.request_search(services, context, form)
    say(N_("Request %(id)s waits for another person's decision."), id=record.id)


@command.command()
@click.argument("request")
@click.option("--reason", default="", help="Why.")
def approve(request: str, reason: str) -> None:
    """Approve another person's request."""
    from custodes.cli.session import acting
    from custodes.ids import RequestId
    from custodes.workflows import requests

    with acting() as (services, context):
        requests.approve_request(services, context, request=RequestId.parse(request), reason=reason)
    say(N_("Request %(id)s is approved. One approval allows one search."), id=request)


@command.command()
@click.argument("request")
@click.option("--reason", required=True, help="Why.")
def decline(request: str, reason: str) -> None:
    """Decline another person's request."""
    from custodes.cli.session import acting
    from custodes.ids import RequestId
    from custodes.workflows import requests

    with acting() as (services, context):
        requests.decline_request(services, context, request=RequestId.parse(request), reason=reason)
    say(N_("Request %(id)s is declined."), id=request)


@command.command()
@click.argument("request")
def show(request: str) -> None:
    """Show a request."""
    from custodes.cli.session import acting
    from custodes.ids import RequestId
    from custodes.workflows import viewing

    with acting() as (services, context):
        record = viewing.view_request(services, context, request=RequestId.parse(request))
    decided = record.approval.approver_name if record.approval else "—"
    translate = translator()
    probe = translate(N_("%(probe)s, face %(face)d")) % {"probe": record.probe.id, "face": record.face + 1}
    rows = (
        (N_("case"), record.case.number),
        (N_("state"), label(record.state)),
        (N_("asked by"), record.requester_name),
        (N_("decided by"), decided),
        (N_("offence"), record.offence_code),
        (N_("purpose"), label(record.purpose)),
        (N_("authority"), f"{label(record.authority)}, {record.authority_reference}"),
        (N_("necessity"), record.necessity),
        (N_("source"), f"{label(record.source)}; {record.how_obtained}"),
        (N_("probe"), probe),
    )
    show_table((N_("field"), N_("value")), ((translate(name), value) for name, value in rows))


def _filters(fields: dict[str, Any]) -> Any:
    from custodes.types import Filters
    from custodes.workflows import people

    codes: tuple[str, ...] = fields["agencies"]
    return Filters(
        agencies=frozenset(people.agency(code).id for code in codes) if codes else None,
        sex=Sex(fields["sex"]) if fields["sex"] else None,
        age_from=fields["age_from"],
        age_to=fields["age_to"],
        taken_from=fields["taken_from"],
        taken_to=fields["taken_to"],
    )
