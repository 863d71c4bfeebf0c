"""The whole loop once: sources, training, rendering, campaigns, simulated listeners, evidence.

Every step can be repeated without harm: what is there already is used as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
from django.contrib.auth.models import User

from listening import building
from listening.building import Item, System
from listening.models import Campaign, Stimulus
from models_registry import audio, audit, devices, instruments, jobs, rendering, training
from models_registry.audio import Audio, AudioError
from models_registry.models import ModelVersion, Signal
from models_registry.teams import Project

RECIPES = ("overdrive", "overdrive-adapter")
SEED = 1
# the rate at which the recipes learn, so that nothing is resampled on the way to the ear
RATE = 44_100
# BS.1534-3 prefers excerpts of about 10 s and none over 12 s
EXCERPT_S = 8.0
FADE_S = 0.01
# the level the device is driven at: that of the instruments
PEAK = 10 ** (-3 / 20)
MAX_ITEMS = 8
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".opus"}

Report = Callable[[float, str], None]


def researcher() -> tuple[User, str | None]:
    """The demo's account, and its password when it was made just now."""
    user = User.objects.filter(username="researcher").first()
    if user:
        return user, None
    password = secrets.token_urlsafe(12)
    return User.objects.create_superuser("researcher", password=password), password


def recordings(folder: Path) -> dict[str, Audio]:
    """Excerpts of the first eight recordings in `folder` and below, by their names in it."""
    if not folder.is_dir():
        raise AudioError(f"{folder}: expected a folder of recordings, found none")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise AudioError(f"{folder}: expected audio files, found none")
    # with its folders: two of the same name are two items
    names = [str(path.relative_to(folder).with_suffix("")) for path in paths]
    if len(set(names)) < len(names):
        names = [str(path.relative_to(folder)) for path in paths]
    chosen = list(zip(names, paths, strict=True))[:MAX_ITEMS]
    return {name: excerpt(audio.read(path)) for name, path in chosen}


def excerpt(sound: Audio) -> Audio:
    """The middle eight seconds at 44.1 kHz, faded at both ends, with its peak at −3 dBFS."""
    length = min(sound.frames, int(EXCERPT_S * sound.rate))
    start = (sound.frames - length) // 2
    cut = audio.resample(Audio(sound.samples[:2, start : start + length], sound.rate), RATE)
    cut = audio.checked(cut.samples, RATE, name="the excerpt")
    fade = min(int(FADE_S * RATE), cut.frames // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    samples = cut.samples * (PEAK / np.abs(cut.samples).max())
    samples[:, :fade] *= ramp
    samples[:, samples.shape[1] - fade :] *= ramp[::-1]
    return Audio(samples.astype(np.float32), RATE)


def sources(folder: Path | None) -> dict[str, tuple[Signal, Signal]]:
    """Dry and wet signal of every item: recordings, or the built-in instruments, through the overdrive."""
    sounds = recordings(folder) if folder else instruments.sources(rate=RATE)
    origin = "an excerpt of a recording" if folder else "synthesised by the built-in instruments"
    pairs = {}
    for title, sound in sounds.items():
        dry = Signal.objects.store(sound, title=title, provenance=origin)
        wet = Signal.objects.store(
            devices.overdrive(sound),
            title=f"{title}, overdriven",
            provenance=f"{dry.sha256} through the simulated diode clipper",
        )
        pairs[title] = (dry, wet)
    return pairs


def version(name: str, *, quick: bool, actor: str, report: Report) -> ModelVersion:
    """The recipe's version with the demo's seed: trained now, or found."""
    recipe = training.load_recipe(name, quick=quick)
    project = Project.objects.operators()
    if known := training.trained(recipe, seed=SEED, project=project):
        return known
    reason = f"{recipe.purpose} (the demo)"
    run = training.here(recipe, seed=SEED, reason=reason, actor=actor, project=project)
    if failure := jobs.work_here(run.job, report):
        raise failure
    return ModelVersion.objects.get(run=run)


def rendered(
    pairs: dict[str, tuple[Signal, Signal]],
    versions: list[ModelVersion],
    *,
    actor: str,
    report: Report,
) -> list[Item]:
    """Every version's output for every dry signal, beside the wet reference."""
    items: list[Item] = []
    total = len(pairs) * len(versions)
    for title, (dry, wet) in pairs.items():
        outputs = {}
        for one in versions:
            outputs[str(one)] = rendering.render(one, dry, actor=actor).output
            report((len(items) * len(versions) + len(outputs)) / total, f"{one} of {title}")
        items.append(Item(title, wet, outputs))
    return items


def campaigns(
    items: list[Item], versions: list[ModelVersion], *, owner: User, actor: str
) -> tuple[Campaign, Campaign]:
    """An open MUSHRA and an open ABX campaign over the items; found, where the same were built before."""
    systems = [System(str(one), one) for one in versions]
    of_mushra = {item.title: building.mushra_signals(item, systems) for item in items}
    mushra = _found("mushra", of_mushra) or _launched(
        building.mushra(
            _free_slug("demo-mushra"),
            "Which overdrive sounds like the pedal?",
            items,
            systems,
            owner=owner,
            actor=actor,
            seed=SEED,
        ),
        actor=actor,
    )
    of_abx = {item.title: building.abx_signals(item, systems[0]) for item in items}
    abx = _found("abx", of_abx) or _launched(
        building.abx(
            _free_slug("demo-abx"),
            "Is there a difference to hear?",
            items,
            systems[0],
            owner=owner,
            actor=actor,
            repetitions=4,
            seed=SEED,
        ),
        actor=actor,
    )
    return mushra, abx


def _launched(campaign: Campaign, *, actor: str) -> Campaign:
    campaign.launch(actor=actor)
    return campaign


def _found(method: str, signals: dict[str, dict[str, Signal]]) -> Campaign | None:
    """The demo's campaign that plays exactly these signals (by item and condition), if it was built before."""
    wanted = {
        (item, condition, signal.pk)
        for item, of_item in signals.items()
        for condition, signal in of_item.items()
    }
    for campaign in Campaign.objects.filter(method=method, slug__startswith="demo-"):
        stimuli = Stimulus.objects.filter(trial__campaign=campaign)
        if set(stimuli.values_list("trial__item", "condition__name", "signal_id")) == wanted:
            return campaign
    return None


def _free_slug(base: str) -> str:
    taken = set(Campaign.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(
        slug
        for number in range(1, len(taken) + 2)
        if (slug := base if number == 1 else f"{base}-{number}") not in taken
    )


def recorded(actor: str) -> str:
    """The last event's hash: what proves this state of the record."""
    return audit.record("demo", "the whole loop", actor=actor).sha256
