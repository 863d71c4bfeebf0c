"""What a chain comes to on the clips that a data set keeps to judge by."""

from __future__ import annotations

import torch

from models_registry.engine import monitors
from models_registry.engine.chain import Chain
from models_registry.engine.data import Dataset
from models_registry.engine.measures import TABLE

# Clips judged at a time; more would only cost memory.
JUDGED_AT_ONCE = 16


def validation(chain: Chain, data: Dataset, measure: str) -> dict[str, float]:
    """`validation_<measure>` of `chain` on the test clips of `data`, and all that is watched beside it; the chain is
    under no condition afterwards."""
    measured = TABLE[measure].make(data.rate)
    watched: dict[str, float] = {}
    with torch.no_grad():
        for number, part in enumerate(data.parts(JUDGED_AT_ONCE)):
            target = data.judged(part.wet).double()
            whole, after = chain.under(part.condition).aligned(part.dry)
            estimate = data.judged(whole).double()
            measured.add(estimate, target)
            if number == 0:  # the first clips are enough to watch
                raw = part.wet[..., data.skip :]
                watched |= monitors.drift(whole[..., data.skip :], raw)
                watched |= monitors.spectral(estimate, target, rate=data.rate)
                watched |= monitors.phase(estimate, target, rate=data.rate)
                watched |= monitors.temporal(estimate, target, rate=data.rate)
                watched |= monitors.adapters(chain, after.moves)
    watched |= monitors.parameters(chain.under(None))
    return {f"validation_{measure}": measured.value(), **watched}
