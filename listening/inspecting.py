"""A version looked into while a sound goes through it: every block's signal, and what every block is by itself.

Conventions: everything at the chain's rate; levels in dB relative to full scale, loudness in LUFS; what would clip
where it is played is stored softer, by `turned_down` dB. Maps are kept as whole decibels.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from listening import sound_views
from listening.ablating import material
from listening.analysis.plain import plain
from models_registry import audio
from models_registry.audio import Audio
from models_registry.extra import engine
from models_registry.models import ModelVersion
from models_registry.studying import (
    Found,
    StudyError,
    Told,
    chain_of,
    keep_sound,
    part_of,
    sounds_of,
    study,
)

Samples = NDArray[np.float32]

# what is ever taken of a sound, s; chains of many blocks take less
MOST_SECONDS = 30.0
POINTS = 300
LOWEST_HZ = 20.0
# a whole picture of a map in time
COLUMNS = 300
# −1 dBFS: what is louder would clip where it is played
LOUDEST = 10 ** (-1 / 20)
# a difference softer than this part of the input is rounding (−140 dB)
NOTHING = 1e-7


@study(
    "inspection",
    title="Inspection",
    purpose="Every block at work on one sound: what comes out of it and what it changed, to be seen and heard; its "
    "response, curve, gains and moving settings.",
    settings={"signals": [], "condition": "", "start": 0.0, "seconds": 0.0},
)
def inspect(version: ModelVersion, settings: Found, told: Told) -> Found:
    """`seconds` (0: all) from `start` on of one sound through `version` as `condition`, block by block.

    Raises `StudyError`, `AudioError`, `EngineError`.
    """
    chain = chain_of(version, settings["condition"])
    sound, title = _chosen(version, settings, chain)
    room = engine()
    found = room.inspection.inspected(chain, sound.samples, progress=part_of(told, 0.0, 0.3))
    blocks = []
    for number, passage in enumerate(found.passages, start=1):
        told(0.3 + 0.7 * number / (len(found.passages) + 1), f"looking at {passage.name}")
        blocks.append(
            {
                "number": number,
                "name": passage.name,
                "kind": passage.kind,
                "heard": [one or "the input" for one in passage.sources],
                **_signals(version, passage, found.rate, title),
                "gains": _gains(passage.gains),
                **characteristics(chain, passage.name),
            }
        )
    return dict(
        plain(
            {
                "version": str(version),
                "sha256": version.sha256,
                "condition": settings["condition"],
                "title": title,
                "rate": found.rate,
                "channels": sound.channels,
                "seconds": sound.duration,
                "start": settings["start"],
                "input": _kept(version, sound.samples, found.rate, f"{title}, into {version}"),
                "level": _levels(sound.samples, found.rate),
                "blocks": blocks,
                "moved": [_moved(chain, one) for one in found.trajectories],
            }
        )
    )


def _chosen(version: ModelVersion, settings: Found, chain: Any) -> tuple[Audio, str]:
    """The excerpt asked for, at the chain's rate, and its title."""
    rate = chain.rate
    if not settings["signals"]:
        clip = material(version)[0][0].signal.numpy()
        first = round(settings["start"] * rate)
        last = first + round(settings["seconds"] * rate) if settings["seconds"] else None
        return audio.checked(clip[:, first:last], rate, name="the first test clip"), "test clip"
    signals = sounds_of(settings["signals"])
    if len(signals) != 1:
        raise StudyError(f"expected one sound to look through the chain with, found {len(signals)}")
    signal = signals[0]
    most = engine().inspection.longest(chain, signal.channels)
    with signal.file.open("rb") as file:
        sound = audio.excerpt(
            cast(BinaryIO, file),
            start=settings["start"],
            seconds=settings["seconds"],
            most=most,
            name=signal.title,
        )
    return audio.resample(sound, rate), signal.title


# what goes through a block


def _signals(version: ModelVersion, passage: Any, rate: int, title: str) -> Found:
    given, output = passage.given, passage.output
    difference = output - given
    energy, changed, left = (
        float(np.sum(one.astype(float) ** 2)) for one in (given, difference, output)
    )
    said = f"{title}, {version}"
    differs = changed > NOTHING**2 * max(energy, left)
    return {
        "output": _kept(version, output, rate, f"{said} after {passage.name}"),
        "difference": _kept(version, difference, rate, f"{said}, what {passage.name} changed")
        if differs
        else None,
        "level": _levels(output, rate),
        "change_db": _ratio(left, energy),
        "difference_db": _ratio(changed, energy) if differs else None,
        "views": {
            "given": _views(given, rate),
            "output": _views(output, rate),
            "difference": _views(difference, rate)["spectrogram"],
        },
    }


def _ratio(power: float, reference: float) -> float | None:
    return 10 * float(np.log10(power / reference)) if power > 0 and reference > 0 else None


