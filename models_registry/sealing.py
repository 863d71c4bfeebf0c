"""Seals: the record's last event, signed, to be kept where the record is not.

The chain shows that one event was changed, and not that its last ones are gone, nor that somebody wrote all of it
anew. A seal kept elsewhere shows both: the event that it names must be there as it was. It is signed by Ed25519
(RFC 8032), so that whoever has the public key can tell this installation's seals from others, and nobody else can make
one.

Sealing is an act like others and is the very event that is sealed. The private key is made at first use, in
EARWITNESS_HOME and readable by its owner alone, or lies where the setting SEAL_KEY says.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from models_registry import audit
from models_registry.audit import Break
from models_registry.models import AuditEvent, canonical_json
from models_registry.teams import Project

KIND = "earwitness-seal-1"
# what a seal says, and of which type
SAYS = {"seal": str, "number": int, "sha256": str, "at": str, "sealed_at": str, "key": str}
# longer than any seal
MOST = 10_000


class SealError(ValueError):
    """A key or a seal that cannot be read; the message says what was expected and found."""


def seal(*, actor: str, reason: str = "", project: Project | None = None) -> dict[str, Any]:
    """Record that the record is sealed, and return that event signed: a seal, as plain JSON."""
    key = _private_key()
    with transaction.atomic():
        name = key_id(key.public_key())
        event = audit.record(
            "seal", "the record", actor=actor, reason=reason, content={"key": name}, project=project
        )
        said = {
            "seal": KIND,
            "number": event.number,
            "sha256": event.sha256,
            "at": event.at,
            "sealed_at": now().isoformat(),
            "key": name,
        }
        signature = base64.b64encode(key.sign(_signed(said))).decode()
    return {**said, "signature": signature}


def as_text(made: Mapping[str, Any]) -> str:
    """A seal as it is written to a file."""
    return json.dumps(made, indent=2) + "\n"


def read(text: str | bytes) -> dict[str, Any]:
    """The seal that a file holds; raises `SealError` for anything else."""
    wanted = f"expected a seal, as `manage.py seal` writes it ({', '.join(SAYS)}, signature)"
    try:
        found = json.loads(text) if len(text) <= MOST else None
    except (ValueError, RecursionError):
        raise SealError(f"{wanted}, found no JSON") from None
    told = {**SAYS, "signature": str}
    if not isinstance(found, dict) or set(found) != set(told):
        raise SealError(f"{wanted}, found something else")
    if wrong := [name for name, kind in told.items() if type(found[name]) is not kind]:
        raise SealError(f"{wanted}, found another kind of {', '.join(wrong)}")
    if found["seal"] != KIND:
        raise SealError(f"expected a seal of the kind {KIND}, found {found['seal'][:40]!r}")
    return found


def breaks(held: Mapping[str, Any], key: Ed25519PublicKey) -> Iterator[Break]:
    """What the record, or the seal itself, has that does not fit the seal `held`."""
    where = f"the seal of event {held['number']}"
    if held["key"] != key_id(key):
        yield Break(
            where, f"was made with the key {held['key']}, expected {key_id(key)}: it is another's"
        )
        return
    said = {name: held[name] for name in SAYS}
    try:
        key.verify(base64.b64decode(held["signature"], validate=True), _signed(said))
    except (InvalidSignature, binascii.Error):
        yield Break(where, "its signature does not fit what it says: it was changed, or is forged")
        return
    event = AuditEvent.objects.filter(number=held["number"]).first()
    if event is None:
        last = AuditEvent.objects.last()
        ends = f"ends with event {last.number}" if last else "is empty"
        yield Break(where, f"the record {ends}: what came after is gone")
    elif (found := audit.event_hash(event)) != held["sha256"]:
        yield Break(
            where,
            f"names {held['sha256'][:12]}, found {found[:12]}: the record was written anew",
            event,
        )


# keys


def key_id(key: Ed25519PublicKey) -> str:
    """What a public key is called: the first 16 digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def public_key() -> Ed25519PublicKey:
    """This installation's."""
    return _private_key().public_key()


def public_pem() -> str:
    """This installation's public key, to be given to whoever checks its seals."""
    return public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public_key(text: bytes) -> Ed25519PublicKey:
    """The key that a PEM file holds; raises `SealError`."""
    try:
        found = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise SealError("expected a public key of Ed25519 as PEM, found something else")
    return found


def _signed(said: Mapping[str, Any]) -> bytes:
    return canonical_json(dict(said)).encode()


def _private_key() -> Ed25519PrivateKey:
    path = Path(settings.SEAL_KEY)
    made = Ed25519PrivateKey.generate()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _stored_key(path)
    except OSError as error:
        raise SealError(
            f"expected a place for the key of seals at {path}, found {error.strerror}"
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return made


def _stored_key(path: Path) -> Ed25519PrivateKey:
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise SealError(f"expected a private key at {path}, found none: {error}") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise SealError(f"expected a key of Ed25519 at {path}, found another kind")
    return found
