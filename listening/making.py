"""From sounds that wait (listening/intake.py) and a table (listening/pairing.py) to a draft."""

from __future__ import annotations

import sys

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify

from listening import intake as intakes
from listening import pairing
from listening.composing import TAKEN, compose
from listening.exchange import campaign_document
from listening.exchange.documents import Document
from listening.intake import Intake
from listening.methods import methods
from listening.models import Campaign
from listening.pairing import Table
from models_registry import audio, audit
from models_registry.models import Signal
from models_registry.teams import Project

INPUT = "input"


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


def draft(
    intake: Intake,
    pattern: str,
    *,
    roles: dict[str, str],
    made: list[str],
    damaged: dict[str, float],
    whole_items_only: bool,
    owner: User,
    project: Project,
) -> Campaign:
    """Make the draft, wholly or not at all, and let go of what waited.

    Raises `PairingError`, `AudioError`, `DocumentError` or `CampaignError`.
    """
    data = pairing.document(
        laid_out(intake, pattern),
        slug=intake.slug,
        title=intake.title,
        method=intake.method,
        roles=roles,
        made=made,
        damaged=damaged,
        versions={version: version for version in intake.versions},
        whole_items_only=whole_items_only,
    )
    if intake.method == "mushra":
        kept = {one["role"] for one in data["conditions"]}
        anchors = [one for one in ("anchor35", "anchor70") if one in kept]
        if len(anchors) < 2:
            data["options"] = {"anchors": anchors}
    actor = owner.get_username()
    with transaction.atomic():
        if intake.sounds:
            _keep(intake, data, actor=actor, project=project)
        checked = campaign_document.checked(data, name=intake.title)
        document = Document(intake.title, checked)
        campaign = compose(document, owner=owner, actor=actor, project=project)
    intake.discard()
    return campaign


def _keep(intake: Intake, data: campaign_document.Data, *, actor: str, project: Project) -> None:
    """Store the sounds that `data` names by file, one at a time, and name them by their hashes."""
    origin = "from the import folder" if intake.folder else "uploaded"
    sent = []
    for item in data["items"]:
        stored = {}
        for condition, name in item["stimuli"].items():
            signal = Signal.objects.store(
                audio.read(intake.root / name, name=name),
                title=f"{item['title']} · {condition}",
                provenance=f"{name}, {origin} by {actor}",
            )
            project.signals.add(signal)
            sent.append(signal.sha256)
            stored[name] = f"{campaign_document.HASH_PREFIX}{signal.sha256}"
        item["stimuli"] = {one: stored[name] for one, name in item["stimuli"].items()}
        if "reference" in item:
            item["reference"] = stored[item["reference"]]
    what, content = f"{len(sent)} sound(s)", {"signals": sent}
    audit.record("upload", what, actor=actor, content=content, project=project)
