"""Campaigns from documents and back: what the command line, the editor and the API make and show is one description.

A document (listening/exchange/campaign_document.py) names every sound by its file or by the hash of a stored signal.
Composing reads and checks everything first, and then stores everything or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from listening.document_settings import setting_problems, settings_of
from listening.exchange.campaign_document import FORMAT, HASH_PREFIX, Data, dump
from listening.exchange.documents import Document
from listening.models import Campaign, Condition, Stimulus, Trial
from listening.models.campaign import CampaignError
from listening.sound_library import Library, Problems, Progress, Sound
from models_registry import audio, audit, standing
from models_registry.models import ModelVersion, Signal
from models_registry.staging import Stage, Staged
from models_registry.teams import Person, Project

# what stands in an address where a campaign's name does
TAKEN = ("import", "new", "restore")
# as the exported sounds' files are named where the item's and the condition's names allow
SOUND_FILE = "{item:03d}-{condition:03d}.wav"


def compose(document: Document, **options: Any) -> Campaign:
    """Make the draft that `document` describes; the options and errors are those of `compose_all`."""
    return compose_all([document], **options)[0]


def compose_all(
    documents: list[Document],
    *,
    audio_folder: Path | None = None,
    owner: User | None = None,
    project: Project,
    actor: str,
    origin: str = "",
    launch: bool = False,
    progress: Progress = lambda share, message: None,
) -> list[Campaign]:
    """Make the drafts that `documents` describe, all or none, of what `owner` may know of (none: of anything).

    With `launch` they are open at once. With an `origin`, such as "uploaded by alice", the sounds of the files that
    they name are the project's and in the record. What `progress` raises ends it, and nothing is stored.

    Raises `DocumentError` with every sound, version, option or part that is not as it should be, and
    `CampaignError` for a slug that is taken.
    """
    for document in documents:
        _check_free(document.data["slug"])
    with Stage() as stage:
        made = []
        for place, document in enumerate(documents):
            library = Library(audio_folder, owner, None, stage=stage, origin=origin)
            begun = place / len(documents)
            found = _checked(document, library, _part(progress, begun, 1 / len(documents)))
            made.append((document.data, *found))
        with stage.together():
            campaigns = [
                _stored(data, versions, sounds, stage, owner=owner, project=project, actor=actor)
                for data, versions, sounds in made
            ]
            if origin:
                read = (one for _, _, items in made for item in items for one in item.values())
                _receive(read, origin, project=project, actor=actor)
            for campaign in campaigns if launch else []:
                campaign.launch(actor=actor)
            progress(1.0, "stored")
    return campaigns


def _check_free(slug: str) -> None:
    if slug in TAKEN or Campaign.objects.filter(slug=slug).exists():
        raise CampaignError(f"expected a new campaign, found that {slug!r} exists already")


def _part(progress: Progress, begun: float, share: float) -> Progress:
    """`progress` of a part that begins at `begun` and is `share` of the whole."""
    return lambda done, message: progress(begun + share * done, message)


def _stored(
    data: Data,
    versions: dict[str, ModelVersion],
    sounds: list[dict[str, Sound]],
    stage: Stage,
    *,
    owner: User | None,
    project: Project,
    actor: str,
) -> Campaign:
    # somebody else may have taken the name while the sounds were read
    _check_free(data["slug"])
    _admit(versions, data["slug"])
    campaign = Campaign.objects.create(
        slug=data["slug"], owner=owner, project=project, **settings_of(data)
    )
    _fill(campaign, data, versions, sounds, stage)
    audit.record("build", campaign, actor=actor, content=campaign.fingerprint())
    return campaign


def _receive(sounds: Iterable[Sound], origin: str, *, project: Project, actor: str) -> None:
    """Give the project by themselves the sounds that came from files: they stay when a draft goes."""
    came = [one for one in sounds if isinstance(one, Staged) and f", {origin}" in one.provenance]
    sent = list(dict.fromkeys(one.sha256 for one in came))
    project.signals.add(*Signal.objects.filter(sha256__in=sent))
    what, content = f"{len(sent)} sound(s)", {"signals": sent}
    audit.record("upload", what, actor=actor, content=content, project=project)


def replace(
    campaign: Campaign, document: Document, *, started_from: str, person: Person, actor: str
) -> None:
    """Give a draft the content that `document` describes, of what `person` may know of, wholly or not at all.

    `started_from` is the `content_hash` of what the editor began with. Raises `DocumentError` as `compose` does,
    `ChangedMeanwhile` where somebody else changed the draft, and `CampaignError` for what is no draft.
    """
    data = document.data
    if data["slug"] != campaign.slug:
        raise document.error([(("slug",), f"expected {campaign.slug!r}, found {data['slug']!r}")])
    with Stage() as stage:
        library = Library(None, person, campaign, stage=stage)
        versions, sounds = _checked(document, library, campaign=campaign)
        with stage.together():
            _put(campaign, data, versions, sounds, stage, started_from=started_from, actor=actor)


def _put(
    campaign: Campaign,
    data: Data,
    versions: dict[str, ModelVersion],
    sounds: list[dict[str, Sound]],
    stage: Stage,
    *,
    started_from: str,
    actor: str,
) -> None:
    held = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if held.state != Campaign.State.DRAFT:
        raise CampaignError(f"{held.slug}: expected a draft to change, found it {held.state}")
    before = describe(held)
    if _hash_of(before) != started_from:
        raise ChangedMeanwhile(
            f"{held.slug}: expected the draft as it was when you began, found it changed meanwhile"
        )
    _admit(_entering(held, versions), held.slug)
    Campaign.objects.filter(pk=held.pk).update(**settings_of(data))
    if any(before[part] != data[part] for part in ("conditions", "items")):
        held.trials.all().delete()
        held.conditions.all().delete()
        _fill(held, data, versions, sounds, stage)
    campaign.refresh_from_db()
    audit.record("edit", campaign, actor=actor, content=campaign.fingerprint())


class ChangedMeanwhile(CampaignError):
    """A draft that is no longer what its editor began with."""


def content_hash(campaign: Campaign) -> str:
    """What tells one content of a campaign from another: SHA-256 (hex) of its document."""
    return _hash_of(describe(campaign))


def _hash_of(data: Data) -> str:
    return sha256(dump(data, form="json").encode()).hexdigest()


def _checked(
    document: Document,
    library: Library,
    progress: Progress = lambda share, message: None,
    *,
    campaign: Campaign | None = None,
) -> tuple[dict[str, ModelVersion], list[dict[str, Sound]]]:
    """The versions and the sounds of a document in which nothing is wrong."""
    problems = setting_problems(document.data)
    if not problems:
        problems += [(("plan",), what) for what in library.lacks(document.data.get("plan", []))]
    versions = _versions(document.data, library, problems)
    entering = _entering(campaign, versions) if campaign else versions
    for place, condition in enumerate(document.data["conditions"]):
        version = entering.get(condition["name"])
        if version and (why := standing.refusal(version, campaign=document.data["slug"])):
            problems.append(
                (("conditions", place, "version"), f"expected no barred version: {why}")
            )
    sounds = library.sounds_of(document.data, problems, progress)
    if problems:
        raise document.error(problems)
    return versions, sounds


def _entering(campaign: Campaign, versions: dict[str, ModelVersion]) -> dict[str, ModelVersion]:
    """Those that the campaign does not hold already; whether it may open with them is asked at its launch."""
    held = set(campaign.conditions.values_list("version", flat=True))
    return {name: version for name, version in versions.items() if version.pk not in held}


def _admit(versions: dict[str, ModelVersion], slug: str) -> None:
    try:
        standing.admit(versions.values(), campaign=slug)
    except standing.StandingError as error:
        raise CampaignError(f"{slug}: {error}") from error


def _fill(
    campaign: Campaign,
    data: Data,
    versions: dict[str, ModelVersion],
    sounds: list[dict[str, Sound]],
    stage: Stage,
) -> None:
    conditions = {
        one["name"]: Condition.objects.create(
            campaign=campaign,
            name=one["name"],
            role=one.get("role", Condition.Role.SYSTEM),
            version=versions.get(one["name"]),
            made=one.get("made", {}),
        )
        for one in data["conditions"]
    }
    for number, (item, of_item) in enumerate(zip(data["items"], sounds, strict=True), start=1):
        _trial(campaign, conditions, number, item["title"], of_item, stage)


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _trial(
    campaign: Campaign,
    conditions: dict[str, Condition],
    number: int,
    title: str,
    sounds: dict[str, Sound],
    stage: Stage,
) -> None:
    """Store one item's sounds; the open reference is the one under the empty name."""
    signals = {
        name: sound
        if isinstance(sound, Signal)
        else stage.store(sound, title=f"{title} · {name or 'reference'}")
        for name, sound in sounds.items()
    }
    trial = Trial.objects.create(
        campaign=campaign, number=number, item=title, reference=signals.pop("", None)
    )
    Stimulus.objects.bulk_create(
        Stimulus(trial=trial, condition=condition, signal=signals[name])
        for name, condition in conditions.items()
        if name in signals
    )


