"""From sounds that wait (listening/intake.py) and a table (listening/pairing.py) to a draft."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.utils.text import slugify

from listening import intake as intakes
from listening import pairing, templating
from listening.composing import TAKEN, compose_all
from listening.exchange import campaign_document
from listening.exchange.campaign_document import HASH_PREFIX, MADE
from listening.exchange.documents import Document
from listening.exchange.template_file import CAMPAIGN, Answer
from listening.intake import Intake
from listening.measuring import channel_seconds
from listening.methods import methods
from listening.models import Campaign, Template
from listening.pairing import Table
from listening.sound_library import Progress
from models_registry.models import Signal
from models_registry.teams import Project

INPUT = "input"
# seconds of one channel that are read, measured and stored in about two seconds
QUICK_S = 240.0


def described_methods() -> list[tuple[str, str, str]]:
    """Every method's name, title and what it is in a line: the first of its file."""
    found = []
    for name, method in methods().items():
        about = (sys.modules[type(method).__module__].__doc__ or "").splitlines()[0]
        found.append((name, method.title, about.split(": ", 1)[-1]))
    return found


def free_slug(title: str) -> str:
    """A name for addresses that follows from a title and that no campaign has."""
    base = slugify(title)[:70] or "campaign"
    slug, number = base, 1
    while slug in TAKEN or Campaign.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{base}-{number}"
    return slug


def laid_out(intake: Intake, pattern: str) -> Table:
    """The table of what waits: by a pattern of names, or of renderings by version; raises `PairingError`."""
    if not intake.versions:
        return pairing.table([sound.name for sound in intake.sounds], pattern)
    inputs = {one.sha256: one for one in Signal.objects.filter(sha256__in=intake.inputs)}
    titles = [inputs[sha256].title for sha256 in intake.inputs]
    items = {
        sha256: title if titles.count(title) == 1 else f"{title} ({sha256[:8]})"
        for sha256, title in zip(intake.inputs, titles, strict=True)
    }
    made = intakes.outputs(intake)
    cells = {(items[sha256], INPUT): f"sha256:{sha256}" for sha256 in intake.inputs}
    cells |= {
        (items[sha256], version): f"sha256:{rendering.output.sha256}"
        for (version, sha256), rendering in made.items()
    }
    return Table(list(items.values()), [INPUT, *intake.versions], cells)


def template_of(intake: Intake) -> Template | None:
    """The template of its settings, where one was chosen."""
    return Template.objects.filter(pk=intake.template).first() if intake.template else None


@dataclass(frozen=True)
class Choices:
    """What was chosen at the table: how names are read, what conditions are, which anchors are made, and what the
    template of its settings asked (by path)."""

    pattern: str
    roles: dict[str, str]
    made: list[str]
    damaged: dict[str, float]
    whole_items_only: bool
    answers: dict[str, Answer] = field(default_factory=dict)


def described(intake: Intake, choices: Choices) -> Document:
    """The campaign that `draft` is to make; raises `PairingError` or `ExchangeError`."""
    template = template_of(intake)
    settings = templating.answered(template, CAMPAIGN, choices.answers) if template else {}
    data = settings | pairing.document(
        laid_out(intake, choices.pattern),
        slug=intake.slug,
        title=intake.title,
        method=intake.method,
        roles=choices.roles,
        made=choices.made,
        damaged=choices.damaged,
        versions={version: version for version in intake.versions},
        whole_items_only=choices.whole_items_only,
    )
    if intake.method == "mushra":
        kept = {one["role"] for one in data["conditions"]}
        anchors = [one for one in ("anchor35", "anchor70") if one in kept]
        if len(anchors) < 2:
            data["options"] = {**data.get("options", {}), "anchors": anchors}
    return Document(intake.title, campaign_document.checked(data, name=intake.title))


def drafts(
    intake: Intake,
    documents: list[Document],
    *,
    owner: User,
    project: Project,
    progress: Progress = lambda share, message: None,
) -> list[Campaign]:
    """Make the drafts, all or none, of what waits, and let go of it.

    What `progress` raises ends it. Raises `DocumentError` or `CampaignError`.
    """
    actor = owner.get_username()
    origin = "from the import folder" if intake.folder else "uploaded"
    campaigns = compose_all(
        documents,
        audio_folder=intake.root if intake.sounds else None,
        owner=owner,
        project=project,
        actor=actor,
        origin=f"{origin} by {actor}" if intake.sounds else "",
        progress=progress,
    )
    intake.discard()
    return campaigns


def is_long(intake: Intake, documents: list[Document]) -> bool:
    """Whether a draft is made by a job rather than while somebody waits for the page."""
    lengths = {one.name: one.seconds * one.channels for one in intake.sounds}
    items = [item for document in documents for item in document.data["items"]]
    named = {name for item in items for name in item.get("stimuli", {}).values()}
    named |= {item["reference"] for item in items if "reference" in item}
    hashes = {one.removeprefix(HASH_PREFIX) for one in named if one.startswith(HASH_PREFIX)}
    heard = channel_seconds(list(Signal.objects.filter(sha256__in=hashes)))
    # what is made of a reference takes as long again
    of_item = sum(
        sum(bool(one.get("made") or one.get("role") in MADE) for one in document.data["conditions"])
        for document in documents
    )
    mean = (heard + sum(lengths.values())) / max(len(named), 1)
    return heard + sum(lengths.values()) + mean * of_item * len(items) > QUICK_S
