"""Agencies, agreements, accounts and their roles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import F

from custodes.errors import Conflict, InputError, NotFound
from custodes.ids import AccountId, AgencyId
from custodes.store.models import Account, Agency, Agreement, RoleGrant
from custodes.store.records import AccountRecord, AgencyRecord
from custodes.store.rows import one
from custodes.store.statements import Statement
from custodes.text import N_
from custodes.types import AccountState, Role


def is_empty() -> bool:
    """Return whether nobody has an account yet."""
    return not Account.objects.exists()


def add_agency(agency_id: AgencyId, code: str, name: str, at: datetime) -> None:
    """Add an agency. Raises Conflict ``agency.exists`` if its code is taken."""
    if Agency.objects.filter(code=code).exists():
        raise Conflict("agency.exists", N_("There is already a service with the code %(code)s."), code=code)
    Agency.objects.create(uid=agency_id, code=code, name=name, created_at=at)


def agencies() -> list[AgencyRecord]:
    """Return every agency, by code."""
    return [agency_record(row) for row in _AGENCIES.all()]


_AGENCIES = Statement(lambda: Agency.objects.order_by("code"))


def agency_by_code(code: str) -> AgencyRecord:
    """Return the agency that a records system calls ``code``. Raises NotFound ``agency.unknown``."""
    row = one(Agency.objects.filter(code=code))
    if row is None:
        raise NotFound(
            "agency.unknown",
            N_("There is no service with the code “%(code)s”."),
            hint=N_("An administrator registers services with “custodes agency add”."),
            code=code,
        )
    return agency_record(row)


def add_agreement(owner: AgencyId, searcher: AgencyId, reference: str, starts_on: date, ends_on: date) -> None:
    """Register that ``searcher`` may search ``owner``'s records from one day to another, both included."""
    Agreement.objects.create(
        owner=Agency.objects.get(uid=owner),
        searcher=Agency.objects.get(uid=searcher),
        reference=reference,
        starts_on=starts_on,
        ends_on=ends_on,
    )


def agreements_of(searcher: AgencyId) -> list[tuple[AgencyId, date, date]]:
    """Return ``(owner, first day, last day)`` of every agreement that lets ``searcher`` search."""
    return [(AgencyId(owner), starts, ends) for owner, starts, ends in _AGREEMENTS.all(searcher)]


_AGREEMENTS = Statement(
    lambda uid: Agreement.objects.filter(searcher__uid=uid).values_list("owner__uid", "starts_on", "ends_on")
)


def add_account(
    account_id: AccountId,
    agency: AgencyId,
    *,
    email: str,
    full_name: str,
    personnel_number: str,
    password: str,
    at: datetime,
) -> None:
    """Add a named person's account.

    Raises:
        Conflict: ``account.exists``. InputError: ``account.weak-password``.
    """
    email, personnel_number = email.strip().lower(), personnel_number.strip()
    taken = Account.objects.filter(email=email) | Account.objects.filter(
        agency__uid=agency, personnel_number=personnel_number
    )
    if taken.exists():
        raise Conflict(
            "account.exists",
            N_("This person already has an account."),
            hint=N_("Give the person another role instead; one person has one account."),
        )
    account = Account(
        uid=account_id,
        agency=Agency.objects.get(uid=agency),
        email=email,
        full_name=full_name.strip(),
        personnel_number=personnel_number,
        created_at=at,
    )
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise InputError(
            "account.weak-password",
            N_("The password is too easy to guess."),
            why=" ".join(error.messages),
            hint=N_("Use at least 12 characters that have nothing to do with the person."),
        ) from error
    account.password = make_password(password)
    account.save()


def grant_role(account: AccountId, role: Role, at: datetime) -> None:
    """Give an account a role; giving it twice changes nothing."""
    RoleGrant.objects.get_or_create(
        account=Account.objects.get(uid=account), role=role.value, defaults={"granted_at": at}
    )


def withdraw_role(account: AccountId, role: Role) -> bool:
    """Take a role from an account; return whether it had it."""
    gone, _ = RoleGrant.objects.filter(account__uid=account, role=role.value).delete()
    return bool(gone)


def set_state(account: AccountId, state: AccountState) -> None:
    """Change an account's state, and end every session that it has."""
    Account.objects.filter(uid=account).update(state=state.value, sessions_ended=F("sessions_ended") + 1)


