"""Services, agreements between them, named people and their roles; signing in and out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from custodes.errors import InputError, NotFound, NotSignedIn, Refused
from custodes.ids import AccountId, AgencyId
from custodes.ledger import Event
from custodes.ledger.events import (
    AccountCreated,
    AgencyCreated,
    AgreementRegistered,
    InstallationCreated,
    PublicDay,
    RoleGranted,
    SignedIn,
    SignedOut,
    SignInFailed,
)
from custodes.policy import Action, named_person
from custodes.policy.facts import AccountFacts, AgreementFacts, GrantFacts
from custodes.store import accounts
from custodes.store.database import PEOPLE, transaction_of_its_own
from custodes.store.records import AccountRecord, AgencyRecord
from custodes.text import N_
from custodes.types import Context, Role
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.services import Services
from custodes.workflows.threshold import threshold_in_use

_FAILURES_ALLOWED = 5
_LOCKED_FOR = timedelta(minutes=15)


@workflow
def create_installation(
    services: Services,
    context: Context,
    *,
    agency_code: str,
    agency_name: str,
    email: str,
    full_name: str,
    personnel_number: str,
    password: str,
) -> AccountRecord:
    """Register the first service and the first administrator of an empty installation.

    The only deed without a signed-in person; it can happen once. Raises Refused ``installation.exists``.
    """
    named_person(AccountFacts(full_name, email, personnel_number)).require()
    _check_agency(agency_code, agency_name)
    agency_id, account_id = AgencyId.new(context.entropy), AccountId.new(context.entropy)
    created = InstallationCreated(agency=agency_id, account=account_id, evaluation=services.config.evaluation)
    with transaction_of_its_own(PEOPLE):
        if not accounts.is_empty():
            raise Refused(
                "installation.exists",
                N_("This installation already has people in it."),
                hint=N_("Sign in as an administrator to add more."),
            )
        accounts.add_agency(agency_id, agency_code, agency_name, context.now())
        accounts.add_account(
            account_id,
            agency_id,
            email=email,
            full_name=full_name,
            personnel_number=personnel_number,
            password=password,
            at=context.now(),
        )
        accounts.grant_role(account_id, Role.ADMINISTRATOR, context.now())
        services.ledger.with_rows(Event(context, created), Event(context, threshold_in_use(services)))
    return accounts.account(account_id)


@workflow(Action.CREATE_AGENCY)
def create_agency(services: Services, context: Context, *, code: str, name: str) -> AgencyRecord:
    """Register a police service."""
    permit(context, Action.CREATE_AGENCY)
    _check_agency(code, name)
    agency_id = AgencyId.new(context.entropy)
    with transaction_of_its_own(PEOPLE):
        accounts.add_agency(agency_id, code, name, context.now())
        services.ledger.with_rows(Event(context, AgencyCreated(agency=agency_id)))
    return accounts.agency_by_code(code)


@workflow(Action.REGISTER_AGREEMENT)
def register_agreement(
    services: Services,
    context: Context,
    *,
    owner_code: str,
    searcher_code: str,
    reference: str,
    starts_on: date,
    ends_on: date,
) -> None:
    """Register the agreement under which one service may search another's records (SHR-01)."""
    owner, searcher = accounts.agency_by_code(owner_code), accounts.agency_by_code(searcher_code)
    permit(
        context,
        Action.REGISTER_AGREEMENT,
        AgreementFacts(owner.id, searcher.id, reference, starts_on, ends_on),
    )
    registered = AgreementRegistered(
        owner=owner.id,
        searcher=searcher.id,
        starts_on=PublicDay(starts_on.isoformat()),
        ends_on=PublicDay(ends_on.isoformat()),
        reference=reference,
    )
    with transaction_of_its_own(PEOPLE):
        accounts.add_agreement(owner.id, searcher.id, reference, starts_on, ends_on)
        services.ledger.with_rows(Event(context, registered))


@workflow(Action.CREATE_ACCOUNT)
def create_account(
    services: Services,
    context: Context,
    *,
    agency_code: str,
    email: str,
    full_name: str,
    personnel_number: str,
    password: str,
) -> AccountRecord:
    """Create the account of one named person, who may do nothing until a role is granted (IAM-01)."""
    permit(context, Action.CREATE_ACCOUNT, AccountFacts(full_name, email, personnel_number))
    agency = accounts.agency_by_code(agency_code)
    account_id = AccountId.new(context.entropy)
    with transaction_of_its_own(PEOPLE):
        accounts.add_account(
            account_id,
            agency.id,
            email=email,
            full_name=full_name,
            personnel_number=personnel_number,
            password=password,
            at=context.now(),
        )
        services.ledger.with_rows(Event(context, AccountCreated(account=account_id, agency=agency.id)))
    return accounts.account(account_id)


