"""Hidden anchors, made of the reference and aligned with it to the sample.

BS.1534-3's two are low-pass copies. Its mask for the low anchor (3.5 kHz): pass-band ripple within ±0.1 dB, at least
25 dB of attenuation at 4 kHz and 50 dB at 4.5 kHz; the mid anchor (7 kHz) gets the same shape, scaled to its cut-off.
Other anchors are any kind of known damage (models_registry/degradations.py), by kind and degree.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from models_registry.audio import Audio
from models_registry.degradations import DEGRADATIONS, low_passed

LOW_ANCHOR_HZ = 3_500
MID_ANCHOR_HZ = 7_000
CUT_OFF_HZ = {"anchor35": LOW_ANCHOR_HZ, "anchor70": MID_ANCHOR_HZ}


def made_anchor(reference: Audio, role: str, made: Mapping[str, Any]) -> Audio:
    """The anchor of `role`, or the one that `made` tells by `kind` and degree (`at`); raises `AudioError`.

    Noise and losses follow from the item's own samples, so that the same item always gets the same ones and no two
    items share a pattern.
    """
    if role in CUT_OFF_HZ:
        return low_passed(reference, CUT_OFF_HZ[role])
    kind = DEGRADATIONS[made["kind"]]
    seed = int.from_bytes(sha256(reference.samples.tobytes()).digest()[:4])
    return kind(reference, made.get("at", kind.usual), seed=seed)