def _versions(data: Data, library: Library, problems: Problems) -> dict[str, ModelVersion]:
    versions = {}
    for place, condition in enumerate(data["conditions"]):
        if "version" in condition:
            try:
                versions[condition["name"]] = library.versions.named(condition["version"])
            except ModelVersion.DoesNotExist as error:
                problems.append((("conditions", place, "version"), str(error)))
    return versions


# what a campaign is


def describe(campaign: Campaign) -> Data:
    """`campaign` as the data of a document that `compose` makes the same campaign of."""
    conditions = list(campaign.conditions.select_related("version__model"))
    trials = campaign.trials.select_related("reference").prefetch_related(
        "stimuli__signal", "stimuli__condition"
    )
    data: Data = {
        "format": FORMAT,
        "slug": campaign.slug,
        "title": campaign.title,
        "method": campaign.method,
        "options": campaign.options,
        "screening": str(campaign.screening),
        "repetitions": campaign.repetitions,
        "seed": campaign.seed,
        "quota": campaign.quota,
        "invited_only": campaign.invited_only or None,
        "retain_until": campaign.retain_until and campaign.retain_until.isoformat(),
        "instructions": campaign.instructions,
        "language": campaign.language,
        "plan": campaign.plan,
        "design": campaign.design,
        "groups": campaign.groups,
        "translations": campaign.translations,
        "opens": _written(campaign.opens_at),
        "closes": _written(campaign.closes_at),
        "once_per_browser": campaign.once_per_browser or None,
        "collect": campaign.collect_as,
        "conditions": [_condition(condition) for condition in conditions],
        "items": [_item(trial) for trial in trials],
    }
    return {key: value for key, value in data.items() if value not in (None, "", {})}


