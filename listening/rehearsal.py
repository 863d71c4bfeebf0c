"""Fill a campaign with simulated listeners, through the same door that people's browsers use.

Their latent qualities follow a metric, so that a correlation with that metric shows nothing but the rehearsal itself:
every row they leave is labelled as simulated.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from listening import sessions
from listening.evidence import scores_frame
from listening.methods import Method
from listening.models import Campaign, Condition, Page, Slot, Stimulus
from listening.simulation import (
    Hearer,
    hearers,
    quality_from_scores,
    simulate_mushra,
)
from models_registry import audit

# the metric that the simulated listeners' latent quality follows
FOLLOWED_METRIC = "mr-stft"
# of the anchors, about where listeners put them in published tests
ANCHOR_QUALITY: dict[str, float] = {Condition.Role.ANCHOR35: 22.0, Condition.Role.ANCHOR70: 45.0}
# of the systems
WORST, BEST = 55.0, 92.0
Progress = Callable[[float, str], None]
# what one listener answers on a page: the bodies of its responses
Answers = Callable[[Page, list[Slot]], Iterator[dict[str, Any]]]


def rehearse(
    campaign: Campaign, *, listeners: int, seed: int, actor: str, progress: Progress
) -> int:
    """Add `listeners` simulated listeners with a finished session each; those there already count.

    Returns how many were added. A campaign whose items have references must be scored by `FOLLOWED_METRIC` before;
    without references the latent qualities are drawn from the seed.
    """
    there = set(campaign.listeners.filter(simulated=True).values_list("code", flat=True))
    added = 0
    panel = _panel(campaign, listeners=listeners, seed=seed)
    for number, (code, answers) in enumerate(panel, start=1):
        if code not in there:
            _sit_through(campaign, code, seed + number, answers)
            added += 1
        progress(number / listeners, f"simulated listener {number} of {listeners}")
    if added:
        audit.record(
            "rehearse",
            campaign,
            actor=actor,
            reason="simulated listeners, to rehearse the campaign",
            content={"listeners": added, "seed": seed, "follows": _followed(campaign)},
        )
    return added


def _followed(campaign: Campaign) -> str:
    """The metric that the latent qualities follow; none where there is no reference to hold a system against."""
    return "" if campaign.trials.filter(reference=None).exists() else FOLLOWED_METRIC


def _sit_through(campaign: Campaign, code: str, seed: int, answers: Answers) -> None:
    session = sessions.start(campaign, simulated=True, code=code, seed=seed)
    # one at a time: the answers may say that there were enough
    while page := session.current_page():
        for body in answers(page, sessions.slots_of(page)):
            sessions.respond(session, page, uuid.uuid4(), body)
        sessions.finish(session, page)


def _panel(campaign: Campaign, *, listeners: int, seed: int) -> Iterator[tuple[str, Answers]]:
    """Every simulated listener's code, and how they answer."""
    qualities = _qualities(campaign, seed)
    if campaign.method == "mushra":
        ratings = simulate_mushra(qualities, listeners=listeners, seed=seed, campaign=campaign.slug)
        for code, given in ratings.groupby("listener", sort=False):
            yield str(code), _mushra_answers(given)
        return
    found = qualities.set_index("stimulus")["quality"].to_dict()

    def quality(stimulus: Stimulus) -> float:
        return float(found[stimulus.pk])

    for hearer in hearers(listeners, seed=seed):
        yield hearer.code, partial(_heard, campaign.protocol, hearer, quality)


def _heard(
    protocol: Method,
    hearer: Hearer,
    quality: Callable[[Stimulus], float],
    page: Page,
    slots: list[Slot],
) -> Iterator[dict[str, Any]]:
    return protocol.rehearsed(slots, hearer, quality)


def _qualities(campaign: Campaign, seed: int) -> pd.DataFrame:
    """item, condition, role, latent quality (0–100) and key of every stimulus."""
    stimuli = [
        (one.trial.item, one.condition.name, one.condition.role, one.pk)
        for one in Stimulus.objects.filter(trial__campaign=campaign).select_related(
            "trial", "condition"
        )
    ]
    systems = [(item, name) for item, name, role, _ in stimuli if role == Condition.Role.SYSTEM]
    if _followed(campaign):
        quality = _followed_qualities(campaign, systems)
    else:
        names = sorted({name for _, name in systems})
        drawn = np.random.default_rng([seed, 2132]).uniform(WORST, BEST, len(names))
        by_name = dict(zip(names, drawn, strict=True))
        quality = {(item, name): float(by_name[name]) for item, name in systems}
    return pd.DataFrame(
        [
            (item, name, role, quality.get((item, name), ANCHOR_QUALITY.get(role, 100.0)), pk)
            for item, name, role, pk in stimuli
        ],
        columns=["item", "condition", "role", "quality", "stimulus"],
    )


def _followed_qualities(
    campaign: Campaign, systems: list[tuple[str, str]]
) -> dict[tuple[str, str], float]:
    """Latent qualities of the systems, by item and condition, that follow the metric."""
    scores = scores_frame(campaign).query("metric == @FOLLOWED_METRIC and status == 'ok'")
    values = scores.set_index(["item", "condition"])["value"].to_dict()
    if lacking := [f"{item} · {name}" for item, name in systems if (item, name) not in values]:
        raise ValueError(
            f"expected every system to be scored by {FOLLOWED_METRIC}, found none for {lacking[0]}"
        )
    latent = quality_from_scores(
        [values[pair] for pair in systems], direction="lower", worst=WORST, best=BEST
    )
    return dict(zip(systems, map(float, latent), strict=True))


def _mushra_answers(given: pd.DataFrame) -> Answers:
    ratings = given.set_index(["item", "condition"])["rating"].to_dict()

    def answers(page: Page, slots: list[Slot]) -> Iterator[dict[str, Any]]:
        assert page.trial is not None
        for slot in slots:
            if slot.stimulus:
                value = ratings[page.trial.item, slot.stimulus.condition.name]
                yield {"slot": str(slot.token), "value": int(value)}

    return answers
