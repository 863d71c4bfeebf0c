"""What blocks of a sort promise to show under probes, for their cards to name.

A tail ends 60 dB down, so that steady tones are told from what still rings to about that depth.
"""

from __future__ import annotations

from models_registry.engine.contract import Expectation

SILENT = (Expectation("silence", "level", most=-150),)
LINEAR = (
    *SILENT,
    Expectation("multitone", "distortion", most=-50),
    Expectation("levels", "compression", -0.1, 0.1),
    Expectation("impulse", "deviation", most=0.5),
)
# the louder, the less gain
COMPRESSING = (*SILENT, Expectation("levels", "rise", most=0.1))
# the softer, the less gain
EXPANDING = (*SILENT, Expectation("levels", "fall", most=0.1))
