"""Controllers that listen as the ear does: levels in bands of its scale, once per hop, and a network behind them.

Conventions: as in `base`. A frame is twice as long as the hop and ends where the hop does. A target that moves with a
block's frames gets one value per hop, of the frame that ends with it; one that moves at audio rate ramps from the value
before last to the last, so what is heard in one hop acts in the next. `smoothing` is a time constant in ms.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from models_registry.engine import kernels
from models_registry.engine.adapters.base import Adapter, Moves, Target, register
from models_registry.engine.auditory import LOUDNESS_POWER, band_weights, spreading
from models_registry.engine.blocks.dynamics import followed
from models_registry.engine.contract import Card, Option
from models_registry.engine.ear import weighting
from models_registry.engine.relevance import as_gain, own
from models_registry.engine.rules import affine, bent, convolved, gated, log_level, power_of
from models_registry.engine.voicing import Periods, repeating

# −80 dB of full scale: below it a band is silent.
SILENCE = 1e-8
HOP = Option(
    "hop", 512, "samples from value to value (a block with frames has its own)", low=16, high=8_192
)
BANDS = Option("bands", 32, "bands that are heard", low=4, high=128)
HIDDEN = Option("hidden", 64, "units in a layer", low=1, high=512)
LAYERS = Option("layers", 2, "layers", low=1, high=8)
SMOOTHING = Option("smoothing", 0, "time constant of what is moved, ms", low=0, high=5_000)
LEVELS = Option(
    "levels",
    "absolute",
    "of the bands: absolute; over their mean in the last second, so that soft and loud sound alike; or both that and "
    "each over its own mean, so that steady noise of any colour sounds alike too",
    ("absolute", "relative", "both"),
    later=True,
)
VOICING = Option(
    "voicing",
    0,
    "bands of which it is told, too, how much repeats with a voice's period",
    high=64,
    later=True,
)
# Hz of a voice's pitch
VOICED_HZ = (70.0, 400.0)
HEARS = Option(
    "hears",
    "energy",
    "in its bands: energy; the excitation that it makes behind the outer and middle ear, spread to the bands beside; "
    "or the loudness of that",
    ("energy", "excitation", "loudness"),
    later=True,
)
# a sine of full scale is about twice as loud
LOUD = 0.5 * SILENCE**-LOUDNESS_POWER
# s, over which a relative level forgets, of all bands together and of each
LEVEL_S, OWN_S = 1.0, 1.5
ENGEL = "Engel et al., DDSP: Differentiable Digital Signal Processing, ICLR 2020"
FILM = "Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, AAAI 2018"


class ControllerState(NamedTuple):
    """The unfinished frame, the network's memory, the smoother's, and the last two offsets."""

    pending: Tensor
    memory: Any
    smoothed: Any
    offsets: Tensor


class Controller(Adapter):
    """Bands in, a network, offsets out. With `names`, each layer's output is scaled and shifted for the condition."""

    choices: ClassVar[tuple[Option, ...]] = (HOP, BANDS, HIDDEN, LAYERS, SMOOTHING, HEARS)
    conditioned = True

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        rate: int,
        names: tuple[str, ...] = (),
        hop: int = 512,
        bands: int = 32,
        hidden: int = 64,
        layers: int = 2,
        smoothing: int = 0,
        hears: str = "energy",
    ) -> None:
        super().__init__(targets, rate=rate, names=names)
        self.hears = hears
        own = next(iter(targets.values())).hop
        self.by_frame, self.hop = own > 1, own if own > 1 else hop
        self.hidden, self.layers, self.smoothing = hidden, layers, smoothing
        size = self.span = 2 * self.hop
        self.register_buffer(
            "window", torch.hann_window(size, dtype=torch.float64), persistent=False
        )
        weights = self.ear(size, bands) / self.window.square().sum() / size
        self.register_buffer("weights", weights.T.contiguous(), persistent=False)
        self.build(bands)
        self.head = nn.Linear(hidden, self.width)
        # silent at the start: the chain with its adapter begins as the chain without
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        if names:
            self.scale = nn.Parameter(torch.zeros(len(names), hidden))
            self.shift = nn.Parameter(torch.zeros(len(names), hidden))

    window: Tensor
    weights: Tensor

    def ear(self, size: int, bands: int) -> Tensor:
        """Weights (bands, bins) of the powers in a frame's spectrum."""
        weights = band_weights(self.rate, size, bands)
        if self.hears == "energy":
            return weights
        grid = torch.arange(1, size // 2 + 1, dtype=torch.float64) * self.rate / size
        # nothing is heard at 0 Hz
        outer = torch.cat([grid.new_zeros(1), weighting(grid)])
        return spreading(self.rate, bands) @ (weights * outer)

    @abstractmethod
    def build(self, bands: int) -> None:
        """Make the network."""

    @abstractmethod
    def think(self, heard: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """Hidden units (rows, steps, hidden) for features (rows, steps, bands), and the memory after them."""

    def features(self, heard: Tensor) -> Tensor:
        """What is heard (rows, steps, bands), about −1 to 1, of each frame that ends within `heard` (rows, samples)."""
        return self.told(self.spectrum(heard))

    def told(self, spectrum: Tensor) -> Tensor:
        """What is heard (rows, steps, bands) of power spectra (rows, steps, bins)."""
        power = spectrum @ self.weights.to(spectrum.dtype)
        if self.hears == "loudness":
            loudness = as_gain(power, (power / SILENCE + 1).pow(LOUDNESS_POWER) - 1)
            return loudness / LOUD - own(torch.ones_like(loudness))
        level = log_level(power, SILENCE)
        return level / 4 + own(torch.ones_like(level))

    def power(self, heard: Tensor) -> Tensor:
        """Weighted power (rows, steps, bands) of the frames."""
        spectrum = self.spectrum(heard)
        return spectrum @ self.weights.to(spectrum.dtype)

    def spectrum(self, heard: Tensor) -> Tensor:
        """Power spectra (rows, steps, bins) of the frames."""
        frames = heard.unfold(1, 2 * self.hop, self.hop)
        return power_of(torch.fft.rfft(frames * self.window.to(frames.dtype)))

    def offsets(self, features: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """What is moved (rows, steps, width) for `features`, before smoothing."""
        hidden, memory = self.think(features, memory)
        if self.names and self.condition is not None:
            hidden = hidden * (1 + self.scale[self.condition]) + own(self.shift[self.condition])
        return bent(affine(self.head, hidden)) * self.authority.to(hidden.dtype), memory

    def forward(self, signal: Tensor, state: ControllerState | None) -> tuple[Moves, Any]:
        rows = signal.reshape(-1, signal.shape[-1])
        if state is None:
            quiet = rows.new_zeros(len(rows), self.span - self.hop)
            state = ControllerState(quiet, None, None, rows.new_zeros(len(rows), 2, self.width))
        heard = torch.cat([state.pending, rows], dim=1)
        past = self.span - self.hop
        count = (heard.shape[1] - past) // self.hop
        begun = state.pending.shape[1] - past
        moved, memory, smoothed = (
            rows.new_zeros(len(rows), 0, self.width),
            state.memory,
            state.smoothed,
        )
        if count:
            moved, memory = self.offsets(self.features(heard[:, : past + count * self.hop]), memory)
            if self.smoothing:
                moved, smoothed = self._smooth(moved, smoothed)
        offsets = torch.cat([state.offsets, moved], dim=1)
        following = ControllerState(heard[:, count * self.hop :], memory, smoothed, offsets[:, -2:])
        if self.by_frame:
            track = moved
        else:
            # the hop in which the newest value was heard is over before it acts
            ramp = torch.arange(self.hop, dtype=rows.dtype)[:, None] / self.hop
            before, after = offsets[:, :-1, None], offsets[:, 1:, None]
            track = (before + (after - before) * ramp).flatten(1, 2)
            track = track[:, begun : begun + rows.shape[1]]
        shape = (*signal.shape[:-1], track.shape[1])
        return {
            path: part.reshape(*shape, target.size)
            if self.by_frame and target.size > 1
            else part[..., 0].reshape(shape)
            for (path, part), target in zip(
                self.divided(track).items(), self.targets.values(), strict=True
            )
        }, following

    def _smooth(self, moved: Tensor, state: Any) -> tuple[Tensor, Any]:
        speed = torch.tensor(
            -math.expm1(-1_000 * self.hop / (self.smoothing * self.rate)), dtype=torch.float64
        )
        along = moved.double().transpose(1, 2).contiguous()
        smooth, state = followed(along, speed, speed, state, kernels.DEFAULT)
        return smooth.transpose(1, 2).to(moved.dtype), state


def _card(purpose: str, rationale: str, failure: str, *references: str) -> Card:
    return Card(
        purpose=purpose,
        rationale=rationale,
        assumptions="Levels by band within some frames say what is needed; every channel alike.",
        expected_ranges="Offsets well inside their authority; one that stays at its bound asks for a different "
        "static value.",
        failure_modes=failure,
        references=(*references, FILM),
    )


@register
class Mlp(Controller):
    """Each frame on its own."""

    kind = "mlp"
    card = _card(
        "Settings that follow from the spectrum of this moment alone.",
        "Without memory what it does can be drawn as a map from bands to settings.",
        "Jumps from frame to frame where two sounds look alike; knows no steady noise from a vowel.",
        ENGEL,
    )

    def build(self, bands: int) -> None:
        widths = [bands, *[self.hidden] * self.layers]
        self.maps = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:], strict=False))

    def think(self, heard: Tensor, memory: Any) -> tuple[Tensor, Any]:
        for layer in self.maps:
            heard = bent(affine(layer, heard))  # type: ignore[arg-type]
        return heard, None


