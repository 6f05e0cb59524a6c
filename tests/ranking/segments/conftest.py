"""One small gallery over files of five places, with everything a search needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.ranking.galleries import open_gallery

from custodes.ids import RequestId
from custodes.ranking.gallery import Gallery
from custodes.ranking.memory import MemoryTemplates
from custodes.types import CandidateList, Contract, Filters, Scope, Template

Find = Callable[..., CandidateList]


@pytest.fixture
def source(contract: Contract) -> MemoryTemplates:
    return MemoryTemplates(contract)


@pytest.fixture
def open_again(source: MemoryTemplates, contract: Contract, tmp_path: Path) -> Callable[[], Gallery]:
    """Return what opens the same files as another process would."""
    return lambda: open_gallery(source, contract, tmp_path / "segments")


@pytest.fixture
def gallery(open_again: Callable[[], Gallery]) -> Gallery:
    return open_again()


@pytest.fixture
def find(probe: Template, scope: Scope, request_id: RequestId) -> Find:
    def run(gallery: Gallery, **changes: Any) -> CandidateList:
        usual = {"scope": scope, "filters": Filters(), "threshold": -1.0, "limit": 50, "request": request_id}
        return gallery.search(probe, **(usual | changes))

    return run
