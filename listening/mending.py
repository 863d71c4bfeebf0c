"""What the lint finds and a click can mend, on drafts: a changed sound is a new signal that says where it is from."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import partial

from django.db import transaction

from listening import preparing
from listening.linting import DC_PERCENT
from listening.models import Campaign, Condition, Stimulus, Trial
from listening.models.campaign import CampaignError
from listening.plan import Part
from listening.preparing import Change, Sounds
from models_registry import audit
from models_registry.audio import AudioError
from models_registry.models import Signal

Role = Condition.Role
ANCHORS = (Role.ANCHOR, Role.ANCHOR35, Role.ANCHOR70)

CONSENT_VERSION = "1"
CONSENT_TEXT = (
    "Taking part is voluntary, and you may stop at any time by closing the page. We store your answers, and how the "
    "sounds were played on your device, under a random code: no name, no address. What is stored is used to compare "
    "audio systems, and the ratings may be published."
)


# an item's sounds, the name of the one that the others are held against, and the names of its anchors
Act = Callable[[Sounds, str, Container[str]], Mapping[str, Change]]


def _offset(sounds: Sounds, against: str, anchors: Container[str]) -> Mapping[str, Change]:
    return preparing.without_offset(sounds, least=DC_PERCENT / 100)


def _lag(sounds: Sounds, against: str, anchors: Container[str]) -> Mapping[str, Change]:
    return preparing.time_aligned(sounds, against=against)


def _polarity(sounds: Sounds, against: str, anchors: Container[str]) -> Mapping[str, Change]:
    return preparing.upright(sounds, against=against)


def _format(sounds: Sounds, against: str, anchors: Container[str]) -> Mapping[str, Change]:
    return preparing.alike(sounds, against=against)


def _loudness(
    sounds: Sounds, against: str, anchors: Container[str], *, target: float | None = None
) -> Mapping[str, Change]:
    return preparing.loudness_aligned(sounds, against=against, target=target, following=anchors)


ACTS: dict[str, Act] = {
    "offset": _offset,
    "lag": _lag,
    "polarity": _polarity,
    "format": _format,
    "loudness": _loudness,
}
PLANS = {"consent": "Ask for consent", "training": "Train on the first item"}
TITLES = {
    "offset": "Remove offsets",
    "lag": "Move late sounds",
    "polarity": "Turn inverted sounds over",
    "format": "Make rate, channels and length alike",
    "loudness": "Align loudness",
    **PLANS,
}


def mend(
    campaign: Campaign, name: str, *, actor: str, target: float | None = None
) -> dict[str, str]:
    """Do it to a draft, wholly or not at all; returns what was done, by item and condition.

    `target` is the loudness in LUFS that all items shall have; without one each item keeps its reference's.
    Raises `CampaignError` for an unknown act, for a campaign that is no draft, and for sounds that cannot be mended.
    """
    if name not in TITLES:
        raise CampaignError(f"expected an act among {', '.join(TITLES)}, found {name!r}")
    if campaign.state != Campaign.State.DRAFT:
        raise CampaignError(f"{campaign.slug}: expected a draft to mend, found it {campaign.state}")
    if name in PLANS:
        return _lay_out(campaign, name, actor=actor)
    act: Act = partial(_loudness, target=target) if name == "loudness" else ACTS[name]
    with transaction.atomic():
        done: dict[str, str] = {}
        for trial in campaign.trials.prefetch_related("stimuli__signal", "stimuli__condition"):
            done |= _mend_trial(trial, act)
        audit.record("mend", campaign, actor=actor, content={"act": name, "done": done})
    return done


def _mend_trial(trial: Trial, act: Act) -> dict[str, str]:
    stimuli = {one.condition.name: one for one in trial.stimuli.all() if one.signal}
    signals = {name: stimulus.signal for name, stimulus in stimuli.items() if stimulus.signal}
    if trial.reference:
        # the open reference under a name that no condition can have
        signals[""] = trial.reference
    if not signals:
        return {}
    sounds = {name: signal.audio() for name, signal in signals.items()}
    anchors = {name for name, one in stimuli.items() if one.condition.role in ANCHORS}
    try:
        changes = act(sounds, "" if trial.reference else next(iter(sounds)), anchors)
    except AudioError as error:
        raise CampaignError(f"{trial.item}: {error}") from error
    done = {}
    for name, change in changes.items():
        before = signals[name]
        after = Signal.objects.store(
            change.sound, title=before.title, provenance=f"{before.sha256}: {change.done}"
        )
        if name:
            Stimulus.objects.filter(pk=stimuli[name].pk).update(signal=after)
        else:
            Trial.objects.filter(pk=trial.pk).update(reference=after)
        done[f"{trial.item} · {name or 'open reference'}"] = change.done
    return done


def _lay_out(campaign: Campaign, name: str, *, actor: str) -> dict[str, str]:
    """A part that was missing, where it belongs."""
    plan = list(campaign.plan)
    if name == "consent":
        part: Part = {"part": "consent", "version": CONSENT_VERSION, "text": CONSENT_TEXT}
        plan.insert(0, part)
    else:
        first = campaign.trials.first()
        if first is None:
            raise CampaignError(f"{campaign.slug}: expected an item to train on, found none")
        place = next(place for place, one in enumerate(plan) if one["part"] == "ratings")
        plan.insert(place, {"part": "training", "items": [first.item], "rated": True})
    campaign.lay_out(plan, actor=actor)
    return {"plan": PLANS[name]}
