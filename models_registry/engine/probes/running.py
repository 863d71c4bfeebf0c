"""Probes put to a chain and to each of its blocks alone, and whether a block shows what its card promises.

Conventions: a stimulus goes into every channel, the first that comes out is read, its latency taken out. A block alone
has the values that it has in the chain, without what adapters add to a signal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models_registry.engine.blocks import Block, LinearBlock, ShapingBlock
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError, Expectation
from models_registry.engine.probes import analysis
from models_registry.engine.probes.kinds import Finding, Kind, ProbeError, kind
from models_registry.engine.probes.stimuli import Signal
from models_registry.engine.probes.suite import Probe
from models_registry.engine.rendering import WHOLE, Stream, without_denormals

# s: what rings longer is not waited for
LONGEST = 3.0
# so many of its time constants after a step a follower is within 0.1 dB of where it goes, from 100 dB away
SETTLED = math.log(1_000)
FOLLOWING = ("attack", "release")
# a response this far below its largest value is not compared
DEEP_DB = -60.0


@dataclass(frozen=True)
class Tried:
    """What a probe found; `reason` says why it could not be tried or read."""

    probe: Probe
    finding: Finding | None
    reason: str = ""


@dataclass(frozen=True)
class Kept:
    """Whether the block `block` of `kind` shows what its card promises: `value` is None where it cannot be told."""

    block: str
    kind: str
    probe: str
    expectation: Expectation
    unit: str
    value: float | None
    reason: str = ""

    @property
    def holds(self) -> bool:
        if self.value is None:
            return not self.reason
        return self.expectation.least <= self.value <= self.expectation.most


def settle_of(seconds: float) -> float:
    return min(seconds, LONGEST)


def rest_of(block: Block, values: Mapping[str, torch.Tensor]) -> float:
    """Seconds after which a steady tone is answered steadily: the tail has died away, and followers are at rest."""
    times = [
        float(values[name].max()) / 1_000
        for name in FOLLOWING
        if name in values and block.parameters[name].unit == "ms"
    ]
    return max(settle_of(block.tail(values)), SETTLED * max(times, default=0.0))


@torch.no_grad()
def tried(chain: Chain, probe: Probe) -> Tried:
    """Put `probe` to the whole chain."""
    try:
        course = kind(probe.kind).course(probe.settings, chain.rate, settle_of(chain.tail()))
        return Tried(probe, course.read(_through(chain, course.stimulus)))
    except EngineError as error:
        return Tried(probe, None, str(error))


def _through(chain: Chain, stimulus: Signal) -> Signal:
    channels = max(1, *(block.inlet.channels for block in chain.blocks.values()))
    stream = Stream(chain, channels, chain.rate)
    given = np.broadcast_to(stimulus, (channels, stimulus.size))
    parts = [stream.push(given)[WHOLE], stream.finish()[WHOLE]]
    return np.concatenate(parts, axis=1)[0].astype(np.float64)


@torch.no_grad()
def promises(chain: Chain, name: str, probes: Sequence[Probe]) -> list[Kept]:
    """What the card of the block `name` promises under `probes`, and what it shows alone."""
    block, found = chain.blocks[name], []
    for probe in probes:
        wanted = [one for one in block.card.expected if one.probe == probe.kind]
        if not wanted:
            continue
        values, reason = _shown(chain, name, kind(probe.kind), probe)
        for one in wanted:
            unit = (
                "dB"
                if one.quantity == "deviation"
                else kind(probe.kind).quantity(one.quantity).unit
            )
            found.append(
                Kept(name, block.kind, probe.name, one, unit, values.get(one.quantity), reason)
            )
    return found


def _shown(chain: Chain, name: str, how: Kind, probe: Probe) -> tuple[dict[str, float | None], str]:
    block, values = chain.blocks[name], chain.values(name)
    settle = rest_of(block, values)
    try:
        course = how.course(probe.settings, chain.rate, settle)
    except ProbeError:
        # a rate that cannot hold the probe is no promise broken
        return {}, ""
    late = block.outlet.latency
    given = torch.from_numpy(np.pad(course.stimulus, (0, late)))
    with torch.inference_mode(), without_denormals():
        signal = given.expand(1, block.inlet.channels or 1, -1)
        heard = block.process(signal, values, None)[0][0, 0].numpy()[late:]
    if not np.isfinite(heard).all():
        return {}, "expected finite samples, found others"
    found = dict(course.read(heard).values)
    found["deviation"] = _deviation(block, values, course.stimulus, heard)
    return found, ""


def _deviation(
    block: Block, values: dict[str, torch.Tensor], given: Signal, heard: Signal
) -> float | None:
    """The largest distance, dB, of what came out from what the block states: a response or a curve."""
    with torch.inference_mode():
        if isinstance(block, LinearBlock):
            size = 2 ** math.ceil(math.log2(heard.size))
            grid = torch.arange(size // 2 + 1, dtype=torch.float64) * block.rate / size
            response = block.response(values, grid)
            stated = np.abs(response.reshape(-1, grid.numel())[0].numpy())
            came = np.abs(np.fft.rfft(heard, size)) / max(float(np.abs(given).max()), 1e-300)
            seen = stated > 10 ** (DEEP_DB / 20) * stated.max()
            return float(np.abs(20 * np.log10(np.maximum(came[seen], 1e-12) / stated[seen])).max())
        if isinstance(block, ShapingBlock):
            level = torch.tensor([float(given[-1])], dtype=torch.float64)
            stated_level = abs(float(block.curve(values, level)[0]))
            rest = abs(analysis.settling(heard, block.rate)[0])
            if stated_level < analysis.GONE:
                return None
            return abs(20 * math.log10(max(rest, 1e-12) / stated_level))
    return None
