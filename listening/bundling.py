"""A campaign as a bundle that another installation restores: rows with their ids, sounds, weights, and the record.

Rows are one JSON object per line and table (`rows/*.jsonl`), with the keys that they have here; on import they get new
keys, and every id by which people and programs know them (slug, tokens, codes, UUIDs, hashes, MODEL@NUMBER) stays.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import Q
from django.utils.timezone import now

from listening.attesting import attested
from listening.composing import describe
from listening.exchange import campaign_document
from listening.exchange.bundle_file import Bundle, BundleWriter, reading, writing
from listening.exchange.errors import ExchangeError
from listening.exchange.tables import csv_bytes
from listening.exporting import about, rating_pieces
from listening.models import (
    Campaign,
    Check,
    Condition,
    Invitation,
    Listener,
    Page,
    Rating,
    Response,
    Session,
    Slot,
    Stimulus,
    Trial,
    Visit,
)
from listening.session_tables import sessions_frame
from models_registry import audit
from models_registry.models import AuditEvent, ModelVersion, Signal

# in the order in which each finds what it points at; how its rows are found from the campaign
TABLES: list[tuple[type[models.Model], str]] = [
    (Campaign, "pk"),
    (Condition, "campaign"),
    (Trial, "campaign"),
    (Stimulus, "trial__campaign"),
    (Invitation, "campaign"),
    (Listener, "campaign"),
    (Session, "campaign"),
    (Page, "session__campaign"),
    (Slot, "page__session__campaign"),
    (Response, "page__session__campaign"),
    (Check, "session__campaign"),
    (Visit, "page__session__campaign"),
    (Rating, "page__session__campaign"),
]
KEPT_S = 24 * 3600
# rows written at a time
BATCH = 1000
LICENCE = """The sounds and ratings in this bundle belong to whoever made and gave them. This file grants nothing
by itself: ask the owner of the campaign before you pass it on.
"""
README = """# {title}

A bundle of the listening test `{slug}`, made by Earwitness.

    tables/ratings.csv     a row per rating, with scores
    tables/sessions.csv    a row per session, with screenings and how it was listened to
    tables/about.json      what a reader of the tables must know
    campaign.yaml          the campaign as a document
    rows/                  everything stored of it, a JSON object a line
    signals/               its sounds, by the SHA-256 of their samples
    models/                versions of models: chain, card, weights
    record.jsonl           the record's events about it
    software.json          what it ran on

