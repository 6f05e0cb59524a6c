"""Searches that were run, and their candidate lists, kept so that each can be shown again and replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from heapq import nsmallest
from typing import Any

import numpy as np

from custodes.errors import NotFound
from custodes.ids import AgencyId, EntryId, KeyId, PhotographId, RequestId, SearchId, SubjectId
from custodes.store.accounts import agencies
from custodes.store.enrolment import key_of_contract
from custodes.store.fence import examining, reading_gallery
from custodes.store.models import (
    CandidateRow,
    ContractRow,
    GalleryEntry,
    LogEntry,
    Search,
    SearchRequest,
    Subject,
    TemplateRow,
)
from custodes.store.records import SearchRecord
from custodes.store.rows import insert, key_of, one
from custodes.store.vault import Sealed, Vault
from custodes.text import N_
from custodes.types import Candidate, Certificate, Contract, Phase, Scope, Template


def add_search(new: SearchRecord, sealed_template: Sealed) -> None:
    """Store a search and its candidates inside the open transaction."""
    row = Search(
        uid=new.id,
        request_id=key_of(SearchRequest, new.request),
        contract_id=key_of_contract(new.contract),
        generation=new.generation,
        moment=new.moment,
        scope=sorted(agency.id for agency in new.agencies),
        threshold=new.threshold,
        threshold_is_provisional=new.threshold_is_provisional,
        limit=new.limit,
        figures=figures_to_json(new.figures),
        certificate=new.certificate,
        template_key_uid=sealed_template.key,
        template_ciphertext=sealed_template.ciphertext,
        log_entry=new.log_entry,
    )
    insert([row])
    subjects = Subject.objects.in_bulk([c.subject for c in new.candidates], field_name="uid")
    insert(
        CandidateRow(
            search=row,
            rank=candidate.rank,
            subject=subjects[candidate.subject],
            photographs=list(candidate.photographs),
            score=candidate.score,
        )
        for candidate in new.candidates
    )


def figures_to_json(figures: Certificate) -> dict[str, int | str]:
    """Return what was compared as JSON; floats in hex, exact."""
    return {**asdict(figures), "floor": figures.floor.hex(), "bound": figures.bound.hex()}


def _figures(said: Mapping[str, Any]) -> Certificate:
    exact = {name: float.fromhex(said[name]) for name in ("floor", "bound")}
    return Certificate(**{**said, **exact})


def search(search_id: SearchId) -> SearchRecord:
    """Return a search with its candidate list. Raises NotFound ``search.unknown``."""
    return _record(_row(search_id))


def replay_input(vault: Vault, search_id: SearchId) -> tuple[Template, Scope]:
    """Return the probe's template and the scope of a search, to run it again (SRCH-06)."""
    row = _row(search_id)
    opened = vault.open(row.uid, Sealed(KeyId(row.template_key_uid), bytes(row.template_ciphertext)))
    scope = Scope(agencies=frozenset(map(AgencyId, row.scope)), moment=row.moment)
    return Template(np.frombuffer(opened, dtype=np.float32), _contract(row)), scope


def is_candidate(subject_id: SubjectId, agency: AgencyId) -> bool:
    """Return whether a search in a case of ``agency`` that is still open returned this subject."""
    rows = CandidateRow.objects.filter(subject__uid=subject_id, search__request__case__agency__uid=agency)
    return rows.filter(search__request__case__closed_at__isnull=True).exists()


def changed_since(vault: Vault, candidates: Iterable[Candidate]) -> tuple[list[SubjectId], list[SubjectId]]:
    """Return the candidates of whom a compared row was destroyed since, and those of whom one was quarantined."""
    candidates = list(candidates)
    compared = {photograph for candidate in candidates for photograph in candidate.photographs}
    entries = GalleryEntry.objects.filter(template__photograph__uid__in=compared)
    with reading_gallery():
        # an agreement that ended hides rows without having changed them
        rows = list(entries.select_related("template__photograph"))
    keys = vault.keys.fetch([KeyId(row.template.key_uid) for row in rows])
    held = {row.template.photograph.uid for row in rows if row.template.key_uid in keys and row.died is None}
    barred = {row.template.photograph.uid for row in rows if row.barriers and row.died is None}
    return (
        [c.subject for c in candidates if not held.issuperset(c.photographs)],
        [c.subject for c in candidates if not barred.isdisjoint(c.photographs)],
    )


