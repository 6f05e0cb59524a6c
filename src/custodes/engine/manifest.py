"""A manifest's text to a :class:`Pack`: every field checked, every fault one ``pack.manifest-malformed``.

Source: TOML 1.0.  Unknown keys are faults too, so that a misspelt setting is never silently a default.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, cast

from custodes.engine.contract import (
    TRANSFORM,
    WARP,
    AlignmentContract,
    DetectorContract,
    EmbedderContract,
    Point,
    Preprocessing,
)
from custodes.engine.packs import (
    RESEARCH_WEIGHTS,
    ROLES,
    FolderSource,
    Pack,
    Source,
    Threshold,
    UrlSource,
    WeightsFile,
    WheelSource,
)
from custodes.engine.vetting import LARGEST_MODEL
from custodes.errors import ModelPackError
from custodes.text import N_
from custodes.types import Pose

T = TypeVar("T")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,59}")
_PACK_VERSION = re.compile(r"[!-~]{1,40}")
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]*")
_URL = re.compile(r"https://[^\s/]+/\S*")
_NON_COMMERCIAL = re.compile(r"\bNC\b|non[- ]?commercial|research only|research purposes only", re.IGNORECASE)
"""Words in the name of a licence that rule casework out."""
_RESERVED = frozenset({"packs"})
"""Names that are taken in the folder in which every pack has one (`shelf`)."""


def malformed(field: str, fault: str) -> ModelPackError:
    """Return the error for ``field`` of a manifest, which ``fault`` (an English clause)."""
    return ModelPackError(
        "pack.manifest-malformed",
        N_("The model pack's manifest cannot be used: “%(field)s” %(fault)s."),
        hint=N_("Correct the manifest; docs/packs.md explains every field."),
        field=field,
        fault=fault,
    )


class _Table:
    """One TOML table, from which each value is taken once; what is left over at :meth:`end` is a fault."""

    def __init__(self, values: object, path: str = "") -> None:
        if not isinstance(values, dict):
            raise malformed(path, "is not a table")
        self._values: dict[str, Any] = dict(values)
        self._path = path

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def take(self, key: str, kind: type[T]) -> T:
        value = self._values.pop(key, None)
        if value is None:
            raise malformed(self._at(key), "is missing")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise malformed(self._at(key), f"is not of type {kind.__name__}")
        return value

    def has(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.take(key, str)
        if not value.strip() or (pattern and not pattern.fullmatch(value)):
            raise malformed(self._at(key), "is empty or has a form that is not allowed")
        return value

    def one_of(self, key: str, allowed: Iterable[str]) -> str:
        value = self.take(key, str)
        if value not in (known := tuple(allowed)):
            raise malformed(self._at(key), f"is not one of {', '.join(known)}")
        return value

    def number(self, key: str, low: float, high: float) -> float:
        value = self.take(key, float)
        if not low <= value <= high:
            raise malformed(self._at(key), f"is not between {low:g} and {high:g}")
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.take(key, int)
        if not low <= value <= high:
            raise malformed(self._at(key), f"is not between {low} and {high}")
        return value

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        return _numbers(self.take(key, list), count, self._at(key))

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list)
        if not values or not all(isinstance(value, str) and value for value in values):
            raise malformed(self._at(key), "is not a list of texts")
        return tuple(values)

    def table(self, key: str) -> _Table:
        return _Table(self.take(key, dict), self._at(key))

    def tables(self, key: str) -> list[_Table]:
        return [_Table(value, f"{self._at(key)}[{index}]") for index, value in enumerate(self.take(key, list))]

    def end(self) -> None:
        if self._values:
            raise malformed(self._at(min(self._values)), "is not a known key")


def _numbers(values: list[object], count: int, path: str) -> tuple[float, ...]:
    if len(values) != count or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        raise malformed(path, f"is not a list of {count} numbers")
    return tuple(float(cast("float", value)) for value in values)


def parse_manifest(text: str) -> Pack:
    """Return the pack that the TOML ``text`` describes.

    Raises:
        ModelPackError: ``pack.manifest-malformed``, naming the field.
    """
    try:
        top = _Table(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise malformed("file", "is not TOML") from error
    licence, threshold = top.table("licence"), top.table("threshold")
    pack = Pack(
        name=top.text("name", _NAME),
        version=top.text("version", _PACK_VERSION),
        licences=licence.texts("names"),
        licence_note=licence.text("note"),
        operational_use=top.take("operational_use", bool),
        files=_files(top.tables("files")),
        sources=tuple(_source(table) for table in top.tables("sources")),
        preprocessing=_preprocessing(top.table("preprocessing")),
        dimension=top.whole("dimension", 2, 4096),
        threshold=Threshold(threshold.number("value", -1.0, 1.0), threshold.text("source")),
        poses=_poses(top),
    )
    for table in (licence, threshold, top):
        table.end()
    _check_licence(pack)
    if pack.name in _RESERVED:
        raise malformed("name", "is reserved")
    return pack


def _check_licence(pack: Pack) -> None:
    """ENG-04: neither weights known to be for research nor a licence that says so can be declared fit for casework."""
    if pack.operational_use and any(file.sha256 in RESEARCH_WEIGHTS for file in pack.files):
        raise malformed("operational_use", "cannot be true: these weights were published for research")
    if pack.operational_use and any(_NON_COMMERCIAL.search(name) for name in pack.licences):
        raise malformed("operational_use", "cannot be true under a licence for non-commercial use or research only")


def _poses(top: _Table) -> frozenset[Pose]:
    """Return the poses that a pack says it compares: only the front, where it says nothing."""
    if not top.has("poses"):
        return frozenset({Pose.FRONTAL})
    names = top.texts("poses")
    if unknown := [name for name in names if name not in set(Pose)]:
        raise malformed("poses", f"names {unknown[0]}, which is no pose")
    if Pose.FRONTAL not in names:
        raise malformed("poses", "does not name frontal")
    return frozenset(map(Pose, names))


def _files(tables: list[_Table]) -> tuple[WeightsFile, ...]:
    found = []
    for table in tables:
        found.append(
            WeightsFile(
                role=table.one_of("role", ROLES),
                filename=table.text("filename", _FILENAME),
                sha256=table.text("sha256", _SHA256),
                size=table.whole("size", 1, LARGEST_MODEL),
            )
        )
        table.end()
    if sorted(file.role for file in found) != sorted(ROLES) or len({file.filename for file in found}) != len(found):
        raise malformed("files", "does not name one file for each of the roles detector and embedder")
    return tuple(found)


def _source(table: _Table) -> Source:
    source: Source
    match table.one_of("kind", ("folder", "wheel", "url")):
        case "folder":
            source = FolderSource(Path(table.text("folder")))
        case "wheel":
            source = WheelSource(
                project=table.text("project", _PROJECT),
                version=table.text("version", _VERSION),
                wheel=table.text("wheel", _FILENAME),
                member=_member(table.text("member")),
            )
        case _:
            source = UrlSource(table.text("url", _URL))
    table.end()
    return source


def _member(path: str) -> str:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise malformed("sources.member", "leaves the wheel")
    return path


def _preprocessing(top: _Table) -> Preprocessing:
    detector, alignment, embedder = top.table("detector"), top.table("alignment"), top.table("embedder")
    top.end()
    contract = Preprocessing(_detector(detector), _alignment(alignment), _embedder(embedder))
    for table in (detector, alignment, embedder):
        table.end()
    return contract


def _detector(table: _Table) -> DetectorContract:
    sides = table.take("long_sides", list)
    if not sides or not all(type(side) is int and 32 <= side <= 8192 for side in sides) or sides != sorted(set(sides)):
        raise malformed("preprocessing.detector.long_sides", "is not an ascending list of sizes from 32 to 8192")
    return DetectorContract(
        architecture=table.one_of("architecture", ("yunet",)),
        colour_order=table.one_of("colour_order", ("RGB", "BGR")),
        long_sides=tuple(sides),
        native_pass_ratio=table.number("native_pass_ratio", 1.0, 16.0),
        confidence=table.number("confidence", 0.05, 1.0),
        overlap_within_pass=table.number("overlap_within_pass", 0.0, 1.0),
        overlap_between_passes=table.number("overlap_between_passes", 0.0, 1.0),
        landmark_face_width=table.whole("landmark_face_width", 8, 4096),
        refine_face_width=table.whole("refine_face_width", 32, 512),
        refine_level=table.take("refine_level", bool),
        refine_confidence=table.number("refine_confidence", 0.05, 1.0),
        refine_overlap=table.number("refine_overlap", 0.0, 1.0),
    )


def _alignment(table: _Table) -> AlignmentContract:
    points = table.take("points", list)
    if len(points) != 5 or not all(isinstance(point, list) for point in points):
        raise malformed("preprocessing.alignment.points", "is not a list of five points")
    pairs = [cast("Point", _numbers(point, 2, "preprocessing.alignment.points")) for point in points]
    return AlignmentContract(
        template=table.text("template"),
        points=(pairs[0], pairs[1], pairs[2], pairs[3], pairs[4]),
        transform=table.one_of("transform", (TRANSFORM,)),
        warp=table.one_of("warp", (WARP,)),
    )


def _embedder(table: _Table) -> EmbedderContract:
    return EmbedderContract(
        input_size=table.whole("input_size", 16, 1024),
        colour_order=table.one_of("colour_order", ("RGB", "BGR")),
        mean=cast("tuple[float, float, float]", table.numbers("mean", 3)),
        scale=table.number("scale", 1e-6, 1e6),
    )
