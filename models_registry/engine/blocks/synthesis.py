"""Sounds made from numbers: harmonic partials, a learned period, pulses.

Conventions: what comes in is replaced; add a branch that is empty to keep it. Frequencies in Hz, levels in dB of mean
square (pulses: of their peak). Time-varying parameters have one value per `hop` samples; while one hop sounds, each
goes straight from the value heard two hops ago to that of the hop before. Phases are counted in 2^-63 of a cycle, so
that no rounding adds up however long and in whatever blocks a sound is made.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from models_registry.engine.blocks.base import SoundBlock, State, Values, amplitude, register
from models_registry.engine.contract import Card, Option, Parameter, Port

HOP = Option(
    "hop", 64, "samples from one value of a moving parameter to the next", low=8, high=2_048
)
LATENCY = Option(
    "latency",
    0,
    "samples by which the sound lags behind that in which its values were heard",
    high=65_536,
    later=True,
)
# partials fade out from here to half the rate, so that a glide does not switch them off
FADE, TOP = 0.45, 0.5
CYCLE = 2.0**63
DDSP = "J. Engel et al., DDSP: Differentiable Digital Signal Processing, ICLR 2020"


class OscillatorState(NamedTuple):
    """The phase, where in a hop the next sample lies, and the last two values of what moves."""

    phase: Tensor
    begun: int
    before: dict[str, Tensor]


def sounding_part(frequency: Tensor, rate: int) -> Tensor:
    """1 for frequencies that a rate carries, fading to 0 at half of it."""
    return ((TOP - frequency / rate) / (TOP - FADE)).clamp(0, 1)


def advanced(step: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """The phases (rows, frames) in cycles from `start` (rows, 1) in `CYCLE`s on, `step` (rows, frames) cycles apart;
    and the start of what follows."""
    count = (step.detach() * CYCLE).round().to(torch.int64).cumsum(1)
    whole = torch.cat([torch.zeros_like(start), count], dim=1) + start
    travelled = step.cumsum(1) - step
    # the exact phase, with the slope of the sum of the steps
    return whole[:, :-1].double() / CYCLE + (travelled - travelled.detach()), whole[:, -1:]


class Oscillator(SoundBlock):
    """A sound that follows from a phase."""

    choices: ClassVar[tuple[Option, ...]] = (HOP, LATENCY)

    def __init__(self, rate: int, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(rate, options)
        self.hop = self.options["hop"]
        self.outlet = Port(latency=self.options["latency"])

    @abstractmethod
    def wave(self, phase: Tensor, values: Values) -> Tensor:
        """The sound (rows, frames) at `phase` (rows, frames) in cycles; vectors among `values` have a last axis."""

    def process(self, signal: Tensor, values: Values, state: State) -> tuple[Tensor, State]:
        rows, frames = signal.numel() // signal.shape[-1], signal.shape[-1]
        if state is None:
            state = OscillatorState(torch.zeros(rows, 1, dtype=torch.int64), 0, {})
        tracks: dict[str, Tensor] = {}
        before: dict[str, Tensor] = {}
        for name, value in values.items():
            parameter = self.parameters[name]
            if value.dim() < 2:
                tracks[name] = value.double()
                continue
            given = value.double().reshape(rows, value.shape[2], parameter.size)
            # nothing was heard before the first hop: the default holds
            start = torch.tensor(parameter.default, dtype=torch.float64).expand(
                rows, 2, parameter.size
            )
            known = torch.cat([state.before.get(name, start), given], dim=1)
            track = self._between(known)[:, state.begun : state.begun + frames]
            tracks[name] = track if parameter.size > 1 else track[..., 0]
            before[name] = known[:, -2:].detach()
        step = (tracks["frequency"] / self.rate).expand(rows, frames)
        phase, after = advanced(step, state.phase)
        following = OscillatorState(after, (state.begun + frames) % self.hop, before)
        return self.wave(phase, tracks).reshape(signal.shape).to(signal.dtype), following

    def _between(self, known: Tensor) -> Tensor:
        """Each value of `known` (rows, steps, size) reached in a straight line from the one before."""
        ramp = (torch.arange(self.hop, dtype=torch.float64) / self.hop)[:, None]
        first, last = known[:, :-1, None], known[:, 1:, None]
        return (first + (last - first) * ramp).flatten(1, 2)


def pitch(low: float, high: float) -> Parameter:
    return Parameter("frequency", "Hz", low, high, "log", 220, "fundamental", time_varying=True)


def loudness() -> Parameter:
    return Parameter("level", "dB", -120, 6, "dB", -20, "level of the sound", time_varying=True)


class Partials(torch.autograd.Function):
    """Σ share[k] · fade[k] · sin(2π k phase): `forward(phase (rows, frames) in cycles, frequency, share (…, partials),
    rate)`, float64; by hand, since what torch keeps of each partial takes longer to store than to make again."""

    @staticmethod
    def forward(ctx: Any, phase: Tensor, frequency: Tensor, share: Tensor, rate: int) -> Tensor:
        # each partial's course in one piece; those above half the rate are never heard
        count = min(share.shape[-1], math.floor(TOP * rate / frequency.min().item()))
        levels = share[..., :count].movedim(-1, 0).contiguous()
        ctx.save_for_backward(phase, frequency, levels)
        ctx.rate, ctx.shape = rate, share.shape
        total = torch.zeros_like(phase)
        for k, level in enumerate(levels, start=1):
            total += sounding_part(k * frequency, rate) * level * torch.sin(_angle(k, phase))
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        phase, frequency, levels = ctx.saved_tensors
        of_phase, of_frequency, of_share = ctx.needs_input_grad[:3]
        by_phase, by_frequency = torch.zeros_like(phase), torch.zeros_like(phase)
        by_level = torch.zeros(ctx.shape[-1], *ctx.shape[:-1], dtype=levels.dtype)
        for k, level in enumerate(levels, start=1):
            angle, heard = _angle(k, phase), sounding_part(k * frequency, ctx.rate)
            given = grads[0] * torch.sin(angle)
            if of_share:
                by_level[k - 1] = (given * heard).sum_to_size(level.shape)
            if of_phase:
                by_phase.add_(grads[0] * heard * level * torch.cos(angle), alpha=2 * math.pi * k)
            if of_frequency:
                fading = (heard > 0) & (heard < 1)
                by_frequency.sub_(given * level * fading, alpha=k / ctx.rate / (TOP - FADE))
        return (
            by_phase if of_phase else None,
            by_frequency.sum_to_size(frequency.shape) if of_frequency else None,
            by_level.movedim(0, -1) if of_share else None,
            None,
        )


def _angle(k: int, phase: Tensor) -> Tensor:
    """2π k phase, less whole turns, so that all digits of the sine's argument are kept."""
    cycles = k * phase
    return cycles.sub_(cycles.round()).mul_(2 * math.pi)


