"""Verify a log, or a proof from one, without a server and without trusting whoever handed it over.

This file is the whole verifier: it needs Python 3.11 and the package `cryptography`, and nothing of Custodes.

    python verify.py log FOLDER --key VKEY [--key VKEY] [--policy FILE] [--since CHECKPOINT] [--strict]
    python verify.py proof FILE --entry FILE --key VKEY [--policy FILE] [--strict]
    python verify.py pack FILE --key VKEY [--policy FILE] [--strict]

Believed are the keys on the command line and in the policy file, and the checkpoint given with --since if its log
signed it; nothing in FOLDER or in a proof.  No count, name, path or link there decides what is read or compared: the
size comes from the signed checkpoint alone, and every entry is hashed.

How a log is verified:

1. ``checkpoint`` is a signed note (C2SP signed-note, tlog-checkpoint).  Every --key must have signed it, and a quorum
   of the policy's witnesses (C2SP tlog-policy, tlog-cosignature).  A wrong signature of a known key is a failure;
   signatures of unknown keys are ignored, as the specification demands, and refused with --strict.
2. Every entry bundle (C2SP tlog-tiles) is hashed and compared with its hash tile, every tile with the tile above it,
   and the tree they make (RFC 6962, section 2.1) with the signed root.  One bundle is in memory at a time.
3. With --since: the tree over the first so many of these entries must have the root of that earlier checkpoint.
   Fewer entries than it had is a rollback; other entries, a fork or a rewritten past.
4. Partial tiles of smaller sizes must be the beginnings of those that replaced them.  Files that the checkpoint does
   not cover are not verified, which is said, and refused with --strict.

A disclosure pack is a ZIP of entries, each with a proof, all against one checkpoint, and openings: bytes whose SHA-256
the entry states as ``private``.  Exactly those members may be in it, stored as they are, beside README.txt and
pack.json, which are its maker's words: nothing proves them, nor that no entry was left out.

Exit status: 0 verified, 1 not verified (one sentence says what failed and where), 2 wrong command line.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import re
import stat
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

WIDTH = 256  # hashes in a full tile, entries in a full bundle
MAX_NOTE, MAX_BUNDLE = 1_000_000, WIDTH * (2 + 65_535)  # bytes
MAX_PACK = 500_000_000
ED25519, COSIGNATURE, MLDSA = 0x01, 0x04, 0x06  # C2SP signed-note, "Signature types"


class Failure(Exception):
    """One sentence: what failed, and where."""


def read(path: Path, limit: int = MAX_NOTE, *, optional: bool = False) -> bytes:
    """Return a regular file of at most ``limit`` bytes (b"" if optional and not there); never waits on a pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Failure(f"{path} is not a regular file.")
            data = file.read(limit + 1)
    except OSError as error:
        if optional and isinstance(error, FileNotFoundError | NotADirectoryError):
            return b""
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > limit:
        raise Failure(f"{path} is longer than {limit} bytes.")
    return data


def unbase64(text: str) -> bytes | None:
    """Decode canonical base64 (RFC 4648, section 3.5); None for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def decimal(text: str) -> int | None:
    """Decode an ASCII decimal without leading zeros, at most 2**62; None for anything else."""
    number = int(text) if re.fullmatch("0|[1-9][0-9]{0,18}", text, re.ASCII) else None
    return number if number is not None and number <= 2**62 else None


# --- the tree (RFC 6962, section 2.1) ---------------------------------------------------------------


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def row_root(row: list[bytes]) -> bytes:
    """Return the root over a row of hashes: paired off, level by level; one left without a partner rises as it is."""
    while len(row) > 1:
        left = row[-1:] if len(row) & 1 else []
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)] + left
    return row[0]


def tree_root(rows: Iterable[list[bytes]]) -> bytes:
    """Return the root of a tree given as rows: the l-th holds the roots of its last subtrees of 256^l leaves."""
    rest: list[bytes] = []
    for row in rows:
        rest = [row_root(row + rest)] if row or rest else []
    return rest[0] if rest else hashlib.sha256(b"").digest()


def path_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that an audit path (RFC 6962, section 2.1.1) leads to from leaf ``index`` of ``size``."""
    if (size > 1) != bool(path) or index >= size:
        raise Failure("The audit path of the proof has another length than the tree is high.")
    if size == 1:
        return leaf
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return node_hash(path_root(leaf, index, half, path[:-1]), path[-1])
    return node_hash(path[-1], path_root(leaf, index - half, size - half, path[:-1]))


