"""The explanation of a registered version: of which number, by which method, for which sound, and if it holds.

Conventions: parts are in the target's unit; a map is (bands, steps) with its edges in Hz (evenly spaced in Cams) and s.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listening.ablating import material
from listening.analysis.plain import beyond, plain
from metrics import catalogue
from metrics.catalogue import Metric
from metrics.scoring import score
from models_registry import audio
from models_registry.audio import Audio, Samples
from models_registry.extra import EngineMissing, engine
from models_registry.models import ModelVersion
from models_registry.studying import Found, StudyError, Told, chain_of, keep_sound, sounds_of, study

METHODS = ("integrated-gradients", "gradient-input", "smoothgrad", "relevance", "occlusion")
OCCLUSION = METHODS[-1]
SIGNAL, PARAMETERS = "signal", "parameters"
METRIC = "metric:"
# a finer grid to draw than to test
DRAWN = {"bands": 40, "steps": 120}
# of the change that the parts are to add up to
CLOSE = 0.01
# of the number: more is not explained by the signal
MOSTLY = 0.5
# passes until what is made ready at the first ones is ready
WARM = 5


def explainer() -> ModuleType:
    """The package `models_registry.engine.explain`; imports torch."""
    try:
        return import_module("models_registry.engine.explain")
    except ModuleNotFoundError as error:
        raise EngineMissing(
            f"this needs the extra 'engine' (pip install 'earwitness[engine]'): {error}"
        ) from error


def check(version: ModelVersion, settings: Found) -> None:
    """Refuse at once what no work would answer: a target that there is not, or that this method cannot explain."""
    room = explainer()
    if settings["of"] not in (SIGNAL, PARAMETERS):
        raise StudyError(f"expected {SIGNAL} or {PARAMETERS}, found {settings['of']!r}")
    if settings["method"] not in METHODS:
        raise StudyError(f"expected a method of {', '.join(METHODS)}, found {settings['method']!r}")
    asked = settings["target"]
    # a recipe's test clips have what should have come out
    held = bool(settings["reference"]) or (version.run is not None and not settings["signals"])
    try:
        if asked.startswith(METRIC):
            metric = _explained(asked, settings["method"])
            if metric.needs_reference and not held:
                raise StudyError(_unreferenced(metric))
        else:
            nothing = np.zeros((1, 1), dtype=np.float32)
            room.target(asked, chain_of(version), reference=nothing if held else None)
    except (engine().EngineError, catalogue.UnknownMetric) as error:
        raise StudyError(str(error)) from error


def _explained(asked: str, method: str) -> Metric:
    """The metric that a target names; raises `StudyError` where the method needs a gradient."""
    metric = catalogue.get(asked.removeprefix(METRIC))
    if method != OCCLUSION:
        losses = ", ".join(f"loss:{one}" for one in explainer().LOSSES)
        raise StudyError(
            f"{metric.title} has no gradient, so {method} cannot explain it: take the method occlusion, or a target "
            f"with a gradient ({losses})"
        )
    return metric


def _unreferenced(metric: Metric) -> str:
    return f"{metric.title} compares with a reference: expected one named, found none"


@study(
    "explanation",
    title="Explanation",
    purpose="Which part of a sound, or which parameter, makes a number of the output what it is; seen, heard and "
    "checked.",
    settings={
        "signals": [],
        "reference": "",
        "method": METHODS[0],
        "of": SIGNAL,
        "target": "energy",
        "start": 0.0,
        "seconds": 0.0,
        "condition": "",
        "checks": True,
    },
    check=check,
)
def explain(version: ModelVersion, settings: Found, told: Told) -> Found:
    """What makes the target of `version`'s output for one sound; raises `EngineError`, `AudioError`, `StudyError`."""
    room = explainer()
    told(0.0, "reading")
    samples, said, clip = _heard(version, settings)
    condition = settings["condition"] or clip.condition or ""
    chain = chain_of(version, condition)
    counted = _Counter(told, _passes(room, settings, samples, chain.rate))
    target = _target(room, settings, chain, clip, samples.shape[-1])
    question = room.Question.about(chain, samples, target, listen=counted)
    found: Found = {
        "version": str(version),
        "sha256": version.sha256,
        "material": said,
        "rate": chain.rate,
        "seconds": samples.shape[-1] / chain.rate,
        "method": settings["method"],
        "of": settings["of"],
        "condition": condition,
        "target": {"asked": settings["target"], "title": target.title, "unit": target.unit},
    }
    if settings["of"] == PARAMETERS:
        found |= _of_parameters(room, question, settings["method"])
    else:
        found |= _of_signal(room, version, question, settings, said, counted)
    return dict(plain(_rounded(found)))


