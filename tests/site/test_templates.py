"""Templates: made of what there is, shared as a file, asked as a form, and used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from listening import templating
from listening.exchange import campaign_document, template_file
from listening.exchange.errors import ExchangeError
from listening.models import Campaign, Template
from models_registry import training
from models_registry.extra import engine
from models_registry.models import AuditEvent, Job
from tests.factories import here, mushra_campaign

FIELDS: list[dict[str, Any]] = [
    {"path": "training.steps", "label": "Steps", "help": "More is slower.", "default": 30, "least": 1, "most": 90},
    {"path": "chain.blocks.1.params.drive", "label": "Drive to begin with", "default": 18},
    {"path": "title", "default": "Overdrive: equaliser, waveshaper, equaliser"},
    {"path": "data.remove_mean", "default": True},
]  # fmt: skip


def a_recipe():
    content = training.shipped_content("overdrive")
    content["training"]["steps"] = 30
    content["data"]["remove_mean"] = True
    return content


def written(**changes):
    told = {"name": "drums", "title": "Drums", "purpose": "for drums", "fields": FIELDS}
    return templating.written("recipe", a_recipe(), **{**told, **changes})


def a_template(**changes) -> Template:
    return templating.keep(written(**changes), source="overdrive@1", project=here(), actor="alice")


def of_campaign(campaign) -> Template:
    fields = [{"path": "repetitions", "label": "How often", "default": 1}]
    data = templating.written(
        "campaign", templating.settings_of(campaign), name="panel", title="Panel", purpose="",
        fields=fields,
    )  # fmt: skip
    return templating.keep(data, source=campaign.slug, project=here(), actor="alice")


def said(response):
    return response.content.decode().replace("&#x27;", "'").replace("&quot;", '"')


def test_a_template_fills_its_fields_and_leaves_the_rest():
    pytest.importorskip("models_registry.engine")
    data = written()
    as_it_is = template_file.filled(data, {})
    assert as_it_is == data["content"]
    content = template_file.filled(
        data, {"training.steps": 60.0, "chain.blocks.1.params.drive": 6.5}
    )
    assert (content["training"]["steps"], type(content["training"]["steps"])) == (60, int)
    assert content["chain"]["blocks"][1]["params"]["drive"] == 6.5
    assert data["content"]["training"]["steps"] == 30


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"training.steps": 91}, "Steps: expected at most 90, found 91"),
        ({"training.steps": 0}, "Steps: expected at least 1, found 0"),
        ({"training.steps": "many"}, "Steps: expected a number, found a text"),
        ({"training.steps": float("nan")}, "Steps: expected a finite number"),
        ({"data.remove_mean": 1}, "data.remove_mean: expected a yes or no, found a number"),
        ({"loss.esr": 2}, "expected answers to training.steps, .*, found one to 'loss.esr'"),
    ],
)
def test_answers_that_do_not_fit_are_refused(answers, reason):
    with pytest.raises(ExchangeError, match=reason):
        template_file.filled(written(), answers)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "earwitness-template/2"}, "a newer Earwitness wrote: update this one"),
        ({"format": "earwitness-campaign/1"}, "expected 'earwitness-template/1'"),
        ({"kind": "spell"}, "expected one of recipe, campaign, review"),
        ({"more": 1}, "expected keys among"),
        ({"fields": [{"path": "no.such", "default": 1}]}, "found nothing at 'no.such'"),
        ({"fields": [{"path": "chain.blocks", "default": 1}]}, "expected a single value .* found a list"),
        ({"fields": [{"path": "training.steps", "default": "30"}]}, "expected a number, as the content has"),
        ({"fields": [FIELDS[0], FIELDS[0]]}, "expected each path once"),
        ({"fields": [{**FIELDS[0], "most": 10}]}, "Steps: expected at most 10, found 30"),
        ({"fields": [{"path": "training.steps", "default": 30, "choices": [1]}]}, "expected one of 1, found 30"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_template_is_refused_with_its_place(changes, reason):
    text = json.dumps({**written(), **changes})
    with pytest.raises(ExchangeError, match=reason):
        template_file.parse(text, name="shared.json")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(junk=JUNK, key=st.sampled_from(sorted(written())), path=st.text(max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_in_a_file_is_a_template_or_a_sentence(junk, key, path):
    for data in (junk, {**written(), key: junk}, written(fields=[{"path": path, "default": 1}])):
        if template_file.problems_of(data):
            continue
        Draft202012Validator(template_file.schema()).validate(data)
        template_file.filled(data, {})


def test_a_file_comes_back_as_it_went(db, alice):
    pytest.importorskip("models_registry.engine")
    made = a_template()
    for form in ("yaml", "json"):
        text = campaign_document.dump(made.document, form=form)
        assert template_file.parse(text, name="a file") == made.document
    with pytest.raises(templating.TemplateError, match="found the same"):
        a_template()
    assert a_template(title="Drums again").number == 2
    assert Template.objects.newest().get().number == 2
    assert AuditEvent.objects.filter(act="template").count() == 2


def test_what_its_content_would_be_refused_with_it_is_refused_with(db):
    pytest.importorskip("models_registry.engine")
    bad = written(fields=[])
    bad["content"] = {**bad["content"], "training": {"stepps": 3}}
    with pytest.raises(engine().RecipeError, match="stepps"):
        templating.keep(bad, source="", project=here(), actor="alice")
    content = {"title": "T", "method": "mushra", "slug": "s", "conditions": [], "items": []}
    data = templating.written("campaign", content, name="c", title="C", purpose="", fields=[])
    with pytest.raises(templating.TemplateError, match="without conditions, items, slug"):
        templating.keep(data, source="", project=here(), actor="alice")
    assert not Template.objects.exists()


def test_a_recipe_is_opened_shared_and_trained_on_its_pages(researcher, version, monkeypatch):
    # the cast's version has a recipe in name only
    monkeypatch.setattr(templating, "recipe_of", lambda version: a_recipe())
    address = reverse("template-new") + "?version=overdrive@1"
    form = researcher.get(address).context["form"]
    place = [path for path, _ in form.leaves].index("training.steps")
    told = {"name": "drums", "title": "Drums", f"open-{place}": "on", f"label-{place}": "Steps"}
    made = researcher.post(address, told)
    template = Template.objects.get()
    assert made.url == template.get_absolute_url()
    assert template.fields == [{"path": "training.steps", "default": 30, "label": "Steps"}]
    file = researcher.get(reverse("template-file", args=[template.pk, "yaml"]))
    again = SimpleUploadedFile(
        "shared.yaml", file.content.replace(b"title: Drums", b"title: Theirs")
    )
    assert researcher.post(reverse("templates"), {"file": again}).status_code == 302
    assert Template.objects.latest("pk").title == "Theirs"
    use = reverse("template-use", args=[template.pk])
    asked = {"field-0": "45", "seed": "3", "reason": "drums are short"}
    run = Job.objects.get(
        pk=int(researcher.post(use, asked).url.strip("/").split("/")[-1])
    ).training_run
    assert (run.recipe["training"]["steps"], run.seed) == (45, 3)
    refused = researcher.post(use, {**asked, "field-0": "-4"})
    assert refused.status_code == 422
    assert "training.steps" in said(refused)
    later = SimpleUploadedFile("new.yaml", b"format: earwitness-template/7\n")
    refused = researcher.post(reverse("templates"), {"file": later})
    assert refused.status_code == 422
    assert "which a newer Earwitness wrote" in said(refused)


def test_a_campaigns_settings_become_a_draft_of_other_sounds(researcher):
    source = mushra_campaign(slug="tones", items=1, launched=False)
    other = mushra_campaign(slug="others", items=2, launched=False)
    template = of_campaign(source)
    use = reverse("template-use", args=[template.pk])
    made = researcher.post(use, {"field-0": "2", "sounds_of": other.pk})
    draft = Campaign.objects.get(slug="panel")
    assert made.url == draft.get_absolute_url()
    assert (draft.repetitions, draft.trials.count(), draft.state) == (2, 2, "draft")
    assert draft.plan == source.plan


def test_the_command_makes_shares_and_uses(db, tmp_path, capsys):
    mushra_campaign(slug="tones", items=1, launched=False)
    call_command(
        "template", "make", "panel", "--campaign=tones", "--open=repetitions=How often", "--title=Panel"
    )  # fmt: skip
    path = tmp_path / "panel.json"
    call_command("template", "export", "panel", f"--to={path}")
    path.write_text(path.read_text().replace('"Panel"', '"Elsewhere"'))
    call_command("template", "import", str(path))
    call_command("template", "list")
    out = capsys.readouterr().out
    assert "panel@1: 1 fields" in out
    assert "panel@2: Elsewhere, of a campaign" in out
    call_command(
        "template", "use", "panel", "--set=repetitions=3", "--slug=fresh", "--sounds-of=tones"
    )
    assert Campaign.objects.get(slug="fresh").repetitions == 3
    for words, reason in (
        (["use", "panel", "--set=repetitions=often", "--slug=b", "--sounds-of=tones"], "expected a number"),
        (["use", "panel", "--set=method=abx", "--slug=b", "--sounds-of=tones"], "expected answers to"),
        (["use", "panel", "--slug=b"], "expected --slug and --sounds-of"),
        (["export", "none"], "expected a template such as drums@1"),
        (["make", "x", "--campaign=tones", "--open=nothing"], "found nothing at 'nothing'"),
    ):  # fmt: skip
        with pytest.raises(CommandError, match=reason):
            call_command("template", *words)
