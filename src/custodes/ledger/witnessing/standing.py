"""What it means when witnesses stay silent: how long entries stand uncosigned, who is missing, what has to stop.

Values and arithmetic only: times are seconds since 1970, UTC, and the caller's.  While entries stand without a quorum
for longer than the limit, searches stop, and rights, destruction and audit go on.  The time can be extended, by a
signed note that two overseers signed (:class:`Extension`); it says until when, and no more than thirty days ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custodes.errors import InputError
from custodes.ledger.checkpoint import parse_decimal
from custodes.ledger.keys import KeyType, VerifierKey
from custodes.ledger.note import SignedNote, verified_signatures
from custodes.ledger.quorum import Policy
from custodes.text import N_

EXTENSION_HEADER = "custodes/quorum-extension@v1"
EXTENSION_KEYS = 2
LONGEST_EXTENSION_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Missing:
    """A witness by its name in the policy that does not cosign; ``since``: when it last did, None for never."""

    name: str
    since: int | None


@dataclass(frozen=True, slots=True)
class Extension:
    """Leave to go on without a quorum: for the log ``origin``, given at ``granted``, good before ``until``."""

    origin: str
    granted: int
    until: int

    def __str__(self) -> str:
        """The text of the note that two overseers sign, each with an Ed25519 key (`signed-note`)."""
        return f"{EXTENSION_HEADER}\n{self.origin}\ngranted {self.granted}\nuntil {self.until}\n"

    @classmethod
    def open(cls, data: bytes, overseers: Sequence[VerifierKey], origin: str) -> Extension:
        """Return the extension in the signed note ``data`` after two of ``overseers`` proved to have signed it.

        Raises:
            InputError: ``ledger.note-malformed``, ``ledger.signature-wrong``, ``ledger.extension-malformed``, or
                ``ledger.overseers-missing``.
        """
        note = SignedNote.parse(data)
        header, said_origin, *times = [*note.text.split("\n"), ""][:5]
        granted, until = _after("granted ", times), _after("until ", times[1:])
        found = cls(said_origin, granted or 0, until or 0)
        if header != EXTENSION_HEADER or granted is None or until is None or str(found) != note.text:
            raise _malformed(N_("Its lines are not a header, the log, and two times."))
        if found.origin != origin:
            raise _malformed(N_("It is for another log."))
        if not 0 < until - granted <= LONGEST_EXTENSION_S:
            raise _malformed(N_("It ends before it begins, or lasts more than thirty days."))
        signed_by_two(note, overseers)
        return found

    def holds_at(self, now: int) -> bool:
        """Return whether it is in force."""
        return self.granted <= now < self.until


@dataclass(frozen=True, slots=True)
class Standing:
    """How a log stands with its witnesses.

    ``uncosigned_s``: for how many seconds the oldest entry without a quorum has been waiting, 0 without one.
    ``missing``: who does not cosign, in the order of the policy.  ``has_quorum``: whether the others are one.
    ``is_overdue``: the wait is longer than the limit.  ``extended_until``: end of the extension in force, or None.
    """

    uncosigned_s: int
    missing: tuple[Missing, ...]
    has_quorum: bool
    is_overdue: bool
    extended_until: int | None = None

    @property
    def may_search(self) -> bool:
        """Whether searches go on; rights, destruction and audit do in any case."""
        return not self.is_overdue or self.extended_until is not None


def standing(
    policy: Policy,
    last_cosigned: Mapping[str, int],
    oldest_uncovered: int | None,
    *,
    now: int,
    limit_s: int,
    grace_s: int,
    extension: Extension | None = None,
) -> Standing:
    """Return how a log stands with the witnesses of ``policy``.

    ``last_cosigned``: witness name → when it last cosigned.  ``oldest_uncovered``: when the oldest entry that no quorum
    covers was written, None when all are covered.  ``limit_s``: how long that may last.  ``grace_s``: a witness is
    missing when it is silent for longer, counted from now while an entry waits, and otherwise from the last time that
    any witness cosigned, so that nobody is missing from a log in which nothing happens.
    """
    waiting = 0 if oldest_uncovered is None else max(0, now - oldest_uncovered)
    asked = max(last_cosigned.values(), default=now) if oldest_uncovered is None else now
    since = {witness.name: last_cosigned.get(witness.name) for witness in policy.witnesses}
    missing = tuple(Missing(name, at) for name, at in since.items() if at is None or asked - at > grace_s)
    return Standing(
        uncosigned_s=waiting,
        missing=missing,
        has_quorum=policy.is_met_by(since.keys() - {one.name for one in missing}),
        is_overdue=waiting > limit_s,
        extended_until=extension.until if extension and extension.holds_at(now) else None,
    )


def signed_by_two(note: SignedNote, overseers: Sequence[VerifierKey]) -> tuple[bytes, ...]:
    """Return the key ids, in order, of the overseers who signed ``note``.

    Raises:
        InputError: ``ledger.signature-wrong``, or ``ledger.overseers-missing`` if they are not two.
    """
    able = [key for key in overseers if key.type is KeyType.ED25519]
    signed = {key.public: key.key_id for key, _ in verified_signatures(note, able)}  # type: ignore[attr-defined]
    if len(signed) < EXTENSION_KEYS:
        raise InputError(
            "ledger.overseers-missing",
            N_("This note is not signed by two overseers."),
            why=N_("One person alone cannot do without the witnesses."),
            hint=N_("Their keys are the lines of the file that CUSTODES_OVERSEER_KEYS names."),
        )
    return tuple(sorted(signed.values()))


def _after(word: str, lines: Sequence[str]) -> int | None:
    return parse_decimal(lines[0].removeprefix(word)) if lines and lines[0].startswith(word) else None


def _malformed(why: str) -> InputError:
    return InputError(
        "ledger.extension-malformed", N_("This is not an extension of the time without a quorum."), why=why
    )