def _heard(version: ModelVersion, settings: Found) -> tuple[NDArray[Any], str, Any]:
    """The samples asked about at the chain's rate, what they are, and the clip that they are from."""
    signals = sounds_of(settings["signals"])
    if len(signals) > 1:
        raise StudyError(f"expected one sound to explain, found {len(signals)}")
    for one in signals:
        explainer().changing(one.audio().samples)
    clips, said, _ = material(version, signals)
    rate = version.chain["rate"]
    samples = clips[0].signal.numpy()
    if signals:
        said = signals[0].title
    elif len(clips) > 1:
        said = f"the first of {said}"
    start, seconds = settings["start"], settings["seconds"]
    if start < 0 or seconds < 0 or start * rate >= samples.shape[-1]:
        raise StudyError(
            f"expected to begin within the {samples.shape[-1] / rate:.2f} s of the sound and to go on for 0 s (all) or "
            f"more, found {start:g} s and {seconds:g} s"
        )
    first = round(start * rate)
    last = first + round(seconds * rate) if seconds else None
    return samples[:, first:last], said + (f" from {start:g} s on" if first else ""), clips[0]


def _reference(settings: Found, clip: Any, frames: int, rate: int) -> tuple[Samples | None, Any]:
    """What should come out of the `frames` asked about, if that is known, and what of the output is held against it:
    the sound that is named, or what a test clip should have become, from its beginning."""
    first = round(settings["start"] * rate)
    if settings["reference"]:
        (given,) = sounds_of([settings["reference"]])
        return audio.resample(given.audio(), rate).samples[:, first : first + frames], None
    if clip.target is None or first:
        return None, None
    # a recipe does not judge a clip's beginning
    unjudged = clip.signal.shape[-1] - clip.target.shape[-1]
    return clip.target[:, : frames - unjudged].numpy(), clip.judged


def _target(room: ModuleType, settings: Found, chain: Any, clip: Any, frames: int) -> Any:
    """What is asked about: a number of the engine's, or a metric."""
    asked = settings["target"]
    reference, judged = _reference(settings, clip, frames, chain.rate)
    if not asked.startswith(METRIC):
        return room.target(asked, chain, reference=reference, judged=judged)
    metric = _explained(asked, settings["method"])
    if metric.needs_reference and (reference is None or judged is not None):
        raise StudyError(_unreferenced(metric))

    def value(samples: Samples) -> float:
        ideal = (
            Audio(reference.astype(np.float32), chain.rate)
            if metric.needs_reference and reference is not None
            else None
        )
        (result,) = score(ideal, Audio(samples, chain.rate), [metric.name])
        return math.nan if result.value is None else result.value

    return room.Scored(metric.title, value, metric.unit)


class _Counter:
    """Tells how many of the expected passes through the chain are done, and how much time is left."""

    def __init__(self, told: Told, expected: int) -> None:
        self.told, self.expected, self.stage = told, expected, "listening"
        self.done = 0.0
        # what a pass counts for: those of planted cues are of another length
        self.each = 1.0
        self.begun = 0.0

    def __call__(self, rows: int) -> None:
        # the first passes make ready what all others find ready
        if self.done < WARM <= self.done + rows:
            self.begun = time.monotonic()
        self.done += rows * self.each
        message = self.stage
        if self.begun and self.done > 2 * WARM:
            each = (time.monotonic() - self.begun) / (self.done - WARM)
            message += f", {_lasting(each * max(0.0, self.expected - self.done))} left"
        else:
            message += f", about {self.expected:.0f} renderings in all"
        self.told(min(0.99, self.done / self.expected), message)