def _condition(condition: Condition) -> Data:
    version = {"version": str(condition.version)} if condition.version else {}
    made = {"made": condition.made} if condition.made else {}
    return {"name": condition.name, "role": str(condition.role), **version, **made}


def _item(trial: Trial) -> Data:
    reference = {"reference": _hash(trial.reference)} if trial.reference else {}
    stimuli = {
        stimulus.condition.name: _hash(stimulus.signal)
        for stimulus in trial.stimuli.all()
        if stimulus.signal
    }
    return {"title": trial.item, **reference, "stimuli": stimuli}


def _hash(signal: Signal) -> str:
    return f"{HASH_PREFIX}{signal.sha256}"


def with_files(data: Data, folder: Path) -> Data:
    """`data` with files instead of hashes, which are written to `folder`."""
    names: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)

    def written(source: str, name: str) -> str:
        if source not in names:
            signal = Signal.objects.get(sha256=source.removeprefix(HASH_PREFIX))
            audio.write(folder / name, signal.audio())
            names[source] = name
        return names[source]

    order = {one["name"]: place for place, one in enumerate(data["conditions"], start=1)}
    items = []
    for number, item in enumerate(data["items"], start=1):
        copy = dict(item)
        if "reference" in item:
            copy["reference"] = written(item["reference"], f"{number:03d}-reference.wav")
        copy["stimuli"] = {
            name: written(source, SOUND_FILE.format(item=number, condition=order[name]))
            for name, source in item["stimuli"].items()
        }
        items.append(copy)
    return {**data, "items": items}
