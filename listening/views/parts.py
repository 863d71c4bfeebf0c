"""The parts of a listener's way that are read and filled in: plain forms, which work without any script."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from listening import sessions
from listening.methods import AnswerError
from listening.models import Page, Session
from listening.parts import last_answer
from listening.questions import AnswerProblem, Question, checked_answer
from listening.views.finding import not_found, page_of, session_at
from listening.views.origin import from_own_pages

Kind = Page.Kind

TEMPLATES = {
    Kind.CONSENT: "listening/listener/consent.html",
    Kind.QUESTIONS: "listening/listener/questions.html",
    Kind.INSTRUCTIONS: "listening/listener/part.html",
    Kind.BREAK: "listening/listener/part.html",
}


def headings() -> dict[Page.Kind, str]:
    """For parts that declare no title."""
    return {
        Kind.CONSENT: _("Your consent"),
        Kind.QUESTIONS: _("A few questions"),
        Kind.INSTRUCTIONS: _("Instructions"),
        Kind.BREAK: _("Time for a break"),
    }


def show_part(
    request: HttpRequest,
    found: Session,
    page: Page,
    *,
    given: dict[str, Any] | None = None,
    problems: dict[str, str] | None = None,
    still: bool = False,
) -> HttpResponse:
    """The part as a form; with `problems`, what was `given` and what is wrong with it."""
    if given is None:
        given = last_answer(page).get("answers", {})
    fields = [
        field_of(question, given.get(question["name"]), (problems or {}).get(question["name"], ""))
        for question in page.content.get("questions", ())
    ]
    until = sessions.rest_until(found, page)
    context = {
        "still": still,
        "session": found,
        "page": page,
        "rest_until": until if until and until > now() else None,
        "place": page.place,
        "pages": found.shown.count(),
        "is_last": not found.pages_ahead().exclude(pk=page.pk).exists(),
        "heading": headings()[Kind(page.kind)],
        "fields": fields,
        "problems": [field for field in fields if field["problem"]],
        "response_id": uuid.uuid4(),
    }
    status = 422 if problems else 200
    return render(request, TEMPLATES[Kind(page.kind)], context, status=status)


def field_of(question: Question, given: Any, problem: str) -> dict[str, Any]:
    """What the template needs to ask one question."""
    name = f"ask-{question['name']}"
    described = [f"{name}-help"] if question.get("help") else []
    described += [f"{name}-problem"] if problem else []
    return {
        "question": question,
        "id": name,
        "given": given,
        "problem": problem,
        "described_by": " ".join(described),
        "attributes": attributes(question, described, problem),
        "options": options(question, given),
    }


def attributes(question: Question, described: list[str], problem: str) -> SafeString:
    """What a text field says of itself to those who do not see the page."""
    found = SafeString("")
    if described:
        found += format_html(' aria-describedby="{}"', " ".join(described))
    if problem:
        found += SafeString(' aria-invalid="true"')
    if not question.get("optional"):
        found += SafeString(' aria-required="true"')
    return found


def options(question: Question, given: Any) -> list[dict[str, Any]]:
    """The choices, with their words in the session's language, or the points of a scale, of which two have words."""
    if question["ask"] not in ("choice", "scale"):
        return []
    words: dict[str, str] = {}
    words |= question.get("labels", {})
    values = question.get("choices", [])
    if question["ask"] == "scale":
        least, most = question["least"], question["most"]
        values = [str(value) for value in range(least, most + 1)]
        words = {str(least): question["low"], str(most): question["high"]}
    chosen = [str(one) for one in (given if isinstance(given, list) else [given])]
    return [
        {"value": value, "words": words.get(value, ""), "checked": value in chosen}
        for value in values
    ]


@from_own_pages
@never_cache
@require_POST
def answer_part(request: HttpRequest, token: uuid.UUID, number: int) -> HttpResponse:
    """Take a part's form, and go on; what was answered already is left as it stands."""
    found = session_at(token)
    page = page_of(found, number) if found else None
    if found is None or page is None or page.kind not in TEMPLATES:
        return not_found(request, _("There is no such page in this session."))
    given, problems = in_form(request, page)
    if problems:
        return show_part(request, found, page, given=given, problems=problems)
    decision = request.POST.get("consent")
    if page.kind == Kind.CONSENT and decision not in ("yes", "no"):
        return show_part(request, found, page)
    try:
        if page.kind == Kind.CONSENT:
            body = {"consent": decision == "yes"}
            sessions.respond(found, page, response_id(request), body)
        elif page.kind == Kind.QUESTIONS:
            sessions.respond(found, page, response_id(request), {"answers": given})
        sessions.finish(found, page)
    except (sessions.SessionError, AnswerError):
        # a form sent twice, or from a page left long ago: the session itself says where it is
        pass
    return redirect(found)


def in_form(request: HttpRequest, page: Page) -> tuple[dict[str, Any], dict[str, str]]:
    """What the form says, by question, and what is wrong with it."""
    given: dict[str, Any] = {}
    problems = {}
    for question in page.content.get("questions", ()):
        name = question["name"]
        several = question.get("several")
        given[name] = request.POST.getlist(name) if several else request.POST.get(name)
        try:
            given[name] = checked_answer(question, given[name])
        except AnswerProblem as problem:
            problems[name] = _(problem.sentence) % problem.values
    return given, problems


def response_id(request: HttpRequest) -> uuid.UUID:
    """The form's own id, so that a form sent twice is one answer."""
    try:
        return uuid.UUID(request.POST.get("id", ""))
    except ValueError:
        return uuid.uuid4()
