"""What is explained: one number of what a chain puts out.

    target("energy:2000-8000@0.5-1", chain)            # energy of the output from 2 to 8 kHz, 0.5 to 1 s
    target("loss:esr", chain, reference=clean)         # how far the output is from a reference
    target("move:bands.gains:12", chain)               # what an adapter adds to a parameter, or to one number of it

Conventions: an output is (rows, channels, frames), latency taken out; a target gives one number per row. `value` is
differentiable unless the target says otherwise; `parts` is what relevance starts from: a number (), linear in the
output with everything else taken as given.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models_registry.audio import Samples
from models_registry.engine import losses
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.explain.plane import Plane

Moves = Mapping[str, Tensor]
SIZES = (512, 1_024, 2_048)

# what can be told of a reference with a gradient: the name of each, and the function of estimate, target and rate
LOSSES: dict[str, tuple[str, Callable[[Tensor, Tensor, int], Tensor]]] = {
    "esr": ("error-to-signal ratio", lambda y, r, rate: losses.error_to_signal(y, r)),
    "l1": ("absolute error over the target's", lambda y, r, rate: losses.absolute_error(y, r)),
    "si-sdr": ("error to scaled target", lambda y, r, rate: losses.scale_invariant_error(y, r)),
    "stft": (
        "multi-resolution STFT distance",
        lambda y, r, rate: losses.spectral_distance(
            y, r, sizes=[one for one in SIZES if one <= r.shape[-1]]
        ),
    ),
    "erb": (
        "band level difference, in 10 dB",
        lambda y, r, rate: losses.band_distance(y, r, rate=rate),
    ),
    "loudness": (
        "specific loudness difference",
        lambda y, r, rate: losses.loudness_distance(y, r, rate=rate),
    ),
    "audible": ("audible error", lambda y, r, rate: losses.audible_error(y, r, rate=rate)),
}


class Target(ABC):
    """A number of a chain's output."""

    title: str
    unit: str = ""
    differentiable = True
    # whether the number is told from what adapters add and not from the output
    of_moves = False

    @abstractmethod
    def value(self, output: Tensor, moves: Moves) -> Tensor:
        """The number (rows,) of `output` (rows, channels, frames)."""

    def parts(self, output: Tensor, moves: Moves) -> Tensor:
        """What of the number is made by the output's samples, added up: the slope of the number times the output."""
        given = output.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.value(given, moves).sum(), given)
        return (output * slope).sum()


@dataclass(frozen=True)
class Energy(Target):
    """Energy (sum of squares, full scale 1) from `low` to `high` Hz and from `start` to `end` s."""

    rate: int
    low: float
    high: float
    start: float
    end: float
    unit: str = "FS²·samples"

    @property
    def title(self) -> str:  # type: ignore[override]
        band = (
            "" if self.low <= 0 and self.high >= self.rate / 2 else _said(self.low, self.high, "Hz")
        )
        time = (
            "" if self.start <= 0 and self.end == float("inf") else _said(self.start, self.end, "s")
        )
        return ", ".join(["energy of the output", *filter(None, [band, time])])

    def region(self, plane: Plane) -> Tensor:
        """Weights (windows, bins) of |spectrum|²."""
        hertz, seconds = plane.frequencies(), plane.times()
        # half a bin, half a hop: what is asked for as one line is never nothing
        fine, brief = plane.rate / plane.size / 2, plane.hop / plane.rate / 2
        bins = torch.from_numpy((hertz >= self.low - fine) & (hertz <= self.high + fine))
        windows = torch.from_numpy((seconds >= self.start - brief) & (seconds <= self.end + brief))
        return (windows[:, None] & bins) * plane.weights()

    def value(self, output: Tensor, moves: Moves) -> Tensor:
        if self._whole:
            return output.square().sum((1, 2))
        plane = Plane(self.rate, output.shape[-1])
        spectra = plane.spectra(output)
        power = spectra.real.square() + spectra.imag.square()
        return (power * self.region(plane)).sum((1, 2, 3))

    def parts(self, output: Tensor, moves: Moves) -> Tensor:
        if self._whole:
            return (output * output.detach()).sum()
        plane = Plane(self.rate, output.shape[-1])
        spectra = plane.spectra(output)
        still = spectra.detach()
        power = spectra.real * still.real + spectra.imag * still.imag
        return (power * self.region(plane)).sum()

    @property
    def _whole(self) -> bool:
        return (
            self.low <= 0
            and self.high >= self.rate / 2
            and self.start <= 0
            and self.end == float("inf")
        )


