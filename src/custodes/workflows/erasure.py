"""The last step of every destruction: nothing of a template is left in any file that the product controls (RET-06)."""

from __future__ import annotations

from collections.abc import Sequence

from custodes.ids import TemplateId
from custodes.store import erasure
from custodes.store.database import GALLERY, transaction_of_its_own
from custodes.types import Context
from custodes.workflows.gallery import gallery_changes
from custodes.workflows.services import Services


def erase(services: Services, context: Context, templates: Sequence[TemplateId]) -> int:
    """Destroy ``templates``; return how many places of segments were written over.

    Who decided it and on what ground, and the entries of intent and outcome, are the caller's; what becomes of the
    gallery is stated here.  Whatever interrupts it, doing it again finishes it.

    First their rows end, so that no search that begins later sees them; then go the keys, without which no copy of a
    ciphertext means anything, the rows in the segments of every process, the ciphertexts, and what the database's
    journal holds of them.  A destruction may be acknowledged when this has returned, and not before.

    Raises:
        Busy: ``gallery.busy``, ``keys.journal-in-use`` or ``database.journal-in-use``.
        SetupError: ``gallery.folder-unusable``, ``keys.busy`` or ``keys.damaged``.
    """
    with transaction_of_its_own(GALLERY):
        rows = erasure.end_rows(templates)
        services.ledger.with_rows(*gallery_changes(services, context))
    services.vault.keys.destroy(erasure.keys_of(templates))
    erased = services.gallery.erase(rows)
    with transaction_of_its_own(GALLERY):
        erasure.empty(templates)
    erasure.truncate_journal()
    return erased
