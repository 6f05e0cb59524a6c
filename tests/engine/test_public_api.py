"""``__all__`` is the public API, and importing it loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

from custodes import engine


def test_all_is_exactly_what_the_room_offers() -> None:
    offered = {name for name, value in vars(engine).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert offered == set(engine.__all__)


def test_importing_the_room_loads_no_inference_library() -> None:
    heavy = "{'cv2', 'onnx', 'onnxruntime', 'PIL'} & set(sys.modules)"
    script = f"import sys, custodes.engine, custodes.imaging, custodes.engine.fake; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
