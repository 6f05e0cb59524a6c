"""OFIQ's own answers, where an agency has it: its sample program is run on a folder, and its table is read.

OFIQ (Federal Office for Information Security, Germany; MIT licence) is the reference implementation of ISO/IEC
29794-5:2025.  It is no dependency: it is C++, and its networks have licences of their own.  ``OFIQSampleApp`` takes
``-c`` configuration, ``-i`` folder and ``-o`` table.  The table begins ``Filename;``; then come the names of the
components, then the names again with ``.scalar``, each followed by ``;``; a row is the path, the native values and the
scores, ``;`` between them, a score of -1 where it failed to assess (``OFIQlib/src/OFIQSampleApp.cpp``, versions 1.0.0
to 1.0.3).
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from custodes.errors import InputError, SetupError
from custodes.text import N_
from custodes.types import Component

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
"""The files of a folder that OFIQ looks at, case aside."""
_STARTING_SECONDS, _PICTURE_SECONDS = 120.0, 30.0
_SCALAR = ".scalar"
_OLD_NAMES = {
    "UpwardCropOfTheFaceImage": Component.MARGIN_BELOW,
    "DownwardCropOfTheFaceImage": Component.MARGIN_ABOVE,
}
"""What the release candidates called the margins: after the way the crop goes, not after where the margin is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One component as OFIQ measured it: ``native`` in its unit; ``score`` 0..100, None where it failed to assess."""

    native: float
    score: float | None


Readings = Mapping[Component, Reading]


def pictures_of(folder: Path) -> list[Path]:
    """Return the files of ``folder`` that OFIQ would look at, by name; it enters no folder in it.

    Raises:
        InputError: ``ofiq.no-pictures``.
    """
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise InputError(
            "ofiq.no-pictures",
            N_("There is no picture in this folder."),
            hint=N_("Name a folder that holds JPEG or PNG files; folders in it are not entered."),
        )
    return found


def run_ofiq(program: str, config: str, folder: Path, *, seconds: float | None = None) -> dict[str, Readings]:
    """Return what OFIQ measured of every picture in ``folder``, by file name.

    ``program``: path of ``OFIQSampleApp``; ``config``: its configuration file, or the folder it is in.  ``seconds``:
    how long it may take; two minutes and half a minute for each picture, unless said.

    Raises:
        InputError: ``ofiq.no-pictures``. SetupError: ``ofiq.not-set``, ``ofiq.not-runnable``, ``ofiq.too-long``,
        ``ofiq.failed`` or ``ofiq.malformed``.
    """
    if not program or not config:
        raise SetupError(
            "ofiq.not-set",
            N_("It is not said where OFIQ is."),
            hint=N_("Set CUSTODES_OFIQ_PROGRAM to OFIQSampleApp and CUSTODES_OFIQ_CONFIG to its configuration."),
        )
    count = len(pictures_of(folder))
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "ofiq.csv"
        command = [program, "-c", config, "-i", str(folder.resolve()), "-o", str(table)]
        _run(command, seconds or _STARTING_SECONDS + _PICTURE_SECONDS * count)
        try:
            text = table.read_text("utf-8", errors="surrogateescape")
        except OSError as error:
            raise _malformed(N_("It wrote no table.")) from error
    return read_table(text)


def _run(command: Sequence[str], seconds: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=seconds)  # noqa: S603 - no shell
    except subprocess.TimeoutExpired as error:
        raise SetupError(
            "ofiq.too-long",
            N_("OFIQ took longer than %(seconds)s seconds and was stopped."),
            hint=N_("Try it on fewer pictures, or by hand."),
            seconds=f"{seconds:g}",
        ) from error
    except OSError as error:
        raise SetupError(
            "ofiq.not-runnable",
            N_("OFIQ cannot be started (%(reason)s)."),
            hint=N_("Check CUSTODES_OFIQ_PROGRAM: it must name the program OFIQSampleApp itself."),
            reason=error.strerror or type(error).__name__,
        ) from error
    if done.returncode != 0:
        raise SetupError(
            "ofiq.failed",
            N_("OFIQ ended with status %(status)s."),
            why=N_("Its models may be missing, or CUSTODES_OFIQ_CONFIG may not name its configuration."),
            hint=N_("Run OFIQSampleApp by hand and read what it says."),
            status=done.returncode,
        )


def read_table(text: str) -> dict[str, Readings]:
    """Return the rows of OFIQ's table by file name; components that this version does not know are passed over.

    Raises:
        SetupError: ``ofiq.malformed``.
    """
    lines = [line for line in text.splitlines() if line]
    names = lines[0].removesuffix(";").split(";") if lines else []
    half = (len(names) - 1) // 2
    kinds = names[1 : half + 1]
    if half < 1 or names[0] != "Filename" or names[half + 1 :] != [kind + _SCALAR for kind in kinds]:
        # also where the first picture shows no face: the table's head names what was measured of that one
        raise _malformed(N_("Its head does not name the components and their scores."))
    return dict(_row(line, kinds) for line in lines[1:])


def _row(line: str, kinds: Sequence[str]) -> tuple[str, Readings]:
    cells = line.split(";")
    # a path may hold semicolons, numbers do not; a picture that could not be read has empty cells
    path, numbers = ";".join(cells[: -2 * len(kinds)]), cells[-2 * len(kinds) :]
    if not path:
        if len(cells) == 3 and not cells[1] and not cells[2]:
            return Path(cells[0]).name, {}
        raise _malformed(N_("A row has another number of values than its head."))
    readings = {}
    for kind, native, score in zip(kinds, numbers[: len(kinds)], numbers[len(kinds) :], strict=True):
        component = _component(kind)
        if component is not None:
            readings[component] = _reading(native, score)
    return Path(path).name, readings


def _component(name: str) -> Component | None:
    return _OLD_NAMES.get(name) or next((c for c in Component if c.value == name and c.is_standard), None)


def _reading(native: str, score: str) -> Reading:
    try:
        value, mark = float(native), float(score)
    except ValueError as error:
        raise _malformed(N_("A value is not a number.")) from error
    if not isfinite(mark) or mark > 100:
        raise _malformed(N_("A score is not between 0 and 100."))
    return Reading(value, mark if mark >= 0 else None)


def _malformed(why: str) -> SetupError:
    return SetupError(
        "ofiq.malformed",
        N_("What OFIQ wrote cannot be read."),
        why=why,
        hint=N_("Versions 1.0.0 to 1.0.3 are known. Look at a table that OFIQSampleApp writes when run by hand."),
    )