def _lasting(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _passes(room: ModuleType, settings: Found, samples: NDArray[Any], rate: int) -> int:
    """How often the chain will run, about, by seconds of what is asked about."""
    method, plane = settings["method"], room.Plane(rate, samples.shape[-1])
    each = {"integrated-gradients": 52, "gradient-input": 4, "smoothgrad": 28, "relevance": 3}
    tiles = room.grid_of(method, plane).count
    once = each.get(method, tiles + 2)
    if not settings["checks"] or settings["of"] == PARAMETERS:
        return 2 * once
    drawn = each.get(method, min(tiles, room.DRAWN) + 3)
    planted = each.get(method, room.PLANTED_TILES + 3) * _planted(room, plane)
    courses = (room.ORDERS + 2) * (room.POINTS + 1)
    return int(once + room.DRAWS * drawn + room.CASES * planted + courses)


def _planted(room: ModuleType, plane: Any) -> float:
    """The length of a planted cue, by that of the sound asked about."""
    return float(room.SECONDS * plane.rate / plane.frames)


def _of_signal(
    room: ModuleType,
    version: ModelVersion,
    question: Any,
    settings: Found,
    said: str,
    counted: _Counter,
) -> Found:
    method = settings["method"]
    tiles = room.grid_of(method, question.plane)
    counted.stage = method
    made = room.explain(question, method, tiles=tiles, patient=True)
    found: Found = {
        "value": made.value,
        "silent": made.silent,
        "total": made.total,
        "error": made.error,
        "absorbed": made.absorbed,
        "steps": made.steps,
        "ledger": [{**asdict(entry), "lost": entry.lost} for entry in made.ledger],
        "tiles": _map(tiles, made.tiles),
        "sounds": [],
    }
    fine = room.Tiles.over(question.plane, **DRAWN)
    if made.parts is not None:
        found["map"] = _map(fine, fine.summed(made.parts))
    found["spectrogram"] = _map(fine, room.levels(question, fine))
    # with nothing on the map there is nothing to hear or to check
    if made.tiles.any():
        relevant = room.relevant(question, made, tiles)
        found["sounds"] = _sounds(version, question, method, said, relevant)
    if settings["checks"] and made.tiles.any():
        found["checks"] = _checks(room, question, method, tiles, made, counted)
    found["remarks"] = remarks(found)
    return found


def _map(tiles: Any, values: NDArray[np.float64]) -> Found:
    return {"edges_hz": tiles.edges_hz(), "edges_s": tiles.edges_s(), "values": values}


def _sounds(
    version: ModelVersion, question: Any, method: str, said: str, relevant: Samples
) -> list[Found]:
    """What was heard, what of it is relevant and the rest, each with what is left of the number and of the energy."""
    whole = question.signal.numpy()
    rate, energy = question.chain.rate, float(np.square(whole).sum())
    kept = []
    for name, samples in (
        ("what was heard", whole),
        ("the relevant part alone", relevant),
        ("the rest", whole - relevant),
    ):
        worth = question.worth(_rows(question, samples))[0]
        sound = Audio(samples.astype(np.float32), rate)
        kept.append(
            {
                "name": name,
                "sha256": keep_sound(
                    version,
                    sound,
                    title=f"{name} of {said}, by {method} for {version}",
                    how=f"explanation by {method}, {name},",
                ),
                "value": worth,
                "energy": float(np.square(samples).sum()) / energy,
            }
        )
    return kept


def _rows(question: Any, samples: Samples) -> Any:
    return question.signal.new_tensor(np.ascontiguousarray(samples))[None]


def _checks(
    room: ModuleType, question: Any, method: str, tiles: Any, made: Any, counted: _Counter
) -> Found:
    """Whether the method can be believed on this model."""
    counted.stage, counted.each = "planted cues", _planted(room, question.plane)
    planted = room.planted(question, method)
    checks: Found = {"planted": {**asdict(planted), "passed": planted.passed}}
    counted.stage, counted.each = "random parameters", 1.0
    randomised = room.randomised(question, method, tiles, made.tiles)
    checks["randomised"] = {**asdict(randomised), "passed": randomised.passed}
    counted.stage = "deletion and insertion"
    # where silence has no number of its own, or the same, there is nothing to come down to
    if math.isfinite(made.silent) and made.silent != made.value:
        curves = room.curves(question, tiles, made.tiles)
        checks["curves"] = {**asdict(curves), "passed": curves.passed}
    return checks


def _of_parameters(room: ModuleType, question: Any, method: str) -> Found:
    made = room.of_parameters(question, method)
    found = {
        "value": made.value,
        "start": made.start,
        "error": made.error,
        "parameters": [asdict(one) for one in made.parts],
    }
    return {**found, "remarks": remarks(found)}


def remarks(found: Found) -> list[str]:
    """What has to be known before the map is believed, a sentence each."""
    said = []
    if "tiles" in found and not np.any(found["tiles"]["values"]):
        said.append("No part of the sound makes any of the number: the map is empty.")
    checks = found.get("checks", {})
    if "planted" in checks and not checks["planted"]["passed"]:
        one = checks["planted"]
        said.append(
            f"The method fails the planted cues on this model: its top-ranked tile held the cue in {one['found']} of "
            f"{one['cases']} cases. Do not rely on the map."
        )
    if "curves" in checks and not checks["curves"]["passed"]:
        one = checks["curves"]
        said.append(
            "The method fails deletion on this model: taking away first what the map ranks first is "
            f"{_z(one['deletion_z'])} of random orders, of at least 5 wanted."
        )
    elif checks and "curves" not in checks:
        said.append(
            "Deletion could not be tried: the number has no value, or the same one, for silence."
        )
    if "randomised" in checks:
        one = checks["randomised"]
        if one["passed"] is None:
            said.append(
                "Random parameters could not be told from the learned ones: for its energy every tile makes as much, "
                "so that the map shows where the signal is loud."
            )
        elif not one["passed"]:
            said.append(
                "The method fails random parameters on this model: the map stays nearly the same (rank correlation "
                f"{one['correlation']:.2f}), so that it tells of the signal more than of the model."
            )
    error = found.get("error")
    if error is not None and error > CLOSE:
        said.append(
            f"The parts miss what they should add up to by {100 * error:.1f} % (at most 1 % is wanted)."
        )
    if (absorbed := found.get("absorbed")) is not None and abs(absorbed) > MOSTLY:
        said.append(
            f"{absorbed * found['value']:.4g} of {found['value']:.4g} belongs to no part of the signal: biases, a "
            "reference, or sounds that the chain makes by itself. Explain the parameters to see what makes those."
        )
    return said


def _z(z: float) -> str:
    return f"{beyond(z)} than the mean"


def _rounded(value: Any) -> Any:
    """Six digits are more than any of these numbers has."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
