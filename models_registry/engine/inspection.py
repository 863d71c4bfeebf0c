"""What goes on inside a chain while a sound goes through: each block's input and output, gains, moving parameters.

Conventions: samples are (channels, frames) at the chain's rate, and every signal is moved to where it belongs, so that
the input and the output of a block can be held against each other sample by sample; gains are in dB, parameters in
their units, times in seconds. Gains and parameters are those of the first channel. What a block hears after parallel
branches is their sum.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_registry.audio import Audio, Samples, checked
from models_registry.engine import spec as specification
from models_registry.engine.blocks import FramedBlock, MultibandCompressor
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError, Parameter
from models_registry.engine.relevance import gains_overheard
from models_registry.engine.rendering import LOUDEST, QUANTUM, without_denormals

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]

# a passage that one can still take in, and so many samples over all blocks as 256 MB hold twice
MOST_SECONDS, MOST_SAMPLES = 30.0, 32_000_000
# −120 dB: a gain of nothing has a level too
FAINTEST = 1e-6
# the offset counts as at its bound from this share of its authority on
AT_BOUND = 0.99


@dataclass(frozen=True)
class Gains:
    """The gain (steps, lines) in dB that a block made of its signal at `times` (steps,), a line for each of `names`;
    with `centres` (lines,) in Hz the lines are bands."""

    times: Array
    values: Array
    names: tuple[str, ...]
    centres: Array | None = None


@dataclass(frozen=True)
class Trajectory:
    """A parameter that an adapter moves: `values` (steps, size) in its unit at `times` (steps,), and between `low` and
    `high` (size,) how far the adapter may move it from `start` (size,).

    `used` is the effective value of the offsets over the authority, `at_bound` the share of values at the bound.
    """

    path: str
    parameter: Parameter
    authority: float
    times: Array
    values: Array
    start: Array
    low: Array
    high: Array
    used: float
    at_bound: float


@dataclass(frozen=True)
class Passage:
    """What went into the block `name` and what came out, and the gains that it made of it (None: it makes none).

    `sources` are the blocks whose outputs add up to the input; "" is the chain's input.
    """

    name: str
    kind: str
    sources: tuple[str, ...]
    given: Samples
    output: Samples
    gains: Gains | None


@dataclass(frozen=True)
class Inspection:
    """A chain at work on one sound, block by block in its order."""

    rate: int
    passages: tuple[Passage, ...]
    trajectories: tuple[Trajectory, ...]


def sources_of(spec: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """By block, the blocks whose outputs add up to its input; "" is the chain's input."""
    found: dict[str, tuple[str, ...]] = {}
    _wired(spec["blocks"], ("",), found)
    return found


def _wired(
    entries: Sequence[Mapping[str, Any]],
    before: tuple[str, ...],
    found: dict[str, tuple[str, ...]],
) -> tuple[str, ...]:
    for entry in entries:
        if entry["kind"] == specification.PARALLEL:
            before = sum((_wired(one, before, found) for one in entry["branches"]), ())
        else:
            found[entry["id"]] = before
            before = (entry["id"],)
    return before


def longest(chain: Chain, channels: int) -> float:
    """Seconds of a sound of so many channels that `inspected` takes."""
    return min(MOST_SECONDS, MOST_SAMPLES / (len(chain.blocks) * channels * chain.rate))


