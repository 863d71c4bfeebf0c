"""A chain over a whole signal, in blocks, with the same result whatever the block size.

Conventions: samples are float32 (channels, frames); the chain runs in float64 and carries its state from
block to block; each channel of the input goes through the chain on its own where the chain is mono.
"""

from __future__ import annotations

import copy

import numpy as np
import torch

from models_registry.audio import Audio, Samples, checked, resample
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError


def render(chain: Chain, samples: Samples, rate: int, *, block_size: int = 65_536) -> Samples:
    """Return `samples` (channels, frames) at `rate` Hz after `chain`: same shape, rate and alignment.

    A signal at another rate than the chain's is resampled to it and back (soxr, very high quality), because a learned
    curve and response hold at the rate they were learned at. The chain's latency is taken out.
    Raises `AudioError` for samples that are no audio and `EngineError` for output that is not finite.
    """
    if block_size < 1:
        raise EngineError(f"expected a block size of at least 1 sample, found {block_size}")
    source = checked(samples, rate, name="the signal to render")
    inside = resample(source, chain.rate)
    # a copy, so that a chain in training keeps its own precision
    exact = copy.deepcopy(chain).double().eval()
    tail = np.zeros((inside.channels, chain.latency))
    signal = np.concatenate([inside.samples.astype(np.float64), tail], axis=1)
    output = np.empty_like(signal)
    state = None
    with torch.inference_mode():
        for start in range(0, signal.shape[1], block_size):
            block = torch.from_numpy(signal[None, :, start : start + block_size])
            result, state = exact(block, state)
            output[:, start : start + block_size] = result[0].numpy()
    if not np.isfinite(output).all():
        first = int(np.flatnonzero(~np.isfinite(output).all(axis=0))[0])
        raise EngineError(f"expected finite output, found NaN or infinity from sample {first} on")
    rendered = Audio(output[:, chain.latency :].astype(np.float32), chain.rate)
    back = resample(rendered, source.rate).samples[:, : source.frames]
    return np.pad(back, ((0, 0), (0, source.frames - back.shape[1])))
