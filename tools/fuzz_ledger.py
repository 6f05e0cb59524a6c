"""What the fuzzer feeds the ledger: every text and binary that comes from another machine or from a disk.

A parser may refuse with an error of ours and nothing else.  What it accepts has to be spelt in one way only, and what
verifies has to be what was signed: anything else is raised here as an AssertionError, which is a finding.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from custodes.errors import CustodesError
from custodes.keyfile import read_secret, secret_file
from custodes.ledger import verify
from custodes.ledger.canonical import canonical
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.folder import FolderTileStore
from custodes.ledger.growth import Growth
from custodes.ledger.keyring import Keyring, KeyUse, parse_log_keys
from custodes.ledger.keys import KeyType, SigningKey, VerifierKey
from custodes.ledger.leaf import event_of
from custodes.ledger.notary import Remembered
from custodes.ledger.note import SignedNote, cosign, open_note, sign_note
from custodes.ledger.pack import Item, make_pack
from custodes.ledger.proof import Proof
from custodes.ledger.quorum import Policy, Witness
from custodes.ledger.stamp import verify_stamp
from custodes.ledger.tiles import TILE_WIDTH, TilePath, TileReader, encode_bundle, parse_bundle, parse_hashes
from custodes.ledger.tree import consistency_proof
from custodes.ledger.witnessing.standing import Extension
from custodes.ledger.witnessing.wire import Answer, Request

_ORIGIN = "log.police.example/fuzz"
_AT = 1_790_000_000
_SIZE = TILE_WIDTH + 20
_LEAF = {
    "at": "2026-11-23T03:45:28.346903+00:00",
    "facts": {"evaluation": False},
    "id": "ent_08szxpv31x0ggyfw50yder8dr8",
    "kind": "installation.created",
    "phase": "effect",
    "targets": ["agy_784a3e5he5prs54aqfae4r1wdn", "acc_7cmb8wd9s93q83ka1t4w3r8v3j"],
    "trace": "trc_2jn71qrd4cyr0tbt5bgzw9jg7z",
}


def _key(name: str, kind: KeyType) -> SigningKey:
    return SigningKey(name, kind, hashlib.sha256(f"{name}{kind.name}".encode()).digest())


class _Scene(NamedTuple):
    """A small log that was sealed once more after its first ten entries, and everything that is made of it."""

    folder: Path
    signers: tuple[SigningKey, ...]
    policy: Policy
    note: SignedNote
    proof: Proof
    request: Request
    extension: SignedNote
    entries: list[bytes]

    @property
    def keys(self) -> list[VerifierKey]:
        return [signer.verifier for signer in self.signers]


@cache
def _scene() -> _Scene:
    folder = Path(tempfile.mkdtemp(prefix="custodes-fuzz-"))
    signers = (_key(_ORIGIN, KeyType.ED25519), _key(_ORIGIN, KeyType.COSIGNATURE_MLDSA44))
    witnesses = {name: _key(f"{name}.example/w", KeyType.COSIGNATURE_ED25519) for name in ("a", "b", "c")}
    listed = [Witness("outside:" * (name != "c") + name, key.verifier) for name, key in witnesses.items()]
    policy = Policy.k_of_n([signer.verifier for signer in signers], listed, 2)
    store = FolderTileStore(folder)
    growth, entries = Growth(store), [b'{"n":%d}' % n for n in range(_SIZE)]
    growth.append(entries)
    note = sign_note(str(Checkpoint(_ORIGIN, growth.size, growth.root())), signers, _AT)
    note = cosign(note, list(witnesses.values()), _AT + 1)
    store.write_checkpoint(bytes(note))
    reader = TileReader(store, _SIZE)
    overseers = [_key(f"overseer-{n}", KeyType.ED25519) for n in (1, 2)]
    return _Scene(
        folder,
        signers,
        policy,
        note,
        Proof.make(reader, 7, bytes(note)),
        Request.make(note, 10, consistency_proof(reader, 10, _SIZE)),
        sign_note(str(Extension(_ORIGIN, _AT, _AT + 3600)), overseers, _AT),
        entries,
    )


def ledger_targets() -> dict[str, tuple[Callable[[], list[bytes]], Callable[[bytes], str]]]:
    """Return, by name, the seeds of each parser and what runs one input through it and names its fate."""
    spelt = _Spelt
    return {
        "ledger-note": (lambda: [bytes(_scene().note)], _note),
        "ledger-checkpoint": (lambda: [_scene().note.text.encode()], spelt(Checkpoint.parse)),
        "ledger-key": (lambda: [str(key).encode() for key in _scene().keys], spelt(VerifierKey.parse)),
        "ledger-policy": (_policy_seeds, _policy),
        "ledger-proof": (lambda: [bytes(_scene().proof)], _proof),
        "ledger-tile-path": (lambda: [b"tile/0/x001/x234/067", b"tile/entries/000.p/17"], spelt(TilePath.parse)),
        "ledger-tile": (_tile_seeds, _tile),
        "ledger-leaf": (lambda: [canonical(_LEAF)], _leaf),
        "ledger-request": (lambda: [bytes(_scene().request)], _request),
        "ledger-answer": (lambda: ["".join(map(str, _scene().note.signatures)).encode(), b"276\n"], _answer),
        "ledger-witnesses": (_remembered_seeds, _remembered),
        "ledger-extension": (lambda: [bytes(_scene().extension)], _extension),
        "ledger-keys": (_list_seeds, _key_list),
        "ledger-stamp": (lambda: [b"0\x03\x02\x01\x00", bytes.fromhex("3009300702010230020c00")], _stamp),
        "ledger-key-file": (lambda: [secret_file(bytes(32), None, os.urandom)], _key_file),
        "verify-log": (_log_seeds, _log_verified),
        "verify-proof": (lambda: [bytes(_scene().proof)], _proof_verified),
        "verify-pack": (_pack_seeds, _pack_verified),
        "verify-policy": (_policy_seeds, _trusted),
    }


class _Spelt:
    """Runs a parser of text and holds what it accepts to being spelt as it was."""

    def __init__(self, parse: Callable[[str], object]) -> None:
        self._parse = parse

    def __call__(self, data: bytes) -> str:
        text = data.decode("utf-8", "surrogateescape")
        return _fate(partial(self._parse, text), lambda found: str(found) == text)


def _fate(parse: Callable[[], object], holds: Callable[[object], bool] = lambda _: True) -> str:
    try:
        found = parse()
    except CustodesError as error:
        return error.code
    if not holds(found):
        raise AssertionError("accepted, and not what it should be")
    return "accepted"


def _note(data: bytes) -> str:
    known = _scene().keys
    _fate(lambda: SignedNote.parse(data), lambda note: bytes(note) == data)  # type: ignore[call-overload]
    return _fate(lambda: open_note(data, known), lambda note: note.text == _scene().note.text)  # type: ignore[attr-defined]


def _policy_seeds() -> list[bytes]:
    # keys of ML-DSA are so long that hardly anything else of a policy would be damaged
    policy = _scene().policy
    return [str(policy).encode(), str(replace(policy, logs=())).encode()]


def _policy(data: bytes) -> str:
    def read() -> Policy:
        policy = Policy.parse(data)
        policy.hold_to_rules()
        return policy

    return _fate(read, lambda policy: str(Policy.parse(str(policy).encode())) == str(policy))


def _proof(data: bytes) -> str:
    _fate(lambda: Proof.parse(data), lambda proof: bytes(proof) == data)  # type: ignore[call-overload]
    scene = _scene()
    return _fate(
        lambda: Proof.parse(data).verify(scene.entries[7], scene.policy),
        lambda seen: str(seen.checkpoint) == scene.note.text,  # type: ignore[attr-defined]
    )


def _tile_seeds() -> list[bytes]:
    return [b"\x03" + encode_bundle(_scene().entries[:3]), b"\x02" + bytes(64)]


def _tile(data: bytes) -> str:
    width, rest = (data[0] if data else 0), data[1:]
    hashes = _fate(lambda: parse_hashes(rest, width), lambda row: b"".join(row) == rest)  # type: ignore[arg-type]
    bundle = _fate(lambda: parse_bundle(rest, width), lambda entries: encode_bundle(entries) == rest)  # type: ignore[arg-type]
    return f"{hashes} {bundle}"


def _leaf(data: bytes) -> str:
    return _fate(lambda: event_of(data))


def _request(data: bytes) -> str:
    return _fate(lambda: Request.parse(data), lambda request: bytes(request) == data)  # type: ignore[call-overload]


def _answer(data: bytes) -> str:
    signatures = _fate(Answer(200, "text/plain; charset=utf-8", data).signatures)
    return f"{signatures} {_fate(Answer(409, 'text/x.tlog.size', data).size)}"


def _remembered_seeds() -> list[bytes]:
    return [bytes(Remembered({"a": 3}, {"a": _AT}, {"b": "refuses"})), json.dumps({"sizes": [1]}).encode()]


def _remembered(data: bytes) -> str:
    found = Remembered.parse(data)
    if Remembered.parse(bytes(found)) != found:
        raise AssertionError("what is remembered is not what would be written")
    return str(found == Remembered())


def _extension(data: bytes) -> str:
    overseers = [_key(f"overseer-{n}", KeyType.ED25519).verifier for n in (1, 2)]
    return _fate(lambda: Extension.open(data, overseers, _ORIGIN), lambda found: str(found) == _scene().extension.text)


def _list_seeds() -> list[bytes]:
    return [Keyring(tuple(KeyUse(key, since=0, made_at=_AT) for key in _scene().keys)).published().encode()]


def _key_list(data: bytes) -> str:
    return _fate(lambda: parse_log_keys(data), lambda ring: ring.published().encode() == data)  # type: ignore[attr-defined]


def _stamp(data: bytes) -> str:
    return _fate(lambda: verify_stamp(data, b"note", [_root()]), lambda _: False)


@cache
def _root() -> x509.Certificate:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    begin = datetime.fromtimestamp(_AT, UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=1))
    return builder.sign(key, None)


def _key_file(data: bytes) -> str:
    # a protected one costs a quarter of a second by design: its head is damaged, its passphrase is never given
    with tempfile.NamedTemporaryFile(prefix="custodes-fuzz-") as file:
        file.write(data)
        file.flush()
        return _fate(lambda: read_secret(Path(file.name)), lambda secret: secret == data)


# --- the single-file verifier -------------------------------------------------------------------------


def _log_files() -> list[str]:
    folder = _scene().folder
    tiles = sorted(str(path.relative_to(folder)) for path in (folder / "tile").rglob("*") if path.is_file())
    return ["checkpoint", *tiles]


def _log_seeds() -> list[bytes]:
    return [bytes([at]) + (_scene().folder / name).read_bytes() for at, name in enumerate(_log_files())]


def _log_verified(data: bytes) -> str:
    """Exchange one file of the log for the input; what still verifies has the root that was signed."""
    names = _log_files()
    path = _scene().folder / names[(data[0] if data else 0) % len(names)]
    whole = path.read_bytes()
    try:
        path.write_bytes(data[1:])
        return _verified(lambda: verify.verify_log(_scene().folder, _trust()))
    finally:
        path.write_bytes(whole)


def _proof_verified(data: bytes) -> str:
    return _verified(lambda: verify.verify_proof(data, _scene().entries[7], _trust()))


def _pack_seeds() -> list[bytes]:
    scene = _scene()
    reader = TileReader(FolderTileStore(scene.folder), _SIZE)
    items = [Item(scene.entries[n], Proof.make(reader, n, bytes(scene.note))) for n in (3, 7)]
    return [make_pack(items, origin=_ORIGIN, request="req_1", destroyed=0)]


def _pack_verified(data: bytes) -> str:
    return _verified(lambda: verify.verify_pack(data, _trust()))


def _trusted(data: bytes) -> str:
    try:
        verify.Trust([str(key) for key in _scene().keys], data, strict=True).open(bytes(_scene().note), "it")
    except verify.Failure:
        return "refused"
    return "verified"


def _trust() -> verify.Trust:
    return verify.Trust([str(key) for key in _scene().keys], b"quorum none\n", strict=False)


def _verified(action: Callable[[], str]) -> str:
    try:
        said = action()
    except verify.Failure as failure:
        return " ".join(str(failure).split(" ")[:2])
    if _signed() not in said and f"({_SIZE} entries)" not in said:
        raise AssertionError("verified, and not what was signed")
    return "verified"


def _signed() -> str:
    return Checkpoint.parse(_scene().note.text).root.hex()
