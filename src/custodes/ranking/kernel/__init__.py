"""stub"""

from dataclasses import dataclass

import numpy as np

from custodes.ranking import reference


@dataclass
class Part:
    codes: object
    scales: object
    residuals: object
    norms: object
    vectors: object
    subjects: object
    admitted: object = None


class Kernel:
    name = "stub"
    version = "0"

    def scores(self, vectors, places, probe):
        return reference.scores(np.ascontiguousarray(vectors[places]).T, probe)


def choose(rows, dimension, *, cache_dir, threads):
    return Kernel()
