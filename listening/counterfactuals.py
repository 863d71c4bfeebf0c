"""What of a registered version, or of the sound that goes into it, would have to be otherwise for a number to cross a
target: on what, by which score, and the answers with what they sound like.

A score is a recipe's measure (esr, spectral, erb, response), a metric of the catalogue, or "rating:CAMPAIGN[:METRIC]",
the rating that a campaign's stimuli predict from a metric; the mean over the clips.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from listening.ablating import material
from listening.analysis.plain import plain
from listening.analysis.prediction import predictor
from listening.computed import correlation_of
from listening.models import Campaign
from metrics import catalogue
from metrics.scoring import score
from models_registry import audio
from models_registry.audio import Audio, AudioError
from models_registry.extra import engine
from models_registry.models import ModelVersion
from models_registry.properties import NAMES, changed, properties
from models_registry.studying import (
    Found,
    StudyError,
    Told,
    chain_of,
    keep_sound,
    sounds_of,
    study,
)

# each is rendered and scored at every trial
MOST_CLIPS = 3
MOST_ANSWERS = 6
# the version's own output as it is now, where a reference is asked for
OUTPUT = "output"
ASKED = re.compile(r"\s*([A-Za-z][\w:.-]*)\s*(>=|<=|≥|≤|>|<)\s*([-−+]?[\d.]+(?:e-?\d+)?)\s*")
RATING = "rating:"


@dataclass(frozen=True)
class Asked:
    """The score called `name`, `value` or more (`above`) or less."""

    name: str
    above: bool
    value: float


def asked(text: str) -> Asked:
    """Read "si-sdr>=10"; raises `StudyError` for anything else."""
    found = ASKED.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        return Asked(found[1], found[2] in (">", ">=", "≥"), float(found[3].replace("−", "-")))
    except ValueError:
        raise StudyError(
            f"expected a target such as 'si-sdr>=10' or 'esr<=0.1', found {text!r}"
        ) from None


@dataclass(frozen=True)
class Scale:
    """What is scored: title, unit, how far to trust it (empty: a measurement), and the value of one output against
    its reference."""

    title: str
    unit: str
    said: str
    of: Callable[[Audio, Audio], float]


def check(version: ModelVersion, settings: Found) -> None:
    """Refuse at once what no search would answer: a score that there is not or that has no such value, a number of
    answers, a change of something that the version does not have."""
    wanted = asked(settings["target"])
    if not 1 <= settings["answers"] <= MOST_ANSWERS:
        raise StudyError(f"expected 1 to {MOST_ANSWERS} answers, found {settings['answers']}")
    if settings["trials"] < 1:
        raise StudyError(f"expected at least one trial, found {settings['trials']}")
    if wanted.name.startswith(RATING):
        _campaign(wanted.name)
    else:
        _reachable(wanted, version.chain["rate"])
    if strange := [name for name in settings["change"] if not isinstance(name, str)]:
        raise StudyError(f"expected names of what may be changed, found {str(strange[0])[:80]}")
    names = [name for name in settings["change"] if name not in NAMES]
    if names:
        try:
            engine().counterfactual.handles(chain_of(version), names)
        except engine().EngineError as error:
            raise StudyError(f"{error}; of the sound: {', '.join(NAMES)}") from error


def _reachable(wanted: Asked, rate: int) -> None:
    """Raise `StudyError` for a score that there is not, not at this rate, or that never gets there."""
    measures = engine().MEASURES
    ends: tuple[float | None, float | None]
    if measure := measures.get(wanted.name):
        # a measure is an error or a distance
        title, ends = measure.title, (0.0, None)
    else:
        try:
            metric = catalogue.get(wanted.name)
        except catalogue.UnknownMetric as error:
            raise StudyError(f"{error} A recipe's measures are {', '.join(measures)}") from error
        title, ends = metric.title, metric.range
        if rate < metric.min_rate:
            raise StudyError(
                f"{metric.title} judges a band that needs {metric.min_rate} Hz: expected a version at such a rate, "
                f"found one at {rate} Hz; take a score that it has, such as si-sdr or specific-loudness-distance"
            )
    end, short = (ends[1], "at most") if wanted.above else (ends[0], "at least")
    if end is not None and (wanted.value > end if wanted.above else wanted.value < end):
        raise StudyError(
            f"{title} is {short} {end:g}: expected a target that it can reach, found {wanted.value:g}"
        )


def _campaign(name: str) -> tuple[Campaign, str]:
    """The campaign that predicts the rating called `name`, and the metric that it names (empty: the best)."""
    slug, _, metric = name.removeprefix(RATING).partition(":")
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        known = ", ".join(Campaign.objects.values_list("slug", flat=True)[:12]) or "none"
        raise StudyError(
            f"expected a campaign to predict ratings by, found '{slug}'; known: {known}"
        )
    return campaign, metric


def _scale(name: str) -> Scale:
    if not name.startswith(RATING):
        return _metric(name)
    campaign, metric = _campaign(name)
    slug = campaign.slug
    correlation, why = correlation_of(campaign)
    if correlation is None:
        raise StudyError(f"expected a campaign with ratings and scores, found {slug}: {why}")
    found = predictor(correlation.points, metric=metric)
    inner = _metric(found.metric)
    return Scale(
        f"rating predicted by {found.metric}",
        "",
        f"Predicted from {found.said}, in {slug}.",
        lambda reference, output: found(inner.of(reference, output)),
    )


def _metric(name: str) -> Scale:
    declared = catalogue.get(name)

    def of(reference: Audio, output: Audio) -> float:
        (result,) = score(reference if declared.needs_reference else None, output, [name])
        if result.value is None:
            raise AudioError(f"{name}: {result.message}")
        return result.value

    return Scale(declared.title, declared.unit, "", of)


class _Tried:
    """A version's clips under changes of its numbers and of the sounds."""

    def __init__(self, version: ModelVersion, settings: Found) -> None:
        room = engine()
        self.room, self.chain = room, chain_of(version).double()
        clips, self.said, _ = material(version, sounds_of(settings["signals"]))
        self.clips = clips[:: max(1, -(-len(clips) // MOST_CLIPS))]
        self.known = properties(self.chain.rate)
        names = settings["change"]
        own = [name for name in names if name not in NAMES]
        self.handles = room.counterfactual.handles(self.chain, own) if own or not names else []
        self.inner = len(self.handles)
        self.handles += [_handle(room, one) for name, one in self.known.items() if name in names]
        self.variation = room.counterfactual.Variation(self.chain, self.handles[: self.inner])
        self.references, self.held_against = self._references(settings["reference"])

    def _references(self, named: str) -> tuple[list[Any], str]:
        if named == OUTPUT:
            now = self.room.ablation.outputs(self.chain, self.clips)
            return list(now), "what the version makes now"
        if named:
            rate = self.chain.rate
            (given,) = sounds_of([named])
            samples = audio.resample(given.audio(), rate).samples
            shapes = {tuple(clip.signal.shape) for clip in self.clips}
            if shapes != {samples.shape}:
                raise AudioError(
                    f"expected one reference as long and wide as each sound {sorted(shapes)}, found {samples.shape}"
                )
            one = self.room.ablation.clip(samples).signal
            return [one for _ in self.clips], f"the reference {given.title}"
        if all(clip.target is not None for clip in self.clips):
            return [clip.target.double() for clip in self.clips], "what the recipe wants"
        judged = [c.judged(c.signal) if c.judged else c.signal for c in self.clips]
        return [one.double() for one in judged], "the sound that goes in, as it is"

    def sounds(self, place: Sequence[float]) -> list[Any]:
        """The clips that go in with the sound's properties at `place`."""
        outer = zip(self.handles[self.inner :], place[self.inner :], strict=True)
        values = {handle.name: handle.physical(control) for handle, control in outer}
        if not values:
            return self.clips
        return [
            replace(
                clip,
                signal=self.room.ablation.clip(
                    changed(_sound(clip.signal, self.chain.rate), values).samples
                ).signal,
            )
            for clip in self.clips
        ]

    def outputs(self, place: Sequence[float]) -> list[Any]:
        inner = np.asarray(place[: self.inner], dtype=float)
        return list(self.variation.outputs(inner, self.sounds(place)))

    def targets(self) -> list[Any]:
        """The clips, with the references as what should come out."""
        pairs = zip(self.clips, self.references, strict=True)
        return [replace(clip, target=target) for clip, target in pairs]


def _handle(room: Any, one: Any) -> Any:
    declared = room.Parameter(
        one.name, one.unit, one.low, one.high, one.scale, one.neutral, one.meaning
    )
    start = float(declared.control(one.neutral))
    return room.crossing.Handle(one.name, declared, min(max(start, 0.0), 1.0))


def _sound(output: Any, rate: int) -> Audio:
    return Audio(output.numpy().astype(np.float32), rate)


def changeable(chain: Found) -> list[str]:
    """Names for forms: the sound's properties, then the blocks of a specification and their parameters; without the
    engine."""
    found = list(NAMES)

    def walk(entries: list[Found]) -> None:
        for entry in entries:
            for branch in entry.get("branches", ()):
                walk(branch)
            if "params" in entry:
                tied = entry.get("tied", {})
                found.append(entry["id"])
                found.extend(
                    f"{entry['id']}.{name}" for name in entry["params"] if name not in tied
                )

    walk(chain["blocks"])
    return found


@study(
    "counterfactual",
    title="Counterfactual",
    purpose="The smallest change of its parameters, or of the sound’s, that takes a score across a target.",
    settings={
        "signals": [],
        "reference": "",
        "target": "",
        "change": [],
        "answers": 3,
        "sparse": False,
        "trials": 1_000,
    },
    check=check,
)
def counterfactual(version: ModelVersion, settings: Found, told: Told) -> Found:
    """The smallest changes that take the target's score across its value, each with what it sounds like.

    Raises `StudyError`, `EngineError`, `AudioError`, `AnalysisError` and `UnknownMetric`.
    """
    wanted = asked(settings["target"])
    room = engine()
    measure = room.MEASURES.get(wanted.name)
    scale = None if measure else _scale(wanted.name)
    tried = _Tried(version, settings)
    rate = tried.chain.rate
    slope = None
    if scale is None:
        value = room.counterfactual.measured(tried.targets(), wanted.name, rate=rate)
        if wanted.name in room.counterfactual.DERIVED and tried.inner == len(tried.handles):
            slope = room.counterfactual.sloped(tried.variation, tried.targets(), wanted.name)

        def scored(place: Any) -> float:
            return float(value(tried.outputs(place)))
    else:
        references = [_sound(one, rate) for one in tried.references]
        start = [handle.start for handle in tried.handles]

        def scored(place: Any) -> float:
            made = [_sound(one, rate) for one in tried.outputs(place)]
            try:
                return float(
                    np.mean([scale.of(a, b) for a, b in zip(references, made, strict=True)])
                )
            except AudioError:
                # somewhere on the way there may be no value; as things are there must be one
                if np.array_equal(place, start):
                    raise
                return math.nan

    found = room.crossing.cross(
        scored,
        tried.handles,
        room.crossing.Target(wanted.value, above=wanted.above),
        slope=slope,
        dips=_dips(room, tried, settings["reference"]),
        answers=settings["answers"],
        sparse=settings["sparse"],
        most=settings["trials"],
        progress=told,
    )
    places = [[handle.start for handle in tried.handles], *(list(a.place) for a in found.answers)]
    names = ["as it is", *(f"answer {n}" for n in range(1, len(places)))]
    made = [tried.outputs(place) for place in places]
    heard = []
    for name, outputs in zip(names, made, strict=True):
        sound = _sound(outputs[0], rate)
        title = f"{version} {name}, for {settings['target']}"
        heard.append(keep_sound(version, sound, title=title, how=f"a counterfactual, {name},"))
    return dict(
        plain(
            {
                "version": str(version),
                "sha256": version.sha256,
                "material": tried.said,
                "clips": len(tried.clips),
                "against": tried.held_against,
                "target": {
                    "name": wanted.name,
                    "title": measure.title if measure else scale.title if scale else "",
                    "unit": measure.unit if measure else scale.unit if scale else "",
                    "above": wanted.above,
                    "value": wanted.value,
                },
                "trust": scale.said if scale else "",
                "changeable": [_declared(handle) for handle in tried.handles],
                "before": found.before,
                "sound": heard[0],
                "answers": [
                    asdict(answer) | {"sound": sound, "same_as": same}
                    for answer, sound, same in zip(
                        found.answers, heard[1:], _same(room, made), strict=True
                    )
                ],
                "nearest": found.nearest,
                "reason": found.reason,
                "trials": found.trials,
            }
        )
    )


def _dips(room: Any, tried: _Tried, reference: str) -> dict[int, Any]:
    # against itself a sound holds copies of its own echoes only
    if reference == OUTPUT or not tried.inner:
        return {}
    own = tried.handles[: tried.inner]
    return dict(room.counterfactual.dips(tried.chain, own, tried.targets()))


def _same(room: Any, made: Sequence[Any]) -> list[list[int]]:
    """For each answer of `made` (as it is, then by answer) the earlier ones, counted from 1, that make the same
    sound."""
    as_it_is, *answers = made
    limit, apart = room.counterfactual.SAME_DB, room.counterfactual.apart_db
    return [
        [n for n, other in enumerate(answers[:k], start=1) if apart(as_it_is, one, other) <= limit]
        for k, one in enumerate(answers)
    ]


def _declared(handle: Any) -> Found:
    one = handle.parameter
    return {"name": handle.name, "unit": one.unit, "low": one.low, "high": one.high} | {
        "value": handle.physical(handle.start),
        "place": handle.start,
    }
