"""What a manifest would come to, before anything is written: the answer to ``custodes enrol --check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from custodes.errors import CustodesError
from custodes.policy import Action
from custodes.policy.eligibility import BookingFacts, barriers
from custodes.store import accounts
from custodes.store.vanished import Scope
from custodes.types import Barrier, Context
from custodes.workflows.boundary import permit, signed_in, workflow
from custodes.workflows.enrolment.corrections import Terms
from custodes.workflows.enrolment.forecast import Forecast
from custodes.workflows.enrolment.manifest import Problem, Row, load_mapping, open_manifest
from custodes.workflows.enrolment.screen import Screen
from custodes.workflows.services import Services

_MOST_CODES = 10_000


@dataclass(slots=True)
class Coverage:
    """Counts over all rows. ``filled``: rows in which a field has a value. ``problems``: rows by error code.

    ``codes_without_ground``: offence codes that the mapping gives no ground, with how often they occur.
    ``quarantined``: rows that would be enrolled and not searchable, by barrier; ``searchable``: the others, those in a
    pose that the pack does not compare (``unsearched``) apart.  ``re_export``: what it would do to kept bookings.
    """

    rows: int = 0
    searchable: int = 0
    unsearched: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    first_problem: dict[str, int] = field(default_factory=dict)
    codes_without_ground: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    re_export: Forecast | None = None


@workflow(Action.CHECK_ENROLMENT)
def check_enrolment(
    services: Services, context: Context, *, manifest: Path, mapping: Path, images: Path, re_export: Scope | None = None
) -> Coverage:
    """Read a whole manifest and report what it covers; images are looked for, not opened, and nothing is written.

    Raises:
        Refused: the actor is no records officer. ManifestError: manifest or mapping cannot be read at all.
    """
    permit(context, Action.CHECK_ENROLMENT)
    _, agency = signed_in(context)
    rules = load_mapping(mapping)
    agencies = {record.code: record.name for record in accounts.agencies()}
    own = next(record.code for record in accounts.agencies() if record.id == agency)
    screen = Screen(images, own, agencies)
    terms = Terms(agency, context.now(), services.engine.poses)
    forecast = Forecast(terms, re_export) if re_export is not None else None
    coverage = Coverage(re_export=forecast)
    try:
        for item in open_manifest(manifest, rules).rows(context.now().date()):
            coverage.rows += 1
            if forecast is not None and (isinstance(item, Problem) or item.agency == own):
                forecast.add(item)
            try:
                if isinstance(item, Problem):
                    raise item.error
                _count(coverage, item, rules.grounds)
                screen.check(item)
                _judge(coverage, item, terms)
            except CustodesError as error:
                coverage.problems[error.code] += 1
                coverage.first_problem.setdefault(error.code, item.number)
        if forecast is not None:
            forecast.finish()
    finally:
        screen.close()
        if forecast is not None:
            forecast.close()
    return coverage


def _count(coverage: Coverage, row: Row, grounds: Mapping[str, object]) -> None:
    values = {
        "taken_on": row.taken_on,
        "sex": row.sex,
        "birth_date": row.birth_date,
        "youth": row.youth,
        "offence_code": row.offences,
        "offence_date": row.offences and all(offence.committed_on for offence in row.offences),
        "designated": row.offences and all(offence.designated is not None for offence in row.offences),
        "disposition": any(offence.disposition for offence in row.offences),
        "disposition_date": any(offence.disposition_date for offence in row.offences),
        "appeal_end": any(offence.appeal_end for offence in row.offences),
    }
    for name, value in values.items():
        coverage.filled[name] += bool(value)
    for code in (offence.code for offence in row.offences if offence.code not in grounds):
        # a wrong column makes every row a code of its own
        if code in coverage.codes_without_ground or len(coverage.codes_without_ground) < _MOST_CODES:
            coverage.codes_without_ground[code] += 1


def _judge(coverage: Coverage, row: Row, terms: Terms) -> None:
    said = (row.offences, row.youth, row.birth_date, row.taken_on)
    found = barriers(BookingFacts(terms.agency, *said, pose=row.pose, searched_poses=terms.poses))
    coverage.searchable += not found
    coverage.unsearched += found == Barrier.POSE
    coverage.quarantined.update(barrier.name or "" for barrier in found & ~Barrier.POSE)