def may_act(account: AccountId, role: Role | None) -> bool:
    """Return whether an account may be used now, and holds ``role`` if one is named."""
    return (_MAY_ACT.first(account) if role is None else _MAY_ACT_AS.first(account, role.value)) is not None


_USABLE = Account.objects.filter(state=AccountState.ACTIVE.value)
_MAY_ACT = Statement(lambda uid: _USABLE.filter(uid=uid).values_list("pk"))
_MAY_ACT_AS = Statement(lambda uid, role: _USABLE.filter(uid=uid, grants__role=role).values_list("pk"))


def powers() -> set[tuple[str, ...]]:
    """Return all that lets somebody do or see something, and what forbids it.

    ``(account, role)``, ``(account, state)`` of those that may not be used, ``(owner, searcher, first, last)``.
    """
    roles = [
        *RoleGrant.objects.values_list("account__uid", "role"),
        *Account.objects.exclude(state=AccountState.ACTIVE.value).values_list("uid", "state"),
    ]
    agreements = Agreement.objects.values_list("owner__uid", "searcher__uid", "starts_on", "ends_on")
    return {*roles, *((owner, searcher, f"{first}", f"{last}") for owner, searcher, first, last in agreements)}


def account(account_id: AccountId) -> AccountRecord:
    """Return an account. Raises NotFound ``account.unknown``."""
    return _account_record(_one(uid=account_id))


def account_by_email(email: str) -> AccountRecord | None:
    """Return the account with this e-mail address, or None."""
    row = one(Account.objects.select_related("agency").filter(email=email.strip().lower()))
    return _account_record(row) if row else None


def names(account_ids: Collection[AccountId]) -> dict[AccountId, str]:
    """Return the full names of those accounts that exist."""
    rows = Account.objects.filter(uid__in=account_ids).values_list("uid", "full_name")
    return {AccountId(uid): name for uid, name in rows}


def password_is_right(account_id: AccountId | None, password: str) -> bool:
    """Check a password in the same time whether or not the account exists."""
    row = one(Account.objects.filter(uid=account_id, state=AccountState.ACTIVE.value)) if account_id else None
    if row is None:
        make_password(password)
        return False
    return check_password(password, row.password)


def locked_until(account_id: AccountId) -> datetime | None:
    """Return the moment until which sign-in is refused after too many failures."""
    return Account.objects.values_list("locked_until", flat=True).get(uid=account_id)


def count_failed_sign_in(account_id: AccountId) -> int:
    """Count one more failed sign-in in a row and return how many there were."""
    Account.objects.filter(uid=account_id).update(failed_sign_ins=F("failed_sign_ins") + 1)
    return Account.objects.values_list("failed_sign_ins", flat=True).get(uid=account_id)


def lock_until(account_id: AccountId, moment: datetime) -> None:
    """Refuse this account's sign-ins until ``moment``; the count begins again."""
    Account.objects.filter(uid=account_id).update(locked_until=moment, failed_sign_ins=0)


def count_sign_in(account_id: AccountId, at: datetime) -> None:
    """Note a successful sign-in; the count of failures begins again."""
    Account.objects.filter(uid=account_id).update(failed_sign_ins=0, locked_until=None, last_login=at)


def session_hash(account_id: AccountId) -> str:
    """Return what a session must carry to stay valid: it changes with the password, and when all sessions end."""
    row = _one(uid=account_id)
    return f"{row.get_session_auth_hash()}.{row.sessions_ended}"


def agency_record(row: Agency) -> AgencyRecord:
    """Return an agency's row as a value."""
    return AgencyRecord(AgencyId(row.uid), row.code, row.name)


def _one(**criteria: str) -> Account:
    row = one(Account.objects.select_related("agency").filter(**criteria))
    if row is None:
        raise NotFound("account.unknown", N_("There is no such account."))
    return row


def _account_record(row: Account) -> AccountRecord:
    roles = {Role(grant.role) for grant in row.grants.all()}
    return AccountRecord(
        id=AccountId(row.uid),
        agency=agency_record(row.agency),
        email=row.email,
        full_name=row.full_name,
        personnel_number=row.personnel_number,
        roles=tuple(role for role in Role if role in roles),
        state=AccountState(row.state),
    )
