"""The classes of events: one per kind, frozen, and with room for nothing that has no business in a leaf."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest

from custodes.errors import InputError
from custodes.ids import CaseId, Id, PhotographId
from custodes.ledger import events
from custodes.ledger.events import (
    DEEDS,
    Alone,
    CaseOpened,
    Deed,
    EventKind,
    ImageViewed,
    OffenceCode,
    OutsideEffect,
    Pattern,
    Place,
    PublicDay,
    RecordsListed,
    RecordVanished,
    Result,
    RowEffect,
    SearchReplayed,
    Sha256,
    specs,
)
from custodes.ledger.events.fields import Private, Target
from custodes.ledger.events.values import Token
from custodes.types import Barrier, Disposition, RecordFact, Sex, Youth

_KINDS = list(DEEDS.values())
_STATED = [*_KINDS, *(deed.outcome for deed in _KINDS if deed.outcome)]


def _descendants(kind: type) -> set[type]:
    return {kind} | {each for child in kind.__subclasses__() for each in _descendants(child)}


def test_every_kind_has_one_class_and_every_class_one_kind() -> None:
    """A slotted dataclass replaces the class it was made of, which is still about: what has fields counts."""
    written = {
        kind for kind in _descendants(Deed) if "kind" in kind.__dict__ and kind.__module__.startswith("custodes.")
    }
    final = {getattr(events, kind.__name__) for kind in written}
    assert set(DEEDS) == set(EventKind)
    assert final == set(_KINDS)
    assert all(deed.kind is kind for kind, deed in DEEDS.items())


@pytest.mark.parametrize("kind", _STATED, ids=lambda kind: kind.__name__)
def test_a_class_of_events_is_frozen_slotted_and_filled_in_by_name(kind: Any) -> None:
    assert kind.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(kind))
    assert all("__dict__" not in base.__dict__ for base in kind.__mro__), "slots: nothing can be hung on it"
    assert issubclass(kind, Result) or kind.pattern in Pattern


@pytest.mark.parametrize("kind", _STATED, ids=lambda kind: kind.__name__)
def test_every_field_has_a_type_of_the_closed_list(kind: Any) -> None:
    """AUD-05: ids, counts, truth values, closed lists, codes; what is private is text and nothing else."""
    for spec in specs(kind):
        if spec.place is Place.PRIVATE:
            assert spec.shape.kinds == (str,)
        else:
            assert str not in spec.shape.kinds
            assert all(spec.place is not Place.TARGET or issubclass(each, Id) for each in spec.shape.kinds)


def test_the_closed_list_of_what_is_open_is_changed_by_nobody_unawares() -> None:
    """AUD-05: whoever opens a field adds its name here, and asks first what it tells of a person, or of a group."""
    names = {spec.name for kind in _STATED for spec in specs(kind) if spec.place is Place.OPEN}
    counts = {
        "candidates",
        "compared",
        "rescored",
        "cursor",
        "destroyed",
        "eligible",
        "faces",
        "limit",
        "photographs",
        "records",
    }
    of_jobs = {"advised", "already", "corrected", "enrolled", "failed", "quarantined", "records_quarantined", "rows"}
    of_jobs |= {"unchanged", "unreadable", "unsearched", "vanished", "vanished_barred", "waiting", "withdrawn"}
    coarse = {"filters", "granted", "listed", "offence", "purpose", "signature", "source", "standing"}
    answers = {"evaluation", "locked", "provisional", "re_export", "same", "threshold", "predecessor", "opened"}
    named = {"action", "agencies", "code", "contract", "job", "search"}
    hashes = {
        "cosigned_root",
        "left_root",
        "declaration_sha256",
        "declared_by",
        "eligible_sha256",
        "gallery_root",
        "kernel",
        "manifest_sha256",
        "mapping_sha256",
        "signed_by",
    }
    counts |= {
        "admitted",
        "barred",
        "ended",
        "hidden",
        "inserted",
        "altered",
        "powers",
        "thresholds",
        "segments",
        "unattributed",
        "gap",
        "openings",
        "cosigned_size",
        "ended_size",
        "left_size",
    }
    counts |= {"differing", "first", "entries", "lacking", "seconds", "wrapped", "size", "overlap_s"}
    of_jobs |= {"same", "partial", "different", "not_run", "sample", "differences", "rows_destroyed"}
    coarse |= {"came_out", "key"}
    answers |= {"even", "sound", "finished_earlier", "protected"}
    named |= {"begun", "seed"}
    settings = {"until", "ends_on", "generation", "starts_on", "threshold", "predecessor"}
    assert names == counts | of_jobs | coarse | answers | named | hashes | settings


@pytest.mark.parametrize(
    "hint",
    [
        str,
        "str | None",
        bytes,
        float,
        date,
        datetime,
        object,
        Any,
        list[str],
        tuple[str, ...],
        tuple[int, int],
        dict[str, str],
        Target[str],
        Target[int],
        Private[int],
        Private[bytes],
        Private[CaseId],
        Sex,
        Youth,
        Disposition,
        RecordFact,
        Barrier,
        tuple[RecordFact, ...],
        Token,
    ],
    ids=str,
)
def test_attack_a_class_that_has_room_for_a_name(hint: Any) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Leaky(Alone):
        kind = EventKind.SIGNED_OUT
        held: hint

    Leaky.__annotations__["held"] = hint
    with pytest.raises(TypeError, match="no room"):
        specs(Leaky)


@pytest.mark.parametrize(
    "deed",
    [
        lambda: CaseOpened(opened=CaseId("Jean Tremblay")),
        lambda: CaseOpened(opened="cas_" + "0" * 26),  # type: ignore[arg-type]
        lambda: ImageViewed(image=CaseId.new(os.urandom)),  # type: ignore[arg-type]
        lambda: RecordsListed(listed="Jean Tremblay", records=1),  # type: ignore[arg-type]
        lambda: RecordsListed(listed=events.RecordList.WAITING, records="Jean Tremblay"),  # type: ignore[arg-type]
        lambda: RecordsListed(listed=events.RecordList.WAITING, records=-1),
        lambda: RecordsListed(listed=events.RecordList.WAITING, records=2**53),
        lambda: RecordsListed(listed=events.RecordList.WAITING, records=True),
        lambda: SearchReplayed(search=None, same=True, destroyed=0, quarantined=0),  # type: ignore[arg-type]
        lambda: RecordVanished(
            booking=events.RecordVanished,
            barred=[PhotographId.new(os.urandom)],
            photographs=1,
            job=None,  # type: ignore[arg-type]
        ),
    ],
    ids=range(10),
)
def test_attack_put_into_a_field_what_its_type_does_not_allow(deed: Any) -> None:
    """Past the type checker, the entry is not written, and the error repeats nothing."""
    with pytest.raises((TypeError, ValueError, InputError)) as refusal:
        _ = (deed().targets, deed().facts)
    assert "Tremblay" not in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Sha256, "Jean Tremblay"),
        (Sha256, "A" * 64),
        (Sha256, "a" * 64 + "\n"),
        (OffenceCode, "robbery by Jean Tremblay"),
        (OffenceCode, "CC 344 Tremblay"),
        (PublicDay, "02/03/2026"),
        (PublicDay, "2026-13-01"),
        (events.ExactFloat, "0.5"),
        (events.ContractId, "another"),
        (events.Code, "Jean Tremblay"),
        (events.Code, "a@b.example"),
        (events.Code, "20260302"),
    ],
)
def test_a_short_text_has_its_shape_or_is_none(kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match=kind.__name__) as refusal:
        kind(text)
    assert text not in str(refusal.value)


def test_every_offence_of_the_programs_list_has_the_shape_that_the_log_asks_for() -> None:
    """LAW-02."""
    from custodes.policy.offences import serious_offences

    assert all(OffenceCode(code) == code for code in serious_offences())


def test_what_a_signature_is_worth_is_said_as_policy_says_it() -> None:
    from custodes.policy.facts import Signature

    assert {member.value for member in events.SignatureWorth} == {member.value for member in Signature}


def test_the_patterns_are_those_of_the_three_bases() -> None:
    bases = {RowEffect: Pattern.ROW_EFFECTS, Alone: Pattern.ALONE, OutsideEffect: Pattern.OUTSIDE_EFFECTS}
    for kind in _KINDS:
        assert [pattern for base, pattern in bases.items() if issubclass(kind, base)] == [kind.pattern]
        assert kind.outcome is None or kind.pattern is Pattern.OUTSIDE_EFFECTS


def test_the_public_names_are_all_there() -> None:
    assert sorted(events.__all__) == sorted({name for name in events.__all__ if hasattr(events, name)})