# --- keys, notes, checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature) -----------------


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes
    has_extensions: bool


def parse_checkpoint(text: str, where: str) -> Checkpoint:
    lines = text.split("\n")
    size, root = (decimal(lines[1]), unbase64(lines[2])) if len(lines) > 3 else (None, None)
    if lines.pop() or not all(lines) or size is None or root is None or len(root) != 32:
        raise Failure(f"{where} is not a checkpoint: its origin, size or root cannot be read.")
    return Checkpoint(lines[0], size, root, len(lines) > 3)


@dataclass(frozen=True)
class Key:
    """A verifier key: ``name+id+base64(type, public key)``."""

    name: str
    key_id: bytes
    type: int
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Key:
        found = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", vkey, re.DOTALL)
        raw = (unbase64(found[3]) if found else None) or b"\0"
        name = found[1] if found and vkey.isprintable() else ""
        expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        lengths = {ED25519: 32, COSIGNATURE: 32, MLDSA: 1312}
        if not found or not name or expected.hex() != found[2] or len(raw) - 1 != lengths.get(raw[0]):
            raise Failure(f"'{vkey[:60]}' is not a verifier key of a type known here (Ed25519, ML-DSA-44).")
        return cls(name, expected, raw[0], raw[1:])

    def time(self, payload: bytes) -> int:
        return 0 if self.type == ED25519 else int.from_bytes(payload[:8], "big")

    def verify(self, text: str, checkpoint: Checkpoint, payload: bytes) -> bool:
        """Return whether ``payload`` is this key's signature of a checkpoint's ``text``."""
        time, signature = self.time(payload), payload[8:]
        try:
            if self.type == ED25519:
                message, signature = text.encode(), payload
            elif self.type == COSIGNATURE:
                message = f"cosignature/v1\ntime {time}\n{text}".encode()
            else:
                name, origin = self.name.encode(), checkpoint.origin.encode()
                message = b"subtree/v1\n\0" + bytes([len(name)]) + name + time.to_bytes(8, "big")
                message += bytes([len(origin)]) + origin + bytes(8)
                message += checkpoint.size.to_bytes(8, "big") + checkpoint.root
            kind = MLDSA44PublicKey if self.type == MLDSA else Ed25519PublicKey
            kind.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        # ML-DSA-44 does not cover extension lines: what nobody signed is not accepted
        return time < 2**63 and not (self.type == MLDSA and checkpoint.has_extensions)


