"""Restore a campaign from a bundle (listening/bundling.py): everything or nothing.

Rows get new keys here; slug, tokens, codes, UUIDs, hashes and MODEL@NUMBER stay as they were.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, models, transaction
from django.db.models.fields.files import FieldFile

from listening import access
from listening.bundling import BATCH, TABLES
from listening.exchange.bundle_file import Bundle, reading
from listening.exchange.errors import ExchangeError
from listening.models import Campaign, Rating
from listening.models.campaign import CampaignError
from models_registry import audio, audit
from models_registry.audio import Audio
from models_registry.models import AudioModel, ModelVersion, Signal, identity_hash
from models_registry.teams import Project

Row = dict[str, Any]


@dataclass(frozen=True)
class Home:
    """Whose the restored campaign is."""

    owner: User | None
    project: Project


def import_bundle(
    path: Path, *, owner: User | None = None, actor: str, project: Project | None = None
) -> Campaign:
    """Restore the campaign into `project` (none: the operator's).

    Raises `ExchangeError` for a bundle that is not whole, and `CampaignError` for a slug that is taken.
    """
    with reading(path) as bundle:
        bundle.verify()
        slug = str(bundle.manifest.get("campaign"))
        if Campaign.objects.filter(slug=slug).exists():
            raise CampaignError(f"expected a new campaign, found that {slug!r} exists already")
        made: list[FieldFile] = []
        try:
            with transaction.atomic():
                home = project or Project.objects.operators()
                campaign = _restored(bundle, made, Home(owner, home))
                if campaign.slug != slug:
                    raise ExchangeError(f"expected the campaign {slug!r}, found {campaign.slug!r}")
                content = {
                    "bundle": path.name,
                    "record": str(bundle.manifest.get("record")),
                    **audit.fingerprint(path),
                    **_brought(campaign),
                }
                audit.record("restore", campaign, actor=actor, content=content)
        except BaseException as error:
            for file in made:
                file.delete(save=False)
            if isinstance(error, IntegrityError):
                raise ExchangeError(
                    f"{path.name}: expected sessions that are not here yet, found some that are: {error}"
                ) from error
            if isinstance(error, KeyError | TypeError | AttributeError | RecursionError):
                raise ExchangeError(
                    f"{path.name}: expected a campaign's rows, found others: {error!r}"
                ) from error
            raise
    return campaign


def _brought(campaign: Campaign) -> dict[str, list[str]]:
    """The hashes of what the campaign plays and compares."""
    sounds = Signal.objects.filter(stimuli__trial__campaign=campaign).order_by("sha256")
    versions = ModelVersion.objects.filter(conditions__campaign=campaign).select_related("model")
    return {
        "signals": list(sounds.values_list("sha256", flat=True).distinct()),
        "versions": sorted({f"{one} {one.sha256}" for one in versions}),
    }


def _restored(bundle: Bundle, made: list[FieldFile], here: Home) -> Campaign:
    known: dict[type[models.Model], dict[Any, Any]] = {
        Signal: _signals(bundle, made, here.owner),
        ModelVersion: _versions(bundle, made, here.project),
    }
    campaign: Campaign | None = None
    for model, _ in TABLES:
        keys: dict[Any, Any] = {}
        known[model] = keys
        rows = list(_lines(bundle, f"rows/{model.__name__}.jsonl"))
        for wave in _waves(model, rows, keys):
            objects = [_object(model, row, known, here, bundle.name) for row in wave]
            stored = model._default_manager.bulk_create(objects, batch_size=BATCH)
            keys.update((row["id"], one.pk) for row, one in zip(wave, stored, strict=True))
            _with_their_times(model, stored, wave)
            if isinstance(stored[0], Campaign):
                campaign = stored[0]
        if model is Campaign and len(keys) != 1:
            raise ExchangeError(f"{bundle.name}: expected one campaign, found {len(keys)}")
    assert campaign
    return campaign


def _lines(bundle: Bundle, name: str) -> Iterator[Row]:
    for number, line in enumerate(bundle.read(name).decode().splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ExchangeError(f"{bundle.name}: {name}, line {number}: {error}") from error
        yield row


def _waves(model: type[models.Model], rows: list[Row], keys: dict[Any, Any]) -> Iterator[list[Row]]:
    """All rows at once; ratings that correct others after these."""
    while rows:
        ready = [
            r for r in rows if model is not Rating or r["supersedes_id"] in {None} | keys.keys()
        ]
        if not ready:
            raise ExchangeError("expected corrections of ratings that are there, found others")
        yield ready
        taken = {row["id"] for row in ready}
        rows = [row for row in rows if row["id"] not in taken]


def _object(
    model: type[models.Model],
    row: Row,
    known: dict[type[models.Model], dict[Any, Any]],
    here: Home,
    name: str,
) -> Any:
    """The row with what it points at here; its UUID stays, its number is given anew."""
    made = model()
    for field in model._meta.concrete_fields:
        if isinstance(field, models.AutoField):
            continue
        if isinstance(field, models.ForeignKey):
            if field.name in ("owner", "project"):
                value: Any = getattr(getattr(here, field.name), "pk", None)
            elif field.related_model in (Signal, ModelVersion):
                value = row[field.name] and known[field.related_model][row[field.name]].pk
            else:
                old = row[field.attname]
                value = None if old is None else known[field.related_model][old]
        elif field.attname not in row and (field.has_default() or field.blank):
            # came after the bundle was made
            value = field.get_default()
        else:
            value = _value(field, row[field.attname], f"{name}: {model.__name__} {row['id']}")
        setattr(made, field.attname, value)
    return made


def _value(field: Any, given: Any, where: str) -> Any:
    try:
        value = field.to_python(given)
        field.run_validators(value)
    except ValidationError as error:
        raise ExchangeError(f"{where}: {field.name}: {'; '.join(error.messages)}") from error
    return value


def _with_their_times(model: type[models.Model], stored: list[Any], rows: list[Row]) -> None:
    """When each was made, which storing it anew set to now."""
    fields = [f for f in model._meta.concrete_fields if getattr(f, "auto_now_add", False)]
    for one, row in zip(stored, rows, strict=True):
        for field in fields:
            setattr(one, field.attname, field.to_python(row[field.attname]))
    if fields and stored:
        model._default_manager.bulk_update(stored, [f.name for f in fields], batch_size=BATCH)


def _signals(bundle: Bundle, made: list[FieldFile], owner: User | None) -> dict[str, Signal]:
    """The bundle's sounds; a hash alone stands only for what its owner may hear."""
    found = {}
    known = access.signals(owner)
    for name in bundle.files:
        if not (name.startswith("signals/") and name.endswith(".json")):
            continue
        facts = json.loads(bundle.read(name))
        sha256 = facts["sha256"]
        signal = known.filter(sha256=sha256).first()
        if signal is None:
            is_new = not Signal.objects.filter(sha256=sha256).exists()
            signal = _signal(bundle, facts)
            # another project's file is not ours to take away when something goes wrong
            if is_new:
                made.append(signal.file)
        found[sha256] = signal
    return found


def _signal(bundle: Bundle, facts: Row) -> Signal:
    name = f"signals/{facts['sha256']}.wav"
    if name not in bundle.files:
        raise ExchangeError(
            f"{bundle.name}: was made without sounds: expected the signal {facts['sha256'][:12]}… here, found none"
        )
    try:
        samples, rate = soundfile.read(
            io.BytesIO(bundle.read(name)), dtype="float32", always_2d=True
        )
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise ExchangeError(f"{bundle.name}: {name}: expected a sound, found {error}") from error
    sound = Audio(samples.T.copy(), rate)
    if audio.content_hash(sound) != facts["sha256"]:
        raise ExchangeError(f"{bundle.name}: {name}: its samples do not give its hash")
    return Signal.objects.store(
        sound, title=str(facts["title"]), provenance=str(facts["provenance"])
    )


def _versions(bundle: Bundle, made: list[FieldFile], project: Project) -> dict[str, ModelVersion]:
    found = {}
    for name in bundle.files:
        if name.startswith("models/") and name.endswith("/version.json"):
            facts = json.loads(bundle.read(name))
            weights = bundle.read(name.replace("version.json", "weights.safetensors"))
            version = _version(bundle, facts, weights, made, project)
            found[str(version)] = version
    return found


def _version(
    bundle: Bundle, facts: Row, weights: bytes, made: list[FieldFile], project: Project
) -> ModelVersion:
    called = f"{facts['model']}@{facts['number']}"
    weights_sha256 = hashlib.sha256(weights).hexdigest()
    if facts["sha256"] != identity_hash(facts["chain"], weights_sha256):
        raise ExchangeError(f"{bundle.name}: {called}: its chain and weights do not give its hash")
    if not str(facts["reason"]).strip():
        raise ExchangeError(
            f"{bundle.name}: {called}: expected the reason why it exists, found none"
        )
    there = ModelVersion.objects.filter(model__name=facts["model"], number=facts["number"]).first()
    if there:
        if there.sha256 != facts["sha256"]:
            raise ExchangeError(
                f"expected {called} as in the bundle, found another of that name here"
            )
        return there
    model = AudioModel.objects.filter(name=facts["model"]).first()
    if model is None:
        told = {"title": facts["title"], "purpose": facts["purpose"]}
        model = AudioModel(name=facts["model"], project=project, **told)
        try:
            model.full_clean()
        except ValidationError as error:
            raise ExchangeError(f"{bundle.name}: {called}: {'; '.join(error.messages)}") from error
        model.save()
    if model.project != project:
        raise ExchangeError(
            f"expected {called} to belong to {project.name}, found another project's model of that name"
        )
    version = ModelVersion(
        model=model,
        number=facts["number"],
        chain=facts["chain"],
        weights_sha256=weights_sha256,
        sha256=facts["sha256"],
        card=facts["card"],
        reason=facts["reason"],
    )
    version.weights.save(f"{weights_sha256}.safetensors", ContentFile(weights), save=False)
    made.append(version.weights)
    version.save()
    ModelVersion.objects.filter(pk=version.pk).update(created_at=facts["created_at"])
    return version