@dataclass(frozen=True)
class Loss(Target):
    """How far the output is from `reference` (channels, frames), by a term of `LOSSES`; of the output what is
    `judged` (None: all of it)."""

    term: str
    reference: Tensor
    rate: int
    judged: Callable[[Tensor], Tensor] | None = None

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"{LOSSES[self.term][0]} against the reference"

    def value(self, output: Tensor, moves: Moves) -> Tensor:
        output = self.judged(output) if self.judged else output
        if output.shape[1:] != self.reference.shape:
            raise EngineError(
                f"expected a reference of {tuple(output.shape[1:])} (channels, samples) like the output, found "
                f"{tuple(self.reference.shape)}"
            )
        term = LOSSES[self.term][1]
        return torch.stack([term(one[None], self.reference[None], self.rate) for one in output])


@dataclass(frozen=True)
class Move(Target):
    """The mean of what an adapter adds to `path`, in fractions of its range: of all its numbers, or of one."""

    path: str
    number: int | None = None
    unit: str = "of the range"
    of_moves = True

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"what is added to {self.path}{'' if self.number is None else f', number {self.number}'}"

    def value(self, output: Tensor, moves: Moves) -> Tensor:
        move = moves[self.path]
        if self.number is not None:
            move = move[..., self.number]
        return move.flatten(1).mean(1)

    def parts(self, output: Tensor, moves: Moves) -> Tensor:
        return self.value(output, moves).sum()


@dataclass(frozen=True)
class Scored(Target):
    """What `score` tells of the output (channels, frames), float32: a number without a gradient."""

    title: str
    score: Callable[[Samples], float]
    unit: str = ""
    differentiable = False

    def value(self, output: Tensor, moves: Moves) -> Tensor:
        found = [self.score(one.detach().float().numpy()) for one in output]
        return torch.tensor(found, dtype=torch.float64)


def target(
    asked: str,
    chain: Chain,
    *,
    reference: Samples | None = None,
    judged: Callable[[Tensor], Tensor] | None = None,
) -> Target:
    """The target that `asked` names, told from what of the output is `judged` where it is a loss; raises
    `EngineError`."""
    kind, _, rest = asked.partition(":")
    if kind.partition("@")[0] == "energy":
        return _energy(asked, chain.rate)
    if kind == "loss":
        if rest not in LOSSES:
            raise EngineError(f"expected loss:{'|'.join(LOSSES)}, found '{asked}'")
        if reference is None:
            raise EngineError(f"'{asked}' is told against a reference: expected one, found none")
        return Loss(rest, torch.from_numpy(reference).double(), chain.rate, judged)
    if kind == "move":
        return _move(rest, asked, chain)
    raise EngineError(
        f"expected energy[:LOW-HIGH][@START-END], loss:TERM or move:BLOCK.PARAMETER, found '{asked}'"
    )


NUMBER = r"(\d+(?:\.\d+)?)"
ENERGY = re.compile(rf"energy(?::{NUMBER}-{NUMBER})?(?:@{NUMBER}-{NUMBER})?")


def _energy(asked: str, rate: int) -> Energy:
    match = ENERGY.fullmatch(asked)
    if not match:
        raise EngineError(
            f"expected energy[:LOW-HIGH][@START-END] in Hz and s, such as energy:2000-8000@0.5-1, found '{asked}'"
        )
    low, high, start, end = (None if one is None else float(one) for one in match.groups())
    found = Energy(
        rate,
        low or 0.0,
        rate / 2 if high is None else high,
        start or 0.0,
        float("inf") if end is None else end,
    )
    if found.low >= found.high or found.start >= found.end or found.low >= rate / 2:
        raise EngineError(
            f"expected a band below {rate / 2:g} Hz and a time that end after they begin, found '{asked}'"
        )
    return found


def _move(rest: str, asked: str, chain: Chain) -> Move:
    path, _, number = rest.partition(":")
    moved = [path for entry in chain.spec()["adapters"] for path in entry["targets"]]
    if path not in moved:
        raise EngineError(
            f"expected move:PARAMETER of one that an adapter moves ({', '.join(moved) or 'this chain has none'}), "
            f"found '{asked}'"
        )
    if not number:
        return Move(path)
    block, _, key = path.partition(".")
    size = chain.blocks[block].parameters[key].size
    if not number.isdigit() or int(number) >= size or size == 1:
        raise EngineError(
            f"expected a number from 0 to {size - 1} of {path}, found '{number}'"
            if size > 1
            else f"{path} is one number: expected move:{path}, found '{asked}'"
        )
    return Move(path, int(number))


def _said(low: float, high: float, unit: str) -> str:
    return f"{low:g} {unit} and above" if high == float("inf") else f"{low:g} to {high:g} {unit}"
