"""Store ratings that were collected elsewhere as a closed campaign, beside the recordings that were rated."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.timezone import now

from listening.exchange import tidy
from listening.models import (
    Campaign,
    Condition,
    Listener,
    Page,
    Rating,
    Response,
    Session,
    Stimulus,
    Trial,
)
from listening.models.campaign import CampaignError
from models_registry import audio, audit
from models_registry.audio import Audio, AudioError
from models_registry.models import Signal
from models_registry.teams import Project

Sounds = dict[str, Audio]
# one rating as a mapping, with the columns of the tidy frame and `file`
Row = dict[str, Any]


def import_ratings(
    path: Path,
    slug: str,
    *,
    audio_folder: Path | None = None,
    roles: Mapping[str, str] | None = None,
    simulated: bool = False,
    owner: User | None = None,
    project: Project | None = None,
    actor: str,
    progress: Callable[[float, str], None] = lambda share, message: None,
) -> Campaign:
    """Read the file and all recordings, then store everything or nothing; returns the closed campaign.

    It belongs to `project`, or to the operator's where none is named.

    `roles` declares what conditions are, where their names do not say it.

    Raises `CampaignError` for a slug that is taken, and the errors of `listening.exchange` and
    `models_registry.audio` for a file or a recording that cannot be used.
    """
    if Campaign.objects.filter(slug=slug).exists():
        raise CampaignError(f"expected a new campaign, found that {slug!r} exists already")
    imported = tidy.mushra(path, roles=roles or {}, campaign=slug)
    rows = [{str(k): v for k, v in row.items()} for row in imported.ratings.to_dict("records")]
    sounds = _sounds(rows, audio_folder, progress) if audio_folder else {}
    with transaction.atomic():
        campaign = Campaign.objects.create(
            slug=slug,
            title=f"Ratings from {path.name}",
            method="mushra",
            state=Campaign.State.CLOSED,
            source=f"{path.name}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}",
            owner=owner,
            project=project or Project.objects.operators(),
            closed_at=now(),
        )
        stimuli = _stimuli(campaign, rows, imported.roles, sounds)
        _sessions(campaign, rows, stimuli, simulated=simulated)
        audit.record(
            "import",
            campaign,
            actor=actor,
            content={
                "source": campaign.source,
                "ratings": len(rows),
                "roles": dict(imported.roles),
                "notes": list(imported.notes),
                "simulated": simulated,
                **campaign.fingerprint(),
            },
        )
    return campaign


def _sounds(rows: list[Row], folder: Path, progress: Callable[[float, str], None]) -> Sounds:
    """The recordings that the ratings name, by the name in the file; another suffix of the same stem will do."""
    if not folder.is_dir():
        raise AudioError(f"{folder}: expected a folder of recordings, found none")
    names = sorted({row["file"] for row in rows} - {""})
    if not names:
        raise AudioError("expected a column that names the rated files, found none to look for")
    sounds = {}
    for count, name in enumerate(names, start=1):
        sounds[name] = audio.read(_found(folder, name), name=name)
        progress(count / len(names), "reading recordings")
    return sounds


def _found(folder: Path, name: str) -> Path:
    exact = folder / name
    if not exact.resolve().is_relative_to(folder.resolve()):
        raise AudioError(f"{name}: expected a file inside {folder}, found a path that leaves it")
    if exact.is_file():
        return exact
    same_stem = sorted(exact.parent.glob(f"{exact.stem}.*"))
    if len(same_stem) != 1:
        found = "none" if not same_stem else ", ".join(path.name for path in same_stem)
        raise AudioError(
            f"{name}: expected it in {folder} (or one file of that stem), found {found}"
        )
    return same_stem[0]


def _stimuli(
    campaign: Campaign, rows: list[Row], roles: Mapping[str, str], sounds: Sounds
) -> dict[tuple[str, str], Stimulus]:
    conditions = {
        name: Condition.objects.create(campaign=campaign, name=name, role=role)
        for name, role in roles.items()
    }
    files: dict[str, dict[str, str]] = {}
    for row in rows:
        files.setdefault(row["item"], {})[row["condition"]] = row["file"]
    stimuli = {}
    for number, (item, of_item) in enumerate(files.items(), start=1):
        signals = {
            name: Signal.objects.store(
                sounds[file],
                title=f"{item} · {name}",
                provenance=f"{file}, imported with {campaign.source}",
            )
            for name, file in of_item.items()
            if file in sounds
        }
        reference = next((name for name in of_item if roles[name] == "reference"), "")
        trial = Trial.objects.create(
            campaign=campaign, number=number, item=item, reference=signals.get(reference)
        )
        for name in of_item:
            stimuli[item, name] = Stimulus.objects.create(
                trial=trial, condition=conditions[name], signal=signals.get(name)
            )
    return stimuli


def _sessions(
    campaign: Campaign,
    rows: list[Row],
    stimuli: dict[tuple[str, str], Stimulus],
    *,
    simulated: bool,
) -> None:
    frozen_now = now()
    responses: list[Response] = []
    ratings: list[Rating] = []
    by_page = sorted(rows, key=lambda row: (row["listener"], row["trial"]))
    for code, of_listener in groupby(by_page, key=lambda row: row["listener"]):
        listener = Listener.objects.create(campaign=campaign, code=code, simulated=simulated)
        session = Session.objects.create(
            listener=listener, campaign=campaign, seed=0, finished_at=frozen_now
        )
        for number, of_page in groupby(of_listener, key=lambda row: row["trial"]):
            given = list(of_page)
            page = Page.objects.create(
                session=session,
                trial=stimuli[given[0]["item"], given[0]["condition"]].trial,
                number=number,
                finished_at=frozen_now,
            )
            body = {"imported": {row["condition"]: row["rating"] for row in given}}
            response = Response(id=uuid.uuid4(), page=page, body=body)
            responses.append(response)
            ratings += [
                Rating(
                    response=response,
                    page=page,
                    stimulus=stimuli[row["item"], row["condition"]],
                    value=row["rating"],
                    detail={"rated_at": row["rated_at"]},
                )
                for row in given
            ]
    Response.objects.bulk_create(responses, batch_size=500)
    Rating.objects.bulk_create(ratings, batch_size=500)
