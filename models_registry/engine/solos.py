"""One instrument alone: recordings from a folder, or a performance by a built-in instrument in a room.

Conventions: clips as in `data`, dry and wet being the same sound, since a chain that plays it again hears what it is
judged by. Of a folder the last fifth of the files is kept for the test (of a single file, its last fifth); the built-in
instrument plays another part for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.signal import butter, sosfiltfilt

from models_registry import instruments, noises
from models_registry.audio import Samples
from models_registry.engine.chain import Chain
from models_registry.engine.data import TEST_SEED, Dataset, cut
from models_registry.engine.mixtures import recorded
from models_registry.engine.rendering import render

# Breath lies this far below the tone, and follows its envelope up to this many Hz.
BREATH_DB, ENVELOPE_HZ = -30.0, 20.0
# The room of the built-in instrument: a studio. The noise is not the one that a chain draws by default.
ROOM = {"rt60": 0.4, "ratio": 15}
ROOM_SEED = 7
BREATH_SEED = 5_003


def solos(data: Mapping[str, Any], *, rate: int, segment: int, seed: int) -> Dataset:
    """The data set that a recipe's `data` of source "solo" describes; raises `AudioError`."""
    if "recordings" in data:
        parts = recorded(data["recordings"], "recordings", rate, segment)
        named = [
            [(f"recording {n + 1}", one[None]) for n, one in enumerate(part)] for part in parts
        ]
    else:
        name = data["instrument"]
        named = [
            [(name, performance(name, seconds=data["seconds"], rate=rate, seed=one))]
            for one in (seed, seed + TEST_SEED)
        ]
    skip = data["skip"]
    train, test = (cut([(n, one, one) for n, one in part], segment, skip) for part in named)
    return Dataset(train, test, rate, skip, data["remove_mean"])


def performance(name: str, *, seconds: float, rate: int, seed: int) -> Samples:
    """The built-in instrument `name` with breath, in a small room: (1, frames), peak at −3 dBFS."""
    line = instruments.sources(rate=rate, seconds=seconds, seed=seed)[name].samples[0].astype(float)
    draw = np.random.default_rng([seed, BREATH_SEED])
    slow = butter(2, ENVELOPE_HZ, fs=rate, output="sos")
    envelope = np.sqrt(np.maximum(sosfiltfilt(slow, line**2), 0))
    breath = noises.NOISES["pink"](seconds, rate, draw) * envelope
    dry = (line + 10 ** (BREATH_DB / 20) * breath)[None].astype(np.float32)
    block = {"id": "room", "kind": "reverb", "options": {"seed": ROOM_SEED}, "params": ROOM}
    room = Chain.from_spec({"version": 1, "rate": rate, "blocks": [block]})
    heard = render(room, dry, rate)
    return (instruments.PEAK * heard / np.abs(heard).max()).astype(np.float32)
