"""Ablation: what of a chain's work is lost when a part of it is taken away, held at its defaults or made linear.

A part is a block, by its id, or an adapter ("adapter 1", "adapter 2" …). A block that is removed lets its input
through, as late as it would be; one that is made linear answers as it does to the same signal 60 dB softer. What
changes is said against the whole chain's output, and where there are targets also by the figure that the recipe is
judged by. Who did it is shared out in shapley.py.

Conventions: clips are (channels, frames) at the chain's rate; differences are energies, in dB relative to the whole
chain's output where it says so.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from models_registry.engine.adapters import Adapter
from models_registry.engine.blocks import Block, LinearBlock, SoundBlock
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Dataset
from models_registry.engine.losses import spectral_distance
from models_registry.engine.measures import TABLE
from models_registry.engine.spec import complete, leaves

Progress = Callable[[float, str], None]

REMOVED, DEFAULT, LINEAR = "removed", "default", "linear"
TREATMENTS = (REMOVED, DEFAULT, LINEAR)
# −60 dB: below the threshold of any dynamics, and where any smooth curve is its tangent to 1e-3
SOFT = 1e-3
STFT_SIZES = (512, 1_024, 2_048)
# of the output's energy: less is rounding
NOTHING = 1e-12
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Effect:
    """What `treatment` of `parts` changes: the difference from the whole chain's output in dB of that output's energy
    (−inf: none) with its 95 % interval over the clips (NaN for one clip or no difference), the change of level in dB,
    the multi-resolution STFT distance, and the recipe's measure of the rest less that of the whole, where there are
    targets (None otherwise): above 0 the parts did good."""

    parts: tuple[str, ...]
    treatment: str
    difference_db: float
    low_db: float
    high_db: float
    level_db: float
    spectral: float
    loss: float | None


@dataclass(frozen=True)
class Clip:
    """A signal to try the chain on, under which `condition`, what should come out where that is known, and which part
    of what comes out counts (`judged`; None: all of it)."""

    signal: Tensor
    target: Tensor | None = None
    condition: str | None = None
    judged: Callable[[Tensor], Tensor] | None = None


def clip(samples: NDArray[np.floating]) -> Clip:
    """What `samples` (channels, frames), at the chain's rate, are tried as."""
    return Clip(torch.from_numpy(np.asarray(samples, dtype=np.float64)))


