"""Events of the log's own upkeep: verified, proven, put back; its clock, its witnesses, its keys."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import EntryId, RequestId
from custodes.ledger.events.base import Alone, OutsideEffect, Result, RowEffect
from custodes.ledger.events.fields import Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import KeyIdText, KeyName, LogName, Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class LogVerified(Alone):
    """The whole log was verified, and the database's entries held to it."""

    kind = EventKind.LOG_VERIFIED
    sound: bool
    """whether all is as it was sealed"""
    differing: int | None = None
    """entries of the database that are not, if the log itself verifies"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightChecked(Alone):
    """What the installation checks by itself every night was checked: log, gallery, searches."""

    kind = EventKind.NIGHT_CHECKED
    sound: bool
    """whether the log and the database's entries are as they were sealed"""
    even: bool
    """whether gallery, powers and threshold are what the log states"""
    unattributed: int
    """searches that lack a person, a case or a purpose; there must be none"""
    same: int
    """of a random sample of searches, those that came out the same when they were run again"""
    partial: int
    """those that came out the same as far as their rows are still kept"""
    different: int
    """those that came out otherwise"""
    not_run: int
    """those that could not be run"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRestored(RowEffect):
    """A database that was put back from a backup was given the entries that the sealed log has beyond it."""

    kind = EventKind.LOG_RESTORED
    first: int
    """position of the first of them"""
    entries: int
    """how many they are"""
    lacking: int
    """how many of them the database did not have at all"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSucceeded(RowEffect):
    """The end of a log was lost with every copy, and this log begins in its place: its first entry."""

    kind = EventKind.LOG_SUCCEEDED
    predecessor: LogName
    """the name of the log that ended"""
    cosigned_size: int
    """entries of its last checkpoint that witnesses are known to have cosigned"""
    cosigned_root: Sha256
    """root of that checkpoint"""
    left_size: int
    """entries of it that are left"""
    left_root: Sha256
    """root over those"""
    gap: int
    """entries that were cosigned and are lost"""
    ended_size: int
    """entries with which it ended: those left, and what was written until it was succeeded"""
    declaration_sha256: Sha256
    """SHA-256 of the signed declaration"""
    declared_by: tuple[KeyIdText, ...]
    """key ids of the overseers who signed it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockWentBack(Alone):
    """The machine's clock stood before the time of the last sealed entry."""

    kind = EventKind.CLOCK_WENT_BACK
    seconds: int
    """by how much"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofExported(Alone):
    """The proof that an entry is in the log, and the entry, were about to be handed to a person."""

    kind = EventKind.PROOF_EXPORTED
    entry: Target[EntryId]
    """the entry"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureResult(Result):
    """What a disclosure pack holds."""

    entries: int
    """how many entries"""
    openings: int
    """how many of them with their private part"""
    lacking: int
    """how many private parts were asked for and do not exist any more"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureMade(OutsideEffect[DisclosureResult]):
    """What the log says of a request was about to be handed to a person as a disclosure pack, and was."""

    kind = EventKind.DISCLOSURE_MADE
    outcome = DisclosureResult
    disclosed: Target[RequestId]
    """the request"""
    opened: bool
    """whether private parts were asked for"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended(Result):
    """Until when searches may go on without a quorum of the witnesses."""

    granted: int
    """when the overseers signed, in seconds since 1970"""
    until: int
    """until when it holds, in seconds since 1970"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumExtended(OutsideEffect[Extended]):
    """Two overseers' leave to search on without a quorum of the witnesses was about to be taken, and was taken."""

    kind = EventKind.TIME_EXTENDED
    outcome = Extended


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotation(Result):
    """What replacing a key came to."""

    wrapped: int = 0
    """of the master key: data keys that are wrapped under the new one"""
    finished_earlier: bool = False
    """of the master key: whether this ended a replacement that was interrupted"""
    ended: tuple[KeyIdText, ...] = ()
    """of the log: key ids that were in use"""
    begun: tuple[KeyIdText, ...] = ()
    """of the log: key ids that are in use now"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotated(OutsideEffect[KeyRotation]):
    """A key was about to be replaced, and was replaced."""

    kind = EventKind.KEY_ROTATED
    outcome = KeyRotation
    key: KeyName
    """which"""
    size: int | None = None
    """of the log: the size of the checkpoint from which on the new ones are in use"""
    overlap_s: int | None = None
    """of the log: seconds for which the old ones go on signing beside the new"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProtected(OutsideEffect[Result]):
    """A key's passphrase was about to be set, changed or taken away, and was."""

    kind = EventKind.KEY_PROTECTED
    key: KeyName
    """which"""
    protected: bool
    """whether there is a passphrase now"""
