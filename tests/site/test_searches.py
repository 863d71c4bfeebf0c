"""Searches as pages: asked for, watched, stopped, gone on with, read, and a finalist made a version."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from listening.views.guide import pages
from models_registry import searching
from models_registry.models import AuditEvent, Job, Search, SearchTrial
from tests.factories import here
from tests.site.html import Page

PLAN = {
    "trials": 2,
    "seeds": 2,
    "finalists": 1,
    "objectives": ["quality", "cost"],
    "seed": 0,
    "prune": True,
}
RESULT = {
    "best": 1,
    "shown": True,
    "sentence": "Configuration 1 of 3 (loss.stft 0.5) is better than the recipe as written.",
    "seeds": [1, 2],
    "finalists": [
        {"configuration": 1, "mean": 0.25, "low": 0.2, "high": 0.3, "n": 2},
        {"configuration": 0, "mean": 0.5, "low": None, "high": None, "n": 1},
    ],
    "comparisons": [
        {
            "better": 1,
            "worse": 0,
            "difference": 0.25,
            "low": 0.2,
            "high": 0.3,
            "n": 2,
            "shown": True,
        },
        {
            "better": 1,
            "worse": 2,
            "difference": 0.1,
            "low": -0.2,
            "high": 0.4,
            "n": 2,
            "shown": False,
        },
    ],
    "front": [1],
    "importance": {
        "shares": [{"module": "loss", "alone": 0.7, "total": 0.8, "low": 0.6, "high": 0.9}],
        "n": 12,
        "foretold": 0.5,
        "tells": True,
        "reason": "",
    },
}


def begun(**fields) -> Search:
    """A search at work: the recipe as written done, one given up, one failed, one running."""
    search = Search.objects.create(
        project=here(),
        recipe={"name": "overdrive", "title": "Overdrive", "measure": "esr"},
        space={"loss.stft": {"low": 0.0, "high": 1.0, "log": False, "whole": False}},
        plan=PLAN,
        **fields,
    )
    job = Job.objects.create(kind="search", project=here(), arguments={"actor": "alice"})
    search.jobs.add(job)
    for number, state, values in (
        (0, "done", {"quality": 0.5, "cost": 0.02, "parts": 4, "numbers": 31}),
        (1, "done", {"quality": 0.25, "cost": 0.01, "parts": 3, "numbers": 1234}),
        (2, "pruned", {"cost": 0.03, "parts": 4, "numbers": 31}),
        (3, "failed", {}),
    ):
        SearchTrial.objects.create(
            search=search,
            number=number,
            configuration=number,
            seed=0,
            choices={"loss.stft": number / 2} if number else {},
            state=state,
            values=values,
            history=[[0, 0.9], [50, 0.75]] if state == "pruned" else [],
            message="expected a finite loss, found nan" if state == "failed" else "",
            job=job,
            attempt=0,
        )
    return search


def that_is_over() -> Search:
    search = begun(result=RESULT)
    search.jobs.update(state=Job.State.DONE)
    for number, configuration, seed in ((4, 0, 1), (5, 1, 1), (6, 1, 2)):
        SearchTrial.objects.create(
            search=search,
            number=number,
            configuration=configuration,
            seed=seed,
            choices={},
            state="done",
            values={"quality": 0.5 - configuration / 4 + seed / 100},
            job=search.jobs.get(),
            attempt=0,
        )
    return search


def text_of(response):
    return " ".join(response.content.decode().split())


def address(name, search, *rest):
    return reverse(name, args=[search.pk, *rest])


def test_a_search_at_work_shows_how_far_it_is_and_its_trials(researcher):
    search = begun()
    response = researcher.get(address("search", search))
    Page(response)
    text = text_of(response)
    assert "4 of at most 7 trials" in text
    assert "expected a finite loss, found nan" in text
    assert "given up" in text
    # where it was given up
    assert ">0.75<" in text
    assert address("search-figure", search, "history", "svg") in text


def test_the_progress_part_asks_for_the_whole_page_once_the_search_is_over(researcher):
    search, over = begun(), that_is_over()
    part = researcher.get(address("search", search), headers={"HX-Target": "progress"})
    assert "hx-get" in text_of(part)
    assert "<h1" not in text_of(part)
    assert "HX-Refresh" not in part
    done = researcher.get(address("search", over), headers={"HX-Target": "progress"})
    assert done["HX-Refresh"] == "true"
    assert "hx-get" not in text_of(done)


def test_a_search_that_is_over_says_what_is_shown_and_what_is_not(researcher):
    search = that_is_over()
    response = researcher.get(address("search", search))
    page = Page(response)
    text = text_of(response)
    assert RESULT["sentence"] in text
    assert text.count("<strong>shown</strong>") == 1
    assert "not shown</td>" in text
    assert "R² 0.50" in text
    for name in ("history", "finalists", "front", "importance"):
        drawn = address("search-figure", search, name, "svg")
        assert drawn in page.sources
        assert b"<svg" in researcher.get(drawn).content
    assert researcher.get(address("search-figure", search, "what", "svg")).status_code == 404


def test_the_list_and_the_api_know_it(researcher):
    search = that_is_over()
    assert RESULT["sentence"] in text_of(researcher.get(reverse("searches")))
    found = researcher.get(f"/api/searches/{search.pk}/").json()
    assert found["result"] == RESULT
    assert len(found["trials"]) == 7
    assert found["trials"][2]["history"] == [[0, 0.9], [50, 0.75]]
    told = json.loads(researcher.get(address("search-json", search)).content)
    assert told["trials"][1]["values"]["quality"] == 0.25


def test_a_search_is_stopped_and_gone_on_with(researcher):
    search = begun()
    researcher.post(address("search-stop", search))
    assert search.jobs.get().state == Job.State.STOPPED
    assert search.state == Job.State.STOPPED
    researcher.post(address("search-resume", search))
    assert search.jobs.get().state == Job.State.QUEUED
    assert list(AuditEvent.objects.values_list("act", flat=True)) == ["stop", "resume"]


def test_one_that_is_over_is_not_gone_on_with(researcher):
    search = that_is_over()
    response = researcher.post(address("search-resume", search), follow=True)
    assert "which is" in text_of(response)
    assert search.jobs.count() == 1


def test_a_finalist_is_made_a_version_by_a_job(researcher):
    search = that_is_over()
    researcher.post(address("search-adopt", search), {"configuration": "0"})
    job = Job.objects.get(kind="search-adopt")
    assert job.arguments == {
        "search": str(search),
        "actor": "alice",
        "number": search.pk,
        "configuration": 0,
    }
    for wrong in ("2", "", "one"):
        response = researcher.post(
            address("search-adopt", search), {"configuration": wrong}, follow=True
        )
        assert "expected a finalist" in text_of(response)
    assert Job.objects.filter(kind="search-adopt").count() == 1


ASKED = {
    "recipe": "overdrive",
    "settings": "training.steps = 5",
    "trials": 4,
    "finalists": 2,
    "seeds": 3,
    "objectives": ["cost"],
    "seed": 7,
    "prune": "on",
    "workers": 2,
    "reason": "the treble is dull",
}


def test_a_search_is_asked_for_with_its_workers(researcher):
    response = researcher.post(reverse("search-new"), ASKED)
    search = Search.objects.get()
    assert response.url == address("search", search)
    assert search.plan == {
        "trials": 4,
        "seeds": 3,
        "finalists": 2,
        "objectives": ["quality", "cost"],
        "seed": 7,
        "prune": True,
    }
    assert search.recipe["training"]["steps"] == 5
    assert (search.jobs.count(), search.reason) == (2, "the treble is dull")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipe": "resynthesis"}, "expected a section"),
        ({"space": "{"}, "expected JSON"),
        ({"space": "[1]"}, "an object of paths"),
        ({"space": '{"loss.stfd": {"low": 0, "high": 1}}'}, "did you mean"),
        ({"seeds": 1}, "greater than or equal to 2"),
    ],
)
def test_what_cannot_be_searched_is_said_on_the_form(researcher, change, words):
    response = researcher.post(reverse("search-new"), {**ASKED, **change})
    assert response.status_code == 422
    assert words in text_of(response)
    assert Search.objects.count() == 0


def test_a_space_may_be_written_into_the_form(researcher):
    space = {"loss.stft": {"low": 0, "high": 1}}
    researcher.post(reverse("search-new"), {**ASKED, "space": json.dumps(space)})
    assert list(Search.objects.get().space) == ["loss.stft"]


def test_the_guide_names_every_objective_and_says_what_is_shown():
    text = str(pages()["understanding"].html)
    assert f"--objectives {','.join(searching.OBJECTIVES)}" in text
    assert 'id="search"' in text