@dataclass
class _Heard:
    """What is noted while a chain works."""

    outputs: dict[str, list[Tensor]] = field(default_factory=lambda: defaultdict(list))
    # by block and by which of its gains
    gains: dict[str, dict[int, list[Tensor]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    moves: dict[str, list[Tensor]] = field(default_factory=lambda: defaultdict(list))
    waiting: list[Tensor] = field(default_factory=list)


def inspected(
    chain: Chain, samples: Samples, *, progress: Progress = lambda share, message: None
) -> Inspection:
    """`samples` (channels, frames) at the chain's rate through `chain`, with all that happens on the way.

    The last block's output is what `render` gives. Raises `AudioError` for samples that are no audio, `EngineError` for
    a sound that is too long or a block that loses its signal.
    """
    source = checked(samples, chain.rate, name="the sound to inspect")
    most = longest(chain, source.channels)
    if source.duration > most:
        raise EngineError(
            f"expected at most {most:.3g} s of {source.channels} channel(s) to look into {len(chain.blocks)} "
            f"block(s), found {source.duration:.1f} s: cut it, as by --start 0 --seconds {most:.3g}"
        )
    chain = copy.deepcopy(chain).double().eval()
    heard = _listened(chain, source, progress)
    late = chain.latencies()
    outputs = {
        name: torch.cat(parts, dim=1)[:, late[name] :][:, : source.frames]
        .numpy()
        .astype(np.float32)
        for name, parts in heard.outputs.items()
    }
    outputs[""] = source.samples
    passages = tuple(
        Passage(
            name,
            chain.blocks[name].kind,
            sources,
            np.sum([outputs[one] for one in sources], axis=0, dtype=np.float32),
            outputs[name],
            _gains(chain, name, heard.gains.get(name), late[name], source),
        )
        for name, sources in sources_of(chain.spec()).items()
    )
    moved = tuple(_trajectory(chain, path, parts, source) for path, parts in heard.moves.items())
    return Inspection(chain.rate, passages, moved)


def _listened(chain: Chain, source: Audio, progress: Progress) -> _Heard:
    whole = np.pad(source.samples.astype(np.float64), ((0, 0), (0, chain.latency)))
    heard, state = _Heard(), None
    at = 0.0

    def listen(name: str, signal: Tensor) -> None:
        low, high = torch.aminmax(signal)
        if not (low >= -LOUDEST and high <= LOUDEST):
            raise EngineError(
                f"expected finite samples below {LOUDEST:g} of full scale, found others after {at:.3f} s, first in "
                f"block {chain.described(name)}"
            )
        heard.outputs[name].append(signal[0].float())
        # gains of spectra are (rows, steps, bins), all others (..., frames)
        masks = isinstance(chain.blocks[name], FramedBlock)
        for number, gain in enumerate(heard.waiting):
            heard.gains[name][number].append(
                gain[0] if masks else gain.reshape(-1, gain.shape[-1])[0]
            )
        heard.waiting.clear()

    with torch.inference_mode(), without_denormals(), gains_overheard(heard.waiting.append):
        for begin in range(0, whole.shape[1], QUANTUM):
            at = begin / chain.rate
            progress(begin / whole.shape[1], f"listening at {at:.1f} s")
            piece = torch.from_numpy(np.ascontiguousarray(whole[:, begin : begin + QUANTUM]))[None]
            with chain.overheard(listen):
                _, state = chain(piece, state)
            for path, move in state.moves.items():
                heard.moves[path].append(move[0, 0])
    return heard


def _gains(
    chain: Chain, name: str, heard: dict[int, list[Tensor]] | None, late: int, source: Audio
) -> Gains | None:
    if not heard:
        return None
    block = chain.blocks[name]
    lines = [torch.cat(parts).clamp_min(FAINTEST).numpy() for parts in heard.values()]
    if isinstance(block, FramedBlock):
        return _masks(block, lines[0], late, source)
    factors = np.stack([one[late:][: source.frames] for one in lines], axis=1)
    names = tuple(f"band {n}" for n in range(1, len(lines) + 1)) if len(lines) > 1 else ("gain",)
    centres = None
    if isinstance(block, MultibandCompressor):
        centres = chain.profile(name)[0]
    return Gains(np.arange(len(factors)) / chain.rate, 20 * np.log10(factors), names, centres)


def _masks(block: FramedBlock, factors: Array, late: int, source: Audio) -> Gains:
    # a frame ends with its hop; what it sets sounds around its middle
    times = ((np.arange(len(factors)) + 1) * block.hop + block.size / 2 - late) / block.rate
    centres = block.centres.numpy()
    bins = np.rint(centres * block.size / block.rate).astype(int)
    inside = (times >= 0) & (times < source.duration)
    names = tuple(f"{centre:.0f} Hz" for centre in centres)
    return Gains(times[inside], 20 * np.log10(factors[inside][:, bins]), names, centres)


def _trajectory(chain: Chain, path: str, parts: list[Tensor], source: Audio) -> Trajectory:
    name, _, key = path.partition(".")
    block, reading = chain.blocks[name], chain.readings()[path]
    parameter, authority = block.parameters[key], float(reading.authority or 0)
    offsets = torch.cat(parts).double().reshape(sum(map(len, parts)), -1).numpy()
    offsets = offsets[: -(-source.frames // block.hop)]
    control = chain.controls(name)[key].detach().double().reshape(-1).numpy()
    inside = [np.clip(control + by, 0, 1) for by in (0.0, -authority, authority)]
    start, low, high = (np.asarray(parameter.physical(torch.from_numpy(one))) for one in inside)
    values = np.asarray(parameter.physical(torch.from_numpy(np.clip(control + offsets, 0, 1))))
    return Trajectory(
        path,
        parameter,
        authority,
        np.arange(len(offsets)) * block.hop / chain.rate,
        values,
        start,
        low,
        high,
        used=float(np.sqrt(np.mean(offsets**2)) / authority),
        at_bound=float(np.mean(np.abs(offsets) >= AT_BOUND * authority)),
    )
