"""Lessons: written from what failed or was heard, found again, corrected by another, met before one begins."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening import lessons
from listening.models import Lesson
from models_registry.models import AuditEvent, Job, TrainingRun
from tests.factories import here
from tests.site.html import Page


def a_lesson(**said) -> Lesson:
    told = {
        "title": "A high learning rate breaks the waveshaper",
        "tried": "Training at 0.5.",
        "happened": "The loss became nan at step 30.",
        "advice": "Stay below 0.1.",
        "blocks": ["waveshaper"],
        "tasks": ["overdrive"],
        **said,
    }
    return lessons.write(here(), author="alice", **told)


def text_of(response):
    return " ".join(response.content.decode().split())


WRITTEN = {
    "title": "Too little bass",
    "tried": "A short window.",
    "happened": "Bass was lost.",
    "advice": "Take 64 ms.",
    "failure": "wrong-sound",
    "blocks": "spectral-gains, gru",
    "tasks": "denoise",
    "evidence": "/jobs/12/\nhttps://example.org/heard",
}


def test_a_lesson_is_written_with_its_tags_and_stands_in_the_record(researcher):
    response = researcher.post(reverse("lesson-new"), WRITTEN)
    lesson = Lesson.objects.get()
    assert response.url == lesson.get_absolute_url()
    assert [str(tag) for tag in lesson.tags.all()] == [
        "block gru",
        "block spectral-gains",
        "task denoise",
    ]
    assert lesson.evidence == ["/jobs/12/", "https://example.org/heard"]
    assert (lesson.author, lesson.failure) == ("alice", "wrong-sound")
    event = AuditEvent.objects.get(act="lesson")
    assert (event.reason, event.project) == ("Too little bass", here())
    page = Page(researcher.get(response.url))
    assert {"/jobs/12/", "https://example.org/heard"} <= set(page.links)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": ""}, "This field is required"),
        ({"blocks": "Wave Shaper"}, "expected names of small letters"),
        ({"evidence": "javascript:alert(1)"}, "expected an address that begins with"),
        ({"evidence": "//example.org"}, "expected an address that begins with"),
    ],
)
def test_what_is_no_lesson_is_said_on_the_form(researcher, change, words):
    response = researcher.post(reverse("lesson-new"), {**WRITTEN, **change})
    assert response.status_code == 422
    assert words in text_of(response)
    assert Lesson.objects.count() == 0


def failed(version) -> TrainingRun:
    job = Job.objects.create(
        kind="train", project=here(), state=Job.State.FAILED, message="the loss became nan"
    )
    return TrainingRun.objects.create(
        model=version.model,
        recipe={
            "name": "overdrive",
            "chain": {"blocks": [{"id": "a", "kind": "waveshaper"}], "adapters": []},
        },
        seed=1,
        reason="more drive",
        job=job,
    )


def test_a_failed_training_asks_what_was_learned_until_somebody_says(researcher, version):
    run = failed(version)
    address = f"{reverse('lesson-new')}?run={run.pk}"
    assert address in Page(researcher.get(reverse("job", args=[run.job.pk]))).links
    assert address in Page(researcher.get(reverse("lessons"))).links
    form = researcher.get(address).context["form"]
    assert form.initial == {
        "tried": "more drive",
        "happened": "the loss became nan",
        "tasks": "overdrive",
        "blocks": "waveshaper",
    }
    researcher.post(address, {**form.initial, "title": "Less drive is more"})
    assert run.lessons.get().title == "Less drive is more"
    assert address not in Page(researcher.get(reverse("lessons"))).links
    text = text_of(researcher.get(reverse("job", args=[run.job.pk])))
    assert "Less drive is more" in text
    assert "What was learned" not in text


def test_who_uses_the_recipe_or_a_block_of_it_is_shown_the_lesson(researcher):
    tagged = {
        "recipe": ([], ["overdrive"]),
        "block": (["waveshaper"], []),
        "another": (["reverb"], ["denoise"]),
    }
    for name, (blocks, tasks) in tagged.items():
        a_lesson(title=f"Lesson of {name}.", blocks=blocks, tasks=tasks)

    def shown(recipe):
        asked, part = {"recipe": recipe}, {"HX-Request": "true"}
        text = text_of(researcher.get(reverse("lessons-about"), asked, headers=part))
        return {name for name in tagged if f"Lesson of {name}." in text}

    assert shown("overdrive") == {"recipe", "block"}
    assert shown("denoise") == {"another"}
    assert shown("no such recipe") == set()
    for name in ("train", "search-new"):
        assert reverse("lessons-about") in text_of(researcher.get(reverse(name)))


def test_a_version_shows_its_own_lessons_first_and_those_of_its_blocks(researcher, version):
    a_lesson(title="Of its block")
    a_lesson(title="Of itself", blocks=[], tasks=[], version=version)
    text = text_of(researcher.get(reverse("version", args=["overdrive", 1])))
    assert -1 < text.index("Of itself") < text.index("Of its block")


def test_a_campaign_shows_what_was_learned_from_it(researcher, rated):
    address = f"{reverse('lesson-new')}?campaign={rated.slug}"
    assert address in Page(researcher.get(rated.get_absolute_url())).links
    researcher.post(address, WRITTEN)
    assert "Learned from it" in text_of(researcher.get(rated.get_absolute_url()))


def test_lessons_are_found_by_words_tags_and_failure(researcher):
    a_lesson()
    researcher.post(reverse("lesson-new"), WRITTEN)

    def found(**asked):
        return [one.title for one in researcher.get(reverse("lessons"), asked).context["lessons"]]

    both = ["Too little bass", "A high learning rate breaks the waveshaper"]
    assert found() == both
    # each word somewhere: in the title and in what happened
    assert found(q="learning NAN") == both[1:]
    assert found(q="denoise") == both[:1]
    assert found(q="learning bass") == []
    assert found(block="gru") == both[:1]
    assert found(task="overdrive") == both[1:]
    assert found(failure="wrong-sound") == both[:1]


def test_a_correction_is_another_lesson_and_what_was_written_stays(researcher):
    lesson = a_lesson()
    address = reverse("lesson-correct", args=[lesson.pk])
    form = researcher.get(address).context["form"]
    assert form.initial["blocks"] == "waveshaper"
    researcher.post(address, {**form.initial, "advice": "Stay below 0.05."})
    later = Lesson.objects.get(corrects=lesson)
    lesson.refresh_from_db()
    assert (lesson.advice, later.advice) == ("Stay below 0.1.", "Stay below 0.05.")
    assert list(Lesson.objects.current()) == [later]
    assert "Corrected by" in text_of(researcher.get(lesson.get_absolute_url()))
    # two at once
    again = researcher.post(address, form.initial)
    assert again.status_code == 422
    assert "one that was corrected since" in text_of(again)


def test_the_api_looks_for_words_too(researcher):
    a_lesson()
    a_lesson(title="Bass", tried="A window.", happened="Nothing.", blocks=[], tasks=[])
    rows = researcher.get("/api/lessons/", {"q": "window"}).json()["results"]
    assert [row["title"] for row in rows] == ["Bass"]
    assert len(researcher.get("/api/lessons/").json()["results"]) == 2


def test_kinds_stand_in_branches_too():
    chain = {
        "blocks": [
            {"id": "a", "kind": "gain"},
            {"id": "p", "kind": "parallel", "branches": [[], [{"id": "b", "kind": "fir"}]]},
        ],
        "adapters": [{"kind": "gru"}],
    }
    assert lessons.kinds_in(chain) == ["fir", "gain", "gru"]


def test_the_command_writes_finds_and_names_the_untold(version, capsys):
    job = Job.objects.create(kind="train", state=Job.State.FAILED, message="the loss became nan")
    run = TrainingRun.objects.create(
        model=version.model, recipe={"name": "overdrive"}, seed=1, reason="brighter", job=job
    )
    call_command("lesson", "untold")
    assert f"run {run.pk} of overdrive failed: the loss became nan" in capsys.readouterr().out
    told = ["--title=Too fast", "--tried=0.5", "--happened=nan", "--advice=Stay below 0.1."]
    call_command("lesson", "write", *told, "--block=waveshaper", f"--run={run.pk}")
    lesson = Lesson.objects.get()
    assert (lesson.run, lesson.project) == (run, here())
    call_command("lesson", "untold")
    assert "somebody told" in capsys.readouterr().out
    call_command("lesson", "list", "fast", "--block=waveshaper")
    assert f"{lesson.pk} Too fast: Stay below 0.1. (waveshaper)" in capsys.readouterr().out
    call_command("lesson", "list", "--task=denoise")
    assert "no lesson says this" in capsys.readouterr().out
    with pytest.raises(CommandError, match="expected --tried to say something"):
        call_command("lesson", "write", "--title=a", "--tried= ", "--happened=b")
    with pytest.raises(CommandError, match="expected a training run, found no 99"):
        call_command("lesson", "write", *told, "--run=99")
