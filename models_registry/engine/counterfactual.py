"""What of a chain would have to be otherwise, and by how little, for its output to cross a target.

The numbers that may be changed are the chain's own parameters, each in its unit and within its allowed range; what
adapters add to them stays what it is. How the smallest change is found: crossing.py. Where the score is a loss that
can be derived, `sloped` gives its derivatives; any other score (a metric, a predicted rating) is passed in.

Conventions: clips and outputs are those of ablation.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from models_registry.engine.ablation import STFT_SIZES, Clip, exactly, outputs
from models_registry.engine.approach import Dip
from models_registry.engine.blocks.delay import Delay, Echo
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.crossing import Handle, Place, Score, Slope
from models_registry.engine.lags import copies
from models_registry.engine.losses import error_to_signal, spectral_distance
from models_registry.engine.measures import TABLE
from models_registry.engine.spec import nearest

# more are nobody's explanation
MOST_HANDLES = 96
# of the range, how near to its ends a control goes: logits end nowhere
END = 1e-9
# copies of a sound in another that may be an echo
COPIES = 12
# dB of the change: two answers whose outputs are no further apart make the same sound
SAME_DB = -40.0


def handles(chain: Chain, names: Iterable[str] = ()) -> list[Handle]:
    """What of `chain` may be changed: all single numbers that it learns, or what is named.

    A name is a parameter ("drive.bias"), one number of a curve ("eq.gains[3]", counted from 0) or a block, which stands
    for all its parameters. What the specification holds still is changed where it is named, what is tied goes with
    what it is tied to. Raises `EngineError` for a name that is unknown, pointing to the nearest, and for too many.
    """
    every = _every(chain)
    chosen: dict[str, Handle] = {}
    for name in names:
        found = {
            one: handle
            for one, handle in every.items()
            if name in (one, one.partition("[")[0], one.partition(".")[0])
        }
        if not found:
            known = {part for one in every for part in (one, one.partition(".")[0])}
            raise EngineError(
                f"expected a parameter or a block of the model, found '{name}'; {nearest(name, known)}"
            )
        chosen |= found
    if not chosen:
        free = {name: one for name, one in every.items() if not one.parameter.frozen}
        chosen = {name: one for name, one in free.items() if one.parameter.size == 1} or free
    if not 0 < len(chosen) <= MOST_HANDLES:
        raise EngineError(
            f"expected 1 to {MOST_HANDLES} numbers that may be changed, found {len(chosen)}: name the "
            f"parameters or blocks that matter, of {', '.join(chain.blocks)}"
        )
    return list(chosen.values())


def _every(chain: Chain) -> dict[str, Handle]:
    found = {}
    for block_id, block in chain.blocks.items():
        for parameter in block.parameters.values():
            if parameter.tied_to:
                continue
            name = f"{block_id}.{parameter.name}"
            controls = torch.sigmoid(_held(chain, name).detach().double()).reshape(-1).tolist()
            for n, control in enumerate(controls):
                one = f"{name}[{n}]" if parameter.size > 1 else name
                found[one] = Handle(one, parameter, control)
    return found


def _held(chain: Chain, name: str) -> Tensor:
    return cast(Tensor, getattr(chain, name.replace(".", "/")))


class Variation:
    """A chain with some of its numbers elsewhere."""

    def __init__(self, chain: Chain, moved: Sequence[Handle]) -> None:
        self.chain, self.moved = exactly(chain), list(moved)
        self._logits = {
            name: _held(self.chain, name).detach().clone()
            for name in dict.fromkeys(one.name.partition("[")[0] for one in moved)
        }

    def at(self, place: Place) -> Chain:
        """The chain with its numbers at `place` (handles,); the same chain each time."""
        with torch.no_grad():
            for name, logits in self._moved(torch.from_numpy(np.asarray(place, float))).items():
                _held(self.chain, name.replace("/", ".")).copy_(logits)
        return self.chain

    def outputs(self, place: Place, clips: Sequence[Clip]) -> list[Tensor]:
        """What comes out for each clip (channels, frames) with the numbers at `place`."""
        return outputs(self.at(place), clips)

    def derived(self, controls: Tensor, clips: Sequence[Clip]) -> list[Tensor]:
        """`outputs`, differentiable in `controls` (handles,)."""
        logits, late, found = self._moved(controls), self.chain.latency, []
        for clip in clips:
            self.chain.under(clip.condition)
            padded = torch.nn.functional.pad(clip.signal[None].double(), (0, late))
            output = torch.func.functional_call(self.chain, logits, (padded,))[0][0, ..., late:]
            found.append(clip.judged(output) if clip.judged else output)
        return found

    def _moved(self, controls: Tensor) -> dict[str, Tensor]:
        """Logits by the name under which the chain holds them."""
        inside = torch.logit(controls.clamp(END, 1 - END))
        parts = {name: list(logits.reshape(-1)) for name, logits in self._logits.items()}
        for handle, logit in zip(self.moved, inside, strict=True):
            name, _, place = handle.name.partition("[")
            parts[name][int(place.rstrip("]") or 0)] = logit
        return {
            name.replace(".", "/"): torch.stack(part).reshape(self._logits[name].shape)
            for name, part in parts.items()
        }


def dips(chain: Chain, moved: Sequence[Handle], clips: Sequence[Clip]) -> dict[int, list[Dip]]:
    """Where the error of `chain` against the clips' targets may dip by a delay among `moved`, by its number.

    A delay is right to the sample or not at all, and a waveform's error says nothing on the way. But what should come
    out then holds copies of what does: at the delay's right lag (an echo's), or as far from where the delay now is.
    """
    late = {
        n: handle
        for n, handle in enumerate(moved)
        for block, _, name in [handle.name.partition(".")]
        if name == "time" and isinstance(chain.blocks.get(block), Delay | Echo)
    }
    if not late:
        return {}
    lags = copies(outputs(chain, clips), _targets(clips, "an error"), count=COPIES)
    found: dict[int, list[Dip]] = {}
    for n, handle in late.items():
        to_ms = 1_000 / chain.rate
        now = round(handle.physical(handle.start) / to_ms)
        one = handle.parameter
        found[n] = [
            cast(Dip, tuple(one.control(np.array([lag - 1, lag, lag + 1]) * to_ms).tolist()))
            for lag in dict.fromkeys([*lags, *(now + lag for lag in lags)])
            if one.low <= (lag - 1) * to_ms and (lag + 1) * to_ms <= one.high
        ]
    return found


def apart_db(start: Sequence[Tensor], one: Sequence[Tensor], other: Sequence[Tensor]) -> float:
    """How far two changed outputs are from each other: energy of their difference over that of the smaller change from
    `start`, in dB (−inf where they are the same)."""

    def energy(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
        return sum(float((x - y).square().sum()) for x, y in zip(a, b, strict=True))

    changed = min(energy(one, start), energy(other, start))
    if changed == 0:
        return math.inf
    between = energy(one, other)
    return 10 * math.log10(between / changed) if between > 0 else -math.inf


# losses

Loss = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]


def _error(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    pairs = zip(found, wanted, strict=True)
    errors = [
        (error_to_signal(one, other) * other.square().sum(), other.square().sum())
        for one, other in pairs
    ]
    return torch.stack([one for one, _ in errors]).sum() / sum(energy for _, energy in errors)


def _distance(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    return torch.stack(
        [
            spectral_distance(
                one, other, sizes=[size for size in STFT_SIZES if size <= other.shape[-1]]
            )
            for one, other in zip(found, wanted, strict=True)
        ]
    ).mean()


# the recipe's measures that can be derived
DERIVED: dict[str, Loss] = {"esr": _error, "spectral": _distance}


def scored(
    variation: Variation, clips: Sequence[Clip], score: Callable[[Sequence[Tensor]], float]
) -> Score:
    """`score` of what comes out for `clips`, as a function of the place."""
    return lambda place: score(variation.outputs(place, clips))


def measured(
    clips: Sequence[Clip], measure: str, *, rate: int
) -> Callable[[Sequence[Tensor]], float]:
    """A recipe's measure of outputs against the clips' targets; raises `EngineError` where there are none."""
    targets = _targets(clips, measure)

    def value(found: Sequence[Tensor]) -> float:
        meter = TABLE[measure].make(rate)
        for output, target in zip(found, targets, strict=True):
            meter.add(output[None], target[None])
        return float(meter.value())

    return value


def sloped(variation: Variation, clips: Sequence[Clip], measure: str) -> Slope:
    """A measure of `DERIVED` against the clips' targets and its derivatives, as a function of the place."""
    targets, loss = _targets(clips, measure), DERIVED[measure]

    def slope(place: Place) -> tuple[float, Place]:
        controls = torch.from_numpy(np.asarray(place, float)).requires_grad_()
        value = loss(variation.derived(controls, clips), targets)
        (found,) = torch.autograd.grad(value, controls)
        return value.item(), found.numpy()

    return slope


def _targets(clips: Sequence[Clip], measure: str) -> list[Tensor]:
    targets = [clip.target for clip in clips]
    if not targets or any(target is None for target in targets):
        raise EngineError(
            f"expected what should come out, to take {measure} against it, found none: name a reference"
        )
    return [cast(Tensor, target).double() for target in targets]