`python manage.py verify_bundle FILE` holds every file to its hash, `import_bundle FILE` restores it. It holds what
listeners said of themselves and the keys of their sessions: pass it on only to whom they consented to.
"""


def export_bundle(campaign: Campaign, path: Path, *, actor: str, sounds: bool = True) -> None:
    """Write the bundle, whole or not at all; without `sounds`, their hashes stand for them.

    Sounds, which never change, go first: whoever answers meanwhile waits for the rows alone.
    """
    said = {"format": "bundle", **attested(campaign)}
    packed: set[str] = set()
    with writing(path) as bundle:
        _sounds(bundle, campaign, packed, whole=sounds)
        with transaction.atomic():
            event = audit.record("export", campaign, actor=actor, content=said)
            _tables(bundle, campaign)
            for model, way in TABLES:
                with bundle.open(f"rows/{model.__name__}.jsonl") as write:
                    for row in _rows(model, way, campaign):
                        write((_json(row) + "\n").encode())
            # what a draft was given since
            _sounds(bundle, campaign, packed, whole=sounds)
            _models(bundle, campaign)
            events = AuditEvent.objects.filter(subject=campaign.slug).order_by("number")
            lines = [_json(_fields(one)) for one in events]
            bundle.add("record.jsonl", "\n".join(lines).encode())
        bundle.close(
            {
                "campaign": campaign.slug,
                "made_at": now().isoformat(),
                "sounds": sounds,
                "record": event.sha256,
            }
        )
    # the file holds the event of its export, and so that cannot hold the file's hash
    done = {"export": event.number} | audit.fingerprint(path)
    audit.record("export-done", campaign, actor=actor, content=done)


def _sounds(bundle: BundleWriter, campaign: Campaign, packed: set[str], *, whole: bool) -> None:
    """Every sound of the campaign that is not among those `packed`: what is known of it and, if `whole`, itself."""
    of = Q(stimuli__trial__campaign=campaign) | Q(trials__campaign=campaign)
    for signal in Signal.objects.filter(of).distinct():
        if signal.sha256 in packed:
            continue
        packed.add(signal.sha256)
        known = ("sha256", "title", "provenance", "rate", "channels", "frames")
        facts = {name: getattr(signal, name) for name in known}
        bundle.add(f"signals/{signal.sha256}.json", _json(facts).encode())
        if whole:
            with signal.file.open("rb") as file:
                bundle.add(f"signals/{signal.sha256}.wav", file, packed=False)


def kept_at(job: int) -> Path:
    """Where the bundle lies that the job of this number makes."""
    return Path(settings.MEDIA_ROOT, "bundles", f"{job}.zip")


def keep_bundle(campaign: Campaign, job: int, *, actor: str, sounds: bool) -> Path:
    """Make a bundle for whoever asked for it, to be fetched within a day; older ones are swept out."""
    path = kept_at(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob("*.zip"):
        if old.stat().st_mtime < time.time() - KEPT_S:
            old.unlink(missing_ok=True)
    export_bundle(campaign, path, actor=actor, sounds=sounds)
    return path


def verify_bundle(path: Path) -> Bundle:
    """Hold every file of the bundle, and every event of its record, to its hash; `ExchangeError` at the first break."""
    with reading(path) as bundle:
        bundle.verify()
        for line in bundle.read("record.jsonl").decode().splitlines():
            event = AuditEvent(**{**json.loads(line), "id": None})
            if audit.event_hash(event) != event.sha256:
                raise ExchangeError(
                    f"{bundle.name}: record.jsonl: event {event.number} does not give its hash"
                )
    return bundle


def _tables(bundle: BundleWriter, campaign: Campaign) -> None:
    document = campaign_document.dump(describe(campaign), form="yaml")
    software = {
        "python": sys.version,
        "packages": {one.name: one.version for one in distributions()},
    }
    readme = README.format(title=campaign.title, slug=campaign.slug)
    bundle.add("README.md", readme.encode())
    bundle.add("LICENCE.txt", LICENCE.encode())
    bundle.add("campaign.yaml", document.encode())
    with bundle.open("tables/ratings.csv") as write:
        for piece in rating_pieces(campaign):
            write(piece)
    bundle.add("tables/sessions.csv", csv_bytes(sessions_frame(campaign)))
    bundle.add("tables/about.json", _json(about(campaign)).encode())
    bundle.add("software.json", _json(software).encode())


def _models(bundle: BundleWriter, campaign: Campaign) -> None:
    versions = ModelVersion.objects.filter(conditions__campaign=campaign).distinct()
    for version in versions.select_related("model"):
        folder = f"models/{version.model.name}/{version.number}"
        facts = {
            "model": version.model.name,
            "title": version.model.title,
            "purpose": version.model.purpose,
            "number": version.number,
            "sha256": version.sha256,
            "weights_sha256": version.weights_sha256,
            "chain": version.chain,
            "card": version.card,
            "reason": version.reason,
            "created_at": version.created_at,
        }
        bundle.add(f"{folder}/version.json", _json(facts).encode())
        with version.weights.open("rb") as file:
            bundle.add(f"{folder}/weights.safetensors", file, packed=False)


def _rows(model: type[models.Model], way: str, campaign: Campaign) -> Iterator[dict[str, Any]]:
    """Each row as plain values; what it points at outside the tables by the id that people know."""
    rows = model._default_manager.filter(**{way: campaign.pk}).order_by("pk")
    pointers = _outside(model)
    for row in rows.select_related(*pointers).iterator(chunk_size=BATCH):
        fields = _fields(row)
        for name in pointers:
            pointed = getattr(row, name)
            fields[name] = None if pointed is None else _known_as(pointed)
        yield fields


def _fields(row: models.Model) -> dict[str, Any]:
    # which project keeps it here says nothing elsewhere
    fields = [field for field in row._meta.concrete_fields if field.name != "project"]
    return {field.attname: getattr(row, field.attname) for field in fields}


def _outside(model: type[models.Model]) -> list[str]:
    """The model's pointers to signals and versions."""
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model in (Signal, ModelVersion)
    ]


def _known_as(row: models.Model) -> str:
    return row.sha256 if isinstance(row, Signal) else str(row)


def _json(value: Any) -> str:
    return json.dumps(value, cls=_Encoder, ensure_ascii=False)


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        # Django's own cuts times to milliseconds
        return o.isoformat() if isinstance(o, datetime) else super().default(o)
