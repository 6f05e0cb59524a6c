"""Events of the installation, its services and their people."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.ids import AccountId, AgencyId
from custodes.ledger.events.base import Alone, RowEffect
from custodes.ledger.events.fields import Private, Target
from custodes.ledger.events.kinds import EventKind
from custodes.ledger.events.values import PublicDay
from custodes.types import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationCreated(RowEffect):
    """The installation's database and keys were created."""

    kind = EventKind.INSTALLATION_CREATED
    agency: Target[AgencyId]
    """the first service"""
    account: Target[AccountId]
    """the first administrator"""
    evaluation: bool
    """whether the installation is for evaluation only"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyCreated(RowEffect):
    """A police service was registered."""

    kind = EventKind.AGENCY_CREATED
    agency: Target[AgencyId]
    """the service"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRegistered(RowEffect):
    """A sharing agreement between two services was registered."""

    kind = EventKind.AGREEMENT_REGISTERED
    owner: Target[AgencyId]
    """the service whose records may be searched"""
    searcher: Target[AgencyId]
    """the service that may search them"""
    starts_on: PublicDay
    """the agreement's first day"""
    ends_on: PublicDay
    """the agreement's last day"""
    reference: Private[str]
    """how the services call the agreement"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCreated(RowEffect):
    """An account was created for one named person."""

    kind = EventKind.ACCOUNT_CREATED
    account: Target[AccountId]
    """the account"""
    agency: Target[AgencyId]
    """the person's service"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGranted(RowEffect):
    """A role was given to an account."""

    kind = EventKind.ROLE_GRANTED
    account: Target[AccountId]
    """the account"""
    granted: Role
    """the role"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleWithdrawn(RowEffect):
    """A role was taken from an account."""

    kind = EventKind.ROLE_WITHDRAWN
    account: Target[AccountId]
    """the account"""
    withdrawn: Role
    """the role"""
    reason: Private[str]
    """what the administrator wrote"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSuspended(RowEffect):
    """An account was suspended: from then on it can do nothing, and its sessions have ended."""

    kind = EventKind.ACCOUNT_SUSPENDED
    account: Target[AccountId]
    """the account"""
    reason: Private[str]
    """what the administrator wrote"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReinstated(RowEffect):
    """An account that was suspended, or whose person had left, may be used again."""

    kind = EventKind.ACCOUNT_REINSTATED
    account: Target[AccountId]
    """the account"""
    reason: Private[str]
    """what the administrator wrote"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEnded(RowEffect):
    """A person left: the account can do nothing, its sessions have ended and its roles were withdrawn."""

    kind = EventKind.ACCOUNT_ENDED
    account: Target[AccountId]
    """the account"""
    reason: Private[str]
    """what the administrator wrote"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(RowEffect):
    """A person signed in, on the pages or the command line; the account's count of failures begins again with it."""

    kind = EventKind.SIGNED_IN
    account: Target[AccountId]
    """the person's account"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(RowEffect):
    """A sign-in did not succeed."""

    kind = EventKind.SIGN_IN_FAILED
    account: Target[AccountId | None] = None
    """the account, if the address has one"""
    locked: bool
    """whether the account rests after too many failures"""
    email: Private[str]
    """the address that was given"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Alone):
    """A person signed out."""

    kind = EventKind.SIGNED_OUT
