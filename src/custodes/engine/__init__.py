"""Pixels to faces and templates: model packs, detection, alignment, embedding, the enrolment gate.

Not here: decoding of files (`imaging`), comparison of templates (`ranking`), and whether an engine may be used
for a purpose (`policy`).  `custodes.engine.fake` is the engine for tests.
"""

from custodes.engine.fetch import pull
from custodes.engine.onnx_engine import OnnxFaceEngine
from custodes.engine.packs import Manifest, Pack, builtin_packs, check_licence, find_pack
from custodes.engine.protocol import FaceEngine
from custodes.engine.quality import MINIMUM_INTER_EYE, Advice, advise, measure, require_one_face
from custodes.engine.weights import PulledFiles, verify

__all__ = [
    "MINIMUM_INTER_EYE",
    "Advice",
    "FaceEngine",
    "Manifest",
    "OnnxFaceEngine",
    "Pack",
    "PulledFiles",
    "advise",
    "builtin_packs",
    "check_licence",
    "find_pack",
    "measure",
    "pull",
    "require_one_face",
    "verify",
]
