"""Where answers go: each is taken once and acknowledged when it is committed; visits, and the end of a page.

What is no answer gets a code and a sentence, and changes nothing.
"""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from listening import sessions, telemetry
from listening.methods import AnswerError
from listening.views.finding import answered_page, page_of, refused, session_at
from listening.views.origin import from_own_pages

# An answer is a few dozen bytes.
MAX_ANSWER_BYTES = 4096
# as many as a browser lets a page that is being left send at once
MAX_ANSWERS = 200


@from_own_pages
@require_POST
def responses(request: HttpRequest, token: uuid.UUID) -> JsonResponse:
    """Take one answer: `{"id": UUID, "page": number, …}`. What is acknowledged is committed."""
    reply = answer_taken(request, token)
    if reply.status_code != 200 and session_at(token) is None:
        return refused(404, _("There is no session at this address."))
    return reply


def answer_taken(request: HttpRequest, token: uuid.UUID) -> JsonResponse:
    """The reply to one answer, with as few questions to the database as there can be: this is what is asked most."""
    try:
        body = answer_in(request)
        response_id = uuid.UUID(str(body.pop("id", "")))
        number = body.pop("page", None)
    except Malformed as error:
        return refused(error.status, str(error))
    except ValueError:
        return refused(400, "expected an id that is a UUID")
    page = answered_page(token, number)
    if page is None:
        return refused(404, f"expected the number of a page of this session, found {number!r}")
    try:
        sessions.respond(page.session, page, response_id, body)
    except AnswerError as error:
        return refused(422, str(error))
    except sessions.SessionError as error:
        return refused(409, str(error))
    told = sessions.told(page)
    return JsonResponse({"id": str(response_id), **({"told": told} if told else {})})


@from_own_pages
@require_POST
def visit(request: HttpRequest, token: uuid.UUID, number: int) -> JsonResponse:
    """Take what a browser says on leaving a page: how the visit was, and answers that it may have no time to send.

    The answers are sent again on the next page: what is refused here is refused there, in words.
    """
    found = session_at(token)
    page = page_of(found, number) if found else None
    if found is None or page is None:
        return refused(404, _("There is no such page in this session."))
    for answer in answers_in(request):
        with suppress(AnswerError, sessions.SessionError):
            sessions.respond(found, page, answer.pop("id"), answer)
    try:
        visit_id = uuid.UUID(request.POST.get("id", ""))
        sessions.visit(page, visit_id, json.loads(request.POST.get("body", "")))
    except sessions.Conflict as error:
        return refused(409, str(error))
    except telemetry.TelemetryError as error:
        return refused(422, str(error))
    except (ValueError, RecursionError):
        return refused(400, "expected the id and body of a visit, found something else")
    return JsonResponse({})


def answers_in(request: HttpRequest) -> list[dict[str, Any]]:
    """The answers beside a visit, each with its id as a UUID; whatever is no answer is left out."""
    try:
        listed = json.loads(request.POST.get("answers", "[]"))
        answers = [dict(answer) for answer in listed[:MAX_ANSWERS]]
        for answer in answers:
            answer["id"] = uuid.UUID(answer["id"])
            del answer["page"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []
    return answers


@from_own_pages
@require_POST
def finish_page(request: HttpRequest, token: uuid.UUID, number: int) -> JsonResponse:
    """Close a page whose answers are complete, and say where to go next."""
    found = session_at(token)
    page = page_of(found, number) if found else None
    if found is None or page is None:
        return refused(404, _("There is no such page in this session."))
    try:
        sessions.finish(found, page)
    except sessions.Unanswered as error:
        return refused(409, str(error))
    return JsonResponse({"next": found.get_absolute_url()})


class Malformed(ValueError):
    """A request whose body is no answer at all."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def answer_in(request: HttpRequest) -> dict[str, Any]:
    """The JSON object a request carries; raises `Malformed`."""
    raw = request.read(MAX_ANSWER_BYTES + 1)
    if len(raw) > MAX_ANSWER_BYTES:
        raise Malformed(413, f"expected at most {MAX_ANSWER_BYTES} bytes, found more")
    try:
        body = json.loads(raw)
    # a deeply nested text exhausts the parser
    except (ValueError, RecursionError) as error:
        raise Malformed(400, "expected a JSON object, found something else") from error
    if not isinstance(body, dict):
        raise Malformed(400, f"expected a JSON object, found {type(body).__name__}")
    return body
