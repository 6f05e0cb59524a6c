"""The edge of every workflow: nothing is refused or rejected without an entry in the log.

An error raised inside a workflow has already rolled its transaction back when it arrives here; the entry is then
committed by itself (pattern *alone*), and the error goes on to the person.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeGuard, TypeVar, cast, overload

from custodes.errors import CustodesError, InputError, NotFound, NotSignedIn, Refused
from custodes.ids import AccountId, AgencyId, CaseId, Id, RequestId
from custodes.ledger import Event
from custodes.ledger.events import ActionRefused, Alone, Code, InputRejected
from custodes.policy import Action, decide, decide_beyond
from custodes.policy.facts import AnyFacts
from custodes.policy.scope import Agreement, search_scope
from custodes.store import accounts, searches
from custodes.store.database import readable_database
from custodes.store.fence import acting_for, beyond
from custodes.text import N_
from custodes.types import Context, Scope
from custodes.workflows.services import Services

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

P = ParamSpec("P")
R = TypeVar("R")
Workflow = Callable[Concatenate[Services, Context, P], R]


@overload
def workflow(action: Action) -> Callable[[Workflow[P, R]], Workflow[P, R]]: ...


@overload
def workflow(action: Workflow[P, R]) -> Workflow[P, R]: ...


def workflow(action: Any) -> Any:
    """Make a function a workflow: its refusals and rejections are logged before they are shown.

    ``@workflow(Action.SEARCH)`` names it in the log as policy does, so that renaming a function changes no entry;
    a bare ``@workflow``, for what no action of policy's is, names it by the function.
    """
    if not isinstance(action, Action):
        return _logged(action.__name__.strip("_").replace("_", "-"), action)
    return lambda function: _logged(action.value, function)


def _logged(action: str, function: Workflow[P, R]) -> Workflow[P, R]:
    @wraps(function)
    def run(services: Services, context: Context, *args: P.args, **kwargs: P.kwargs) -> R:
        with readable_database(), acting_for(context.agency, context.now().date()):
            try:
                still_trusted(context)
                return function(services, context, *args, **kwargs)
            except CustodesError as error:
                targets = named_in(*args, *kwargs.values())
                told = _told_apart(context, action, error, targets)
                if not told.is_logged:
                    log_error(services, context, action, told, targets)
                if told is not error:
                    raise told from error
                raise

    return cast("Workflow[P, R]", run)


def still_trusted(context: Context) -> None:
    """Ask the database, every time: a session may have begun before a suspension (IAM-07).

    Raises:
        NotSignedIn: ``session.ended``.
    """
    if context.actor is not None and not accounts.may_act(context.actor, context.role):
        raise NotSignedIn(
            "session.ended",
            N_("Your account may no longer be used for this."),
            why=N_("It was suspended or ended, or the role in which you act was withdrawn."),
            hint=N_("Ask an administrator of your service."),
        )


def _told_apart(context: Context, action: str, error: CustodesError, targets: tuple[Id, ...]) -> CustodesError:
    """Return policy's refusal where the fence made another service's record look like none; else ``error``."""
    hidden = beyond(targets, context.agency) if isinstance(error, NotFound) else None
    if hidden is None or context.agency is None or action not in set(Action):
        return error
    was_candidate = hidden.subject is not None and searches.is_candidate(hidden.subject, context.agency)
    try:
        decide_beyond(Action(action), context, hidden.owner, was_candidate=was_candidate).require()
    except Refused as refusal:
        return refusal
    return error


def _is_whole(target: Id) -> bool:
    """Whether it is an id; what a caller merely called one may hold anything, so no entry repeats it (AUD-05)."""
    try:
        return bool(type(target).parse(target))
    except InputError:
        return False


def named_in(*arguments: object) -> tuple[Id, ...]:
    """Return the ids among a workflow's arguments, and among the fields of a form."""
    found: list[Id] = []
    for argument in arguments:
        fields = [getattr(argument, f.name) for f in dataclasses.fields(argument)] if _is_form(argument) else [argument]
        found += [value for value in fields if isinstance(value, Id)]
    return tuple(found)


def log_error(
    services: Services, context: Context, action: str, error: CustodesError, targets: tuple[Id, ...] = ()
) -> None:
    """Leave an entry for a refusal or a rejection, once per error; ``targets`` say what it was asked of."""
    deed = ActionRefused if isinstance(error, Refused | NotSignedIn) else InputRejected
    targets = tuple(filter(_is_whole, targets))
    case = next((target for target in targets if isinstance(target, CaseId)), context.case)
    request = next((target for target in targets if isinstance(target, RequestId)), context.request)
    context = dataclasses.replace(context, case=case, request=request)
    services.ledger.alone(Event(context, deed(asked_of=targets, action=Code.of(action), code=Code.of(error.code))))
    error.is_logged = True


def _is_form(argument: object) -> TypeGuard[DataclassInstance]:
    return dataclasses.is_dataclass(argument) and not isinstance(argument, type)


def permit(context: Context, action: Action, facts: AnyFacts | None = None) -> None:
    """Ask policy; raise :class:`Refused` with its rule and reason if it says no."""
    decide(action, context, facts).require()


def signed_in(context: Context) -> tuple[AccountId, AgencyId]:
    """Return the actor and their agency. Raises NotSignedIn ``session.none``."""
    if context.actor is None or context.agency is None:
        raise NotSignedIn("session.none", N_("Nobody is signed in."), hint=N_("Sign in with your own account first."))
    return context.actor, context.agency


def scope_now(context: Context) -> Scope:
    """Return what the actor's service may search at this moment. Raises NotSignedIn ``session.none``."""
    _, agency = signed_in(context)
    agreements = [Agreement(owner, agency, first, last) for owner, first, last in accounts.agreements_of(agency)]
    return search_scope(agency, agreements, context.now())


def viewed(services: Services, context: Context, deed: Alone) -> None:
    """Log that something is about to be shown (pattern *alone*)."""
    services.ledger.alone(Event(context, deed))
