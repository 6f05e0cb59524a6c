"""A worker whose memory runs out over every BMP, in the middle of drawing it."""

from __future__ import annotations

from typing import NoReturn

from custodes.imaging import draw
from custodes.imaging.worker.main import main as true_main


def _run_out(*_: object) -> NoReturn:
    raise MemoryError


def main(arguments: list[str]) -> None:
    draw.PLUGINS["BMP"] = (__name__, _run_out.__name__)
    true_main(arguments)
