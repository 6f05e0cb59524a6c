"""stub"""

import numpy as np

VERSION = 1


def quantise(vectors):
    n = len(vectors)
    z = np.zeros(n, np.float32)
    return np.zeros(vectors.shape, np.int8), z, z, z