def destroyed_since(vault: Vault, search: SearchRecord) -> frozenset[PhotographId]:
    """Return the photographs that the gallery had at a search's generation, and of which no template can be opened now.

    Rows that died since are asked for their keys, and so are those of the candidates, of which not even a row may be
    left; a row that lives has its key, or no search runs at all.
    """
    contract = one(ContractRow.objects.filter(contract=search.contract.id))
    died = GalleryEntry.objects.filter(contract=contract, born__lte=search.generation, died__gt=search.generation)
    listed = {photograph for candidate in search.candidates for photograph in candidate.photographs}
    of_listed = TemplateRow.objects.filter(photograph__uid__in=listed, contract=contract)
    with reading_gallery():
        keys = dict(of_listed.values_list("photograph__uid", "key_uid"))
        keys |= dict(died.values_list("template__photograph__uid", "template__key_uid"))
    held = vault.keys.fetch([KeyId(key) for key in keys.values()])
    return frozenset(PhotographId(uid) for uid in listed | keys.keys() if KeyId(keys.get(uid, "")) not in held)


def sample_of(agency: AgencyId, seed: bytes, count: int, *, until: datetime) -> list[SearchId]:
    """Return ``count`` searches of a service's cases up to a moment, as ``seed`` draws them: the same each time."""
    rows = Search.objects.filter(request__case__agency__uid=agency, moment__lte=until).values_list("uid", flat=True)
    drawn = nsmallest(count, rows.iterator(), key=lambda uid: hashlib.sha256(seed + uid.encode()).digest())
    return [SearchId(uid) for uid in drawn]


def unattributed() -> Sequence[str]:
    """Return the searches that lack a person, a case or a purpose; there must be none (AUD-09).

    Looks at both sides: searches without a complete request, and log entries of searches that name nobody.
    """
    logged = LogEntry.objects.filter(kind="search")
    nameless = logged.filter(actor="") | logged.filter(case="") | logged.filter(request="")
    done = set(LogEntry.objects.filter(kind="search", phase=Phase.DONE).values_list("uid", flat=True))
    with examining():
        unlogged = [uid for uid, entry in Search.objects.values_list("uid", "log_entry") if entry not in done]
        aimless = list(Search.objects.filter(request__purpose="").values_list("uid", flat=True))
    return [*nameless.values_list("uid", flat=True), *unlogged, *aimless]


def _row(search_id: SearchId) -> Search:
    row = one(Search.objects.select_related("request", "contract").filter(uid=search_id))
    if row is None:
        raise NotFound("search.unknown", N_("There is no such search."))
    return row


def _contract(row: Search) -> Contract:
    return Contract(row.contract.contract, row.contract.pack, row.contract.version, row.contract.dimension)


def _record(row: Search) -> SearchRecord:
    searched = set(row.scope)
    return SearchRecord(
        id=SearchId(row.uid),
        request=RequestId(row.request.uid),
        contract=_contract(row),
        generation=row.generation,
        moment=row.moment,
        threshold=row.threshold,
        threshold_is_provisional=row.threshold_is_provisional,
        limit=row.limit,
        figures=_figures(row.figures),
        certificate=row.certificate,
        log_entry=EntryId(row.log_entry),
        candidates=tuple(
            Candidate(
                rank=candidate.rank,
                subject=SubjectId(candidate.subject.uid),
                photographs=tuple(map(PhotographId, candidate.photographs)),
                score=candidate.score,
            )
            for candidate in row.candidates.select_related("subject").order_by("rank")
        ),
        agencies=tuple(agency for agency in agencies() if agency.id in searched),
    )