@workflow(Action.GRANT_ROLE)
def grant_role(services: Services, context: Context, *, account: AccountId, role: Role) -> AccountRecord:
    """Give a person a role that conflicts with none they hold (IAM-02)."""
    with transaction_of_its_own(PEOPLE):
        holder = accounts.account(account)
        permit(context, Action.GRANT_ROLE, GrantFacts(role, frozenset(holder.roles)))
        accounts.grant_role(account, role, context.now())
        services.ledger.with_rows(Event(context, RoleGranted(account=account, granted=role)))
    return accounts.account(account)


def sign_in(services: Services, context: Context, *, email: str, password: str) -> AccountRecord:
    """Return the person whose account this is.

    Wrong address, wrong password and a locked account give the same answer, ``sign-in.failed``; the log knows which.
    """
    # a terminal or a form can send what is no text; it is nobody's address and nobody's password
    email, password = (text.encode("utf-8", "replace").decode().replace("\0", "?") for text in (email, password))
    person = accounts.account_by_email(email)
    is_right = accounts.password_is_right(person.id if person else None, password)
    with transaction_of_its_own(PEOPLE):
        # asked where it is counted: of guesses made at once, each sees what those before it came to
        is_locked = person is not None and _is_locked(person.id, context)
        if person is not None and is_right and not is_locked:
            accounts.count_sign_in(person.id, context.now())
            their = replace(context, actor=person.id, agency=person.agency.id)
            services.ledger.with_rows(Event(their, SignedIn(account=person.id)))
            return person
        _note_failure(services, context, person, email, is_locked=is_locked)
    error = NotSignedIn(
        "sign-in.failed",
        N_("The e-mail address or the password is wrong, or the account is locked for now."),
        hint=N_("Check both. After five failures an account rests for fifteen minutes."),
    )
    error.is_logged = True
    raise error


def resume(account_id: AccountId, session_hash: str) -> AccountRecord | None:
    """Return the person a session belongs to, or None if the account ended or its password changed since."""
    try:
        person = accounts.account(account_id)
    except NotFound:
        return None
    valid = person.is_active and accounts.session_hash(account_id) == session_hash
    return person if valid else None


def session_hash(account_id: AccountId) -> str:
    """Return what a new session must carry so that :func:`resume` accepts it."""
    return accounts.session_hash(account_id)


def sign_out(services: Services, context: Context) -> None:
    """Log that a person ended their session."""
    services.ledger.alone(Event(context, SignedOut()))


def agencies() -> list[AgencyRecord]:
    """Return every registered service."""
    return accounts.agencies()


def agency(code: str) -> AgencyRecord:
    """Return the service with this code. Raises NotFound ``agency.unknown``."""
    return accounts.agency_by_code(code)


def account_named(text: str) -> AccountId:
    """Return the account with this id or e-mail address.

    Raises:
        NotFound: ``account.unknown``. InputError: it is neither.
    """
    if "@" not in text:
        return AccountId.parse(text)
    person = accounts.account_by_email(text)
    if person is None:
        raise NotFound("account.unknown", N_("There is no such account."))
    return person.id


def owners_shared_with(searcher: AgencyId) -> set[AgencyId]:
    """Return the services of which ``searcher`` holds an agreement, in force or not."""
    return {owner for owner, _, _ in accounts.agreements_of(searcher)}


def _is_locked(account_id: AccountId, context: Context) -> bool:
    until = accounts.locked_until(account_id)
    return until is not None and until > context.now()


def _check_agency(code: str, name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}", code) or not 0 < len(name.strip()) <= 200:
        raise InputError(
            "agency.malformed",
            N_("A service needs a code (1 to 20 letters, digits, dots or dashes) and a name (at most 200 characters)."),
        )


def _note_failure(
    services: Services, context: Context, person: AccountRecord | None, email: str, *, is_locked: bool
) -> None:
    if person is not None and not is_locked and accounts.count_failed_sign_in(person.id) >= _FAILURES_ALLOWED:
        accounts.lock_until(person.id, context.now() + _LOCKED_FOR)
    failed = SignInFailed(account=person.id if person else None, locked=is_locked, email=email[:254])
    services.ledger.with_rows(Event(context, failed))
