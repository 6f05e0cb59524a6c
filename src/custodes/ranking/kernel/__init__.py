"""Kernels: what passes over every admitted row, and leaves those that could be candidates."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

from custodes.ranking.kernel.numpy_kernel import NumpyKernel
from custodes.ranking.kernel.protocol import Contenders, Kernel, Part

__all__ = ["Contenders", "Kernel", "Part", "choose"]

_SMALL: Final = 20_000_000
"""Numbers in a gallery that NumPy passes over in less than the second that compiling or loading the loops takes."""
_TINY: Final = 500_000
"""Numbers that NumPy passes over so quickly that it does not matter."""
_log = logging.getLogger(__name__)
_lock = threading.Lock()
_numpy: Final = NumpyKernel()
_compiled: dict[int, Kernel] = {}


def choose(rows: int, dimension: int, *, cache_dir: Path, threads: int, is_lasting: bool = False) -> Kernel:
    """Return the kernel for a gallery of ``rows`` of ``dimension`` numbers; ``is_lasting``: for many searches to come.

    Compiled loops are kept in ``cache_dir``, which nobody else may write: what lies there is executed.  Where nothing
    can be compiled, NumPy does the work: slower, and with the same results.
    """
    is_there = is_lasting or threads in _compiled
    if rows * dimension < (_TINY if is_there else _SMALL):
        return _numpy
    with _lock:
        if threads not in _compiled:
            _compiled[threads] = _load(cache_dir, threads)
        return _compiled[threads]


def _load(cache_dir: Path, threads: int) -> Kernel:
    try:
        cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        cache_dir.chmod(0o700)
        import numba

        # before anything is compiled: without a folder that it may write, numba compiles nothing that it should keep
        numba.config.CACHE_DIR = str(cache_dir)  # type: ignore[attr-defined]
        from custodes.ranking.kernel.numba_kernel import NumbaKernel

        return NumbaKernel(threads)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from compiling, searches go on
        _log.warning("no compiled kernel: %s", type(error).__name__)
        return _numpy
