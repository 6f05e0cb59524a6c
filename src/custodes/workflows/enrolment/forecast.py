"""What a re-export would do to the bookings that are kept: the part of a check that looks at records.

Images are not opened, so what it would do to single photographs (their dates and poses, one photograph of several that
it does not name) is not foretold.
"""

from __future__ import annotations

from collections import Counter

from custodes.store.bookings import kept_bookings
from custodes.store.vanished import Scope, bookings_in
from custodes.workflows.enrolment.corrections import Terms, booking_changes, plan, stated
from custodes.workflows.enrolment.manifest import Problem, Row
from custodes.workflows.enrolment.screen import Seen

_AT_ONCE = 500


class Forecast:
    """Takes the rows of a re-export in order, and counts bookings.

    ``corrected``: by the facts that would change at once; ``waiting``: bookings whose correction would wait;
    ``unnamed``: bookings in scope that no row names, once :meth:`finish` was called.
    """

    def __init__(self, terms: Terms, scope: Scope) -> None:
        self._terms = terms
        self._scope = scope
        self._named = Seen()
        self._rows: list[Row] = []
        self.corrected: Counter[str] = Counter()
        self.waiting = 0
        self.unnamed = 0

    def add(self, row: Row | Problem) -> None:
        """Take one row; of a booking's rows the first counts."""
        if not row.booking_number or not self._named.is_new(row.booking_number) or isinstance(row, Problem):
            return
        self._rows.append(row)
        if len(self._rows) == _AT_ONCE:
            self._judge()

    def finish(self) -> None:
        """Judge what is left, and count the bookings that were not named."""
        self._judge()
        self.unnamed = sum(not self._named.has(number) for number in bookings_in(self._terms.agency, self._scope))

    def close(self) -> None:
        """Forget the rows."""
        self._named.close()

    def _judge(self) -> None:
        bookings = kept_bookings(self._terms.agency, [row.booking_number for row in self._rows])
        for row in self._rows:
            kept = bookings.get(row.booking_number)
            changes = booking_changes(kept, stated(row), row.sex) if kept else ()
            if kept is None or not changes:
                continue
            thought = plan(kept, changes, self._terms, row=row.number)
            self.waiting += thought.widens
            if not thought.widens:
                self.corrected.update(thought.facts)
        self._rows = []
