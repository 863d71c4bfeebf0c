"""What holds for every page: who may see it, that it answers, and that its HTML is sound."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import quote

import pytest
from django.urls import URLPattern, resolve, reverse

from listening.urls import listeners, public, researcher
from listening.views.guide import pages as guide_pages
from tests.site.html import Page
from tests.site.test_lessons import a_lesson
from tests.site.test_searches import that_is_over

PUBLIC = ["home", "metrics", "guide", "login", "submission-schema"]
OF_EACH_KIND = 2
# these only take what is sent
TAKING = {"logout", "parcels", "project-choose", "record-verify", "record-seal"}
# the listener's own addresses are held to their promises in tests/listener
WITHOUT_ARGUMENTS = [
    pattern.name
    for pattern in [*public, *researcher]
    if isinstance(pattern, URLPattern)
    and "<" not in str(pattern.pattern)
    and pattern.name not in TAKING
]


@pytest.fixture
def addresses(rated, told_apart, version):
    """Every address that a researcher can open, with rows behind it."""
    trial = rated.trials.first()
    signal, degraded = trial.reference, trial.stimuli.get(condition__name="system one").signal
    job = version.run.job
    return [
        *map(reverse, WITHOUT_ARGUMENTS),
        *(reverse("guide-page", args=[name]) for name in guide_pages()),
        rated.get_absolute_url(),
        told_apart.get_absolute_url(),
        reverse("campaign-metrics", args=[rated.slug]),
        reverse("provenance", args=["stimulus", str(trial.stimuli.first().pk)]),
        reverse("correlation") + f"?campaign={rated.slug}&campaign={told_apart.slug}",
        reverse("campaign-metrics", args=[told_apart.slug]),
        reverse("campaign-statistics", args=[rated.slug]),
        reverse("campaign-statistics", args=[told_apart.slug]),
        reverse("campaign-lint", args=[rated.slug]),
        reverse("campaign-preview", args=[rated.slug]),
        reverse("campaign-design", args=[rated.slug]),
        reverse("campaign-power", args=[rated.slug]),
        reverse("campaign-power", args=[told_apart.slug]),
        reverse("campaign-progress", args=[rated.slug]),
        reverse("campaign-sessions", args=[rated.slug]),
        reverse("campaign-session", args=[rated.slug, rated.sessions.first().pk]),
        reverse("arrivals-figure", args=[rated.slug, "svg"]),
        reverse("campaign-scores", args=[rated.slug]),
        reverse("campaign-scores", args=[rated.slug]) + "?first=system%20one&second=system%20two",
        reverse("version-scores", args=["overdrive", 1]),
        reverse("metric", args=["nmr"]),
        reverse("pair", args=[degraded.sha256]) + f"?reference={signal.sha256}",
        reverse("pair", args=[signal.sha256]),
        reverse("campaign-export", args=[rated.slug, "csv"]),
        reverse("campaign-figure", args=[rated.slug, "means", "svg"]),
        reverse("signal", args=[signal.sha256]),
        reverse("model", args=["overdrive"]),
        reverse("version", args=["overdrive", 1]),
        reverse("block-figure", args=["overdrive", 1, "pre", "svg"]),
        reverse("search", args=[that_is_over().pk]),
        reverse("lesson", args=[a_lesson().pk]),
        reverse("job", args=[job.pk]),
        reverse("history-figure", args=[job.pk, "svg"]),
    ]


def is_public(address):
    return address in [reverse(name) for name in PUBLIC] or address.startswith(
        (reverse("guide"), reverse("metrics"))
    )


@pytest.mark.parametrize("name", WITHOUT_ARGUMENTS)
def test_every_address_without_arguments_answers_a_researcher(researcher, name):
    assert researcher.get(reverse(name)).status_code == 200


def test_every_page_answers_a_researcher(researcher, addresses):
    assert {a: researcher.get(a).status_code for a in addresses} == dict.fromkeys(addresses, 200)


def test_no_page_of_a_researcher_answers_a_visitor(anonymous, addresses):
    for address in filter(lambda address: not is_public(address), addresses):
        response = anonymous.get(address)
        assert response.status_code == 302, address
        assert response.url == f"{reverse('login')}?next={quote(address, safe='/')}"


def test_public_pages_name_nothing_of_a_researcher(anonymous, addresses):
    for address in filter(is_public, addresses):
        response = anonymous.get(address)
        assert response.status_code == 200
        text = response.content.decode()
        for secret in ("system one", "sim-001", "the treble was dull", "/campaigns/", "/models/"):
            assert secret not in text, f"{secret} on {address}"


def test_acts_need_a_researcher_and_a_post(anonymous, researcher, rated, version):
    acts = [
        reverse("campaign-mend", args=[rated.slug]),
        reverse("campaign-launch", args=[rated.slug]),
        reverse("campaign-close", args=[rated.slug]),
        reverse("campaign-score", args=[rated.slug]),
        reverse("session-exclude", args=[rated.slug, rated.sessions.first().pk]),
        reverse("session-forget", args=[rated.slug, rated.sessions.first().pk]),
        reverse("pair-score", args=[rated.trials.first().reference.sha256]),
        reverse("job-stop", args=[version.run.job.pk]),
        reverse("job-resume", args=[version.run.job.pk]),
    ]
    for act in acts:
        assert anonymous.post(act).status_code == 302
        assert researcher.get(act).status_code == 405
    rated.refresh_from_db()
    assert rated.state == "open"


def test_every_address_of_the_site_is_of_one_kind():
    names = [p.name for p in [*public, *listeners, *researcher] if isinstance(p, URLPattern)]
    assert len(names) == len(set(names))


def test_every_page_is_sound_html(researcher, addresses):
    for address in addresses:
        response = researcher.get(address)
        if not response["Content-Type"].startswith("text/html"):
            continue
        page = Page(response)
        if not address.startswith("/admin/"):
            assert len(page.headings) == 1, address
            assert page.unlabelled_fields() == [], address
            assert page.unlabelled_images == 0, address
            # the content security policy would drop them
            assert page.inline_styles == 0, address
            assert page.inline_scripts == 0, address


def test_every_link_on_every_page_leads_somewhere(researcher, addresses):
    links = set()
    for address in addresses:
        response = researcher.get(address)
        if response["Content-Type"].startswith("text/html") and not address.startswith("/admin/"):
            page = Page(response)
            links |= {link for link in [*page.links, *page.sources] if link.startswith("/")}
    paths = {link.partition("#")[0] for link in links} - {""}
    assert paths > {"/guide/statistics/", "/campaigns/tones/"}
    kinds = defaultdict(list)
    for path in sorted(paths):
        # an address of no view is a file that is served as it is
        match = resolve(path.partition("?")[0]) if not path.startswith("/static/") else None
        kinds[match and (match.view_name, match.kwargs.get("form"))].append(path)
    # each address is one of the site's; of every kind some are opened, for all would be the other tests over again
    opened = [
        path
        for kind, of_kind in kinds.items()
        # of a kind of figure one: drawing is most of the work, and the second goes the same way
        for path in of_kind[: 1 if kind and kind[1] else OF_EACH_KIND]
    ]
    broken = {path for path in opened if researcher.get(path).status_code != 200}
    assert broken == set()


def test_what_is_not_there_gets_a_page_of_the_site(anonymous, researcher):
    for client in (anonymous, researcher):
        response = client.get("/campaigns/nothing/", follow=True)
        assert b"Earwitness" in response.content
    assert researcher.get("/campaigns/nothing/").status_code == 404
    assert researcher.get("/models/nothing/").status_code == 404
    assert researcher.get("/models/nothing/1/").status_code == 404
    assert researcher.get("/jobs/999/").status_code == 404
    assert researcher.get("/signals/0000.wav").status_code == 404
    assert researcher.get("/guide/nothing/").status_code == 404


def test_a_server_error_gets_a_page_without_a_database(settings):
    from django.template.loader import get_template

    assert "Something broke" in get_template("500.html").render()
