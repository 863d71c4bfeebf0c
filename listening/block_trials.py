"""A block by itself, tried out: moved over its ranges, looked at and listened to.

Conventions: what is asked for are places in parameters' ranges, 0 (low end) to 1 (high end) along their own scales, as
a slider has them; the places of a list of numbers are those of its first, middle and last, between which what moves
them away from their defaults is drawn straight. Sounds are cut to `LONGEST_S`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from listening.block_pictures import Picture, picture_of
from listening.kinds import RATE, Kind
from listening.learned import shown
from models_registry import instruments, noises
from models_registry.audio import Audio
from models_registry.extra import engine

LONGEST_S = 5.0
BUILT_IN_S = 4.0
# of a list of numbers as many sliders, at most
ANCHORS = 3
SEED = 1
# below full scale, so that no player clips
PEAK = 10 ** (-1 / 20)
NAMES = {2: ("first", "second"), 3: ("first", "middle", "last")}
# an option in an address, which no parameter's name begins with
OPTION = "option."


class TrialError(ValueError):
    """A place, an option or a sound that there is not; the message says what was expected."""


@dataclass(frozen=True)
class Slider:
    """One number that can be moved: its name in the address, what it is called, where it stands, what it is then."""

    name: str
    label: str
    meaning: str
    place: float
    shown: str


@dataclass(frozen=True)
class Trial:
    """A block of one kind with what was asked of it; `chain` is that block alone."""

    kind: Kind
    chain: Any
    sliders: list[Slider]
    options: dict[str, str | int]

    @property
    def picture(self) -> Picture | None:
        return picture_of(self.chain, self.kind.name)

    def drawn(self) -> Figure:
        picture = self.picture
        if picture is None:
            raise TrialError(f"expected a kind of block that can be drawn, found {self.kind.name}")
        return picture.draw(self.chain, self.kind.name)

    def heard(self, sound: Audio) -> Audio:
        """What the block makes of `sound`, turned down where it would clip."""
        given = sound.samples
        wide = self.chain.blocks[self.kind.name].inlet.channels
        if wide:
            given = (
                np.resize(given, (wide, given.shape[1])) if given.shape[0] < wide else given[:wide]
            )
        output = engine().render(self.chain, given, sound.rate)
        loudest = float(np.abs(output).max(initial=0.0))
        return Audio(
            (output * min(1.0, PEAK / loudest if loudest else 1.0)).astype(np.float32), sound.rate
        )


def tried(kind: Kind, asked: Mapping[str, str], *, rate: int = RATE) -> Trial:
    """The block as `asked`: a place for each slider's name, a word or a whole number for each `option.` name.

    Raises `TrialError`, also for options that do not go together.
    """
    options = {one.name: _chosen(one, asked) for one in kind.choices}
    spec = {"id": kind.name, "kind": kind.name, "options": options}
    build = _built
    chain = build({"version": 1, "rate": rate, "blocks": [spec]})
    parameters = chain.blocks[kind.name].parameters
    sliders: list[Slider] = []
    params = {}
    for parameter in parameters.values():
        places, moved = _moved(parameter, asked)
        sliders += places
        if moved is not None:
            params[parameter.name] = moved
    if params:
        chain = build({"version": 1, "rate": rate, "blocks": [spec | {"params": params}]})
    return Trial(kind, chain, sliders, options)


def _built(spec: dict[str, Any]) -> Any:
    try:
        return engine().Chain.from_spec(spec)
    except engine().EngineError as error:
        raise TrialError(str(error)) from error


def _chosen(option: Any, asked: Mapping[str, str]) -> str | int:
    said = asked.get(OPTION + option.name)
    if said is None:
        return option.default
    if option.words:
        if said not in option.words:
            raise TrialError(
                f"{option.name}: expected {' or '.join(option.words)}, found {said[:80]!r}"
            )
        return said
    number = int(said) if said.isascii() and said.isdecimal() and len(said) < 12 else -1
    if not option.low <= number <= option.high:
        raise TrialError(
            f"{option.name}: expected a whole number from {option.low} to {option.high}, found {said[:80]!r}"
        )
    return number


def _moved(parameter: Any, asked: Mapping[str, str]) -> tuple[list[Slider], Any]:
    """The sliders of a parameter, and its value in its unit where one of them was moved."""
    default = np.broadcast_to(np.asarray(parameter.default, dtype=float), parameter.size)
    controls = np.clip(parameter.control(default), 0, 1)
    anchors = np.unique(
        np.linspace(0, parameter.size - 1, min(parameter.size, ANCHORS)).round().astype(int)
    )
    names = [parameter.name, *(f"{parameter.name}.{n}" for n in range(1, len(anchors)))]
    places = np.array(
        [_place(asked, name, float(controls[at])) for name, at in zip(names, anchors, strict=True)]
    )
    change = places - controls[anchors]
    value = None
    if np.abs(change).max() > 0.5e-3:
        moved = controls + np.interp(np.arange(parameter.size), anchors, change)
        physical = parameter.physical(np.clip(moved, 0, 1))
        physical = np.clip(physical, parameter.low, parameter.high)
        value = float(physical[0]) if parameter.size == 1 else physical.tolist()
    return list(_sliders(parameter, names, places)), value


def _sliders(parameter: Any, names: list[str], places: NDArray[np.float64]) -> Iterator[Slider]:
    words = NAMES.get(len(names), ("",))
    for name, place, word in zip(names, places, words, strict=True):
        label = parameter.name.replace("_", " ")
        value = float(parameter.physical(float(place)))
        yield Slider(
            name=name,
            label=f"{label}, {word}" if word else label,
            meaning=parameter.meaning,
            place=round(float(place), 4),
            shown=f"{shown(value)} {parameter.unit}".strip(),
        )


def _place(asked: Mapping[str, str], name: str, default: float) -> float:
    if name not in asked:
        return default
    try:
        place = float(asked[name])
    except ValueError:
        place = float("nan")
    if not 0 <= place <= 1:
        raise TrialError(f"{name}: expected a place from 0 to 1, found {asked[name][:80]!r}")
    return place


@lru_cache(maxsize=1)
def sounds() -> dict[str, Audio]:
    """What there is to try a block on without any sound of one's own: instruments, clicks, noise, a sweep."""
    found = dict(instruments.sources(rate=RATE, seconds=BUILT_IN_S, seed=SEED))
    frames = round(BUILT_IN_S * RATE)
    time = np.arange(frames) / RATE
    clicks = np.zeros(frames)
    clicks[RATE // 4 :: RATE // 2] = 1.0
    found["clicks"] = _made(clicks)
    found["pink noise"] = _made(
        noises.NOISES["pink"](BUILT_IN_S, RATE, np.random.default_rng(SEED))
    )
    # from 20 Hz to 20 kHz, as many seconds for each octave
    span = np.log(1_000.0)
    phase = 2 * np.pi * 20 * BUILT_IN_S / span * np.expm1(time / BUILT_IN_S * span)
    found["sweep"] = _made(np.sin(phase))
    return found


def _made(samples: NDArray[Any]) -> Audio:
    scaled = 0.5 * samples / np.abs(samples).max()
    return Audio(scaled[None].astype(np.float32), RATE)
