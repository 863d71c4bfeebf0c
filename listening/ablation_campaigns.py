"""A listening test made of an ablation, and what listeners said of each part.

A draft plays the whole model and the model without each of the parts, on the clips that the ablation was made on. Where
it is known what should have come out, that is the reference; else the whole model's output is. Levels stay as they are:
what a part does to the level is part of what it does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import pandas as pd
from django.contrib.auth.models import User
from django.db import transaction

from listening import making
from listening.ablating import material, sound_of
from listening.analysis import parts_heard
from listening.analysis.frames import AnalysisError
from listening.analysis.screening import TITLES
from listening.building import LOW_ANCHOR, MID_ANCHOR
from listening.composing import compose
from listening.computed import analysis_of, ratings_of
from listening.exchange import campaign_document
from listening.exchange.campaign_document import FORMAT, HASH_PREFIX, Data
from listening.exchange.documents import Document
from listening.methods.mushra import MAX_SIGNALS
from listening.models import Campaign, StudyCampaign
from models_registry import jobs
from models_registry.extra import engine
from models_registry.models import Job, Signal, Study
from models_registry.studying import Found, StudyError, Told, chain_of, sounds_of

# what a test by each method asks of the parts
METHODS = {
    "mushra": "MUSHRA: how good, beside the reference, is the whole model and the model without each part",
    "preference": "AB preference: the whole model or the model without a part",
    "abx": "ABX: can the whole model be told from the model without one part",
}
WHOLE, REFERENCE = "whole", "reference"
TITLE = "Which sounds better?"
# a MUSHRA of so many pages takes a quarter of an hour
USUAL_ITEMS = 4
# 12 right of 16 are not guessed (p 0.04)
ANSWERS = 16


@dataclass(frozen=True)
class Reading:
    """How the ratings by a method are read part by part: what a value means, and, short, on an axis; `graded`: its 0
    is no difference, where that of the others is a half."""

    tell: Callable[[pd.DataFrame, str, Mapping[str, str]], list[parts_heard.Said]]
    meaning: str
    axis: str
    graded: bool = False


READINGS = {
    "mushra": Reading(
        parts_heard.grades,
        "points that the whole was graded above the whole without it (0: alike)",
        "whole less without it (points)",
        graded=True,
    ),
    "preference": Reading(
        parts_heard.preferences,
        "share of the decided choices that went to the whole (0.5: as often as not)",
        "whole preferred (share of choices)",
    ),
    "abx": Reading(
        parts_heard.told_apart,
        "share of right answers to which of the two was heard (0.5: guessed)",
        "told apart (share of answers)",
    ),
}


@dataclass(frozen=True)
class Asked:
    """By which method, without which parts one at a time, on which clips (numbers from 1)."""

    method: str
    parts: tuple[str, ...]
    items: tuple[int, ...]


def parts_that_matter(found: Found) -> list[str]:
    """The parts of an ablation's answer without which something changes, in the order of their shares."""
    matter = {
        row["parts"][0]
        for row in found["effects"]
        if row["treatment"] == "removed"
        and len(row["parts"]) == 1
        and row["difference_db"] is not None
    }
    return [share["part"] for share in found["shares"] if share["part"] in matter]


def asked_of(
    found: Found, method: str, parts: Sequence[str] = (), items: Sequence[int] = ()
) -> Asked:
    """What is asked, with what is usual where nothing is said; raises `StudyError` for what does not go together."""
    if method not in METHODS:
        raise StudyError(f"expected a method of {', '.join(METHODS)}, found {method!r}")
    clips = found.get("clips")
    if clips is None:
        raise StudyError(
            "expected an ablation that says its clips, found one made before campaigns were: ask it again"
        )
    matter = parts_that_matter(found)
    if unknown := [part for part in parts if part not in matter]:
        raise StudyError(
            f"expected parts without which something changes ({', '.join(matter) or 'none'}), "
            f"found {', '.join(unknown)}"
        )
    chosen = list(parts) or (matter[:1] if method == "abx" else matter)
    if not chosen:
        raise StudyError(
            "expected a part without which something changes, found none: there is nothing to hear"
        )
    if method == "abx" and len(chosen) != 1:
        raise StudyError(f"expected one part for an ABX, found {len(chosen)}: choose one")
    if unknown_items := [one for one in items if not 1 <= one <= len(clips)]:
        raise StudyError(
            f"expected clips from 1 to {len(clips)}, found {', '.join(map(str, unknown_items))}"
        )
    usual = range(1, min(USUAL_ITEMS, len(clips)) + 1)
    return Asked(method, tuple(chosen), tuple(dict.fromkeys(items or usual)))


def queue(study: Study, asked: Asked, *, owner: User) -> Job:
    """Have a worker make the draft."""
    arguments = {
        "study": study.pk,
        "method": asked.method,
        "parts": list(asked.parts),
        "items": list(asked.items),
        "owner": owner.pk,
        "actor": owner.get_username(),
    }
    return jobs.enqueue("ablation-campaign", arguments, project=study.project)


def draft(study: Study, asked: Asked, *, owner: User | None, actor: str, told: Told) -> Campaign:
    """Make the draft that is asked for, wholly or not at all.

    Raises `StudyError`, `AudioError`, `EngineError`, `DocumentError`, `CampaignError`.
    """
    sounds = _sounds(study, asked, told)
    with transaction.atomic():
        version = study.version
        slug = making.free_slug(f"{version.model.name}-{version.number}-parts")
        data = _document(study, asked, slug, [_stored(study, of_item) for of_item in sounds])
        document = Document(slug, campaign_document.checked(data, name=slug))
        campaign = compose(document, owner=owner, actor=actor, project=study.project)
        StudyCampaign.objects.create(study=study, campaign=campaign)
    return campaign


