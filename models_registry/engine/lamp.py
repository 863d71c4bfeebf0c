"""Adapters under the lamp: what they hold of speakers, rooms and devices, how much of their authority they use, what
each device's embedding does in units, and whether it holds what it should not.

Conventions: takes as in takes.py; an adapter is named as in ablation.py ("adapter 1"); authority is a fraction of a
parameter's range, values are in its unit, responses in dB.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models_registry.engine.adapters import Adapter
from models_registry.engine.blocks import LinearBlock
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.inspection import AT_BOUND
from models_registry.engine.takes import Take

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]

# takes at once, and samples between values of what moves at audio rate: an adapter's hop is no shorter
BATCH, STEP = 16, 16
# even on the ear's scale (Cams), between which responses are held against each other
POINTS, LOWEST_HZ = 60, 50.0


@dataclass(frozen=True)
class Held:
    """What an adapter makes of each take: the mean over time of its hidden units (takes, units), and of what it says
    (takes, numbers moved), in fractions of each range."""

    adapter: str
    kind: str
    hidden: Array
    said: Array


@dataclass(frozen=True)
class Authority:
    """How far a parameter is moved: the ends that the adapter may reach and the 5th, 50th and 95th percentile of what
    it did, in `unit`; effective value of the offsets over the authority (`used`) and share of them at the bound."""

    adapter: str
    path: str
    unit: str
    size: int
    authority: float
    low: float
    high: float
    percentiles: tuple[float, float, float]
    used: float
    at_bound: float
    n: int


@dataclass(frozen=True)
class Setting:
    """A parameter's value (size,) in `unit` under a condition."""

    path: str
    unit: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Apart:
    """What a condition does: the settings that adapters move, and by linear block its response in dB at the frequencies
    of `grid`."""

    condition: str
    settings: tuple[Setting, ...]
    responses: dict[str, Array]


def adapters_of(chain: Chain) -> list[tuple[str, Adapter]]:
    """Every adapter by its name; raises `EngineError` for a chain without."""
    found = [(f"adapter {n}", one) for n, one in enumerate(chain.adapters, start=1)]
    if not found:
        raise EngineError(
            "expected a chain with an adapter, found none: there is nothing to look at"
        )
    return found  # type: ignore[return-value]


def listens(adapter: Adapter) -> bool:
    """Whether what it says depends on what it hears: it has a network that ends in a head."""
    return isinstance(getattr(adapter, "head", None), nn.Linear)


def held_and_used(
    chain: Chain, takes: Sequence[Take], *, progress: Progress = lambda share, message: None
) -> tuple[list[Held], list[Authority]]:
    """What every adapter that listens makes of `takes`, and how far each adapter moves its parameters: an embedding
    over its conditions, any other over the takes."""
    chain = copy.deepcopy(chain).double().eval()
    held, used = [], []
    adapters = adapters_of(chain)
    for number, (name, adapter) in enumerate(adapters):
        if listens(adapter):
            told = _within(progress, number / len(adapters), (number + 1) / len(adapters))
            hidden, offsets = _heard(adapter, takes, told)
            means = [one.mean(1) for one in offsets.values()]
            held.append(Held(name, adapter.kind, hidden, np.concatenate(means, axis=1)))
        else:
            offsets = _still(chain, adapter)
        used += [_authority(chain, name, path, one) for path, one in offsets.items()]
    return held, used


def _within(progress: Progress, start: float, end: float) -> Progress:
    return lambda share, message: progress(start + share * (end - start), message)


def _heard(
    adapter: Adapter, takes: Sequence[Take], progress: Progress
) -> tuple[Array, dict[str, Array]]:
    hidden: list[Array] = []
    parts: dict[str, list[Array]] = {path: [] for path in adapter.targets}

    def note(head: nn.Module, given: tuple[Tensor, ...]) -> None:
        hidden.append(given[0].double().mean(1).numpy())

    hook = adapter.head.register_forward_pre_hook(note)
    try:
        with torch.no_grad():
            for begin in range(0, len(takes), BATCH):
                progress(begin / len(takes), f"hearing take {begin + 1} of {len(takes)}")
                batch = torch.stack([one.signal for one in takes[begin : begin + BATCH]])[:, None]
                for path, move in adapter(batch, None)[0].items():
                    target = adapter.targets[path]
                    along = move.reshape(len(batch), -1, target.size)
                    parts[path].append(along[:, :: STEP if target.hop == 1 else 1].double().numpy())
    finally:
        hook.remove()
    return np.concatenate(hidden), {path: np.concatenate(found) for path, found in parts.items()}


