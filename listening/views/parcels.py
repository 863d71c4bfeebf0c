"""Files sent piece by piece (listening/parcels.py): announced once, then each piece put where it belongs."""

from __future__ import annotations

import json
import uuid

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST

from listening import access, parcels
from listening.parcels import PIECE, Misplaced
from listening.unpacking import IntakeError

# names and sizes of as many files as are taken
MAX_LIST = 2 << 20


@access.makers
@require_POST
def announce(request: HttpRequest) -> JsonResponse:
    """Say what is to come; the answer says under which key, and how much of each file is here already."""
    owner = request.user.pk
    assert owner is not None
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_LIST:
        return _refused("Expected a list of names and sizes, found a longer one.", status=413)
    try:
        parcel = parcels.announced(owner, json.loads(request.read(MAX_LIST)))
    except ValueError as error:
        known = isinstance(error, IntakeError)
        return _refused(str(error) if known else f"Expected a list in JSON, found {error}.")
    return JsonResponse({"key": str(parcel.key), "held": parcel.held(), "piece": PIECE})


@access.makers
@require_http_methods(["PUT"])
def piece(request: HttpRequest, key: uuid.UUID, number: int) -> JsonResponse:
    """Add the body, from the byte `offset` of the file on; 409 with what is held where it begins elsewhere."""
    owner = request.user.pk
    assert owner is not None
    try:
        offset = int(request.GET["offset"])
        length = int(request.META["CONTENT_LENGTH"])
    except (KeyError, ValueError):
        return _refused("Expected an offset and a length in bytes, found none.", status=400)
    try:
        held = parcels.parcel_of(owner, key).add(number, offset, request, length)
    except Misplaced as error:
        return JsonResponse({"held": error.held}, status=409)
    except IntakeError as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"Expected room for the files, found: {error.strerror}.", status=507)
    return JsonResponse({"held": held})


def _refused(sentence: str, *, status: int = 422) -> JsonResponse:
    return JsonResponse({"sentence": sentence}, status=status)