@register
class Harmonics(Oscillator):
    """Sines at whole multiples of a frequency."""

    kind = "harmonics"
    card = Card(
        purpose="The tonal part of a voice or an instrument, from its pitch, its loudness and its spectrum.",
        rationale="Whatever repeats is a sum of harmonics; levels of partials relative to each other are timbre, their "
        "sum is loudness, and both are what a player or a network controls.",
        assumptions="Partials are exactly harmonic and start in phase; the spectrum belongs to the sound, not to the "
        "pitch (put an equaliser behind it for formants).",
        expected_ranges="20 to 60 partials that fall by 6 to 12 dB per octave.",
        failure_modes="A stiff string or a bell is not harmonic; a frequency that is off by more than half its inverse "
        "duration gives waveform losses no slope: use spectral ones; partials fade out above 0.45 of the "
        "sample rate.",
        references=(
            DDSP,
            "R. J. McAulay, T. F. Quatieri, Speech Analysis/Synthesis Based on a Sinusoidal Representation, IEEE "
            "Trans. ASSP 34(4), 1986",
        ),
    )
    choices = (HOP, LATENCY, Option("partials", 40, "how many sines", low=1, high=200))

    @classmethod
    def declare(
        cls, rate: int, *, hop: int = 64, latency: int = 0, partials: int = 40
    ) -> tuple[Parameter, ...]:
        falling = tuple(-20 * math.log10(k) for k in range(1, partials + 1))
        return (
            pitch(20, min(4_000, 0.4 * rate)),
            loudness(),
            Parameter(
                "partials",
                "dB",
                -100,
                20,
                "dB",
                falling if partials > 1 else 0.0,
                "level of each partial relative to the others",
                size=partials,
                time_varying=True,
            ),
        )

    def wave(self, phase: Tensor, values: Values) -> Tensor:
        levels = values["partials"]
        # a single one comes as a number and not as a list of one
        share = amplitude(levels[..., None] if self.options["partials"] == 1 else levels)
        share = share / share.square().sum(-1, keepdim=True).sqrt()
        total: Tensor = Partials.apply(phase, values["frequency"], share, self.rate)  # type: ignore[no-untyped-call]
        return amplitude(values["level"]) * math.sqrt(2) * total


