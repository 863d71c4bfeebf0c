"""Who may open what: every address of the site and every operation of the API, as each of five people.

An address that is not declared here fails the test, and so does one that answers otherwise than it is declared.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.timezone import now
from drf_spectacular.generators import SchemaGenerator

from listening import sessions
from listening.models import Invitation, Lesson, Rating, Session
from metrics.models import Score
from models_registry import jobs
from models_registry.models import Job, Search, Study, TrainingRun
from models_registry.teams import Entry, Membership, Project, Role
from tests.factories import account, here, mushra_campaign
from tests.site.test_lessons import a_lesson
from tests.site.test_searches import that_is_over
from tests.site.test_studies import of_ablation
from tests.site.test_watched import row

PEOPLE = ("nobody", "stranger", "reader", "editor", "owner")
# the addresses of these are declared below by operation, or are Django's own
ELSEWHERE = {"rest", "admin"}


class Level(Enum):
    """Who is answered; what the others are told is in `refusal`."""

    EVERYONE = "everyone"
    SIGNED_IN = "signed in"
    # whoever may make something in any project, as the stranger may in theirs
    MAKER = "maker"
    READER = "reader"
    EDITOR = "editor"
    OWNER = "owner"

    def refusal(self, person: str) -> int | None:
        """What the person is told, None where they are let in."""
        if self is Level.EVERYONE:
            return None
        if person == "nobody":
            return 401
        if self is Level.SIGNED_IN:
            return None
        if self is Level.MAKER:
            return 403 if person == "reader" else None
        if person == "stranger":
            return 404
        order = ["reader", "editor", "owner"]
        return 403 if order.index(person) < order.index(self.value) else None


EVERYONE, SIGNED_IN, MAKER, READER, EDITOR, OWNER = Level


@dataclass(frozen=True)
class Page:
    """Who may open an address, and who may send it a form (None: it takes none); what its address names."""

    get: Level | None
    post: Level | None = None
    names: str = ""
    query: str = ""
    put: Level | None = None


PAGES = {
    "home": Page(EVERYONE),
    "metrics": Page(EVERYONE),
    "metric": Page(EVERYONE, names="metric"),
    "metric-response-part": Page(EVERYONE, names="metric"),
    "metric-response": Page(EVERYONE, names="metric svg"),
    "guide": Page(EVERYONE),
    "guide-page": Page(EVERYONE, names="guide"),
    "login": Page(EVERYONE, EVERYONE),
    "logout": Page(None, EVERYONE),
    "join": Page(EVERYONE, EVERYONE, "secret"),
    "damaged-link": Page(EVERYONE, names="rest"),
    "damaged-session": Page(EVERYONE, names="rest"),
    "welcome": Page(EVERYONE, EVERYONE, "slug"),
    "invitation": Page(EVERYONE, EVERYONE, "slug code"),
    "session": Page(EVERYONE, names="token"),
    "stimulus": Page(EVERYONE, names="token slot"),
    "responses": Page(None, EVERYONE, "token"),
    "answer-part": Page(None, EVERYONE, "token number"),
    "visit": Page(None, EVERYONE, "token number"),
    "finish-page": Page(None, EVERYONE, "token number"),
    "collect": Page(None, EVERYONE),
    "collect-of": Page(None, EVERYONE, "test_id"),
    "correlation": Page(SIGNED_IN),
    "projects": Page(SIGNED_IN, SIGNED_IN),
    "project-choose": Page(None, SIGNED_IN),
    "project": Page(READER, names="project"),
    "project-rename": Page(None, OWNER, "project"),
    "project-delete": Page(None, OWNER, "project"),
    "project-leave": Page(None, READER, "project"),
    "member-invite": Page(None, OWNER, "project"),
    "member-uninvite": Page(None, OWNER, "project entry"),
    "member-role": Page(None, OWNER, "project member"),
    "campaigns": Page(SIGNED_IN),
    "campaign-new": Page(MAKER, MAKER),
    "campaign-pair": Page(MAKER, MAKER, "key"),
    "parcels": Page(None, MAKER),
    "parcel-piece": Page(None, names="key number", put=MAKER),
    "campaign": Page(READER, names="slug"),
    "campaign-metrics": Page(READER, names="slug"),
    "campaign-statistics": Page(READER, names="slug"),
    "campaign-report": Page(READER, names="slug report"),
    "campaign-progress": Page(READER, names="slug"),
    "campaign-sessions": Page(READER, names="slug"),
    "campaign-session": Page(READER, names="slug session"),
    "session-exclude": Page(None, EDITOR, "slug session"),
    "session-forget": Page(None, OWNER, "slug session"),
    "arrivals-figure": Page(READER, names="slug svg"),
    "campaign-preview": Page(READER, EDITOR, "slug"),
    "campaign-edit": Page(EDITOR, EDITOR, "draft"),
    "campaign-live": Page(None, EDITOR, "slug"),
    "campaign-document": Page(EDITOR, EDITOR, "draft"),
    "campaign-design": Page(READER, names="slug"),
    "campaign-design-table": Page(READER, names="slug"),
    "campaign-lint": Page(READER, names="slug"),
    "campaign-mend": Page(None, EDITOR, "draft"),
    "campaign-launch": Page(None, EDITOR, "draft"),
    "campaign-close": Page(None, EDITOR, "slug"),
    "campaign-change": Page(None, EDITOR, "slug"),
    "campaign-revise": Page(None, EDITOR, "slug"),
    "campaign-delete": Page(None, OWNER, "draft"),
    "render": Page(MAKER, MAKER),
    "adopt": Page(EDITOR, EDITOR, "model version"),
    "campaign-power": Page(READER, names="slug"),
    "campaign-power-figure": Page(READER, names="slug svg"),
    "campaign-restore": Page(MAKER, MAKER),
    "campaign-bundle": Page(None, EDITOR, "slug"),
    "bundle": Page(EDITOR, names="bundle-job"),
    "campaign-pause": Page(None, EDITOR, "slug"),
    "campaign-resume": Page(None, EDITOR, "slug"),
    "campaign-scores": Page(READER, names="slug"),
    "campaign-invite": Page(None, EDITOR, "slug"),
    "campaign-invitations": Page(EDITOR, names="slug"),
    "campaign-score": Page(None, EDITOR, "slug"),
    "campaign-export": Page(READER, names="slug csv"),
    "campaign-figure": Page(READER, names="slug figure svg"),
    "signal": Page(READER, names="sha256"),
    "models": Page(SIGNED_IN),
    "model": Page(READER, names="model"),
    "version": Page(READER, names="model version"),
    "block-figure": Page(READER, names="model version block svg"),
    "block": Page(READER, names="model version block"),
    "block-own-figure": Page(READER, names="model version block own-figure svg"),
    "version-scores": Page(READER, names="model version"),
    "studies": Page(READER, names="model version"),
    "study-ask": Page(EDITOR, EDITOR, "model version kind"),
    "study": Page(READER, names="study"),
    "study-json": Page(READER, names="study"),
    "study-figure": Page(READER, names="study shares svg"),
    "scores": Page(SIGNED_IN),
    "score-files": Page(MAKER, MAKER),
    "pair": Page(READER, names="sha256", query="reference"),
    "pair-difference": Page(READER, names="sha256", query="reference"),
    "pair-score": Page(None, EDITOR, "sha256"),
    "pair-figure-part": Page(READER, names="sha256 trace"),
    "pair-figure": Page(READER, names="sha256 trace svg"),
    "train": Page(MAKER, MAKER),
    "lessons": Page(SIGNED_IN),
    "lessons-about": Page(SIGNED_IN),
    "lesson-new": Page(MAKER, MAKER),
    "lesson": Page(READER, names="lesson"),
    "lesson-correct": Page(EDITOR, EDITOR, "lesson"),
    "searches": Page(SIGNED_IN),
    "search-new": Page(MAKER, MAKER),
    "search": Page(READER, names="search"),
    "search-stop": Page(None, EDITOR, "search"),
    "search-resume": Page(None, EDITOR, "search"),
    "search-adopt": Page(None, EDITOR, "search"),
    "search-json": Page(READER, names="search"),
    "search-figure": Page(READER, names="search importance svg"),
    "jobs": Page(SIGNED_IN),
    "job": Page(READER, names="job"),
    "job-stop": Page(None, EDITOR, "job"),
    "job-resume": Page(None, EDITOR, "job"),
    "history-figure": Page(READER, names="job svg"),
    "monitor-figure": Page(READER, names="job monitor svg"),
    "record": Page(SIGNED_IN),
    "api": Page(SIGNED_IN, SIGNED_IN),
    "campaign-schema": Page(SIGNED_IN),
    "token-end": Page(None, SIGNED_IN, "token-key"),
}

# by method and path, and what is sent
API: dict[tuple[str, str], Level] = {
    ("get", "/api/campaigns/"): SIGNED_IN,
    ("post", "/api/campaigns/"): MAKER,
    ("get", "/api/campaigns/{slug}/"): READER,
    ("get", "/api/campaigns/{slug}/analysis/"): READER,
    ("post", "/api/campaigns/{slug}/change/"): EDITOR,
    ("post", "/api/campaigns/{slug}/close/"): EDITOR,
    ("post", "/api/campaigns/{slug}/discard/"): OWNER,
    ("get", "/api/campaigns/{slug}/correlation/"): READER,
    ("get", "/api/campaigns/{slug}/design/"): READER,
    ("get", "/api/campaigns/{slug}/document/"): READER,
    ("get", "/api/campaigns/{slug}/invitation/"): READER,
    ("post", "/api/campaigns/{slug}/launch/"): EDITOR,
    ("get", "/api/campaigns/{slug}/lint/"): READER,
    ("post", "/api/campaigns/{slug}/mend/"): EDITOR,
    ("post", "/api/campaigns/{slug}/pause/"): EDITOR,
    ("get", "/api/campaigns/{slug}/power/"): READER,
    ("post", "/api/campaigns/{slug}/resume/"): EDITOR,
    ("post", "/api/campaigns/{slug}/revise/"): EDITOR,
    ("post", "/api/campaigns/{slug}/score/"): EDITOR,
    ("get", "/api/jobs/"): SIGNED_IN,
    ("get", "/api/jobs/{id}/"): READER,
    ("post", "/api/jobs/{id}/resume/"): EDITOR,
    ("post", "/api/jobs/{id}/stop/"): EDITOR,
    ("get", "/api/lessons/"): SIGNED_IN,
    ("get", "/api/lessons/{id}/"): READER,
    ("get", "/api/metrics/"): SIGNED_IN,
    ("get", "/api/models/"): SIGNED_IN,
    ("get", "/api/models/{name}/"): READER,
    ("get", "/api/ratings/"): SIGNED_IN,
    ("get", "/api/ratings/{id}/"): READER,
    ("get", "/api/renderings/"): SIGNED_IN,
    ("post", "/api/renderings/"): SIGNED_IN,
    ("get", "/api/runs/"): SIGNED_IN,
    ("post", "/api/runs/"): MAKER,
    ("get", "/api/runs/{id}/"): READER,
    ("get", "/api/scores/"): SIGNED_IN,
    ("post", "/api/scores/"): MAKER,
    ("get", "/api/scores/{id}/"): READER,
    ("get", "/api/searches/"): SIGNED_IN,
    ("get", "/api/searches/{id}/"): READER,
    ("get", "/api/sessions/"): SIGNED_IN,
    ("get", "/api/sessions/{id}/"): READER,
    ("post", "/api/sessions/{id}/exclude/"): EDITOR,
    ("post", "/api/sessions/{id}/forget/"): OWNER,
    ("post", "/api/sessions/{id}/include/"): EDITOR,
    ("get", "/api/signals/"): SIGNED_IN,
    ("post", "/api/signals/"): MAKER,
    ("get", "/api/signals/{sha256}/"): READER,
    ("get", "/api/studies/"): SIGNED_IN,
    ("post", "/api/studies/"): SIGNED_IN,
    ("get", "/api/studies/{id}/"): READER,
    ("get", "/api/versions/"): SIGNED_IN,
    ("get", "/api/versions/{id}/"): READER,
    ("post", "/api/versions/{id}/adopt/"): EDITOR,
}


@pytest.fixture
def people(db):
    """A client for each; all but the stranger belong to the first project, where the factories put things."""
    clients = {"nobody": Client()}
    for role in Role:
        clients[role.value] = signed_in(account(role.value, role=role))
    clients["stranger"] = signed_in(stranger())
    return clients


def stranger():
    user = account("stranger")
    user.memberships.all().delete()
    Project.objects.make("Elsewhere", owner=user)
    return user


def signed_in(user):
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


@pytest.fixture
def named(rated, version):
    """What the addresses name, all of it in the first project."""
    draft = mushra_campaign(slug="draft", items=1, launched=False)
    TrainingRun.objects.filter(pk=version.run.pk).update(history=[row(0, 9.5), row(50, -0.25)])
    bundle = jobs.enqueue(
        "bundle", {"campaign": rated.slug, "sounds": False, "actor": "owner"}, project=here()
    )
    jobs.run(bundle.pk)
    session = sessions.start(rated)
    stimulus = rated.trials.first().stimuli.get(condition__name="system one")
    invited = Invitation.objects.make(rated, 1)[0]
    entry, secret = Entry.objects.make(
        here(), role=Role.READER, expires_at=now() + timedelta(days=1), by="owner"
    )
    return {
        "slug": {"slug": rated.slug},
        "draft": {"slug": draft.slug},
        "code": {"code": invited.code},
        "token": {"token": session.token},
        "slot": {"slot": uuid.uuid4()},
        "number": {"number": 1},
        "test_id": {"test_id": "none"},
        "rest": {"rest": "cut"},
        "metric": {"name": "nmr"},
        "guide": {"name": "listeners"},
        "secret": {"secret": secret},
        "project": {"slug": here().slug},
        "entry": {"pk": entry.pk},
        "member": lambda: {"pk": Membership.objects.get(user__username="editor").pk},
        "key": {"key": uuid.uuid4()},
        "session": {"pk": rated.sessions.first().pk},
        "report": {"form": "md"},
        "svg": {"form": "svg"},
        "csv": {"form": "csv"},
        "figure": {"name": "means"},
        "sha256": {"sha256": stimulus.signal.sha256},
        "reference": {"reference": rated.trials.first().reference.sha256},
        "model": {"name": version.model.name},
        "version": {"number": version.number},
        "block": {"block": "pre"},
        "own-figure": {"figure": "response"},
        "trace": {"name": "spectrograms"},
        "job": {"pk": version.run.job.pk},
        "kind": {"kind": "ablation"},
        "search": {"pk": that_is_over().pk},
        "lesson": {"pk": a_lesson().pk},
        "importance": {"name": "importance"},
        "study": {"pk": of_ablation(version).pk},
        "shares": {"name": "shares"},
        "bundle-job": {"pk": bundle.pk},
        "monitor": {"figure": "monitors"},
        "token-key": {"key": "none"},
    }


def test_every_address_is_declared():
    assert {name for name, _ in addresses()} == set(PAGES)


def test_every_operation_of_the_api_is_declared():
    assert operations() == set(API)


def test_every_page_answers_everybody_as_it_is_declared(people, named):
    wrong = {}
    for person in PEOPLE:
        for name, page in PAGES.items():
            for method, level in (("get", page.get), ("post", page.post), ("put", page.put)):
                if level is not None:
                    status = asked(people[person], method, name, page, named)
                    if not as_declared(status, level, person):
                        wrong[f"{method} {name} as {person}"] = status
    assert wrong == {}


def test_every_operation_of_the_api_answers_everybody_as_it_is_declared(people, named, rated):
    wrong = {}
    for person in PEOPLE:
        for (method, path), level in API.items():
            address = path.format(
                slug=rated.slug,
                name=named["model"]["name"],
                sha256=named["sha256"]["sha256"],
                id=NUMBERED.get(path.split("/")[2], lambda: "overdrive@1")(),
            )
            with undone(people[person]):
                send = getattr(people[person], method)
                status = send(address, {}, content_type="application/json").status_code
            if not as_declared(status, level, person):
                wrong[f"{method} {path} as {person}"] = status
    assert wrong == {}


NUMBERED = {
    "jobs": lambda: Job.objects.latest("pk").pk,
    "lessons": lambda: Lesson.objects.latest("pk").pk,
    "ratings": lambda: Rating.objects.latest("pk").pk,
    "runs": lambda: TrainingRun.objects.latest("pk").pk,
    "scores": lambda: Score.objects.latest("pk").pk,
    "searches": lambda: Search.objects.latest("pk").pk,
    "sessions": lambda: Session.objects.earliest("pk").pk,
    "studies": lambda: Study.objects.latest("pk").pk,
}


def asked(client, method, name, page, named):
    arguments: dict[str, Any] = {}
    for part in page.names.split():
        found = named[part]
        arguments |= found() if callable(found) else found
    query = {page.query: named[page.query][page.query]} if page.query else {}
    with undone(client):
        response = getattr(client, method)(reverse(name, kwargs=arguments), query)
        if getattr(response, "url", "").startswith(reverse("login")):
            return 401
        return response.status_code


@contextmanager
def undone(client):
    """What is done within leaves no trace for whoever asks next."""
    before = deepcopy(client.cookies)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    client.cookies = before


def as_declared(status, level, person):
    refusal = level.refusal(person)
    if refusal is not None:
        return status == refusal
    # what is nobody's, such as a key that does not exist, is found by nobody
    missing = (404,) if level in (READER, EDITOR, OWNER) else ()
    return status not in (401, 403, 405, *missing) and status < 500


def addresses(patterns=None):
    """Every named pattern of the URLconf, through what it includes."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name, pattern
        elif isinstance(pattern, URLResolver) and pattern.namespace not in ELSEWHERE:
            yield from addresses(pattern.url_patterns)


def operations():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return {(method, path) for path, methods in paths.items() for method in methods}
