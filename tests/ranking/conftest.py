"""Small galleries of made-up vectors: three agencies, four dimensions, nothing real."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from custodes.ids import AgencyId, PhotographId, RequestId, SubjectId, TemplateId
from custodes.types import Barrier, Contract, Eligibility, GalleryRow, Scope, Sex, Template

MOMENT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AGENCIES = tuple(AgencyId(f"agy_{letter * 26}") for letter in "abc")

MakeRow = Callable[..., GalleryRow]


def unit(*numbers: float) -> np.ndarray:
    """Return the numbers as a unit float32 vector."""
    vector = np.array(numbers, dtype=np.float64)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def build_row(number: int, *vector: float, subject: int | None = None, **changes: Any) -> GalleryRow:
    """Return row ``number`` of subject ``subject`` (its own number by default), open to every search."""
    eligibility = {
        "owner": changes.pop("owner", AGENCIES[0]),
        "searchable_from": changes.pop("searchable_from", datetime(2020, 1, 1, tzinfo=UTC)),
        "searchable_until": changes.pop("searchable_until", None),
        "barriers": changes.pop("barriers", Barrier.NONE),
    }
    facts: dict[str, Any] = {"sex": Sex.UNKNOWN, "birth_date": None, "taken_on": None, "born": 0}
    return GalleryRow(
        template_id=TemplateId(f"tpl_{number:026d}"),
        subject=SubjectId(f"sbj_{number if subject is None else subject:026d}"),
        photograph=changes.pop("photograph", PhotographId(f"pho_{number:026d}")),
        vector=unit(*(vector or (1, 0, 0, 0))),
        eligibility=Eligibility(**eligibility),
        **(facts | changes),
    )


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(id="c" * 64, pack="made-up", version="1", dimension=4)


@pytest.fixture(scope="session")
def agencies() -> tuple[AgencyId, ...]:
    return AGENCIES


@pytest.fixture(scope="session")
def make_row() -> MakeRow:
    return build_row


@pytest.fixture(scope="session")
def scope() -> Scope:
    """Every agency, at noon UTC on 2 March 2026."""
    return Scope(agencies=frozenset(AGENCIES), moment=MOMENT)


@pytest.fixture(scope="session")
def request_id() -> RequestId:
    return RequestId("req_" + "0" * 26)


@pytest.fixture(scope="session")
def probe(contract: Contract) -> Template:
    return Template(unit(1, 0, 0, 0), contract)


@pytest.fixture(scope="session")
def birthday() -> date:
    return date(1990, 3, 2)
