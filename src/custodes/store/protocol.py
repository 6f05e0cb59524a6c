"""What the vault needs of a key store, so that an agency can put a hardware module in the file's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from custodes.ids import KeyId


class KeyStore(Protocol):
    """Keeps data keys, one per record, wrapped by a master key that it never gives out."""

    def mint(self, count: int) -> list[tuple[KeyId, bytes]]:
        """Create and durably keep ``count`` new 32-byte data keys; return ids and keys."""
        ...

    def fetch(self, key_ids: Sequence[KeyId]) -> Mapping[KeyId, bytes]:
        """Return the data keys that still exist."""
        ...

    def destroy(self, key_ids: Sequence[KeyId]) -> int:
        """Destroy keys; what they sealed can no longer be read. Return how many existed.

        Raises:
            Busy: ``keys.journal-in-use``: they are destroyed, but traces may be left; do it again.
        """
        ...
