"""How far a chain's inside and its errors agree with hearing, one file for each measure.

`layout`: bands beside the ear's scales. `masking`: the share of an error that is not heard. `patterns` and
`similarity`: what adapters make of a sound beside what the ear does. `listener`, `tasks`, `staircase` and
`sensitivity`: what a computed listener just notices, behind the chain or by its features, beside what people do.
"""

from models_registry.engine.congruence.layout import Layout, layouts
from models_registry.engine.congruence.listener import EarAlone, behind, features_of
from models_registry.engine.congruence.masking import Masking, masking
from models_registry.engine.congruence.patterns import excitation, features, modulation
from models_registry.engine.congruence.sensitivity import (
    MaskingCurve,
    Threshold,
    calibrated,
    masking_curve,
    thresholds,
)
from models_registry.engine.congruence.similarity import Similarity, similarity
from models_registry.engine.ear import FULL_SCALE

# what of the ear features are held against, by name
PATTERNS = {"excitation": excitation, "modulation": modulation}

__all__ = [
    "FULL_SCALE",
    "PATTERNS",
    "EarAlone",
    "Layout",
    "Masking",
    "MaskingCurve",
    "Similarity",
    "Threshold",
    "behind",
    "calibrated",
    "excitation",
    "features",
    "features_of",
    "layouts",
    "masking",
    "masking_curve",
    "modulation",
    "similarity",
    "thresholds",
]
