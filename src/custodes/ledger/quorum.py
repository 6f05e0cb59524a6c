"""Which signatures make a checkpoint good: C2SP `tlog-policy`, and the rules that Custodes adds.

A policy file names logs, witnesses and groups by their verifier keys, and a quorum: a witness, or a group of which
at least k members must have cosigned.  It is read and written in the specification's format; names must be UTF-8
here, and a file may be at most :data:`MAX_POLICY_BYTES` long.

Custodes adds (AUD-04): a policy in use needs more witnesses than its quorum does, so that one of them can fail, and
no two of its quorums are without a witness in common, so that a fork cannot have both
(:meth:`Policy.hold_to_rules`); and at least one of those who cosigned stands outside policing.  `tlog-policy` has no
word for that, so a witness outside policing has a name that begins with ``outside:``.  Other implementations read the
same file and see a name; they enforce the quorum but not that rule, unless k is larger than the number of witnesses
inside policing.

What it is not: it asks no witness for anything, and it knows no clock.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from custodes.errors import CustodesError, InputError
from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.keys import LOG_TYPES, WITNESS_TYPES, VerifierKey, cosignature_time
from custodes.ledger.note import SignedNote, unsigned, verified_signatures
from custodes.text import N_

NONE = "none"
OUTSIDE = "outside:"
MAX_POLICY_BYTES = 200_000
MOST_WITNESSES = 15
_MAX_LINES = 1_000
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BLANK = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness by its name in the policy; ``url`` ("" for none) is where it takes checkpoints."""

    name: str
    key: VerifierKey
    url: str = ""

    @property
    def is_outside(self) -> bool:
        """Whether it stands outside policing."""
        return self.name.startswith(OUTSIDE)


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as having cosigned when at least ``k`` of ``members`` (witnesses or earlier groups) do."""

    name: str
    k: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that its log signed; ``cosigned``: witness name → seconds since 1970; ``has_quorum`` of them."""

    checkpoint: Checkpoint
    note: SignedNote
    cosigned: Mapping[str, int]
    has_quorum: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """``logs`` with their addresses, ``witnesses``, ``groups`` in an order of definition, and the ``quorum``'s name."""

    logs: tuple[tuple[VerifierKey, str], ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE
    _names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [witness.name for witness in self.witnesses] + [group.name for group in self.groups]
        members = [member for group in self.groups for member in group.members]
        keys = [witness.key for witness in self.witnesses]
        object.__setattr__(self, "_names", frozenset(names))
        if len(self._names) != len(names) or NONE in names or not all(map(_is_name, names)):
            raise _malformed(N_("A name is given twice, is “none”, or has a space in it."))
        if len(set(members)) != len(members) or not all(_is_sound(group) for group in self.groups):
            raise _malformed(N_("A group lists a member twice or that another group lists, or needs more than it has."))
        if not _are_distinct([*(key for key, _ in self.logs), *keys]):  # a log must not be its own witness either
            raise _malformed(N_("A key is given twice."))
        if any(key.type not in LOG_TYPES for key, _ in self.logs) or any(key.type not in WITNESS_TYPES for key in keys):
            raise _malformed(N_("A key has a type that its log or witness cannot sign with."))
        if self.quorum != NONE and self.quorum not in self._names:
            raise _malformed(N_("The quorum is not a witness or group that was named before."))
        self._check_order()

    def _check_order(self) -> None:
        known = {witness.name for witness in self.witnesses}
        for group in self.groups:
            if not known.issuperset(group.members):
                raise _malformed(N_("A group has a member that was not named before."))
            known.add(group.name)

    @classmethod
    def k_of_n(cls, logs: Sequence[VerifierKey], witnesses: Sequence[Witness], k: int) -> Policy:
        """Return the policy that takes any ``k`` of ``witnesses``, held to the rules of Custodes.

        Raises:
            InputError: ``ledger.policy-malformed`` or ``ledger.policy-weak``.
        """
        members = tuple(witness.name for witness in witnesses)
        policy = cls(tuple((key, "") for key in logs), tuple(witnesses), (Group("quorum", k, members),), "quorum")
        policy.hold_to_rules()
        return policy

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Return the policy that a file spells.

        Raises:
            InputError: ``ledger.policy-malformed``.
        """
        logs: list[tuple[VerifierKey, str]] = []
        witnesses: dict[str, Witness] = {}
        groups: dict[str, Group] = {}
        quorum: list[str] = []
        for number, (verb, *rest) in _lines(data):
            named_before = witnesses.keys() | groups.keys()
            if verb == "log" and len(rest) in {1, 2}:
                logs.append((_key(rest[0], number), " ".join(rest[1:])))
            elif verb == "witness" and len(rest) in {2, 3} and rest[0] not in named_before:
                witnesses[rest[0]] = Witness(rest[0], _key(rest[1], number), " ".join(rest[2:]))
            elif verb == "group" and len(rest) >= 3 and rest[0] not in named_before and named_before >= set(rest[2:]):
                groups[rest[0]] = Group(rest[0], _threshold(rest[1], len(rest) - 2), tuple(rest[2:]))
            elif verb == "quorum" and len(rest) == 1 and not quorum and rest[0] in {NONE, *named_before}:
                quorum.append(rest[0])
            else:
                raise _malformed(
                    N_("Line %(line)d is not a log, witness, group or the one quorum, or uses a name wrongly."), number
                )
        if not quorum:
            raise _malformed(N_("It has no line that names the quorum."))
        return cls(tuple(logs), tuple(witnesses.values()), tuple(groups.values()), quorum[0])

    def __str__(self) -> str:
        lines = [f"log {key} {url}".rstrip() for key, url in self.logs]
        lines += [f"witness {one.name} {one.key} {one.url}".rstrip() for one in self.witnesses]
        lines += [f"group {group.name} {group.k} {' '.join(group.members)}" for group in self.groups]
        return "".join(line + "\n" for line in [*lines, f"quorum {self.quorum}"])

    def is_met_by(self, cosigners: Collection[str]) -> bool:
        """Return whether the witnesses named are a quorum with one outside policing, if any witness stands there."""
        met = set(cosigners) & {witness.name for witness in self.witnesses}
        outside = {witness.name for witness in self.witnesses if witness.is_outside}
        if self.quorum != NONE and outside and not met & outside:
            return False
        for group in self.groups:
            if sum(member in met for member in group.members) >= group.k:
                met.add(group.name)
        return self.quorum == NONE or self.quorum in met

    def hold_to_rules(self) -> None:
        """Refuse a policy that needs every one of its witnesses, has none outside policing, or allows a fork (AUD-04).

        Two quorums without a witness in common could cosign two different logs, each in good faith.

        Raises:
            InputError: ``ledger.policy-weak``, or ``ledger.policy-divided`` for one that allows a fork.
        """
        everybody = {witness.name for witness in self.witnesses}
        survives = all(self.is_met_by(everybody - {one}) for one in everybody)
        if self.quorum != NONE and survives and len(everybody) > MOST_WITNESSES:
            raise InputError(
                "ledger.policy-large",
                N_("A policy in use names at most %(most)d witnesses."),
                hint=N_("Name fewer witnesses."),
                most=MOST_WITNESSES,
            )
        if self.quorum == NONE or not survives or not any(witness.is_outside for witness in self.witnesses):
            raise InputError(
                "ledger.policy-weak",
                N_("This policy of witnesses is too weak to be used."),
                why=N_("There must be more witnesses than the quorum needs, and enough of them outside policing."),
                hint=N_("Any one witness may fail and leave a quorum in which one stands outside policing."),
            )
        if self._is_divided(everybody):
            raise InputError(
                "ledger.policy-divided",
                N_("By this policy two different logs could each have a quorum of the witnesses."),
                why=N_("Two quorums that share no witness can each vouch for another log in good faith."),
                hint=N_("Ask for more than half of the witnesses."),
            )

    def _is_divided(self, everybody: set[str]) -> bool:
        """Return whether two sets of witnesses without a member in common are both quorums."""
        # Whatever holds a quorum is one, so it suffices to look at each set and at all the others.
        return any(
            self.is_met_by(some) and self.is_met_by(everybody.difference(some))
            for size in range(1, len(everybody) // 2 + 1)
            for some in combinations(sorted(everybody), size)
        )

    def judge(self, data: bytes) -> Witnessed:
        """Return the checkpoint in ``data`` with who cosigned it, whether or not they are a quorum.

        A cosignature with time 0 states nothing about the largest tree (`tlog-cosignature`) and does not count.

        Raises:
            InputError: ``ledger.note-malformed``, ``ledger.checkpoint-malformed``, ``ledger.signature-wrong``, or
                ``ledger.signature-missing`` when no log of this policy with this origin signed it.
        """
        note = SignedNote.parse(data)
        checkpoint = Checkpoint.parse(note.text)
        logs = [key for key, _ in self.logs if key.name == checkpoint.origin]
        if not verified_signatures(note, logs):
            raise unsigned(logs)
        names = {witness.key: witness.name for witness in self.witnesses}
        cosigned: dict[str, int] = {}
        for key, signature in verified_signatures(note, list(names)):
            time = cosignature_time(key, signature)  # type: ignore[arg-type]  # the verifiers given are VerifierKeys
            name = names[key]  # type: ignore[index]
            if time:
                cosigned[name] = max(time, cosigned.get(name, 0))
        return Witnessed(checkpoint, note, cosigned, self.is_met_by(cosigned))

    def accept(self, data: bytes) -> Witnessed:
        """Return the checkpoint in ``data``, which its log signed and a quorum cosigned.

        Raises:
            InputError: as :meth:`judge`, and ``ledger.quorum-missing``.
        """
        witnessed = self.judge(data)
        if not witnessed.has_quorum:
            raise InputError(
                "ledger.quorum-missing",
                N_("The checkpoint over %(size)d entries is not cosigned by a quorum of witnesses."),
                why=N_("It carries the cosignatures of: %(who)s."),
                size=witnessed.checkpoint.size,
                who=", ".join(sorted(witnessed.cosigned)) or "–",
            )
        return witnessed


def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield number and words of each line that is not empty and no comment."""
    if len(data) > MAX_POLICY_BYTES:
        raise _malformed(N_("It is longer than any policy."))
    lines = data.split(b"\n")
    if len(lines) > _MAX_LINES:
        raise _malformed(N_("It is longer than any policy."))
    for number, raw in enumerate(lines, start=1):
        line = raw.decode("utf-8", "surrogateescape").strip(" \t")
        if _FORBIDDEN.search(line):
            raise _malformed(N_("Line %(line)d contains a control character."), number)
        if line and not line.startswith("#"):
            if not line.isprintable() and not line.replace("\t", " ").isprintable():
                raise _malformed(N_("Line %(line)d is not readable text."), number)
            yield number, _BLANK.split(line)


def _key(text: str, line: int) -> VerifierKey:
    try:
        return VerifierKey.parse(text)
    except CustodesError as error:
        raise _malformed(N_("Line %(line)d does not hold a verifier key that can be used."), line) from error


def _threshold(text: str, members: int) -> int:
    named = {"any": 1, "all": members}
    if text in named:
        return named[text]
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII) else 0


def _is_sound(group: Group) -> bool:
    return 1 <= group.k <= len(group.members)


def _is_name(name: str) -> bool:
    return bool(name) and name.isprintable() and not any(c in " \t" for c in name)


def _are_distinct(keys: Sequence[VerifierKey]) -> bool:
    return len({key.public for key in keys}) == len(keys)


def _malformed(why: str, line: int = 0) -> InputError:
    return InputError(
        "ledger.policy-malformed",
        N_("This is not a policy of logs and witnesses (C2SP tlog-policy)."),
        why=why,
        line=line,
    )