def _sounds(study: Study, asked: Asked, told: Told) -> list[Found]:
    """For each clip its title, and its sounds by name: whole, without each part, the reference if there is one."""
    ablation, chain = engine().ablation, chain_of(study.version).double()
    clips, _, _ = material(study.version, sounds_of(study.settings["signals"]))
    if len(clips) != len(study.result["clips"]):
        raise StudyError(
            f"expected the {len(study.result['clips'])} clips of the ablation, found {len(clips)}: ask it again"
        )
    treatments: list[tuple[str, dict[str, str]]] = [(WHOLE, {})]
    treatments += [(without(part), {part: ablation.REMOVED}) for part in asked.parts]
    found = []
    for place, number in enumerate(asked.items):
        told(place / len(asked.items), f"rendering clip {number}")
        clip = clips[number - 1]
        sounds: Found = {"title": f"{study.result['clips'][number - 1]['title'][:190]} {number}"}
        for name, treated in treatments:
            with ablation.ablated(chain, treated):
                (output,) = ablation.outputs(chain, [clip])
            sounds[name] = sound_of(output, chain.rate)
        if clip.target is not None:
            sounds[REFERENCE] = sound_of(clip.target, chain.rate)
        found.append(sounds)
    return found


def without(part: str) -> str:
    """What a condition is called that lacks `part`."""
    return f"without {part}"


def _stored(study: Study, sounds: Found) -> Data:
    """The hashes of an item's sounds, by name, stored and given to the project; and its title."""
    title, version = sounds["title"], study.version
    kept = {
        name: Signal.objects.store(
            sound,
            title=f"{title} · {name}",
            provenance=f"made of {study} ({version.sha256}): {name}",
        )
        for name, sound in sounds.items()
        if name != "title"
    }
    study.project.signals.add(*kept.values())
    return {"title": title} | {
        name: f"{HASH_PREFIX}{signal.sha256}" for name, signal in kept.items()
    }


def _document(study: Study, asked: Asked, slug: str, items: list[Data]) -> Data:
    known = all(REFERENCE in item for item in items)
    whole: Data = {"name": WHOLE, "version": str(study.version)}
    systems: list[Data] = [{"name": without(part)} for part in asked.parts]
    against = REFERENCE if known else WHOLE
    data: Data = {"format": FORMAT, "slug": slug, "title": TITLE, "method": asked.method}
    if asked.method == "mushra":
        anchors = [
            {"name": LOW_ANCHOR, "role": "anchor35"},
            {"name": MID_ANCHOR, "role": "anchor70"},
        ]
        if known:
            systems = [{"name": REFERENCE, "role": "reference"}, *anchors, whole, *systems]
        else:
            systems = [{**whole, "role": "reference"}, *anchors, *systems]
        if len(systems) > MAX_SIGNALS:
            data["options"] = {"blocked": True}
    elif asked.method == "preference":
        systems = [whole, *systems]
        data["options"] = {
            "pairs": [[WHOLE, without(part)] for part in asked.parts],
            "reference": known,
        }
    else:
        systems = [{**whole, "role": "reference"}, *systems]
        data["repetitions"] = math.ceil(ANSWERS / len(items))
    opened = asked.method == "mushra" or (asked.method == "preference" and known)
    # what is beside the stimuli: a MUSHRA's hidden reference is made of the open one
    aside = {"title", REFERENCE} | ({against} if asked.method == "mushra" else set())
    return data | {
        "conditions": systems,
        "items": [
            {
                "title": item["title"],
                **({"reference": item[against]} if opened else {}),
                "stimuli": {name: sound for name, sound in item.items() if name not in aside},
            }
            for item in items
        ],
    }


# what listeners said


def ratings(study: Study) -> list[Found]:
    """What listeners said in each of the campaigns that were made of `study`, the newest first."""
    origins = study.campaigns.select_related("campaign").order_by("-pk")
    return [_said(study, one.campaign) for one in origins]


def _said(study: Study, campaign: Campaign) -> Found:
    reading = READINGS.get(campaign.method)
    found: Found = {
        "campaign": campaign.slug,
        "method": campaign.protocol.title,
        "state": campaign.state,
        "meaning": reading.meaning if reading else "",
        "axis": reading.axis if reading else "",
        "graded": bool(reading and reading.graded),
        "listeners": 0,
        "simulated": 0,
        "left_out": 0,
        "screening": "",
        "parts": [],
        "problem": "",
    }
    analysis, problem = analysis_of(campaign)
    names = set(campaign.conditions.values_list("name", flat=True))
    parts = {
        share["part"]: without(share["part"])
        for share in study.result["shares"]
        if without(share["part"]) in names
    }
    if analysis is None or reading is None:
        return found | {"problem": problem or "its method was changed to another"}
    if WHOLE not in names or not parts:
        return found | {"problem": "its conditions were renamed, so that no part is known of them"}
    kept = analysis.screening.keep(ratings_of(campaign))
    people = kept.groupby("listener", observed=True)["simulated"].first()
    try:
        said = reading.tell(kept, WHOLE, parts)
    except AnalysisError as error:
        return found | {"problem": f"No analysis: {error}."}
    return found | {
        "listeners": len(people),
        "simulated": int(cast(Any, people).sum()),
        "left_out": len(analysis.screening.excluded),
        "screening": TITLES[analysis.screening.rule],
        "parts": [asdict(one) for one in said],
    }