@register
class Gru(Controller):
    """A recurrent network."""

    kind = "gru"
    card = _card(
        "Settings that depend on what was heard before: noise that lasts, a note that decays.",
        "A gated unit keeps what lasts and drops what does not, at the rate of the frames; RNNoise works so.",
        "Takes a second to learn a new noise; forgets it in a long pause; levels never heard extrapolate.",
        "J.-M. Valin, A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement, MMSP 2018",
    )

    choices = (*Controller.choices, LEVELS, VOICING)

    def __init__(
        self,
        targets: Mapping[str, Target],
        *,
        rate: int,
        levels: str = "absolute",
        voicing: int = 0,
        **options: Any,
    ) -> None:
        # the network's width depends on them
        self.levels, self.voicing = levels, voicing
        super().__init__(targets, rate=rate, **options)
        if voicing:
            self.periods = Periods(rate, self.span, self.span, *VOICED_HZ)
            self.register_buffer(
                "voices", band_weights(rate, self.span, voicing).T.contiguous(), persistent=False
            )

    voices: Tensor

    def features(self, heard: Tensor) -> Tensor:
        power = self.spectrum(heard)
        levels = self.told(power)
        if not self.voicing:
            return levels
        with torch.no_grad():
            periods = self.periods.of(self.periods.score(power))
            found = repeating(power, periods, self.voices.to(power.dtype), self.span)
        return torch.cat([levels, own(found)], dim=-1)

    def build(self, bands: int) -> None:
        self.heard = bands
        width = (2 * bands if self.levels == "both" else bands) + self.voicing
        self.network = nn.GRU(width, self.hidden, self.layers, batch_first=True)

    def think(self, heard: Tensor, memory: Any) -> tuple[Tensor, Any]:
        inner, means = (None, (None, None)) if memory is None else memory
        if self.levels != "absolute":
            levels, means = self._relative(heard[..., : self.heard], means)
            heard = torch.cat([levels, heard[..., self.heard :]], dim=-1)
        hidden, inner = gated(self.network, heard, inner)
        return hidden, (inner, means)

    def _relative(self, heard: Tensor, states: tuple[Any, Any]) -> tuple[Tensor, tuple[Any, Any]]:
        """Decades of energy over the mean of all bands lately; with "both", also over the mean of each."""
        all_bands, own = states
        level = heard.double().transpose(1, 2)
        mean, all_bands = self._lately(level.mean(1, keepdim=True), LEVEL_S, all_bands)
        parts = [level - mean]
        if self.levels == "both":
            mean, own = self._lately(level, OWN_S, own)
            parts.append(level - mean)
        told = 4 * torch.cat(parts, dim=1).transpose(1, 2).to(heard.dtype)
        return told, (all_bands, own)

    def _lately(self, level: Tensor, seconds: float, state: Any) -> tuple[Tensor, Any]:
        """The mean of `level` (rows, bands, steps) in the last `seconds` or since the beginning, if that is nearer."""
        speed = torch.tensor(-math.expm1(-self.hop / (seconds * self.rate)), dtype=torch.float64)
        # followed beside ones, which tell how much has been followed since the beginning
        both = torch.cat([level, torch.ones_like(level[:, :1])], dim=1)
        both, state = followed(both, speed, speed, state, kernels.DEFAULT)
        return both[:, :-1] / both[:, -1:], state


