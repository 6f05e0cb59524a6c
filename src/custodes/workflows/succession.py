"""A successor log: declared by two overseers when the end of the log is lost with every copy of it.

The old log stays beside, as it is, with its keys; the new one has a name and keys of its own, and its first entry says
what is missing.  Entries that the database holds of the old log keep their positions; the new log's follow them.

Every step can be done again.  A file beside the log says that they are not all done; nothing is sealed meanwhile.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from custodes.errors import Conflict
from custodes.ids import EntryId
from custodes.keyfile import PassphraseSource
from custodes.ledger import Event
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.events import EventKind, KeyIdText, LogName, LogSucceeded, Sha256
from custodes.ledger.keeper import LogKeeper
from custodes.ledger.key_folder import LIST_NAME, create_log_keys, end_log_keys, protection, read_log_keys
from custodes.ledger.succession import Declaration, Tree
from custodes.policy import Action
from custodes.store.database import SEALING, transaction_of_its_own
from custodes.store.log import SealedEntries
from custodes.text import N_
from custodes.types import Context
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.log import keeper_of, verified_entries
from custodes.workflows.services import Services


@dataclass(frozen=True, slots=True)
class Succession:
    """What was begun: the log ``successor``, in place of ``declaration.origin``; ``keys``: its verifier keys."""

    declaration: Declaration
    successor: str
    keys: tuple[str, ...]


@workflow(Action.DECLARE_SUCCESSOR)
def draft_declaration(services: Services, context: Context, *, cosigned: Checkpoint) -> Declaration:
    """Return the declaration for two overseers to sign, from the last checkpoint that the witnesses cosigned.

    What is left now is kept as the file ``left`` of the log's folder, for the witnesses.

    Raises:
        Conflict: ``ledger.nothing-left``, ``ledger.not-level``, or ``ledger.not-lost``.
    """
    permit(context, Action.DECLARE_SUCCESSOR)
    keeper = keeper_of(services)
    left = _left(keeper)
    found = Declaration(keeper.keyring.origin, Tree.of(cosigned), left, int(context.now().timestamp()))
    if cosigned.origin != found.origin or found.gap <= 0:
        raise Conflict(
            "ledger.not-lost",
            N_("This checkpoint does not show that anything of the log was lost."),
            why=N_("It is another log's, or the log that is here reaches as far."),
            hint=N_("Ask the witnesses for the last checkpoint of this log that they cosigned."),
        )
    keeper.keep_left()
    return found


@workflow(Action.DECLARE_SUCCESSOR)
def declare_successor(services: Services, context: Context, *, note: bytes, passphrase: PassphraseSource) -> Succession:
    """Begin the log that follows, as two overseers declared in the signed ``note``; done again, go on with it.

    ``passphrase``: of the log's keys, under which the new ones are put too.

    Raises:
        InputError: as :meth:`Declaration.open`.
        Conflict: ``ledger.declaration-of-another``, ``ledger.not-level``, ``ledger.nothing-left``,
            ``ledger.not-verified``, or ``ledger.sealing-elsewhere``.
    """
    permit(context, Action.DECLARE_SUCCESSOR)
    keeper = keeper_of(services)
    declaration, signers = Declaration.open(note, keeper.terms.overseers)
    with keeper.beginning_anew(note) as is_resumed:
        if not is_resumed:
            _check(keeper, declaration)
            keeper.mark_succession(note)
        _state(services, context, declaration, note, signers)
        _change_keys(services, context, declaration, passphrase)
        keeper.set_aside(len(SealedEntries().bases()) - 1, note)
    keys = tuple(str(use.key) for use in keeper.keyring.uses)
    return Succession(declaration, declaration.successor, keys)


def _left(keeper: LogKeeper) -> Tree:
    """Return what is left of the log: folder and database must reach equally far."""
    published = keeper.checkpoint()
    if published is None:
        raise Conflict(
            "ledger.nothing-left",
            N_("There is no signed checkpoint of this log here."),
            hint=N_("Put back the folder of the log, or the newest copy of it that there is, first."),
        )
    held = SealedEntries().size()
    if held != published.size:
        raise Conflict(
            "ledger.not-level",
            N_("The log in its folder has %(published)d entries, and the database has %(held)d of them."),
            hint=N_("Run “custodes ledger restore” first, or let the log be sealed as far as the database reaches."),
            published=published.size,
            held=held,
        )
    return Tree.of(published)


def _check(keeper: LogKeeper, declaration: Declaration) -> None:
    """Hold the log to being the declared one, as it was when that was drafted or grown since."""
    here, left = _left(keeper), declaration.left
    is_it = declaration.origin == keeper.keyring.origin and left.size <= here.size
    if not is_it or keeper.root_of_first(left.size) != left.root:
        raise Conflict(
            "ledger.declaration-of-another",
            N_("The declaration is not about the log that is here."),
            hint=N_("Draft it anew with “custodes ledger succeed --draft”, and have it signed."),
        )
    verified_entries(keeper, keeper.folder)


def _state(
    services: Services, context: Context, declaration: Declaration, note: bytes, signers: tuple[bytes, ...]
) -> None:
    """Write the new log's first entry, unless that was done."""
    digest = hashlib.sha256(note).hexdigest()
    last = services.entries.last_of(EventKind.LOG_SUCCEEDED)
    if last and json.loads(last.body)["facts"]["declaration_sha256"] == digest:
        return
    stated = LogSucceeded(
        predecessor=LogName(declaration.origin),
        cosigned_size=declaration.cosigned.size,
        cosigned_root=Sha256(declaration.cosigned.root.hex()),
        left_size=declaration.left.size,
        left_root=Sha256(declaration.left.root.hex()),
        gap=declaration.gap,
        ended_size=SealedEntries().size(),
        declaration_sha256=Sha256(digest),
        declared_by=tuple(KeyIdText(signer.hex()) for signer in signers),
    )
    with transaction_of_its_own(SEALING):
        services.ledger.with_rows(Event(context, stated))
        written = services.entries.last_of(EventKind.LOG_SUCCEEDED)
        SealedEntries().begin_log(written.id if written else EntryId(""))


def _change_keys(services: Services, context: Context, declaration: Declaration, passphrase: PassphraseSource) -> None:
    """Put the old log's keys aside and make the new one's, unless that was done."""
    folder = services.config.log_key_dir
    if (folder / LIST_NAME).exists():
        keyring = read_log_keys(folder)
        if keyring.origin == declaration.successor:
            return
    number = len(SealedEntries().bases()) - 1
    ended = end_log_keys(folder, number)
    is_protected = any(protection(ended, read_log_keys(ended)).values())
    create_log_keys(
        folder,
        declaration.successor,
        context.entropy,
        at=int(context.now().timestamp()),
        passphrase=passphrase() if is_protected else None,
    )
