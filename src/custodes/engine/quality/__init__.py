"""What a face image is worth for a search: components, one summary, plain advice, and the gate before enrolment."""

from custodes.engine.quality.advice import Advice, advise
from custodes.engine.quality.gate import MINIMUM_INTER_EYE, require_one_face
from custodes.engine.quality.measuring import METHOD, measure

__all__ = ["METHOD", "MINIMUM_INTER_EYE", "Advice", "advise", "measure", "require_one_face"]
