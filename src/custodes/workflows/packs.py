"""Model packs of the operator's own: added and removed by an administrator, in the log, and held to it ever after.

A pack is used only if it ships with Custodes or was added here: its manifest's hash is kept, and the signature it was
accepted with is verified whenever the pack is opened, so that a key which is no longer trusted takes its packs with it.
What a pack may be used for is policy's; whether its networks are what its manifest says is `engine`'s.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from custodes.config import Config
from custodes.engine import Manifest, Pack, PulledFiles, builtin_packs, check_licence, pull, verify
from custodes.engine.apart import try_apart
from custodes.engine.shelf import find_manifest, own_names, put, read_manifest, take_away
from custodes.engine.signature import TrustedKey, signer, trusted_keys
from custodes.engine.weights import writable
from custodes.errors import Conflict, ContractMismatch, ModelPackError
from custodes.ledger import Event
from custodes.ledger.events import ContractId, PackAdded, PackRemoved, Sha256, SignatureWorth
from custodes.policy import Action
from custodes.policy.facts import PackFacts, PackUseFacts, Signature
from custodes.store import installation
from custodes.store.database import PACKS, is_there, transaction_of_its_own
from custodes.store.installation import PackRecord
from custodes.text import N_
from custodes.types import Context, Contract
from custodes.workflows.boundary import permit, workflow
from custodes.workflows.services import Services

Progress = Callable[[str, int, int], None]


@workflow(Action.ADD_PACK)
def add_pack(
    services: Services,
    context: Context,
    *,
    manifest: Path,
    weights: Path | None = None,
    trust_unsigned: bool = False,
    progress: Progress = lambda name, done, total: None,
) -> Manifest:
    """Add the pack of a manifest, with its weights from the folder ``weights`` or else from the manifest's sources.

    Weights are fetched beside the others, hashed, and their networks tried in a process of their own, before anything
    is installed. Adding the same pack again mends what is missing.

    Raises:
        Refused: not an administrator; ``gate.research-pack``, ``gate.unsigned-pack`` or ``gate.wrong-signature``.
        ModelPackError: whatever is wrong with manifest, weights or networks. Conflict: ``pack.exists``.
    """
    config, found = services.config, read_manifest(manifest)
    worth, key = _signature(found, trusted_keys(config.pack_keys_dir))
    permit(context, Action.ADD_PACK, PackFacts(found.pack.operational_use, config.evaluation, worth, trust_unsigned))
    _require_own_name(found, config)
    record = PackRecord(
        found.pack.name, found.sha256, found.pack.contract.id, key.fingerprint if key else "", context.now()
    )
    with _staging(config.models_dir) as folder:
        staged = pull(found.pack, folder, folder=weights, beside=config.models_dir, progress=progress).folder
        try_apart(found.content.decode(), found.pack, folder)
        with services.ledger.outside(_added_event(context, record, worth)) as outcome:
            put(found, staged, config.models_dir)
            with transaction_of_its_own(PACKS):
                installation.add_pack(record)
                outcome.done_with_rows()
    return found


@workflow(Action.REMOVE_PACK)
def remove_pack(services: Services, context: Context, *, name: str) -> None:
    """Remove an added pack: its manifest, its signature and its weights.

    Raises:
        Refused: not an administrator; ``gate.pack-in-use`` or ``gate.pack-has-templates``.
        Conflict: ``pack.built-in``. ModelPackError: ``pack.not-added``.
    """
    config, record = services.config, installation.added_pack(name)
    templates, searches = installation.made_with(record.contract) if record else (0, 0)
    permit(context, Action.REMOVE_PACK, PackUseFacts(config.pack == name, templates, searches))
    if name in builtin_packs():
        raise Conflict(
            "pack.built-in",
            N_("The model pack “%(pack)s” is part of Custodes and cannot be removed."),
            hint=N_("Its weights can be deleted from the models folder if they are not needed."),
            pack=name,
        )
    if record is None:
        raise _not_added(name)
    with services.ledger.outside(Event(context, PackRemoved(**_stated(record)))) as outcome:
        take_away(name, config.models_dir)
        with transaction_of_its_own(PACKS):
            installation.remove_pack(name)
            outcome.done_with_rows()


@dataclass(frozen=True, slots=True)
class PackLine:
    """One pack of the list.  ``pack``: None if its manifest is malformed.

    ``signature``: what that beside the manifest is worth, None for a built-in pack; ``signed_by``: name of its key.
    ``is_added``: an administrator added it to this installation.  ``state``: ``verified`` or an error's code.
    """

    name: str
    pack: Pack | None
    signature: Signature | None
    signed_by: str
    is_added: bool
    state: str


def list_packs(config: Config) -> Iterator[PackLine]:
    """Yield every pack that ships or lies in the models folder. Needs no sign-in: packs are nobody's secret."""
    keys = trusted_keys(config.pack_keys_dir)
    added = _added(config)
    for name in [*builtin_packs(), *own_names(config.models_dir)]:
        try:
            manifest = find_manifest(name, config.models_dir)
        except ModelPackError as error:
            yield PackLine(name, None, Signature.NONE, "", name in added, error.code)
            continue
        worth, key = (None, None) if manifest.is_built_in else _signature(manifest, keys)
        state = _state(manifest, config, added.get(name))
        yield PackLine(name, manifest.pack, worth, key.name if key else "", name in added, state)