def _still(chain: Chain, adapter: Adapter) -> dict[str, Array]:
    """The offsets (conditions, 1, size) of an adapter that does not listen."""
    found: dict[str, list[Array]] = {path: [] for path in adapter.targets}
    for name in adapter.names:
        chain.under(name)
        with torch.no_grad():
            for path, offset in adapter.still().items():
                found[path].append(offset.double().reshape(1, -1).numpy())
    chain.under(None)
    return {path: np.stack(rows) for path, rows in found.items() if rows}


def _authority(chain: Chain, adapter: str, path: str, offsets: Array) -> Authority:
    name, _, key = path.partition(".")
    parameter = chain.blocks[name].parameters[key]
    share = float(chain.readings()[path].authority or 0)
    control = chain.controls(name)[key].detach().double().reshape(-1).numpy()

    def physical(at: Array) -> Array:
        return np.asarray(parameter.physical(torch.from_numpy(np.clip(at, 0, 1))))

    values = physical(control + offsets)
    five, middle, most = np.percentile(values, [5, 50, 95])
    return Authority(
        adapter,
        path,
        parameter.unit,
        parameter.size,
        share,
        float(physical(control - share).min()),
        float(physical(control + share).max()),
        (float(five), float(middle), float(most)),
        used=float(np.sqrt(np.mean(offsets**2)) / share),
        at_bound=float(np.mean(np.abs(offsets) >= AT_BOUND * share)),
        n=len(offsets),
    )


# what each condition does


def grid(rate: int) -> Array:
    """The frequencies (Hz) at which responses are held against each other, even in Cams up to 0.45 of the rate."""
    ends = 21.4 * np.log10(1 + 0.00437 * np.array([LOWEST_HZ, min(16_000.0, 0.45 * rate)]))
    return np.asarray((10 ** (np.linspace(ends[0], ends[1], POINTS) / 21.4) - 1) / 0.00437)


def told_apart(chain: Chain, takes: Sequence[Take]) -> list[Apart]:
    """What each condition of `chain` does: settings and responses; of adapters that listen the mean over `takes`."""
    chain = copy.deepcopy(chain).double().eval()
    listening = [one for _, one in adapters_of(chain) if listens(one) and one.names]
    found = []
    for condition in chain.conditions:
        chain.under(condition)
        moved = {
            path: one
            for adapter in listening
            for path, one in _heard(adapter, takes, _quiet)[1].items()
        }
        settings, responses = [], {}
        for path, reading in chain.readings().items():
            if reading.authority is None:
                continue
            name, _, key = path.partition(".")
            control = chain.controls(name)[key].detach().double().reshape(-1).numpy()
            if path in moved:
                control = np.clip(control + moved[path].mean((0, 1)), 0, 1)
            values = reading.parameter.physical(torch.from_numpy(control))
            settings.append(Setting(path, reading.parameter.unit, tuple(values.tolist())))
            if isinstance(chain.blocks[name], LinearBlock) and path not in moved:
                magnitude = np.abs(chain.response(name, grid(chain.rate)))
                responses[name] = 20 * np.log10(np.maximum(magnitude, 1e-6))
        found.append(Apart(condition, tuple(settings), responses))
    chain.under(None)
    return found


def _quiet(share: float, message: str) -> None:
    pass


def distances(found: Sequence[Apart]) -> dict[str, Array]:
    """By linear block, how far the conditions' responses are from each other (conditions, conditions): root mean square
    over the grid, dB."""
    blocks = dict.fromkeys(name for one in found for name in one.responses)
    table: dict[str, Any] = {
        name: np.stack([one.responses[name] for one in found]) for name in blocks
    }
    return {
        name: np.sqrt(((rows[:, None] - rows[None]) ** 2).mean(-1)) for name, rows in table.items()
    }