@register
class Wavetable(Oscillator):
    """One learned period, repeated."""

    kind = "wavetable"
    card = Card(
        purpose="A steady tone of any waveform: an organ stop, a synthesiser, the sustained part of a sample.",
        rationale="One period says everything about a periodic sound; read at another speed it changes its pitch, and "
        "kept in versions with fewer and fewer harmonics it does so without aliases.",
        assumptions="The waveform is the same at every pitch and time; its mean is not heard.",
        expected_ranges="Points within ±1; only the shape counts, the level is set apart.",
        failure_modes="The highest half octave below half the rate is thinned out; points and level before "
        "normalisation share one degree of freedom; noise in a recording becomes a buzz.",
        references=(
            "R. Bristow-Johnson, Wavetable Synthesis 101, A Fundamental Perspective, 101st AES Convention, 1996",
            "S. Shan et al., Differentiable Wavetable Synthesis, ICASSP 2022",
        ),
    )
    choices = (HOP, LATENCY, Option("points", 128, "points of the period", low=8, high=1_024))
    # versions of the table per octave of pitch, and how much finer than its points a version is
    VERSIONS, FINER = 4, 8

    @classmethod
    def declare(
        cls, rate: int, *, hop: int = 64, latency: int = 0, points: int = 128
    ) -> tuple[Parameter, ...]:
        sine = tuple(math.sin(2 * math.pi * n / points) for n in range(points))
        return (
            pitch(20, min(4_000, 0.4 * rate)),
            loudness(),
            Parameter("table", "", -1, 1, "linear", sine, "one period", size=points),
        )

    def versions(self, table: Tensor) -> Tensor:
        """The period (versions, FINER · points) with ever fewer harmonics, of unit mean square with all of them."""
        points = table.shape[-1]
        spectrum = torch.fft.rfft(table.double())
        count = points // 2
        keep = torch.arange(count + 1)
        # no mean, and no partial at the very end, whose phase the points do not tell
        spectrum = spectrum * ((keep > 0) & (2 * keep < points))
        power = 2 * (spectrum.real.square() + spectrum.imag.square()).sum() / points**2
        spectrum = self.FINER * spectrum / (power + 1e-20).sqrt()
        steps = math.ceil(self.VERSIONS * math.log2(count)) + 2
        limits = count * 2 ** (-torch.arange(steps, dtype=torch.float64) / self.VERSIONS)
        kept = spectrum * (keep <= limits[:, None])
        return torch.fft.irfft(kept, n=self.FINER * points)

    def wave(self, phase: Tensor, values: Values) -> Tensor:
        tables = self.versions(values["table"])
        points, size = self.options["points"], tables.shape[1]
        # the version above which no harmonic reaches half the rate, and the next: mixed as the pitch moves
        first = self.VERSIONS * torch.log2(points * values["frequency"] / self.rate)
        first = (first.clamp(min=0) + 1).clamp(max=len(tables) - 2)
        first = first.expand(phase.shape)
        low = first.detach().floor()
        mix = first - low
        at = (phase - phase.detach().floor()) * size
        whole = at.detach().floor()
        t = at - whole
        near = (whole.long()[..., None] + torch.arange(-1, 3)) % size
        # the cubic through four points (Lagrange)
        weights = torch.stack(
            [
                -t * (t - 1) * (t - 2) / 6,
                (t + 1) * (t - 1) * (t - 2) / 2,
                -(t + 1) * t * (t - 2) / 2,
                (t + 1) * t * (t - 1) / 6,
            ],
            dim=-1,
        )
        flat, start = tables.reshape(-1), low.long()[..., None] * size + near
        heard = (flat[start] * weights).sum(-1) * (1 - mix)
        heard = heard + (flat[start + size] * weights).sum(-1) * mix
        return amplitude(values["level"]) * heard


@register
class Exciter(Oscillator):
    """Rounded pulses, again and again."""

    kind = "exciter"
    card = Card(
        purpose="What strikes, plucks or opens: glottal pulses for a vocal tract, plucks for a string, clicks.",
        rationale="Source and filter are told apart: a pulse of given width, repeated at a given rate, feeds "
        "resonances that have values of their own.",
        assumptions="All pulses alike, shaped like a raised cosine; nothing between them.",
        expected_ranges="Width 0.1 to 5 ms; rates below 10 Hz are strokes, above 50 Hz a pitch.",
        failure_modes="Pulses wider than the period are cut off; narrower than two samples they alias and lose level; "
        "each has a mean, which the first high-pass takes out.",
        references=(
            "G. Fant, Acoustic Theory of Speech Production, Mouton 1960",
            "A. E. Rosenberg, Effect of Glottal Pulse Shape on the Quality of Natural Vowels, JASA 49(2B), 1971",
        ),
    )

    @classmethod
    def declare(cls, rate: int, *, hop: int = 64, latency: int = 0) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "frequency", "Hz", 0.2, 1_000, "log", 4, "pulses per second", time_varying=True
            ),
            Parameter("level", "dB", -120, 6, "dB", -6, "peak of a pulse", time_varying=True),
            Parameter(
                "width", "ms", 2_000 / rate, 50, "log", 1, "length of a pulse", time_varying=True
            ),
        )

    def wave(self, phase: Tensor, values: Values) -> Tensor:
        since = (phase - phase.detach().floor()) / values["frequency"]
        place = (1_000 * since / values["width"]).clamp(max=1)
        return amplitude(values["level"]) * (1 - torch.cos(2 * math.pi * place)) / 2
