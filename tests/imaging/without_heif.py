"""A worker of an installation that lacks the extra for HEIC."""

from __future__ import annotations

import sys

from custodes.imaging.worker.main import main as true_main


def main(arguments: list[str]) -> None:
    sys.modules["_pi_heif"] = None  # type: ignore[assignment]
    true_main(arguments)
