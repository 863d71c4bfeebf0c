"""Small campaigns whose stimuli can be told apart by ear and by machine: tones that differ in frequency and level."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib.auth.models import User

from listening.models import Campaign, Condition, Stimulus, Trial
from models_registry.audio import Audio
from models_registry.models import Signal
from models_registry.teams import Membership, Project
from models_registry.teams import Role as Of

Role = Condition.Role

# every part there is, as a laboratory might lay them out
WHOLE_PLAN: list[dict] = [
    {"part": "consent", "version": "2026-01", "text": "We store what you answer."},
    {
        "part": "questions",
        "title": "About you",
        "questions": [
            {"name": "age", "ask": "number", "text": "How old are you?", "least": 18, "most": 99},
            {
                "name": "hearing",
                "ask": "choice",
                "text": "Do you hear normally?",
                "choices": ["yes", "no"],
                "screen_out": ["no"],
            },
            {
                "name": "devices",
                "ask": "choice",
                "text": "What do you listen with?",
                "choices": ["headphones", "earbuds", "loudspeakers"],
                "several": True,
            },
            {
                "name": "trained",
                "ask": "scale",
                "text": "How trained are your ears?",
                "least": 1,
                "most": 5,
                "low": "not at all",
                "high": "very",
            },
        ],
    },
    {"part": "volume"},
    {"part": "headphones", "test": "woods", "on_fail": "screen out"},
    {"part": "headphones", "test": "channels"},
    {"part": "instructions", "title": "How it goes", "text": "First you practise."},
    {
        "part": "training",
        "items": ["tone 1"],
        "rated": False,
        "text": "Hear the worst and the best.",
    },
    {"part": "ratings", "break_every": 1, "break_text": "Rest your ears."},
    {
        "part": "questions",
        "title": "Anything else?",
        "questions": [
            {"name": "comment", "ask": "text", "text": "Comments", "long": True, "optional": True}
        ],
    },
    {
        "part": "finish",
        "finished": {"code": "DONE1", "url": "https://example.org/complete?cc=DONE1"},
        "screened-out": {"code": "OUT1", "text": "Your set-up does not fit."},
        "refused": {"code": "NO1"},
    },
]

# by condition: frequency in Hz and peak level
TONES = {
    "reference": (440.0, 0.5),
    "anchor 3.5 kHz": (220.0, 0.1),
    "anchor 7 kHz": (330.0, 0.2),
    "system one": (880.0, 0.3),
    "system two": (660.0, 0.4),
}
ROLES = {
    "reference": Role.REFERENCE,
    "anchor 3.5 kHz": Role.ANCHOR35,
    "anchor 7 kHz": Role.ANCHOR70,
}


def tone(
    frequency: float,
    *,
    level: float = 0.5,
    duration: float = 1.0,
    rate: int = 48_000,
    channels: int = 1,
) -> Audio:
    """A sine of `frequency` Hz that peaks at `level`, alike in all channels."""
    times = np.arange(round(duration * rate)) / rate
    samples = level * np.sin(2 * np.pi * frequency * times)
    return Audio(np.tile(samples.astype(np.float32), (channels, 1)), rate)


def here() -> Project:
    """The project of what a test makes without naming one."""
    return Project.objects.operators()


def account(name: str, *, role: Of = Of.OWNER, project: Project | None = None) -> User:
    """A person who signs in as `name` with the password "name's word", and belongs to the project."""
    user = User.objects.create_user(name, password=f"{name}'s word")
    Membership.objects.create(project=project or here(), user=user, role=role)
    return user


def stored_tone(frequency: float, *, level: float = 0.5, duration: float = 1.0) -> Signal:
    sound = tone(frequency, level=level, duration=duration)
    signal = Signal.objects.store(sound, title=f"{frequency:g} Hz at {level:g}")
    here().signals.add(signal)
    return signal


def mushra_campaign(
    *,
    slug: str = "tones",
    items: int = 2,
    launched: bool = True,
    quota: int | None = None,
    plan: list[dict] | None = None,
) -> Campaign:
    """A MUSHRA campaign: hidden reference, both anchors and two systems on each of `items` one-second items."""
    campaign = _campaign(slug, "mushra", items, tuple(TONES))
    if plan is not None:
        campaign.lay_out(plan, actor="alice")
    if quota is not None:
        Campaign.objects.filter(pk=campaign.pk).update(quota=quota)
    return _launched(campaign) if launched else campaign


def abx_campaign(
    *, slug: str = "tones-abx", items: int = 1, repetitions: int = 3, launched: bool = True
) -> Campaign:
    """An ABX campaign: a system against the reference, `repetitions` presentations of each item."""
    campaign = _campaign(slug, "abx", items, ("reference", "system one"))
    Campaign.objects.filter(pk=campaign.pk).update(repetitions=repetitions)
    return _launched(campaign) if launched else campaign


def choice_campaign(
    method: str,
    *,
    slug: str = "tones",
    conditions: tuple[str, ...] = ("reference", "system one"),
    items: int = 1,
    repetitions: int = 1,
    options: dict | None = None,
    plan: list[dict] | None = None,
    launched: bool = True,
) -> Campaign:
    """A campaign of a method with one answer to a page, such as a triangle, a preference or CCR."""
    campaign = _campaign(slug, method, items, conditions)
    Campaign.objects.filter(pk=campaign.pk).update(repetitions=repetitions, options=options or {})
    campaign.refresh_from_db()
    if plan is not None:
        campaign.lay_out(plan, actor="alice")
    return _launched(campaign) if launched else campaign


# by method: the conditions of a small campaign, and its options
SMALL: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "mushra": (tuple(TONES), {}),
    "abx": (("reference", "system one"), {}),
    "triangle": (("reference", "system one"), {}),
    "preference": (("system one", "system two"), {}),
    "ccr": (("system one", "system two"), {}),
    "bs2132": (("system one", "system two", "anchor 7 kHz"), {}),
    "bs1116": (("reference", "system one", "system two"), {}),
    "acr": (("system one", "system two"), {}),
    "dcr": (("reference", "system one"), {}),
    "p835": (("system one", "system two"), {}),
    "attributes": (
        ("reference", "system one", "system two"),
        {
            "scales": [
                {"name": "Brightness", "low": "dark", "high": "bright"},
                {"name": "Width", "low": "narrow", "high": "wide", "text": "How wide it seems."},
            ],
            "reference": True,
        },
    ),
}


def small_campaign(
    method: str,
    *,
    slug: str = "tones",
    items: int = 2,
    repetitions: int = 1,
    options: dict[str, Any] | None = None,
    plan: list[dict] | None = None,
    launched: bool = True,
) -> Campaign:
    """A campaign of any method of `SMALL`, with the options it needs unless others are given."""
    names, usual = SMALL[method]
    return choice_campaign(
        method,
        slug=slug,
        conditions=names,
        items=items,
        repetitions=repetitions,
        options=usual if options is None else options,
        plan=plan,
        launched=launched,
    )


def _launched(campaign: Campaign) -> Campaign:
    campaign.refresh_from_db()
    campaign.launch(actor="alice")
    return campaign


def _campaign(slug: str, method: str, items: int, names: tuple[str, ...]) -> Campaign:
    campaign = Campaign.objects.create(slug=slug, title=f"Tones by {method}", method=method)
    conditions = [
        Condition.objects.create(campaign=campaign, name=name, role=ROLES.get(name, Role.SYSTEM))
        for name in names
    ]
    for number in range(1, items + 1):
        # every item a few hertz higher, so that no two signals are the same
        signals = {
            name: stored_tone(TONES[name][0] + 5 * (number - 1), level=TONES[name][1])
            for name in names
        }
        trial = Trial.objects.create(
            campaign=campaign,
            number=number,
            item=f"tone {number}",
            reference=signals.get("reference"),
        )
        for condition in conditions:
            Stimulus.objects.create(
                trial=trial, condition=condition, signal=signals[condition.name]
            )
    return campaign
