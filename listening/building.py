"""Build campaigns from signals and model versions: what is compared, on which items, with which anchors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction

from listening.anchors import LOW_ANCHOR_HZ, MID_ANCHOR_HZ
from listening.models import Campaign, Condition, Stimulus, Trial
from models_registry import audit
from models_registry.audio import Audio
from models_registry.degradations import low_passed
from models_registry.models import ModelVersion, Signal

REFERENCE, LOW_ANCHOR, MID_ANCHOR = "reference", "anchor 3.5 kHz", "anchor 7 kHz"


@dataclass(frozen=True)
class Item:
    """Programme material: a title, the reference, and each system's output for it."""

    title: str
    reference: Signal
    outputs: dict[str, Signal]


@dataclass(frozen=True)
class System:
    """A system under test, and the model version that made its outputs where one did."""

    name: str
    version: ModelVersion | None = field(default=None)


def gain_within(peak: float) -> np.float32:
    """What turns a peak that would clip down to 1 dB below full scale; 1 for any other."""
    return np.float32(1 if peak <= 1 else 10 ** (-1 / 20) / peak)


def unclipped(title: str, signals: dict[str, Signal]) -> dict[str, Signal]:
    """Turn down all signals of one item alike where any of them would clip; unchanged where none would."""
    sounds = {name: signal.audio() for name, signal in signals.items()}
    gain = gain_within(max(float(np.abs(sound.samples).max()) for sound in sounds.values()))
    if gain == 1:
        return signals
    return {
        name: Signal.objects.store(
            Audio(sound.samples * gain, sound.rate),
            title=signals[name].title,
            provenance=f"{signals[name].sha256} at {20 * np.log10(gain):.2f} dB, so that {title} does not clip",
        )
        for name, sound in sounds.items()
    }


def _anchored(reference: Signal) -> dict[str, Signal]:
    sound = reference.audio()
    return {
        name: Signal.objects.store(
            low_passed(sound, cut_off),
            title=f"{reference.title}, {cut_off} Hz low-pass",
            provenance=f"{reference.sha256} low-passed at {cut_off} Hz after BS.1534-3",
        )
        for name, cut_off in ((LOW_ANCHOR, LOW_ANCHOR_HZ), (MID_ANCHOR, MID_ANCHOR_HZ))
    }


def mushra_signals(item: Item, systems: list[System]) -> dict[str, Signal]:
    """What a MUSHRA page of `item` plays, by condition: hidden reference, both anchors, every system."""
    return unclipped(
        item.title,
        {
            REFERENCE: item.reference,
            **_anchored(item.reference),
            **{system.name: item.outputs[system.name] for system in systems},
        },
    )


def abx_signals(item: Item, system: System) -> dict[str, Signal]:
    """What an ABX page of `item` plays, by condition."""
    return unclipped(
        item.title, {REFERENCE: item.reference, system.name: item.outputs[system.name]}
    )


def mushra(
    slug: str,
    title: str,
    items: list[Item],
    systems: list[System],
    *,
    owner: User | None,
    actor: str,
    seed: int = 0,
) -> Campaign:
    """A MUSHRA draft with hidden reference and both BS.1534-3 anchors for every item."""
    stimuli = [mushra_signals(item, systems) for item in items]
    roles = {
        REFERENCE: Condition.Role.REFERENCE,
        LOW_ANCHOR: Condition.Role.ANCHOR35,
        MID_ANCHOR: Condition.Role.ANCHOR70,
    }
    with transaction.atomic():
        campaign = _draft("mushra", slug, title, owner=owner, seed=seed, repetitions=1)
        versions = {system.name: system.version for system in systems}
        conditions = {
            name: Condition.objects.create(
                campaign=campaign,
                name=name,
                role=roles.get(name, Condition.Role.SYSTEM),
                version=versions.get(name),
            )
            for name in (*roles, *versions)
        }
        _fill(campaign, items, conditions, stimuli)
        audit.record("build", campaign, actor=actor, content=campaign.fingerprint())
    return campaign


def abx(
    slug: str,
    title: str,
    items: list[Item],
    system: System,
    *,
    owner: User | None,
    actor: str,
    repetitions: int,
    seed: int = 0,
) -> Campaign:
    """An ABX draft: can `system` be told from the reference?"""
    stimuli = [abx_signals(item, system) for item in items]
    with transaction.atomic():
        campaign = _draft("abx", slug, title, owner=owner, seed=seed, repetitions=repetitions)
        conditions = {
            REFERENCE: Condition.objects.create(
                campaign=campaign, name=REFERENCE, role=Condition.Role.REFERENCE
            ),
            system.name: Condition.objects.create(
                campaign=campaign, name=system.name, version=system.version
            ),
        }
        _fill(campaign, items, conditions, stimuli)
        audit.record("build", campaign, actor=actor, content=campaign.fingerprint())
    return campaign


def _draft(
    method: str,
    slug: str,
    title: str,
    *,
    owner: User | None,
    seed: int,
    repetitions: int,
) -> Campaign:
    return Campaign.objects.create(
        slug=slug,
        title=title,
        method=method,
        screening=Campaign.Screening.BS1534 if method == "mushra" else Campaign.Screening.NONE,
        repetitions=repetitions,
        seed=seed,
        owner=owner,
    )


def _fill(
    campaign: Campaign,
    items: list[Item],
    conditions: dict[str, Condition],
    stimuli: list[dict[str, Signal]],
) -> None:
    for number, (item, signals) in enumerate(zip(items, stimuli, strict=True), start=1):
        trial = Trial.objects.create(
            campaign=campaign, number=number, item=item.title, reference=signals[REFERENCE]
        )
        for name, condition in conditions.items():
            Stimulus.objects.create(trial=trial, condition=condition, signal=signals[name])
