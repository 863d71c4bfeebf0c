"""What the lint finds and a click can mend, on drafts: a changed sound is a new signal that says where it is from."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import partial

from listening import preparing
from listening.linting import DC_PERCENT
from listening.models import Campaign, Condition, Stimulus, Trial
from listening.models.campaign import CampaignError
from listening.plan import Part
from listening.preparing import Change, Sounds
from listening.sound_library import Progress
from models_registry import audit
from models_registry.audio import AudioError
from models_registry.models import Signal
from models_registry.staging import Stage, Staged

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
    campaign: Campaign,
    name: str,
    *,
    actor: str,
    target: float | None = None,
    progress: Progress = lambda share, message: None,
) -> dict[str, str]:
    """Do it to a draft, wholly or not at all; returns what was done, by item and condition.

    `target` is the loudness in LUFS that all items shall have; without one each item keeps its reference's. What
    `progress` raises ends it. Raises `CampaignError` for an unknown act, for a campaign that is no draft or that is
    changed meanwhile, and for sounds that cannot be mended.
    """
    if name not in TITLES:
        raise CampaignError(f"expected an act among {', '.join(TITLES)}, found {name!r}")
    _check_draft(campaign)
    if name in PLANS:
        return _lay_out(campaign, name, actor=actor)
    act: Act = partial(_loudness, target=target) if name == "loudness" else ACTS[name]
    with Stage() as stage:
        mended: list[_Mended] = []
        items = list(campaign.trials.prefetch_related("stimuli__signal", "stimuli__condition"))
        for place, trial in enumerate(items):
            progress(place / len(items), f"{TITLES[name]}: item {place + 1} of {len(items)}")
            mended += _mended(trial, act, stage)
        with stage.together():
            _check_draft(Campaign.objects.select_for_update().get(pk=campaign.pk))
            for one in mended:
                one.put(stage)
            done = {one.where: one.done for one in mended}
            audit.record("mend", campaign, actor=actor, content={"act": name, "done": done})
            progress(1.0, "stored")
    return done


def _check_draft(campaign: Campaign) -> None:
    if campaign.state != Campaign.State.DRAFT:
        raise CampaignError(f"{campaign.slug}: expected a draft to mend, found it {campaign.state}")


@dataclass(frozen=True)
class _Mended:
    """A changed sound, ready to take the place of the one before: of a stimulus, or of a trial's open reference."""

    owner: Stimulus | Trial
    before: Signal
    after: Staged
    where: str
    done: str

    def put(self, stage: Stage) -> None:
        after = stage.store(self.after, title=self.before.title)
        if isinstance(self.owner, Trial):
            rows = Trial.objects.filter(pk=self.owner.pk, reference=self.before)
            changed = rows.update(reference=after)
        else:
            of_stimulus = Stimulus.objects.filter(pk=self.owner.pk, signal=self.before)
            changed = of_stimulus.update(signal=after)
        if not changed:
            raise CampaignError(
                f"{self.where}: expected the sound as it was when this began, found it changed meanwhile"
            )


def _mended(trial: Trial, act: Act, stage: Stage) -> list[_Mended]:
    owners: dict[str, Stimulus | Trial] = {
        one.condition.name: one for one in trial.stimuli.all() if one.signal
    }
    signals = {one.condition.name: one.signal for one in trial.stimuli.all() if one.signal}
    if trial.reference:
        # the open reference under a name that no condition can have
        owners[""], signals[""] = trial, trial.reference
    if not signals:
        return []
    sounds = {name: signal.audio() for name, signal in signals.items()}
    anchors = {one.condition.name for one in trial.stimuli.all() if one.condition.role in ANCHORS}
    try:
        changes = act(sounds, "" if trial.reference else next(iter(sounds)), anchors)
    except AudioError as error:
        raise CampaignError(f"{trial.item}: {error}") from error
    return [
        _Mended(
            owners[name],
            signals[name],
            stage.add(change.sound, provenance=f"{signals[name].sha256}: {change.done}"),
            f"{trial.item} · {name or 'open reference'}",
            change.done,
        )
        for name, change in changes.items()
    ]


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