def _kept(version: ModelVersion, samples: Samples, rate: int, title: str) -> Found:
    peak = float(np.abs(samples).max())
    down = max(0.0, 20 * np.log10(peak / LOUDEST)) if peak > 1 else 0.0
    sound = Audio(np.ascontiguousarray(samples * np.float32(10 ** (-down / 20))), rate)
    kept = keep_sound(version, sound, title=title, how="inspection")
    return {"sha256": kept, "turned_down": down}


def _levels(samples: Samples, rate: int) -> Found:
    report = engine().metered(samples, rate)
    mean = float(np.mean(samples.astype(float) ** 2))
    return {
        "rms": 10 * np.log10(mean) if mean > 0 else None,
        "true_peak": report.true_peak,
        "loudness": report.loudness,
    }


def _views(samples: Samples, rate: int) -> Found:
    seen = sound_views.views(Audio(samples, rate))
    return {
        "wave": seen.wave.round(4),
        "level": seen.level.round(1),
        "spectrogram": seen.spectrogram.round().astype(int),
        "excitation": seen.excitation.round(1),
    }


def _thinned(count: int, most: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _gains(gains: Any) -> Found | None:
    if gains is None or not len(gains.times):
        return None
    at = _thinned(len(gains.times), COLUMNS)
    return {
        "times": gains.times[at].round(4),
        "values": gains.values[at].round(2).T,
        "names": gains.names,
        "centres": gains.centres,
        "most": gains.values.max(),
        "least": gains.values.min(),
        "mean": gains.values.mean(),
    }


def _centres(chain: Any, path: str, count: int) -> Any:
    """The frequencies (Hz) that a list of numbers belongs to, where it has one for each band of its block."""
    name = path.partition(".")[0]
    block = chain.blocks[name]
    if hasattr(block, "profile"):
        centres = chain.profile(name)[0]
    else:
        centres = block.centres(chain.rate) if hasattr(block, "centres") else ()
    return centres if len(centres) == count else None


def _moved(chain: Any, one: Any) -> Found:
    at = _thinned(len(one.times), COLUMNS)
    parameter = one.parameter
    return {
        "path": one.path,
        "meaning": parameter.meaning,
        "unit": parameter.unit,
        "scale": parameter.scale,
        "range": [parameter.low, parameter.high],
        "authority": one.authority,
        "times": one.times[at].round(4),
        "values": np.vectorize(_digits)(one.values[at].T),
        "start": one.start,
        "low": one.low,
        "high": one.high,
        "least": one.values.min(),
        "most": one.values.max(),
        "used": one.used,
        "at_bound": one.at_bound,
        "centres": _centres(chain, one.path, len(one.start)),
    }


def _digits(value: float) -> float:
    """Five significant figures: more than a picture shows."""
    return float(f"{value:.5g}")


# what a block is


def characteristics(chain: Any, name: str) -> Found:
    """What of `name` can be drawn by itself; None or empty where it has no such thing."""
    of, block = engine().characteristics, chain.blocks[name]
    grid = np.geomspace(LOWEST_HZ, chain.rate / 2 * 0.999, POINTS)
    # a level of −60 to 0 dB: curves bend where signals are soft, too
    soft = 10 ** (np.linspace(-60, 0, POINTS // 2) / 20)
    poles, zeros = of.poles_and_zeros(chain, name)
    bank = of.bank(chain, name, grid)
    return {
        "response": asdict(of.response(chain, name, grid)) if hasattr(block, "response") else None,
        "poles": [[one.real, one.imag] for one in poles],
        "zeros": [[one.real, one.imag] for one in zeros],
        "pole_radius": block.pole_radius(chain.values(name)),
        "curve": [
            np.concatenate([-soft[::-1], soft]),
            chain.curve(name, np.concatenate([-soft[::-1], soft])),
        ]
        if hasattr(block, "curve")
        else None,
        "profile": _profile(chain, name) if hasattr(block, "profile") else None,
        "bank": {"frequencies": grid, "bands": {k: v.round(1) for k, v in bank.items()}}
        if bank
        else None,
        "decay": [{"octave": k, "seconds": v} for k, v in of.decay_times(chain, name).items()],
        "learned": _learned(chain, name),
    }


def _profile(chain: Any, name: str) -> Found:
    centres, levels = chain.profile(name)
    return {"centres": centres, "levels": levels}


def _learned(chain: Any, name: str) -> list[Found]:
    """The parameters of `name` that are lists of numbers, such as the points of a curve."""
    return [
        {
            "name": path.partition(".")[2],
            "meaning": reading.parameter.meaning,
            "unit": reading.parameter.unit,
            "range": [reading.parameter.low, reading.parameter.high],
            "values": reading.value,
            "centres": _centres(chain, path, len(reading.value)),
        }
        for path, reading in chain.readings().items()
        if path.startswith(f"{name}.") and isinstance(reading.value, tuple)
    ]