def clips_of(data: Dataset, *, most: int) -> list[Clip]:
    """The first clips that `data` judges by, evenly over its devices, at most `most`."""
    found = [
        Clip(dry, data.judged(wet), part.condition, data.judged)
        for part in data.parts(1)
        for dry, wet in zip(part.dry, part.wet, strict=True)
    ]
    return found[:: max(1, -(-len(found) // most))]


# parts, and how they are treated


def parts_of(chain: Chain) -> list[str]:
    """Every block's id in the chain's order, and every adapter."""
    return [*chain.blocks, *(f"adapter {n}" for n in range(1, len(chain.adapters) + 1))]


def treatments_of(chain: Chain, part: str) -> tuple[str, ...]:
    """What can be done to `part`: a linear block cannot be made linear, nor can a source of sound."""
    block = chain.blocks.get(part)
    if block is None:
        return (REMOVED,)
    if isinstance(block, LinearBlock | SoundBlock):
        return (REMOVED, DEFAULT)
    return TREATMENTS


@contextmanager
def ablated(chain: Chain, treatments: Mapping[str, str]) -> Iterator[Chain]:
    """`chain`, as long as it is asked for, with each part treated as `treatments` says; raises `EngineError`."""
    for part, treatment in treatments.items():
        if part not in (known := parts_of(chain)):
            raise EngineError(f"expected a part of {', '.join(known)}, found '{part}'")
        if treatment not in (possible := treatments_of(chain, part)):
            raise EngineError(
                f"'{part}': expected one of {', '.join(possible)}, found '{treatment}'"
            )
    blocks = dict(chain.blocks)
    adapters = [cast(Adapter, adapter) for adapter in chain.adapters]
    try:
        for part, treatment in treatments.items():
            if part in blocks:
                chain.blocks[part] = cast(Block, _Treated(blocks[part], treatment))
            else:
                place = int(part.removeprefix("adapter ")) - 1
                chain.adapters[place] = _Silent(adapters[place])
        yield chain
    finally:
        chain.blocks.update(blocks)
        for place, adapter in enumerate(adapters):
            chain.adapters[place] = adapter


class _Treated:
    """A block in whose place something simpler stands; in all else it is the block."""

    def __init__(self, block: Block, treatment: str) -> None:
        self.block, self.treatment = block, treatment

    def __getattr__(self, name: str) -> Any:
        return getattr(self.block, name)

    def process(
        self, signal: Tensor, values: Mapping[str, Tensor], state: Any
    ) -> tuple[Tensor, Any]:
        if self.treatment == REMOVED:
            return _late(signal, self.block.outlet.latency, state)
        if self.treatment == DEFAULT:
            return self.block.process(signal, self._defaults(), state)
        output, after = self.block.process(SOFT * signal, values, state)
        return output / SOFT, after

    def _defaults(self) -> dict[str, Tensor]:
        controls = {}
        for name, parameter in self.block.parameters.items():
            start = torch.as_tensor(parameter.control(parameter.default), dtype=torch.float64)
            controls[name] = start.expand(parameter.size).clone() if parameter.size > 1 else start
        return self.block.physical(controls)


class _Silent(Adapter):
    """An adapter that says nothing."""

    def __init__(self, adapter: Adapter) -> None:
        nn.Module.__init__(self)
        self.names, self.condition = adapter.names, adapter.condition

    def forward(self, signal: Tensor, state: Any) -> tuple[dict[str, Tensor], Any]:
        return {}, None

    def still(self) -> dict[str, Tensor]:
        return {}


def _late(signal: Tensor, samples: int, state: Tensor | None) -> tuple[Tensor, Tensor | None]:
    if not samples:
        return signal, None
    past = signal.new_zeros(*signal.shape[:-1], samples) if state is None else state
    heard = torch.cat([past, signal], dim=-1)
    return heard[..., : signal.shape[-1]], heard[..., -samples:]


# what changes


def effects(
    chain: Chain,
    clips: Sequence[Clip],
    *,
    pairs: bool = False,
    measure: str = "esr",
    progress: Progress = lambda share, message: None,
) -> list[Effect]:
    """What each treatment of each part changes over `clips`, and with `pairs` the removal of any two parts.

    Raises `EngineError` for no clips or a silent output.
    """
    chain = exactly(chain)
    whole = outputs(chain, clips)
    energies = np.array([float(one.square().sum()) for one in whole])
    energy = float(energies.sum())
    if not energy > 0:
        raise EngineError("expected a chain that sounds on these signals, found silence")
    asked: list[tuple[tuple[str, ...], str]] = [
        ((part,), one) for part in parts_of(chain) for one in treatments_of(chain, part)
    ]
    if pairs:
        asked += [(both, REMOVED) for both in itertools.combinations(parts_of(chain), 2)]
    judged = _judged(chain, clips, whole, measure)
    found = []
    for number, (parts, treatment) in enumerate(asked):
        progress(number / len(asked), f"{' and '.join(parts)} {treatment}")
        with ablated(chain, dict.fromkeys(parts, treatment)):
            rest = outputs(chain, clips)
        errors = np.array([float((a - b).square().sum()) for a, b in zip(rest, whole, strict=True)])
        difference, low, high = ratio_db(errors, energies)
        left = sum(float(one.square().sum()) for one in rest)
        after = _judged(chain, clips, rest, measure)
        found.append(
            Effect(
                parts,
                treatment,
                difference_db=difference,
                low_db=low,
                high_db=high,
                level_db=_db(left / energy),
                spectral=float(np.mean(_distances(rest, whole))),
                loss=None if judged is None or after is None else after - judged,
            )
        )
    return found


def exactly(chain: Chain) -> Chain:
    """A copy in double precision, so that what does nothing differs by nothing."""
    return copy.deepcopy(chain).double().eval()


def outputs(chain: Chain, clips: Sequence[Clip]) -> list[Tensor]:
    """What comes out for each clip (channels, frames), latency taken out; raises `EngineError` for clips too short."""
    if not clips:
        raise EngineError("expected at least one signal to try the chain on, found none")
    shortest = min(clip.signal.shape[-1] for clip in clips)
    if shortest < STFT_SIZES[0]:
        raise EngineError(f"expected signals of {STFT_SIZES[0]} samples or more, found {shortest}")
    with torch.no_grad():
        return [_output(chain, clip) for clip in clips]


def _output(chain: Chain, clip: Clip) -> Tensor:
    whole = chain.under(clip.condition).aligned(clip.signal[None].double())[0][0]
    return clip.judged(whole) if clip.judged else whole


def _judged(
    chain: Chain, clips: Sequence[Clip], outputs: Sequence[Tensor], measure: str
) -> float | None:
    targets = [clip.target for clip in clips]
    if any(target is None for target in targets):
        return None
    meter = TABLE[measure].make(chain.rate)
    for output, target in zip(outputs, targets, strict=True):
        meter.add(output[None], cast(Tensor, target)[None].double())
    return float(meter.value())


def _distances(rest: Sequence[Tensor], whole: Sequence[Tensor]) -> list[float]:
    return [
        spectral_distance(
            one[None], other[None], sizes=[size for size in STFT_SIZES if size <= other.shape[-1]]
        ).item()
        for one, other in zip(rest, whole, strict=True)
    ]


def ratio_db(parts: NDArray[np.float64], wholes: NDArray[np.float64]) -> tuple[float, float, float]:
    """The ratio of the sums of `parts` and `wholes` (clips,) in dB, and its 95 % interval over the clips.

    The interval is that of the ratio estimator (Cochran, Sampling Techniques, 3rd edition, 1977, eq. 6.13), taken over
    to its logarithm; NaN for one clip, and where there is nothing.
    """
    ratio, n = float(parts.sum() / wholes.sum()), len(parts)
    value = _db(ratio)
    if n < 2 or not ratio > NOTHING:
        return value, math.nan, math.nan
    spread = float((parts - ratio * wholes).std(ddof=1)) / (math.sqrt(n) * float(wholes.mean()))
    # d(10 lg R) = 10 / ln 10 · dR / R
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * 10 / math.log(10) * spread / ratio
    return value, value - margin, value + margin


def _db(ratio: float) -> float:
    return 10 * math.log10(ratio) if ratio > NOTHING else -math.inf


# trained without it


def without(spec: Mapping[str, Any], *parts: str) -> dict[str, Any]:
    """The specification of a chain that never had `parts`; raises `EngineError` where no block is left."""
    found = copy.deepcopy(dict(spec))
    numbers = {int(part.removeprefix("adapter ")) for part in parts if part.startswith("adapter ")}
    adapters = [one for n, one in enumerate(found["adapters"], 1) if n not in numbers]
    blocks = [part for part in parts if not part.startswith("adapter ")]
    for part in blocks:
        found["blocks"] = _others(found["blocks"], part)
    for adapter in adapters:
        adapter["targets"] = {
            path: share
            for path, share in adapter["targets"].items()
            if path.partition(".")[0] not in blocks
        }
    found["adapters"] = [adapter for adapter in adapters if adapter["targets"]]
    if not list(leaves(found["blocks"])):
        said = " and ".join(f"'{part}'" for part in blocks)
        raise EngineError(f"expected a block beside {said}, found none: nothing would be left")
    return complete(found)[0]


def _others(entries: list[dict[str, Any]], part: str) -> list[dict[str, Any]]:
    kept = []
    for entry in entries:
        if entry["id"] == part:
            continue
        if "branches" in entry:
            entry["branches"] = [_others(branch, part) for branch in entry["branches"]]
        elif tied := entry.get("tied"):
            entry["tied"] = {k: v for k, v in tied.items() if v.partition(".")[0] != part}
        kept.append(entry)
    return kept
