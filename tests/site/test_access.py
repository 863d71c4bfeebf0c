"""Who may open what: every address of the site and every operation of the API, as each of five people.

An address that is not declared here fails the test, and so does one that answers otherwise than it is declared.
"""

from __future__ import annotations

import io
import uuid
from contextlib import contextmanager
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.timezone import now
from drf_spectacular.generators import SchemaGenerator
from matplotlib.figure import Figure

from listening import deciding, reviewing, sessions
from listening.models import (
    Benchmark,
    BenchmarkEntry,
    Invitation,
    Lesson,
    Rating,
    Review,
    Session,
    Template,
)
from metrics.models import Score
from models_registry import jobs
from models_registry.models import AuditEvent, Job, ModelVersion, Search, Study, TrainingRun
from models_registry.teams import Entry, Membership, Project, Role
from tests.factories import account, here, mushra_campaign
from tests.site.addresses import API, EDITOR, OWNER, PAGES, READER
from tests.site.reviews import a_version
from tests.site.reviews import invited as a_reviewer
from tests.site.test_benchmarks import that_is_ranked
from tests.site.test_lessons import a_lesson
from tests.site.test_searches import that_is_over
from tests.site.test_studies import of_ablation
from tests.site.test_templates import a_template
from tests.site.test_watched import row

PEOPLE = ("nobody", "stranger", "reader", "editor", "owner")
# the addresses of these are declared by operation, or are Django's own
ELSEWHERE = {"rest", "admin"}


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


@pytest.fixture(autouse=True)
def _blank_pictures(monkeypatch):
    """Who may see a figure is asked here; that it can be drawn is held elsewhere, and takes most of the time."""
    blank = io.BytesIO()
    Figure().savefig(blank, format="png", dpi=1)
    monkeypatch.setattr(
        Figure, "savefig", lambda self, file, **options: file.write(blank.getvalue())
    )


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
    with version.weights.open("rb") as file:
        child = ModelVersion.objects.register(
            version.model, chain=version.chain, weights=file.read(), card={}, reason="once more"
        )
    judged = a_version()
    review = reviewing.open_review(judged, actor="owner")
    reviewer, _ = a_reviewer(review)
    decided = deciding.decide(
        reviewer,
        "conditions",
        reason="x",
        signed_as="Ida",
        conditions=[deciding.Asked("more", "owner", now().date())],
    )
    _, waiting_secret = a_reviewer(review, "")
    return {
        "version-with-parent": {"number": child.number},
        "review": {"pk": review.pk},
        "reviewer": {"reviewer": reviewer.pk},
        "review-secret": {"secret": waiting_secret},
        "review-sound": {"sha256": judged.renderings.get().output.sha256},
        "action": {"pk": decided.actions.get().pk},
        "card-figure": {"part": "ablation", "number": 0},
        "of-study": {"study": of_ablation(judged).pk},
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
        "gain": {"kind": "gain"},
        "side": {"side": "after"},
        "own-figure": {"figure": "response"},
        "trace": {"name": "spectrograms"},
        "job": {"pk": version.run.job.pk},
        "kind": {"kind": "ablation"},
        "search": {"pk": that_is_over().pk},
        "lesson": {"pk": a_lesson().pk},
        "benchmark": {"slug": that_is_ranked(version).slug, "edition": 1},
        "front": {"name": "front"},
        "benchmark-entry": lambda: {"pk": BenchmarkEntry.objects.latest("pk").pk},
        "template": {"pk": a_template().pk},
        "yaml": {"form": "yaml"},
        "importance": {"name": "importance"},
        "study": {"pk": of_ablation(version).pk},
        "shares": {"name": "shares"},
        "bundle-job": {"pk": bundle.pk},
        "monitor": {"figure": "monitors"},
        "token-key": {"key": "none"},
        "thing": {"kind": "stimulus", "name": stimulus.pk},
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
                name=named["thing" if "{kind}" in path else "model"]["name"],
                kind=named["thing"]["kind"],
                number=AuditEvent.objects.filter(project=here()).latest("pk").number,
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
    "benchmarks": lambda: Benchmark.objects.latest("pk").pk,
    "templates": lambda: Template.objects.latest("pk").pk,
    "jobs": lambda: Job.objects.latest("pk").pk,
    "lessons": lambda: Lesson.objects.latest("pk").pk,
    "ratings": lambda: Rating.objects.latest("pk").pk,
    "reviews": lambda: Review.objects.latest("pk").pk,
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
