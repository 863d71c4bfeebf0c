"""From model output variables to one grade: the trained network of PEAQ's basic version (BS.1387, Annex 2, 6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

# The ranges that the variables, in the order of `ModelOutput`, are scaled by.
LEAST = np.array(
    [393.916656, 361.965332, -24.045116, 1.110661, -0.206623, 0.074318]
    + [1.113683, 0.950345, 0.029985, 0.000101, 0.0]
)
MOST = np.array(
    [921.0, 881.131226, 16.212030, 107.137772, 2.886017, 13.933351]
    + [63.257874, 1145.018555, 14.819740, 1.0, 1.0]
)
HIDDEN_WEIGHTS = np.array(
    [
        [-0.502657, 0.436333, 1.219602],
        [4.307481, 3.246017, 1.123743],
        [4.984241, -2.211189, -0.192096],
        [0.051056, -1.762424, 4.331315],
        [2.321580, 1.789971, -0.754560],
        [-5.303901, -3.452257, -10.814982],
        [2.730991, -6.111805, 1.519223],
        [0.624950, -1.331523, -5.955151],
        [3.102889, 0.871260, -5.922878],
        [-1.051468, -0.939882, -0.142913],
        [-1.804679, -0.503610, -0.620456],
    ]
)
HIDDEN_BIASES = np.array([-2.518254, 0.654841, -2.207228])
OUTPUT_WEIGHTS = np.array([-3.817048, 4.107138, 4.629582])
OUTPUT_BIAS = -0.307594
# The grades at the ends of the scale.
WORST, BEST = -3.98, 0.22


def distortion_index(variables: Sequence[float]) -> float:
    """Return DI of the 11 model output variables. Scaled values are not clipped: the text asks for none."""
    scaled = (np.asarray(variables) - LEAST) / (MOST - LEAST)
    return float(expit(scaled @ HIDDEN_WEIGHTS + HIDDEN_BIASES) @ OUTPUT_WEIGHTS + OUTPUT_BIAS)


def grade(di: float) -> float:
    """Return the objective difference grade of a distortion index."""
    return float(WORST + (BEST - WORST) * expit(di))