def parse_note(data: bytes, where: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return a signed note's text and its signature lines as (key name, key id, signature)."""
    whole = data.decode("utf-8", "surrogateescape")
    text, gap, below = whole.rpartition("\n\n")
    lines = below.split("\n")
    if re.search("[\x00-\x09\x0b-\x1f\ud800-\udfff]", whole) or not gap or lines.pop() or not 1 <= len(lines) <= 64:
        raise Failure(f"{where} is not a signed note: not text, an empty line and whole signature lines.")
    signatures = []
    for line in lines:
        found = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        raw = unbase64(found[2]) if found else None
        if not found or raw is None or len(raw) < 5:
            raise Failure(f"{where} is not a signed note: a signature line cannot be read.")
        signatures.append((found[1], raw[:4], raw[4:]))
    return text + "\n", signatures


# --- who must have signed (C2SP tlog-policy) --------------------------------------------------------


class Trust:
    """The keys and the policy that the person who verifies has chosen.

    Custodes adds to tlog-policy: where witnesses are named ``outside:…``, one of them must be in the quorum.
    """

    def __init__(self, keys: Sequence[str], policy: bytes = b"quorum none\n", *, strict: bool = False) -> None:
        self.keys = [Key.parse(vkey) for vkey in keys]
        self.strict = strict
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum = ""
        members: set[str] = set()
        for number, line in enumerate(policy.decode("utf-8", "replace").split("\n"), start=1):
            verb, *rest = re.split("[ \t]+", line.strip(" \t"))
            if not verb or verb.startswith("#"):
                continue
            names = self.witnesses.keys() | self.groups.keys()
            if verb == "log" and len(rest) in {1, 2}:
                self.logs.append(Key.parse(rest[0]))
            elif verb == "witness" and len(rest) in {2, 3} and rest[0] not in {*names, "none"}:
                self.witnesses[rest[0]] = Key.parse(rest[1])
            elif verb == "group" and len(rest) >= 3 and rest[0] not in {*names, "none"} and names >= set(rest[2:]):
                listed = rest[2:]
                k = {"any": 1, "all": len(listed)}.get(rest[1], decimal(rest[1]) or 0)
                if not 1 <= k <= len(listed) or len(set(listed)) < len(listed) or members & set(listed):
                    raise Failure(f"Line {number} of the policy is not a group that can be counted.")
                members.update(listed)
                self.groups[rest[0]] = (k, listed)
            elif verb == "quorum" and len(rest) == 1 and not self.quorum and rest[0] in {*names, "none"}:
                self.quorum = rest[0]
            else:
                raise Failure(f"Line {number} of the policy is not a log, witness, group or the one quorum.")
        public = [key.public for key in [*self.logs, *self.witnesses.values()]]  # no log is its own witness
        types = {key.type for key in self.logs}, {key.type for key in self.witnesses.values()}
        if not self.quorum or len(set(public)) < len(public) or COSIGNATURE in types[0] or ED25519 in types[1]:
            raise Failure("The policy has no quorum, one key twice, or a key that cannot sign for its line.")

    def is_met_by(self, cosigners: Iterable[str]) -> bool:
        met = set(cosigners)
        outside = {name for name in self.witnesses if name.startswith("outside:")}
        is_outside_heard = not outside or met & outside
        for name, (k, listed) in self.groups.items():
            if sum(member in met for member in listed) >= k:
                met.add(name)
        return self.quorum == "none" or (self.quorum in met and bool(is_outside_heard))

    def open(self, data: bytes, where: str, *, earlier: bool = False) -> tuple[Checkpoint, str]:
        """Return the checkpoint in ``data`` and who signed it; one that is ``earlier`` needs one log key, no quorum."""
        text, lines = parse_note(data, where)
        checkpoint = parse_checkpoint(text, where)
        logs = [key for key in [*self.keys, *self.logs] if key.name == checkpoint.origin]
        names = {key: name for name, key in self.witnesses.items()}
        signed: set[Key] = set()
        cosigned: dict[str, int] = {}
        unknown = 0
        for name, key_id, payload in lines:
            known = [key for key in {*logs, *names} if (key.name, key.key_id) == (name, key_id)]
            unknown += not known
            for key in known:
                if not key.verify(text, checkpoint, payload):
                    raise Failure(f"{where}: the signature of {name} is not one of this checkpoint.")
                signed |= {key} & set(logs)
                if key in names and key.time(payload):  # time 0 says nothing about the largest tree
                    cosigned[names[key]] = key.time(payload)
        missing = [] if earlier else [key for key in self.keys if key not in signed]
        if missing or not signed:
            who = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in missing or self.keys) or "of a log given here"
            raise Failure(f"{where}: not signed by the log '{checkpoint.origin}' with the key {who}.")
        if unknown and self.strict and not earlier:
            raise Failure(f"{where}: {unknown} signature line(s) of keys that were not given (--strict).")
        by = ", ".join(f"{n} at {datetime.fromtimestamp(min(t, 2**37), UTC).isoformat()}" for n, t in cosigned.items())
        if not earlier and not self.is_met_by(cosigned):
            raise Failure(f"{where}: not cosigned by a quorum of the policy, only by: {by or 'nobody'}.")
        return checkpoint, f"cosigned by {by or 'nobody'}; {unknown} signature line(s) of other keys ignored"