@register
class Tcn(Controller):
    """Causal convolutions over frames, each layer twice as far apart as the one before."""

    kind = "tcn"
    card = _card(
        "Settings that depend on a known stretch of the past.",
        "Its memory is exactly 1 + 2 (2^layers − 1) frames, and all of them are computed at once.",
        "Knows nothing of what is longer ago than its memory.",
        "Bai, Kolter, Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks, 2018",
    )

    def build(self, bands: int) -> None:
        widths = [bands, *[self.hidden] * self.layers]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(a, b, 3, dilation=2**n)
            for n, (a, b) in enumerate(zip(widths, widths[1:], strict=False))
        )

    def think(self, heard: Tensor, memory: Any) -> tuple[Tensor, Any]:
        along, kept = heard.transpose(1, 2), []
        for n, layer in enumerate(self.convolutions):
            reach = 2 * 2**n
            past = along.new_zeros(*along.shape[:2], reach) if memory is None else memory[n]
            whole = torch.cat([past, along], dim=2)
            kept.append(whole[..., -reach:])
            along = bent(convolved(layer, whole))  # type: ignore[arg-type]
        return along.transpose(1, 2), kept


@register
class Hyper(Controller):
    """A network that sees averages over a tenth of a second, half a second and two."""

    kind = "hyper"
    card = _card(
        "Set a chain for the programme it plays: slow settings from what has been heard lately.",
        "Averages of the bands over three times tell a bright recording from a dull one and forte from piano, and "
        "nothing "
        "faster, so that the network cannot imitate a compressor.",
        "Reacts within seconds; at the start of a file it does not know the programme yet.",
        "Ha, Dai, Le, HyperNetworks, ICLR 2017",
    )
    TIMES_S = (0.1, 0.5, 2.0)

    def build(self, bands: int) -> None:
        widths = [bands * len(self.TIMES_S), *[self.hidden] * self.layers]
        self.maps = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:], strict=False))

    def think(self, heard: Tensor, memory: Any) -> tuple[Tensor, Any]:
        along, averages, kept = heard.double().transpose(1, 2).contiguous(), [], []
        for n, time in enumerate(self.TIMES_S):
            speed = torch.tensor(-math.expm1(-self.hop / (time * self.rate)), dtype=torch.float64)
            before = None if memory is None else memory[n]
            average, after = followed(along, speed, speed, before, kernels.DEFAULT)
            averages.append(average.transpose(1, 2))
            kept.append(after)
        hidden = torch.cat(averages, dim=-1).to(heard.dtype)
        for layer in self.maps:
            hidden = bent(affine(layer, hidden))  # type: ignore[arg-type]
        return hidden, kept
