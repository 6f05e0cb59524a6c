"""What `ranking` needs from whatever keeps the templates; `store` implements it, `app` joins them.

Generations are integers that only grow: 0 is the empty gallery, and every change of a searchable row
raises the generation in the same transaction.  A row is named by ``(template_id, born)``, because
a template may be born again later with other eligibility.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from custodes.ids import TemplateId
from custodes.types import Contract, GalleryChange, GalleryRow


class TemplateSource(Protocol):
    """Where gallery rows come from."""

    def generation(self) -> int:
        """Return the present generation of the gallery, 0 or more."""
        ...

    def born(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryRow]:
        """Yield every kept row of ``contract`` with ``after < born <= upto``, in order of ``(born, commitment)``.

        Rows that have died but whose template is still lawfully kept are yielded too, with ``died`` set,
        so that an older list can be replayed (SRCH-06).  Rows whose template was destroyed are not.
        """
        ...

    def died(self, contract: Contract, after: int, upto: int) -> Iterator[tuple[TemplateId, int, int]]:
        """Yield ``(template_id, born, died)`` of every row of ``contract`` with ``after < died <= upto``, in any order.

        A row that was destroyed while alive died of it, and is yielded although its template is gone.
        """
        ...

    def changes(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryChange]:
        """Yield every birth and death of rows of ``contract`` with ``after < generation <= upto``, by generation.

        Rows whose template was destroyed are among them.
        """
        ...

    def living(self, contract: Contract, generation: int) -> int:
        """Return how many rows of ``contract`` live at ``generation``, counted where they are kept.

        It must not be derived from what :meth:`born` and :meth:`died` yield: a search compares the two.
        """
        ...
