"""The ablation of a registered version: on what, by which losses and metrics, and the table that comes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy import stats

from listening.analysis.plain import plain
from metrics import catalogue
from metrics.scoring import Pair, score_pairs
from models_registry import audio
from models_registry.audio import Audio, AudioError
from models_registry.extra import engine
from models_registry.models import ModelVersion, Signal
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

# enough for an interval, few enough for a coffee
MOST_CLIPS = 12
# what hearing makes of the change; PEAQ judges a band that lower rates do not have
WIDE, NARROW = (
    ("peaq-odg", "audible-error"),
    ("specific-loudness-distance", "erb-excitation-distance"),
)


def usual(rate: int) -> tuple[str, ...]:
    """The metrics by which a version at `rate` (Hz) is heard where none are named."""
    return WIDE if rate >= _wide_from() else NARROW


def why(rate: int) -> str:
    """Why these are usual at `rate`, in a sentence."""
    least, named = f"{_wide_from() / 1_000:g} kHz", ", ".join(WIDE)
    if rate >= _wide_from():
        return f"usual at {least} and above, where PEAQ’s model of hearing has its whole band"
    return f"usual below {least}: {named} judge a band that {rate / 1_000:g} kHz do not hold"


def _wide_from() -> int:
    return max(catalogue.get(name).min_rate for name in WIDE)


def material(version: ModelVersion, signals: Sequence[Signal] = ()) -> tuple[list[Any], str, str]:
    """Clips to try `version` on, what they are, and the measure that they are judged by.

    The `signals` named; else the test clips of the recipe that trained it, with their targets; else the inputs that it
    was rendered from. Raises `AudioError` where there is none of them.
    """
    room = engine()
    measure = version.run.recipe.get("measure", "esr") if version.run else "esr"
    if signals:
        return (
            _clips([one.audio() for one in signals], version),
            f"{len(signals)} sound{'s' * (len(signals) > 1)}",
            measure,
        )
    reasons = []
    if version.run:
        try:
            recipe = room.Recipe.from_dict(version.run.recipe)
            data = room.data_of(recipe, seed=version.run.seed)
            clips = room.ablation.clips_of(data, most=MOST_CLIPS)
            return clips, f"{len(clips)} test clips of the recipe {recipe.name}", measure
        except (AudioError, room.EngineError, OSError) as error:
            reasons.append(str(error))
    inputs = [one.input for one in version.renderings.select_related("input")[:MOST_CLIPS]]
    if not inputs:
        why = f" ({'; '.join(reasons)})" if reasons else ""
        raise AudioError(
            f"expected sounds, or test clips or renderings of {version}, found none{why}: name some files"
        )
    return _clips([one.audio() for one in inputs], version), f"{len(inputs)} inputs", measure


def _named(clip: Any) -> str:
    return f"clip as {clip.condition}" if clip.condition else "clip"


def _clips(sounds: Sequence[Audio], version: ModelVersion) -> list[Any]:
    room, rate = engine(), version.chain["rate"]
    return [room.ablation.clip(audio.resample(sound, rate).samples) for sound in sounds]


def check(version: ModelVersion, settings: Found) -> None:
    """Refuse at once metrics that there are not."""
    names = settings["metrics"]
    if names is not None and not (
        isinstance(names, list) and all(isinstance(one, str) for one in names)
    ):
        raise StudyError(f"expected metrics to be a list of names, found {str(names)[:80]!r}")
    try:
        for name in names or ():
            catalogue.get(name)
    except catalogue.UnknownMetric as error:
        raise StudyError(str(error)) from error


@study(
    "ablation",
    title="Ablation",
    purpose="What is lost without a part, with it at its defaults or made linear, and whose share is how large.",
    settings={"signals": [], "pairs": False, "metrics": None, "retrain": False},
    check=check,
)
def ablate(version: ModelVersion, settings: Found, told: Told) -> Found:
    """What each part of `version` does: effects, shares, what listeners' models hear of it, and retraining without it.

    Metrics hold the output without the part against the whole version's; None: those that are usual at its rate.
    Raises `EngineError`, `AudioError`, `StudyError`.
    """
    room = engine()
    chain = chain_of(version).double()
    metrics, reason = settings["metrics"], ""
    if metrics is None:
        metrics, reason = usual(chain.rate), why(chain.rate)
    signals = sounds_of(settings["signals"])
    clips, said, measure = material(version, signals)
    effects = room.ablation.effects(
        chain, clips, pairs=settings["pairs"], measure=measure, progress=part_of(told, 0.0, 0.2)
    )
    shares = room.shapley.shares(chain, clips, progress=part_of(told, 0.2, 0.4))
    rows = [asdict(effect) for effect in effects]
    unscored: Found = {}
    if metrics:
        unscored = _hear(
            chain, clips, rows, metrics, part_of(told, 0.4, 0.6 if settings["retrain"] else 1.0)
        )
    found: Found = {
        "version": str(version),
        "sha256": version.sha256,
        "material": said,
        "measure": measure,
        "clips": [
            {
                "title": signals[place].title if signals else _named(clip),
                "seconds": clip.signal.shape[-1] / chain.rate,
            }
            for place, clip in enumerate(clips)
        ],
        "sound": _to_be_heard(version, chain, clips[0], rows),
        "metrics": {"names": metrics, "why": reason},
        "effects": rows,
        "shares": [asdict(share) for share in shares],
        "unscored": unscored,
    }
    if settings["retrain"]:
        found["retrained"] = _retrained(version, part_of(told, 0.6, 1.0))
    return dict(plain(found))


def _hear(
    chain: Any, clips: Sequence[Any], rows: list[Found], metrics: Sequence[str], told: Told
) -> Found:
    """Add to each row the mean of each metric over the clips on which it could be computed, and on how many; of the
    metrics that none could be computed on, the first reason."""
    reasons: dict[str, str] = {}
    ablation = engine().ablation
    whole = [sound_of(one, chain.rate) for one in ablation.outputs(chain, clips)]
    for number, row in enumerate(rows):
        told(number / len(rows), f"hearing {' and '.join(row['parts'])} {row['treatment']}")
        with ablation.ablated(chain, dict.fromkeys(row["parts"], row["treatment"])):
            rest = [sound_of(one, chain.rate) for one in ablation.outputs(chain, clips)]
        pairs = [Pair(n, a, b) for n, (a, b) in enumerate(zip(whole, rest, strict=True))]
        values: dict[str, list[float]] = {name: [] for name in metrics}
        for _, results in score_pairs(pairs, metrics):
            for result in results:
                if result.value is None:
                    reasons.setdefault(result.metric, result.message)
                else:
                    values[result.metric].append(result.value)
        row["metrics"] = {name: mean_and_interval(v) for name, v in values.items()}
    return {
        name: reason
        for name, reason in reasons.items()
        if not any(row["metrics"][name]["n"] for row in rows)
    }


def mean_and_interval(values: Sequence[float]) -> Found:
    """The mean of `values`, and its 95 % t interval where there are two or more."""
    n = len(values)
    if n < 2:
        return {"mean": values[0] if n else None, "low": None, "high": None, "n": n}
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    margin = float(stats.t.ppf(0.975, n - 1)) * spread / math.sqrt(n)
    return {"mean": mean, "low": mean - margin, "high": mean + margin, "n": n}


def _to_be_heard(version: ModelVersion, chain: Any, clip: Any, rows: list[Found]) -> str:
    """Keep what comes out for `clip`, and add to each row of a part removed by itself what comes out without it."""
    ablation = engine().ablation

    def kept(name: str) -> str:
        (output,) = ablation.outputs(chain, [clip])
        sound, title = sound_of(output, chain.rate), f"{version} {name}"
        return keep_sound(version, sound, title=title, how=f"an ablation, {name},")

    for row in rows:
        if row["treatment"] == ablation.REMOVED and len(row["parts"]) == 1:
            (part,) = row["parts"]
            with ablation.ablated(chain, {part: ablation.REMOVED}):
                row["sound"] = kept(f"without {part}")
    return kept("whole")


def sound_of(output: Any, rate: int) -> Audio:
    """What came out of a chain, as a sound."""
    return Audio(output.numpy().astype(np.float32), rate)


def _retrained(version: ModelVersion, told: Told) -> list[Found]:
    """The recipe followed once more without each part: what its measure comes to, beside the whole version's."""
    if version.run is None:
        raise AudioError(
            f"expected a version that a recipe trained, found {version}, which none did"
        )
    room = engine()
    recipe = room.Recipe.from_dict(version.run.recipe)
    key = f"validation_{recipe.measure}"
    judged = [row[key] for row in version.run.history if key in row]
    found = []
    parts = room.ablation.parts_of(version.load())
    for number, part in enumerate(parts):
        within = part_of(told, number / len(parts), (number + 1) / len(parts))
        bare = replace(recipe, chain=room.ablation.without(version.chain, part))
        with TemporaryDirectory() as folder:
            result = room.train(
                bare,
                seed=version.run.seed,
                directory=folder,
                progress=lambda share, message, row, part=part, within=within: within(
                    share, f"training without {part}: {message}"
                ),
            )
        found.append(
            {"part": part, "without": result.validation, "whole": judged[-1] if judged else None}
        )
    return found