def _state(manifest: Manifest, config: Config, record: PackRecord | None) -> str:
    try:
        verify(manifest.pack, config.models_dir)
    except ModelPackError as error:
        return error.code
    return "pack.manifest-altered" if record and record.manifest_sha256 != manifest.sha256 else "verified"


def usable_pack(config: Config) -> Pack:
    """Return the installation's pack, if its licence allows what the installation does and it is still what was added.

    Raises:
        ModelPackError: ``pack.unknown``, ``pack.not-licensed-for-operation``, ``pack.not-added``,
            ``pack.manifest-altered`` or ``pack.signature-wrong``.
    """
    manifest = find_manifest(config.pack, config.models_dir)
    pack = manifest.pack
    check_licence(pack=pack.name, allows_operational_use=pack.operational_use, evaluation=config.evaluation)
    if not manifest.is_built_in:
        _require_added(manifest, config)
    return pack


def verify_pack(config: Config, name: str) -> PulledFiles:
    """Hash every file of the pack ``name`` again; of an own one, look that its manifest is the one that was added.

    Raises:
        ModelPackError: as :func:`usable_pack`, licence excepted, and as :func:`custodes.engine.verify`.
    """
    manifest = find_manifest(name, config.models_dir)
    if not manifest.is_built_in:
        _require_added(manifest, config)
    return verify(manifest.pack, config.models_dir)


def require_one_contract(contract: Contract) -> None:
    """Do nothing if every living template of the gallery is of ``contract`` (ENG-01, SRCH-08).

    Raises:
        ContractMismatch: ``contract.of-another-pack``.
    """
    other = installation.other_gallery(contract)
    if other is not None:
        raise ContractMismatch(
            "contract.of-another-pack",
            N_("Templates in the gallery were made by %(gallery)s; the installation works with %(present)s."),
            why=N_("They cannot be compared, and a search that left them out would look complete."),
            hint=N_("Set CUSTODES_PACK to the model pack that made the gallery."),
            gallery=f"{other.pack} {other.version}",
            present=f"{contract.pack} {contract.version}",
        )


def _added(config: Config) -> dict[str, PackRecord]:
    """Return what was added; nothing where there is no installation yet."""
    return installation.added_packs() if is_there(config.database_file) else {}


def _require_added(manifest: Manifest, config: Config) -> None:
    record = _added(config).get(manifest.pack.name)
    if record is None:
        raise _not_added(manifest.pack.name)
    if record.manifest_sha256 != manifest.sha256:
        raise ModelPackError(
            "pack.manifest-altered",
            N_("The manifest of the model pack “%(pack)s” is not the one that was added."),
            why=N_("It was changed or exchanged since. The pack was not loaded."),
            hint=N_("Find out who changed it; an administrator can add it again, or the one that was changed."),
            pack=manifest.pack.name,
        )
    if record.signed_by:
        signer(manifest.content, manifest.signature or b"", trusted_keys(config.pack_keys_dir))


def _signature(manifest: Manifest, keys: tuple[TrustedKey, ...]) -> tuple[Signature, TrustedKey | None]:
    if manifest.signature is None:
        return Signature.NONE, None
    try:
        return Signature.TRUSTED, signer(manifest.content, manifest.signature, keys)
    except ModelPackError:
        return Signature.WRONG, None


def _require_own_name(manifest: Manifest, config: Config) -> None:
    """Raise Conflict ``pack.exists`` if another pack has the name, here or in another installation's folder."""
    name = manifest.pack.name
    lies = name in own_names(config.models_dir) and find_manifest(name, config.models_dir).sha256 != manifest.sha256
    record = installation.added_pack(name)
    if name in builtin_packs() or lies or (record and record.manifest_sha256 != manifest.sha256):
        raise Conflict(
            "pack.exists",
            N_("There is already a model pack named “%(pack)s”, and it is another one."),
            hint=N_("Give the new one a name of its own, or remove the old one first."),
            pack=name,
        )


class _Stated(TypedDict):
    contract: ContractId
    manifest_sha256: Sha256
    signed_by: Sha256 | None
    pack: str


def _stated(record: PackRecord) -> _Stated:
    """Return what the log says of a pack, whether it comes or goes."""
    return {
        "contract": ContractId(record.contract),
        "manifest_sha256": Sha256(record.manifest_sha256),
        "signed_by": Sha256(record.signed_by) if record.signed_by else None,
        "pack": record.name,
    }


def _added_event(context: Context, record: PackRecord, worth: Signature) -> Event[PackAdded]:
    return Event(context, PackAdded(signature=SignatureWorth(worth.value), **_stated(record)))


@contextmanager
def _staging(models_dir: Path) -> Iterator[Path]:
    """Yield a folder of its own inside ``models_dir``, which goes with everything in it."""
    with writable():
        models_dir.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(dir=models_dir, prefix=".add-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _not_added(name: str) -> ModelPackError:
    return ModelPackError(
        "pack.not-added",
        N_("The model pack “%(pack)s” was not added to this installation."),
        why=N_("A manifest that merely lies in the models folder is not used: nobody answers for it."),
        hint=N_("An administrator adds it with “custodes models add MANIFEST”."),
        pack=name,
    )
