"""Listeners that are computed: an ear, the same ear behind a chain, or an adapter's features; and how they decide.

A listener turns sounds (rows, frames of samples) into what it has of them (rows, steps, channels). It knows exactly
what to listen for, sums up the evidence with weights that would be the best if its cells were independent, and what it
has is blurred by internal noise of one standard deviation in all cells (D. M. Green, J. A. Swets, Signal Detection
Theory and Psychophysics, 1966; T. Dau, D. Püschel, A. Kohlrausch, J. Acoust. Soc. Am. 99(6), 1996, who set it, as here,
so that a level difference is just noticed where people notice it).

Conventions: a sine of full scale has `ear.FULL_SCALE` dB SPL; the ear's channels are in dB SPL.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import norm

from models_registry.engine import auditory, ear
from models_registry.engine.adapters import Adapter
from models_registry.engine.chain import Chain
from models_registry.engine.congruence.layout import erb, erb_rate
from models_registry.engine.congruence.staircase import convergence
from models_registry.engine.contract import EngineError

Array = NDArray[np.float64]
Listener = Callable[[Array], Array]

LOWEST, HIGHEST = 80.0, 12_000.0
# Hz: as often at least as envelopes behind auditory filters are kept
ENVELOPE_RATE = 4_000
# widths from its centre at which a filter has fallen by 75 dB, so that an end there is not heard
SKIRT = 8.6
# N. F. Viemeister, J. Acoust. Soc. Am. 66(5), 1979: what is fitted to modulation detection as a leaky integrator
INTEGRATION_S = 0.0025
STEP_S = 0.002
AT_ONCE = 16
# of the size of what is heard: less is rounding
NOTHING = 1e-8


def quiet(frequency: Array) -> Array:
    """Threshold in quiet (dB SPL) at `frequency` (Hz); E. Terhardt, Hearing Research 1, 1979, eq. 1."""
    khz = np.asarray(frequency, dtype=np.float64) / 1_000
    return 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4


class EarAlone:
    """Gammatone filters a Cam apart, their power through a leaky integrator, above the threshold in quiet, in dB.

    Linear filters of fourth order, 1.019 ERB wide (Patterson et al., 1992): no level dependence, no suppression, and no
    phase locking, so that it tells frequencies apart by place alone.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        ends = erb_rate([LOWEST, min(HIGHEST, 0.45 * rate)])
        cams = torch.arange(float(ends[0]), float(ends[1]), 1.0, dtype=torch.float64)
        self.centres = auditory.frequency_of(cams).numpy()
        self.widths = 1.019 * erb(self.centres)
        self.floor = 10 ** (quiet(self.centres) / 10)
        # narrow filters have slow envelopes, which need fewer samples
        room = rate / np.maximum(ENVELOPE_RATE, 2 * SKIRT * self.widths)
        self.thinning = 2 ** np.maximum(0, np.floor(np.log2(room))).astype(int)

    def __call__(self, sounds: Array) -> Array:
        parts = [self._heard(sounds[k : k + AT_ONCE]) for k in range(0, len(sounds), AT_ONCE)]
        return np.concatenate(parts)

    def _heard(self, sounds: Array) -> Array:
        frames = sounds.shape[1]
        size = 2 ** math.ceil(math.log2(frames + 0.05 * self.rate))
        # single precision: 1e-5 dB, and half the time
        spectra = scipy.fft.rfft(sounds.astype(np.float32), size)
        steps = int(frames / self.rate / STEP_S)
        found = np.empty((len(sounds), steps, len(self.centres)))
        for thinning in np.unique(self.thinning):
            which = np.flatnonzero(self.thinning == thinning)
            power = self._power(spectra, size, which, int(thinning))
            at = np.round(np.arange(steps) * STEP_S * self.rate / thinning).astype(int)
            found[..., which] = power[..., at].transpose(0, 2, 1)
        return 10 * np.log10(10 ** (ear.FULL_SCALE / 10) * np.maximum(found, 0) + self.floor)

    def _power(
        self,
        spectra: NDArray[np.complexfloating],
        size: int,
        which: NDArray[np.int64],
        thinning: int,
    ) -> NDArray[np.float32]:
        """Smoothed power (rows, channels, samples) of the channels `which`, at the rate over `thinning`."""
        kept, spacing = size // thinning, self.rate / size
        # the bins around each centre, as an envelope of a lower rate
        first = np.round(self.centres[which] / spacing).astype(int) - kept // 2
        bins = first[:, None] + np.arange(kept)
        inside = (bins > 0) & (bins < size // 2)
        away = (bins * spacing - self.centres[which, None]) / self.widths[which, None]
        response = np.where(inside, 2 / thinning / (1 + 1j * away) ** 4, 0).astype(np.complex64)
        bands = spectra[:, np.clip(bins, 0, size // 2)] * response
        envelope = scipy.fft.ifft(bands, overwrite_x=True)
        power = np.square(envelope.real) + np.square(envelope.imag)
        keep = np.float32(math.exp(-thinning / (INTEGRATION_S * self.rate)))
        smooth: NDArray[np.float32] = lfilter(np.array([1 - keep]), np.array([1, -keep]), power)
        return smooth


def behind(chain: Chain, heard: EarAlone) -> Listener:
    """The ear `heard` that hears what `chain` makes of each sound: the mean of its channels."""
    inputs = next(iter(chain.blocks.values())).inlet.channels or 1

    def listen(sounds: Array) -> Array:
        found = []
        for k in range(0, len(sounds), AT_ONCE):
            batch = torch.from_numpy(sounds[k : k + AT_ONCE])[:, None].expand(-1, inputs, -1)
            with torch.no_grad():
                output = chain.aligned(batch.double())[0].mean(1).numpy()
            if not np.isfinite(output).all():
                raise EngineError(
                    "expected finite sound from the chain, found infinite or undefined"
                )
            found.append(heard(output))
        return np.concatenate(found)

    return listen


def features_of(adapter: Adapter) -> Listener:
    """The hidden units of `adapter` as a listener's channels; raises `EngineError` where it does not listen."""

    def listen(sounds: Array) -> Array:
        with torch.no_grad():
            hidden = adapter.insight(torch.from_numpy(sounds)[:, None].double())
        if hidden is None:
            raise EngineError(
                f"expected an adapter that listens, found one of kind '{adapter.kind}', which hears no signal"
            )
        return hidden.double().numpy()

    return listen


class Decision:
    """Which of two intervals held the target, as a listener with internal `noise` tells: `share` of right answers
    expected, and answers drawn."""

    def __init__(self, standards: Array, targets: Array, *, noise: float) -> None:
        """`standards` and `targets` (carriers, steps, channels) of the same carriers. Where there are several the first
        half teaches what to listen for and the other half is listened to."""
        taught = len(standards) // 2
        learn, tell = (slice(0, taught), slice(taught, None)) if taught else (slice(None),) * 2
        change = (targets[learn] - standards[learn]).mean(axis=0)
        # what carriers do by themselves in each channel is no evidence
        scatter = standards[learn].var(axis=0).mean(axis=0)
        weights = change / (noise**2 + scatter)
        self.blur = noise * float(np.sqrt(np.square(weights).sum()))
        self.target, self.standard = (
            np.tensordot(one[tell], weights, axes=2) for one in (targets, standards)
        )

    @property
    def share(self) -> float:
        """The expected share of right answers, over all pairs of carriers."""
        if not self.blur > 0:
            return 0.5
        difference = self.target[:, None] - self.standard[None]
        if len(self.target) > 1:
            # two intervals never hold the same carrier
            difference = difference[~np.eye(len(self.target), dtype=bool)]
        return float(norm.cdf(difference / (math.sqrt(2) * self.blur)).mean())

    def right(self, draw: np.random.Generator) -> bool:
        count = len(self.target)
        first = int(draw.integers(count))
        second = (first + int(draw.integers(1, count))) % count if count > 1 else first
        heard = self.target[first] - self.standard[second]
        blurred = heard + math.sqrt(2) * self.blur * draw.normal()
        # who has nothing to go by guesses
        return bool(blurred > 0) if self.blur > 0 else bool(draw.random() < 0.5)


def internal_noise(standards: Array, targets: Array, *, down: int = 2) -> float:
    """The standard deviation with which a listener tells `targets` from `standards` (carriers, steps, channels) as
    often as a staircase of `down` comes to; raises `EngineError` where it has nothing to tell them by."""
    goal = convergence(down)
    distance = float(np.sqrt(np.square(targets - standards).sum(axis=(1, 2)).mean()))
    size = float(np.sqrt(np.square(standards).sum(axis=(1, 2)).mean()))
    low, high = (by * max(distance, NOTHING) for by in (1e-3, 1e2))
    if (
        not distance > NOTHING * max(size, NOTHING)
        or Decision(standards, targets, noise=low).share < goal
    ):
        raise EngineError("expected what changes with the level of a tone, found what does not")
    # the more noise, the fewer right answers
    for _ in range(40):
        middle = math.sqrt(low * high)
        right = Decision(standards, targets, noise=middle).share >= goal
        low, high = (middle, high) if right else (low, middle)
    return math.sqrt(low * high)
