"""An in-memory :class:`~custodes.ranking.protocol.TemplateSource`, so that no test needs a database.

It keeps what it is given, stamps generations, and nothing else; it is not durable.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace

from custodes.errors import Conflict
from custodes.ids import TemplateId
from custodes.text import N_
from custodes.types import Contract, GalleryChange, GalleryRow


class MemoryTemplates:
    """Rows of one contract.  Every change raises the generation by one; safe to share between threads."""

    def __init__(self, contract: Contract, rows: Iterable[GalleryRow] = ()) -> None:
        self._contract = contract
        self._lock = threading.Lock()
        self._rows: dict[tuple[TemplateId, int], GalleryRow] = {}
        self._alive: dict[TemplateId, int] = {}
        self._tombstones: list[tuple[TemplateId, int, int]] = []
        self._changes: list[GalleryChange] = []
        self._generation = 0
        first = list(rows)
        if first:
            self.change(born=first)

    def change(self, *, born: Iterable[GalleryRow] = (), died: Iterable[TemplateId] = ()) -> int:
        """End the rows ``died``, begin the rows ``born`` (stamping both), and return the new generation.

        A template named in both is born again with what its new row says.

        Raises:
            Conflict: ``gallery.row-state``, if a dying row is not alive or a new one already is; nothing was changed.
        """
        with self._lock:
            ending, beginning = list(died), list(born)
            self._check(ending, beginning)
            self._generation += 1
            for template in ending:
                self._end(template)
            for row in beginning:
                self._begin(row)
            return self._generation

    def destroy(self, template: TemplateId) -> int:
        """Remove every row of ``template``, the dead ones included, and return the new generation.

        A loaded gallery learns of it as of a death, but keeps the vector until it is told to forget.
        """
        with self._lock:
            self._generation += 1
            if template in self._alive:
                born = self._alive[template]
                self._end(template)
                self._tombstones.append((template, born, self._generation))
            self._rows = {key: row for key, row in self._rows.items() if key[0] != template}
            return self._generation

    def generation(self) -> int:
        """Return the present generation."""
        return self._generation

    def born(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryRow]:
        """Yield rows with ``after < born <= upto``."""
        found = [row for row in self._of(contract) if after < row.born <= upto]
        yield from sorted(found, key=lambda row: (row.born, row.commitment))

    def died(self, contract: Contract, after: int, upto: int) -> Iterator[tuple[TemplateId, int, int]]:
        """Yield rows with ``after < died <= upto``."""
        kept = [(row.template_id, row.born, row.died) for row in self._of(contract) if row.died is not None]
        gone = list(self._tombstones) if contract == self._contract else []
        yield from [death for death in kept + gone if after < death[2] <= upto]

    def changes(self, contract: Contract, after: int, upto: int) -> Iterator[GalleryChange]:
        """Yield births and deaths with ``after < generation <= upto``, by generation."""
        kept = self._changes if contract == self._contract else []
        yield from [change for change in list(kept) if after < change.generation <= upto]

    def living(self, contract: Contract, generation: int) -> int:
        """Return how many rows live at ``generation``."""
        ends = ((row.born, row.died) for row in self._of(contract))
        return sum(born <= generation and (died is None or died > generation) for born, died in ends)

    def _begin(self, row: GalleryRow) -> None:
        name = f"{row.template_id} {self._generation} {row.subject} {row.eligibility}"
        commitment = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        self._alive[row.template_id] = self._generation
        self._rows[row.template_id, self._generation] = replace(
            row, born=self._generation, died=None, commitment=commitment
        )
        self._changes.append(GalleryChange(self._generation, commitment, is_death=False))

    def _end(self, template: TemplateId) -> None:
        key = (template, self._alive.pop(template))
        self._rows[key] = replace(self._rows[key], died=self._generation)
        self._changes.append(GalleryChange(self._generation, self._rows[key].commitment, is_death=True))

    def _of(self, contract: Contract) -> list[GalleryRow]:
        with self._lock:
            return list(self._rows.values()) if contract == self._contract else []

    def _check(self, ending: list[TemplateId], beginning: list[GalleryRow]) -> None:
        still = set(self._alive) - set(ending)
        names = [row.template_id for row in beginning]
        wrong = [name for name in ending if name not in self._alive] + [name for name in names if name in still]
        if wrong or len(set(ending)) < len(ending) or len(set(names)) < len(names):
            raise Conflict(
                "gallery.row-state",
                N_("A row that should end is not in the gallery, or one that should begin already is."),
            )
