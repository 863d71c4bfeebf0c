"""Agendas as templates: made of a review, shared as a file, changed there, and begun with."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.timezone import localdate

from listening import agenda, deciding, reviewing, templating
from listening.exchange import template_file
from listening.exchange.errors import ExchangeError
from listening.models import Review, Template
from models_registry import standing
from models_registry.models import AuditEvent
from tests.factories import here, mushra_campaign
from tests.site.reviews import a_version, invited

POINT = {"topic": "pauses", "title": "Pauses", "do": "Hear the pauses.", "look_for": "Breathing?"}
FIELDS = [
    {"path": "decisions", "label": "Signatures", "help": "Two for devices.", "default": 2, "least": 1, "most": 5},
    {"path": "agenda.0.look_for", "label": "What to ask", "default": "Breathing?"},
]  # fmt: skip


def content(**changes):
    return {"agenda": [POINT], "due_days": 14, "decisions": 2, "interval_days": 90, **changes}


def written(**changes):
    told = {"name": "pauses", "title": "Pauses", "purpose": "for pauses", "fields": FIELDS}
    return templating.written("review", content(), **{**told, **changes})


@pytest.fixture
def template(db):
    return templating.keep(written(), source="a file", project=here(), actor="alice")


@pytest.fixture
def version(db):
    return a_version()


def approved(review, *names):
    for name in names:
        reviewer, _ = invited(review, name)
        deciding.decide(reviewer, "approve", reason="heard", signed_as=name)


def test_a_review_begins_with_a_templates_agenda_and_what_it_takes(template, version):
    answers = {"agenda.0.look_for": "Is there hiss?"}
    review = templating.begin_review(template, answers, subject=version, actor="alice")
    assert [(one.title, one.look_for) for one in review.points.all()] == [
        ("Pauses", "Is there hiss?")
    ]
    assert review.due_on == localdate() + timedelta(days=14)
    assert (review.agenda_from, review.decisions_wanted) == ("pauses@1", 2)
    assert AuditEvent.objects.get(act="review-open").content["template"] == "pauses@1"
    # as it is in the review, so it is in a template made of it
    assert templating.agenda_of(review) == content(agenda=[{**POINT, "look_for": "Is there hiss?"}])


def test_too_few_signatures_approve_nothing_and_enough_set_the_interval(template, version):
    review = templating.begin_review(template, {}, subject=version, actor="alice")
    approved(review, "Ida")
    assert deciding.close(review, actor="bob", reason="nobody else came") == "withdrawn"
    assert standing.of(version).state == "candidate"
    again = templating.begin_review(template, {}, subject=version, actor="alice")
    approved(again, "Ida", "Jo")
    assert deciding.close(again, actor="bob", reason="all heard it") == "approved"
    version.model.refresh_from_db()
    assert version.model.review_days == 90
    assert standing.of(version).state == "approved"
    assert AuditEvent.objects.filter(act="review-every").count() == 1


def test_one_rejection_needs_no_second(template, version):
    review = templating.begin_review(template, {}, subject=version, actor="alice")
    ida, _ = invited(review)
    deciding.decide(ida, "reject", reason="hiss", signed_as="Ida")
    assert deciding.close(review, actor="bob", reason="hiss") == "rejected"
    assert not AuditEvent.objects.filter(act="review-every").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"agenda": []}, "expected at least 1 entries"),
        ({"agenda": [{**POINT, "topic": "Two words"}]}, "expected text like"),
        ({"agenda": [{**POINT, "do": "  "}]}, "expected some words, found none"),
        ({"agenda": [{"topic": "x"}]}, "expected the key 'title'"),
        ({"decisions": 0}, "expected at least 1"),
        ({"interval_days": 2.5}, "expected a whole number"),
        ({"questions": 1}, "expected keys among agenda, due_days, decisions, interval_days"),
    ],
)
def test_an_agenda_that_nobody_could_follow_is_refused(db, changes, reason):
    with pytest.raises(ExchangeError) as refused:
        templating.keep(
            written(fields=[], name="bad") | {"content": content(**changes)},
            source="", project=here(), actor="alice",
        )  # fmt: skip
    assert reason in str(refused.value)
    assert not Template.objects.exists()


def test_the_standard_agenda_is_itself_the_content_of_a_template():
    assert agenda.from_data(agenda.STANDARD.as_data()).as_data() == agenda.STANDARD.as_data()


def test_its_pages_make_it_of_a_review_and_begin_another_with_it(researcher, version):
    review = reviewing.open_review(version, title="Fit for speech?", actor="alice")
    deciding.close(review, actor="bob", reason="only the agenda was wanted")
    address = reverse("template-new") + f"?review={review.pk}"
    form = researcher.get(address).context["form"]
    place = [path for path, _ in form.leaves].index("decisions")
    told = {
        "name": "speech",
        "title": "Speech",
        f"open-{place}": "on",
        f"label-{place}": "Signatures",
    }
    assert researcher.post(address, told).status_code == 302
    template = Template.objects.get()
    assert (template.kind, len(template.document["content"]["agenda"])) == ("review", 5)
    # on the page of what is reviewed, and on the template's own
    begin = reverse("review-version", args=["plain", 1]) + f"?template={template.pk}"
    assert "Signatures" in researcher.get(begin).content.decode()
    assert researcher.post(begin, {"field-0": "0"}).status_code == 422
    made = Review.objects.get(pk=researcher.post(begin, {"field-0": "3"}).url.split("/")[-2])
    assert (made.decisions_wanted, made.agenda_from) == (3, "speech@1")
    use = reverse("template-use", args=[template.pk])
    refused = researcher.post(use, {"field-0": "1", "subject": "plain@1"})
    assert refused.status_code == 422, "it has an open review"
    campaign = mushra_campaign(slug="tones", items=1)
    assert researcher.post(use, {"field-0": "1", "subject": "tones"}).status_code == 302
    assert campaign.reviews.get().decisions_wanted == 1
    assert researcher.get(reverse("template-new") + "?review=standard").status_code == 200
    assert researcher.get(reverse("template-new") + "?review=99").status_code == 404


def test_the_command_shares_it_and_opens_a_review_with_it(version, tmp_path, capsys):
    call_command("template", "make", "usual", "--review=standard", "--open=decisions=Signatures")
    path = tmp_path / "usual.json"
    call_command("template", "export", "usual", f"--to={path}")
    data = json.loads(path.read_text())
    data["content"]["agenda"].append(POINT)
    path.write_text(json.dumps(data))
    call_command("template", "import", str(path))
    call_command(
        "template", "use", "usual", "--version=plain@1", "--set=decisions=2", "--title=Heard?"
    )
    review = Review.objects.get()
    assert (review.points.count(), review.decisions_wanted, review.title) == (6, 2, "Heard?")
    for words, reason in (
        (["use", "usual"], "expected --version or --campaign to be reviewed"),
        (["use", "usual", "--version=plain@1"], "expected no open review of plain@1"),
        (["make", "x", "--review=99"], "expected a review's number, or standard, found '99'"),
    ):
        with pytest.raises(CommandError, match=reason):
            call_command("template", *words)
    path.write_text(json.dumps({**data, "format": "earwitness-template/2"}))
    with pytest.raises(CommandError, match="which a newer Earwitness wrote: update this one"):
        call_command("template", "import", str(path))


def test_lists_are_opened_as_fields_by_lines_and_by_commas():
    data = template_file.checked(
        templating.written(
            "recipe", {"sizes": [256, 512], "words": ["a, b", "c"], "curve": [0.5] * 300},
            name="n", title="N", purpose="",
            fields=[{"path": "sizes", "default": [256, 512], "most": 4096}, {"path": "words", "default": ["a, b"]}],
        )
    )  # fmt: skip
    assert [path for path, _ in template_file.leaves(data["content"])] == ["sizes", "words"]
    sizes, words = data["fields"]
    assert template_file.read_answer(sizes, "128, 1024\n2048") == [128, 1024, 2048]
    assert template_file.read_answer(words, "x, y\n\nz") == ["x, y", "z"]
    assert template_file.read_answer(words, '["x", "y"]') == ["x", "y"]
    assert template_file.filled(data, {"sizes": [64.0]})["sizes"] == [64]
    refused: list[tuple[dict[str, Any], str]] = [
        ({"sizes": [8192]}, "expected at most 4096"),
        ({"sizes": []}, "expected a list of 1 to 100 entries, found 0"),
        ({"sizes": ["many"]}, "expected a list of number, found a list of text"),
        ({"sizes": 3}, "expected a list of number, found a number"),
    ]
    for answers, reason in refused:
        with pytest.raises(ExchangeError, match=reason):
            template_file.filled(data, answers)
    overlapping = {**data, "fields": [sizes, {"path": "sizes.0", "default": 256}]}
    assert "none holds another" in str(template_file.problems_of(overlapping))
