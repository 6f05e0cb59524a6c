"""What a record of an arrest states (ENR-02)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date


class Ground(enum.StrEnum):
    """Why the person could lawfully be photographed: Identification of Criminals Act, s. 2(1) (LAW-13).

    A purely summary offence has no ground, and neither has any "other" basis: such a booking has ``None``.
    """

    INDICTABLE = "2(1)(a)(i)"
    """In lawful custody, charged with or convicted of an indictable offence."""
    SECURITY_OF_INFORMATION = "2(1)(a)(ii)"
    HYBRID = "2(1)(a)(iii)"
    """In lawful custody for an offence prosecutable by indictment or summarily."""
    EXTRADITION = "2(1)(b)"
    REQUIRED_TO_APPEAR = "2(1)(c)"
    """Alleged indictable offence and required to appear (Criminal Code 500(3), 501(4), 509(5))."""
    TERRORISM_CUSTODY = "2(1)(d)"
    """In custody under Criminal Code s. 83.3."""


class Youth(enum.StrEnum):
    """Whether the person was under 18 at the time of the offence, as the source states it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = ""


class Disposition(enum.StrEnum):
    """How a charge ended; ``PENDING`` until it does."""

    PENDING = ""
    CONVICTED = "convicted"
    ACQUITTED = "acquitted"
    WITHDRAWN = "withdrawn"
    DISMISSED = "dismissed"
    STAYED = "stayed"
    QUASHED = "quashed"
    NOT_CRIMINALLY_RESPONSIBLE = "not-criminally-responsible"
    PEACE_BOND = "peace-bond"
    ABSOLUTE_DISCHARGE = "absolute-discharge"
    CONDITIONAL_DISCHARGE = "conditional-discharge"
    EXTRAJUDICIAL_SANCTION = "extrajudicial-sanction"


class Pose(enum.StrEnum):
    """How the face is turned, as the source states it (ANSI/NIST-ITL 1-2011, field 10.020, POS)."""

    FRONTAL = "frontal"
    """``F``: full face from the front; also what a source that states no pose is taken to mean."""
    LEFT_PROFILE = "left-profile"
    """``L``: 90 degrees."""
    RIGHT_PROFILE = "right-profile"
    """``R``: 90 degrees."""
    THREE_QUARTER = "three-quarter"
    """``A``: at an angle between the front and a profile."""
    OTHER = "other"
    """``D`` (a pose determined in three dimensions, with its angles elsewhere) and any other view of a face."""


class RecordFact(enum.StrEnum):
    """What of a kept record can be corrected: of a booking, or (the last three) of one of its photographs."""

    PERSON = "person"
    YOUTH = "youth"
    BIRTH_DATE = "birth-date"
    SEX = "sex"
    OFFENCES = "offences"
    """Codes, grounds, dates or designation."""
    DISPOSITIONS = "dispositions"
    """Only how the offences ended."""
    DISPUTE = "dispute"
    """The barriers that a contradicting row stated."""
    TAKEN_ON = "taken-on"
    POSE = "pose"
    VANISHED = "vanished"
    """That a complete export of its service no longer named the photograph."""


class CorrectionState(enum.StrEnum):
    """``applied`` at once, or ``waiting`` → ``confirmed``, ``declined`` or ``withdrawn``."""

    APPLIED = "applied"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    """The records system has since stated something else."""


@dataclass(frozen=True, slots=True)
class Offence:
    """One charge of a booking (ENR-02)."""

    code: str
    ground: Ground | None
    designated: bool | None = None
    """A designated offence under Criminal Code s. 487.04; None if the source does not say."""
    committed_on: date | None = None
    disposition: Disposition = Disposition.PENDING
    disposition_date: date | None = None
    appeal_end: date | None = None
