"""What ends a person's powers, at once: a role withdrawn, an account suspended or ended; and what gives them back.

An account is *active*, *suspended* or *ended*::

    active --suspend--> suspended --reinstate--> active
    active or suspended --end--> ended --reinstate--> active, without roles

Whether a person may still act is asked at the edge of every workflow (`boundary`) and at every step of a job (`jobs`),
whatever their page or terminal believes; all sessions end for good.  What a person judged before stays theirs.
"""

from __future__ import annotations

from custodes.ids import AccountId
from custodes.ledger import Event
from custodes.ledger.events import AccountEnded, AccountReinstated, AccountSuspended, RoleWithdrawn
from custodes.policy import Action
from custodes.policy.facts import SanctionFacts
from custodes.store import accounts
from custodes.store.database import PEOPLE, transaction_of_its_own
from custodes.store.records import AccountRecord
from custodes.types import AccountState, Context, Role
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.services import Services


@workflow(Action.WITHDRAW_ROLE)
def withdraw_role(
    services: Services, context: Context, *, account: AccountId, role: Role, reason: str
) -> AccountRecord:
    """Take a role from a person; they cannot act in it any more."""
    with transaction_of_its_own(PEOPLE):
        holder = accounts.account(account)
        permit(context, Action.WITHDRAW_ROLE, _facts(holder, reason, role))
        accounts.withdraw_role(account, role)
        services.ledger.with_rows(Event(context, RoleWithdrawn(account=account, withdrawn=role, reason=reason)))
    return accounts.account(account)


@workflow(Action.SUSPEND_ACCOUNT)
def suspend(services: Services, context: Context, *, account: AccountId, reason: str) -> AccountRecord:
    """Let a person do nothing until they are reinstated."""
    with transaction_of_its_own(PEOPLE):
        permit(context, Action.SUSPEND_ACCOUNT, _facts(accounts.account(account), reason))
        accounts.set_state(account, AccountState.SUSPENDED)
        services.ledger.with_rows(Event(context, AccountSuspended(account=account, reason=reason)))
    return accounts.account(account)


@workflow(Action.REINSTATE_ACCOUNT)
def reinstate(services: Services, context: Context, *, account: AccountId, reason: str) -> AccountRecord:
    """Let a person use their account again, with the roles that it still has; they have to sign in anew."""
    with transaction_of_its_own(PEOPLE):
        permit(context, Action.REINSTATE_ACCOUNT, _facts(accounts.account(account), reason))
        accounts.set_state(account, AccountState.ACTIVE)
        services.ledger.with_rows(Event(context, AccountReinstated(account=account, reason=reason)))
    return accounts.account(account)


@workflow(Action.END_ACCOUNT)
def end(services: Services, context: Context, *, account: AccountId, reason: str) -> AccountRecord:
    """End the account of a person who has left, and take every role from it."""
    with transaction_of_its_own(PEOPLE):
        holder = accounts.account(account)
        permit(context, Action.END_ACCOUNT, _facts(holder, reason))
        for role in holder.roles:
            accounts.withdraw_role(account, role)
        accounts.set_state(account, AccountState.ENDED)
        withdrawn = (RoleWithdrawn(account=account, withdrawn=role, reason=reason) for role in holder.roles)
        ended = AccountEnded(account=account, reason=reason)
        services.ledger.with_rows(*(Event(context, each) for each in withdrawn), Event(context, ended))
    return accounts.account(account)


def _facts(holder: AccountRecord, reason: str, role: Role | None = None) -> SanctionFacts:
    return SanctionFacts(
        account=holder.id,
        state=holder.state,
        held=frozenset(holder.roles),
        role=role,
        reason=reason,
    )
