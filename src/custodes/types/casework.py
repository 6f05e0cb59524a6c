"""The closed lists of casework: what is not on them cannot be said."""

from __future__ import annotations

import enum


class Purpose(enum.StrEnum):
    """Why a person is sought; a closed list (LAW-03, LAW-07)."""

    IDENTIFY_PERSON_OF_INTEREST = "person-of-interest"
    IDENTIFY_VICTIM = "victim"
    IDENTIFY_WITNESS = "witness"
    FIND_MISSING_PERSON = "missing-person"
    IDENTIFY_DECEASED = "deceased"


class ProbeSource(enum.StrEnum):
    """Where a probe came from; a closed list that cannot say social media, web or live (LAW-04)."""

    CCTV_RECORDING = "cctv-recording"
    SCENE_PHOTOGRAPH = "scene-photograph"
    VICTIM_OR_WITNESS_RECORDING = "victim-or-witness-recording"
    SEIZED_DEVICE = "seized-device"
    ATM_OR_TRANSIT_RECORDING = "atm-or-transit-recording"
    PHOTOGRAPH_OF_DECEASED = "photograph-of-deceased"


class Authority(enum.StrEnum):
    """The legal basis on which the probe is held and searched."""

    WARRANT = "warrant"
    PRODUCTION_ORDER = "production-order"
    STATUTE = "statute"
    COMMON_LAW = "common-law"
    CONSENT = "consent"


class RequestState(enum.StrEnum):
    """``awaiting`` → ``approved`` → ``searched``, or ``awaiting`` → ``declined``."""

    AWAITING = "awaiting"
    APPROVED = "approved"
    DECLINED = "declined"
    SEARCHED = "searched"
