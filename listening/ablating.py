"""The ablation of a registered version: on what, by which losses and metrics, and the table that comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from listening.analysis.plain import plain
from metrics.scoring import Pair, score_pairs
from models_registry import audio
from models_registry.audio import Audio, AudioError
from models_registry.extra import engine
from models_registry.models import ModelVersion

Progress = Callable[[float, str], None]
Found = dict[str, Any]

# enough for an interval, few enough for a coffee
MOST_CLIPS = 12
METRICS = ("peaq-odg", "audible-error")


def material(version: ModelVersion, files: Sequence[Path] = ()) -> tuple[list[Any], str, str]:
    """Clips to try `version` on, what they are, and the measure that they are judged by.

    The `files` named; else the test clips of the recipe that trained it, with their targets; else the inputs that it
    was rendered from. Raises `AudioError` where there is none of them.
    """
    room = engine()
    measure = version.run.recipe.get("measure", "esr") if version.run else "esr"
    if files:
        sounds = [audio.read(path) for path in files]
        return _clips(sounds, version), f"{len(sounds)} files", measure
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
            f"expected files, or test clips or renderings of {version}, found none{why}: name some files"
        )
    return _clips([one.audio() for one in inputs], version), f"{len(inputs)} inputs", measure


def _clips(sounds: Sequence[Audio], version: ModelVersion) -> list[Any]:
    room, rate = engine(), version.chain["rate"]
    return [room.ablation.clip(audio.resample(sound, rate).samples) for sound in sounds]


def ablate(
    version: ModelVersion,
    *,
    files: Sequence[Path] = (),
    pairs: bool = False,
    metrics: Sequence[str] = METRICS,
    retrain: bool = False,
    progress: Progress = lambda share, message: None,
) -> Found:
    """What each part of `version` does: effects, shares, what listeners' models hear of it, and retraining without it.

    Metrics hold the output without the part against the whole version's. Raises `EngineError`, `AudioError`.
    """
    room = engine()
    chain = version.load().double()
    clips, said, measure = material(version, files)
    effects = room.ablation.effects(
        chain, clips, pairs=pairs, measure=measure, progress=_part(progress, 0.0, 0.2)
    )
    shares = room.shapley.shares(chain, clips, progress=_part(progress, 0.2, 0.4))
    rows = [asdict(effect) for effect in effects]
    if metrics:
        _hear(chain, clips, rows, metrics, _part(progress, 0.4, 0.6 if retrain else 1.0))
    found: Found = {
        "version": str(version),
        "sha256": version.sha256,
        "material": said,
        "measure": measure,
        "effects": rows,
        "shares": [asdict(share) for share in shares],
    }
    if retrain:
        found["retrained"] = _retrained(version, _part(progress, 0.6, 1.0))
    return dict(plain(found))


def _part(progress: Progress, start: float, end: float) -> Progress:
    return lambda share, message: progress(start + share * (end - start), message)


def _hear(
    chain: Any, clips: Sequence[Any], rows: list[Found], metrics: Sequence[str], progress: Progress
) -> None:
    """Add to each row the mean of each metric over the clips on which it could be computed, and on how many."""
    ablation = engine().ablation
    whole = [_sound(one, chain.rate) for one in ablation.outputs(chain, clips)]
    for number, row in enumerate(rows):
        progress(number / len(rows), f"hearing {' and '.join(row['parts'])} {row['treatment']}")
        with ablation.ablated(chain, dict.fromkeys(row["parts"], row["treatment"])):
            rest = [_sound(one, chain.rate) for one in ablation.outputs(chain, clips)]
        pairs = [Pair(n, a, b) for n, (a, b) in enumerate(zip(whole, rest, strict=True))]
        values: dict[str, list[float]] = {name: [] for name in metrics}
        for _, results in score_pairs(pairs, metrics):
            for result in results:
                if result.value is not None:
                    values[result.metric].append(result.value)
        row["metrics"] = {
            name: {"mean": float(np.mean(v)) if v else None, "n": len(v)}
            for name, v in values.items()
        }


def _sound(output: Any, rate: int) -> Audio:
    return Audio(output.numpy().astype(np.float32), rate)


def _retrained(version: ModelVersion, progress: Progress) -> list[Found]:
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
        told = _part(progress, number / len(parts), (number + 1) / len(parts))
        bare = replace(recipe, chain=room.ablation.without(version.chain, part))
        with TemporaryDirectory() as folder:
            result = room.train(
                bare,
                seed=version.run.seed,
                directory=folder,
                progress=lambda share, message, row, part=part, told=told: told(
                    share, f"training without {part}: {message}"
                ),
            )
        found.append(
            {"part": part, "without": result.validation, "whole": judged[-1] if judged else None}
        )
    return found


def text(found: Found) -> str:
    """The table as a terminal shows it."""
    lines = [
        f"{found['version']} ({found['sha256'][:12]}) on {found['material']}",
        "",
        f"{'part':28} {'treatment':10} {'difference':>11} {'level':>8} {'spectral':>9} "
        + f"{found['measure'] + ' without':>16}"
        + "".join(f" {name:>14}" for name in _metrics(found)),
    ]
    for row in found["effects"]:
        loss = "" if row["loss"] is None else f"{row['loss']:+.4f}"
        lines.append(
            f"{' + '.join(row['parts']):28} {row['treatment']:10} {_decibels(row['difference_db']):>11} "
            f"{_decibels(row['level_db']):>8} {row['spectral']:9.4f} {loss:>16}"
            + "".join(f" {_mean(row['metrics'][name]):>14}" for name in _metrics(found))
        )
    lines += ["", "Shapley shares of what the chain does to its input:"]
    for share in found["shares"]:
        interval = (
            f"[{share['low']:.3f}, {share['high']:.3f}]" if share["low"] is not None else "one clip"
        )
        lines.append(f"{share['part']:28} {share['share']:7.3f}  {interval}  n {share['n']}")
    for row in found.get("retrained", ()):
        whole = "–" if row["whole"] is None else f"{row['whole']:.4f}"
        lines.append(
            f"trained without {row['part']}: {found['measure']} {row['without']:.4f} (whole: {whole})"
        )
    return "\n".join(lines).replace("-", "−")


def _metrics(found: Found) -> list[str]:
    return list(found["effects"][0].get("metrics", ()))


def _mean(metric: Found) -> str:
    return "–" if metric["mean"] is None else f"{metric['mean']:.2f} (n {metric['n']})"


def _decibels(value: float | None) -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.1f} dB"