# --- a whole log (C2SP tlog-tiles) ------------------------------------------------------------------


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    number = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{number}" + (f".p/{width}" if width < WIDTH else "")


def parse_row(level: int | str, data: bytes, where: str) -> list[bytes]:
    """Return the hashes of a tile, or the entries of a bundle, each of which follows its length as two bytes."""
    row: list[bytes] = []
    at = 0
    while at < len(data) and len(row) <= WIDTH:
        begin = at + 2 if level == "entries" else at
        end = begin + (int.from_bytes(data[at:begin], "big") if level == "entries" else 32)
        if end > len(data):
            raise Failure(f"{where} ends in the middle of an entry or a hash.")
        row.append(data[begin:end])
        at = end
    return row


@dataclass(frozen=True)
class Log:
    """A folder that is said to hold the log of a checkpoint over ``size`` entries."""

    folder: Path
    size: int

    def width(self, level: int | str, index: int) -> int:
        """Return how many hashes or entries the tile has in a tree of this size; 0 or less: it has no such tile."""
        return min(WIDTH, (self.size >> 8 * (0 if level == "entries" else int(level))) - index * WIDTH)

    def row(self, level: int | str, index: int) -> tuple[str, list[bytes]]:
        """Return where a tile or bundle lies, and its hashes or entries; of a partial one also from the full one."""
        width = wide = self.width(level, index)
        data = read(self.folder / tile_path(level, index, width), MAX_BUNDLE, optional=True)
        if not data and width < WIDTH:
            wide = WIDTH
            data = read(self.folder / tile_path(level, index), MAX_BUNDLE, optional=True)
        where = tile_path(level, index, wide if data else width)
        if not data:
            raise Failure(f"{where} is missing or empty, though the checkpoint covers {self.size} entries.")
        row = parse_row(level, data, where)
        if len(row) != wide:
            raise Failure(f"{where} holds another number than {wide}, which the checkpoint calls for.")
        return where, row[:width]

    def compare(self, level: int, index: int, expected: list[bytes]) -> None:
        """Hold a hash tile to what the entries or tiles under it amount to."""
        where, row = self.row(level, index)
        for place, (said, found) in enumerate(zip(row, expected, strict=True), start=index * WIDTH):
            if said != found:
                under = f"entry {place}" if level == 0 else tile_path(level - 1, place)
                raise Failure(f"{where} and {under} differ: one of them is not what was sealed.")

    def roots(self, earlier: int) -> tuple[bytes, bytes]:
        """Hash everything; return the root of the tree and that of its first ``earlier`` entries."""
        rows: list[list[bytes]] = [[]]
        earlier_root = b""
        for index in range(-(-self.size // WIDTH)):
            leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in self.row("entries", index)[1]]
            if index == earlier // WIDTH:
                earlier_root = tree_root([leaves[: earlier % WIDTH], *rows[1:]])
            rows[0] = leaves
            level = 0
            self.compare(0, index, leaves)
            while len(rows[level]) == WIDTH:
                if level:
                    self.compare(level, index >> 8 * level, rows[level])
                if level + 1 == len(rows):
                    rows.append([])
                rows[level + 1].append(row_root(rows[level]))
                rows[level] = []
                level += 1
        for level in range(1, len(rows)):
            if rows[level]:
                self.compare(level, self.size >> 8 * (level + 1), rows[level])
        root = tree_root(rows)
        return root, root if earlier == self.size else earlier_root

    def leftovers(self) -> list[str]:
        """Hold partial tiles of smaller sizes to what replaced them; return what the checkpoint does not cover."""
        beyond = []
        for name in (Path(top) / name for top, _, names in os.walk(self.folder / "tile") for name in sorted(names)):
            path = name.relative_to(self.folder).as_posix()
            found = re.fullmatch(r"tile/(entries|\d\d?)/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?", path, re.ASCII)
            level, number, part = found.groups() if found else ("", "0", "")
            index, width = int(re.sub("[x/]", "", number)), int(part or WIDTH)
            if not found or tile_path(level, index, width) != path or width > self.width(level, index):
                beyond.append(path)
            elif width < self.width(level, index):
                row = parse_row(level, read(name, MAX_BUNDLE), path)
                if len(row) != width or row != self.row(level, index)[1][:width]:
                    raise Failure(f"{path} is not the beginning of the tile that replaced it.")
        return beyond


def verify_log(folder: Path, trust: Trust, since: bytes | None = None) -> str:
    """Verify a whole log; return a sentence that says what was verified, or raise the Failure that it met."""
    checkpoint, signers = trust.open(read(folder / "checkpoint"), "checkpoint")
    earlier = trust.open(since, "The earlier checkpoint", earlier=True)[0] if since is not None else None
    if earlier and earlier.origin != checkpoint.origin:
        raise Failure(f"The earlier checkpoint is of another log, '{earlier.origin}', not '{checkpoint.origin}'.")
    if earlier and earlier.size > checkpoint.size:
        raise Failure(f"Rolled back: the log had {earlier.size} entries and now has {checkpoint.size}.")
    log = Log(folder, checkpoint.size)
    root, earlier_root = log.roots(earlier.size if earlier else 0)
    if root != checkpoint.root:
        raise Failure(f"The entries have the root {root.hex()}; the checkpoint says {checkpoint.root.hex()}.")
    if earlier and earlier.size and earlier_root != earlier.root:
        raise Failure(f"Forked or rewritten: the first {earlier.size} entries are not those of the earlier checkpoint.")
    beyond = log.leftovers()
    if beyond and trust.strict:
        raise Failure(f"{beyond[0]} and {len(beyond) - 1} other file(s) are not covered by the checkpoint (--strict).")
    continues = f"; continues the checkpoint over {earlier.size}" if earlier else ""
    unlooked = f"; {len(beyond)} file(s) beyond the checkpoint not verified" if beyond else ""
    return f"Verified: '{checkpoint.origin}', {log.size} entries, root {root.hex()}{continues}; {signers}{unlooked}."


def verify_proof(data: bytes, entry: bytes, trust: Trust) -> str:
    """Verify by the proof ``data`` that ``entry`` is in a log; return a sentence that says so, or raise Failure."""
    above, gap, note = data.partition(b"\n\n")
    header, *lines = above.decode("ascii", "replace").split("\n")
    if not gap or header != "c2sp.org/tlog-proof@v1":
        raise Failure("The proof does not begin as one.")
    if lines and lines[0].startswith("extra ") and unbase64(lines.pop(0)[6:]) is None:
        raise Failure("The extra data of the proof are not base64.")
    index = decimal(lines.pop(0)[6:]) if lines and lines[0].startswith("index ") else None
    path = [digest for digest in map(unbase64, lines) if digest is not None and len(digest) == 32]
    if index is None or len(path) != len(lines) or len(path) > 62:
        raise Failure("The proof has no readable entry number, or a line of its path is not a hash.")
    checkpoint, signers = trust.open(note, "The checkpoint in the proof")
    if path_root(hashlib.sha256(b"\x00" + entry).digest(), index, checkpoint.size, path) != checkpoint.root:
        raise Failure(f"The proof does not show that this is entry {index} of '{checkpoint.origin}'.")
    return f"Verified: entry {index} of '{checkpoint.origin}' ({checkpoint.size} entries); {signers}."


def members(data: bytes) -> dict[str, bytes]:
    """Return the members of a ZIP that is written in the one way in which a pack is: made again, it is the same."""
    again = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(again, "w") as copy:
            if sum(one.file_size for one in archive.infolist()) > len(data):
                raise Failure("The members of the pack are larger than the pack.")
            found = {one.filename: archive.read(one) for one in archive.infolist()}
            for name, content in found.items():
                member = zipfile.ZipInfo(name)  # of the earliest date that a ZIP can state
                member.create_system = 3
                copy.writestr(member, content)
    except Failure:
        raise
    except Exception as error:  # a reader of an archive that anybody may have written: whatever it says, it is none
        raise Failure(f"This is not a disclosure pack ({type(error).__name__}).") from error
    if again.getvalue() != data:
        raise Failure("The archive is not written as a disclosure pack is.")
    return found


def private_of(body: bytes) -> object:
    """Return what an entry commits to."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    return said.get("private") if isinstance(said, dict) else None


def verify_pack(data: bytes, trust: Trust) -> str:
    """Verify a disclosure pack; return a sentence that says what is proven, or raise Failure."""
    found = members(data)
    words = [found.pop(name, b"") for name in ("README.txt", "pack.json")]
    entries = {name: body for name, body in found.items() if re.fullmatch(r"entries/(0|[1-9][0-9]{0,18})\.json", name)}
    if not all(words) or not entries:
        raise Failure("The pack has no README.txt, no pack.json or no entry.")
    notes: set[bytes] = set()
    opened = 0
    for name, body in entries.items():
        position = name[len("entries/") : -len(".json")]
        proof = found.pop(f"proofs/{position}.tlog-proof", b"")
        above, _, note = proof.partition(b"\n\n")
        signers = verify_proof(proof, body, trust)
        if f"\nindex {position}\n".encode() not in above + b"\n":
            raise Failure(f"The proof of {name} is one of another entry.")
        notes.add(note)
        opening = found.pop(f"openings/{position}", None)
        if opening is not None:
            if hashlib.sha256(opening).hexdigest() != private_of(body):
                raise Failure(f"openings/{position} is not what {name} commits to.")
            opened += 1
        del found[name]
    if len(notes) != 1:
        raise Failure("The proofs in the pack are of different checkpoints.")
    if found:
        raise Failure(f"The pack has a member that belongs to none of its entries: {min(found)}.")
    where = signers.partition(" of ")[2]
    return f"Verified: {len(entries)} entries, {opened} of them opened, of {where} Not proven: that none was left out."


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify a log or a proof from one, trusting only the keys given.")
    commands = parser.add_subparsers(dest="command", required=True)
    log = commands.add_parser("log", help="a whole log in a folder")
    log.add_argument("path", type=Path, metavar="FOLDER")
    log.add_argument("--since", type=Path, metavar="FILE", help="an earlier checkpoint that the log must continue")
    proof = commands.add_parser("proof", help="one entry, by its .tlog-proof file")
    proof.add_argument("path", type=Path, metavar="FILE")
    proof.add_argument("--entry", type=Path, required=True, metavar="FILE", help="the entry, byte for byte")
    pack = commands.add_parser("pack", help="a disclosure pack: what a log says of one request")
    pack.add_argument("path", type=Path, metavar="FILE")
    for command in (log, proof, pack):
        command.add_argument("--key", action="append", default=[], metavar="VKEY", help="a key the log must sign with")
        command.add_argument("--policy", type=Path, metavar="FILE", help="witnesses and a quorum (C2SP tlog-policy)")
        command.add_argument("--strict", action="store_true", help="refuse what is neither signed nor covered")
    chosen = parser.parse_args(arguments)
    try:
        trust = Trust(chosen.key, read(chosen.policy) if chosen.policy else b"quorum none\n", strict=chosen.strict)
        if chosen.command == "log":
            said = verify_log(chosen.path, trust, read(chosen.since) if chosen.since else None)
        elif chosen.command == "pack":
            said = verify_pack(read(chosen.path, MAX_PACK), trust)
        else:
            said = verify_proof(read(chosen.path, 3 * MAX_NOTE), read(chosen.entry), trust)
    except Failure as failure:
        said = f"NOT VERIFIED: {failure}"
    # ASCII and printable: no name from the data may write over a terminal, and any terminal can show it
    sys.stdout.write("".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in said) + "\n")
    return int(said.startswith("NOT"))


if __name__ == "__main__":
    sys.exit(main())
