"""What workflows work with: built once per process by `app`, handed to every workflow with its Context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from custodes.config import Config
from custodes.engine import FaceEngine
from custodes.imaging import Decoder, Limits
from custodes.ledger import Ledger
from custodes.ledger.keeper import LogKeeper
from custodes.ranking.gallery import Gallery
from custodes.store.log import DatabaseEntryStore
from custodes.store.vault import Vault


@dataclass
class Services:
    """One process's services. The engine and the gallery are made when they are first needed: they are heavy.

    ``threshold``: the cosine similarity under which nobody is a candidate; provisional until it is calibrated.
    ``keeper``: seals the log and shows it to its witnesses; None in tests of anything else.
    """

    config: Config
    ledger: Ledger
    entries: DatabaseEntryStore
    vault: Vault
    make_engine: Callable[[], FaceEngine]
    make_gallery: Callable[[FaceEngine], Gallery]
    make_decoder: Callable[[], Decoder]
    threshold: float
    keeper: LogKeeper | None = None
    threshold_is_provisional: bool = True
    found_uneven: bool = False
    """Whether gallery and log differed when this process last compared them."""

    @cached_property
    def engine(self) -> FaceEngine:
        """The face engine of the installation's model pack."""
        return self.make_engine()

    @cached_property
    def decoder(self) -> Decoder:
        """What turns untrusted bytes into pixels, in processes that may die of them."""
        return self.make_decoder()

    @cached_property
    def bulk_engine(self) -> FaceEngine:
        """The same engine for a pool of threads: each call uses one core. Its weights are loaded once a process."""
        return self.engine.for_bulk()

    @cached_property
    def gallery(self) -> Gallery:
        """The gallery under the engine's contract."""
        return self.make_gallery(self.engine)

    @cached_property
    def limits(self) -> Limits:
        """The limits within which untrusted images are decoded."""
        return Limits.from_config(self.config)
