"""Model cards: they say what the rows say, in three forms, and which parts have no evidence yet."""

from __future__ import annotations

import json
import sys

import pytest
import yaml
from django.core.management import call_command
from django.db.models import QuerySet
from django.urls import reverse

from listening.cards import forms
from listening.cards.gathering import card_of
from listening.cards.metadata import LICENCES, metadata
from listening.computed import analysis_of
from listening.models import Condition, Listener
from models_registry import statements
from models_registry.models import AuditEvent, ModelVersion
from models_registry.triggers import lifted
from tests.registry.test_statements import SAID
from tests.site.html import Page
from tests.site.test_studies import of_ablation

MEASURED = {
    "rate": 44_100,
    "train": {
        "clips": 8,
        "seconds": 12.0,
        "drawn_anew": False,
        "dry_db": {"least": -31.0, "low": -28.0, "median": -20.0, "high": -14.0, "most": -9.0},
        "wet_db": {"least": -31.0, "low": -28.0, "median": -20.0, "high": -14.0, "most": -9.0},
        "bands": [{"hertz": 1000.0, "level_db": 0.0}, {"hertz": 8000.0, "level_db": -70.0}],
    },
    "folders": [],
}


def text_of(response):
    return " ".join(response.content.decode().split())


def parts(version):
    return {part.name: part for part in card_of(version).parts}


def rewritten(row, **values):
    """As nothing but a hand at the database could."""
    with lifted():
        QuerySet(type(row)).filter(pk=row.pk).update(**values)


def trained_on(version, **data):
    """The version as one whose recipe names these data, measured as above."""
    card = version.card | {
        "material": MEASURED,
        "validation": {"error_to_signal_ratio": 0.25, "best": 0.5},
    }
    rewritten(version, card=card)
    recipe = version.run.recipe | {"data": data}
    rewritten(version.run, recipe=recipe)
    return ModelVersion.objects.select_related("model", "run").get(pk=version.pk)


def test_every_learned_value_stands_beside_its_range_and_default(version):
    told = {one["name"]: one for one in parts(version)["parameters"].facts}
    assert set(told) == set(version.load().readings())
    low = told["pre.low_gain"]
    assert (low["value"], low["unit"], low["range"], low["default"]) == (-6, "dB", "−24 … 24", "0")
    assert told["drive.drive"]["at_the_end"]
    assert told["drive.bias"]["adapter_percent"] == 20


def test_what_has_no_evidence_yet_says_how_to_get_it(version):
    card = card_of(version)
    without = card.as_dict()["without_evidence"]
    assert without["validation"] == "python manage.py validate overdrive@1"
    assert without["ablation"] == "python manage.py ablate overdrive@1"
    assert {"use", "robustness", "explanation", "hearing", "ratings", "metrics"} <= set(without)
    of_ablation(version)
    statements.write(version, **SAID, actor="alice")
    after = card_of(version)
    assert not {"ablation", "use"} & set(after.as_dict()["without_evidence"])
    assert after.complete[0] == card.complete[0] + 2
    assert after.sha256 != card.sha256


def test_the_hash_names_what_the_card_says(version):
    first = card_of(version)
    assert card_of(version).sha256 == first.sha256
    assert json.loads(forms.as_json(first))["card_sha256"] == first.sha256
    # a row that is changed behind its back changes the card
    rewritten(version, reason="something else")
    assert card_of(ModelVersion.objects.get()).sha256 != first.sha256


def test_data_that_were_measured_say_what_is_missing(version):
    found = parts(trained_on(version, source="pairs", dry="a", wet="b", speakers="one guitarist"))[
        "data"
    ]
    lacks = " ".join(found.facts["missing"])
    assert "does not say: provenance, licence of the sounds, recorded with" in lacks
    assert "speakers" not in lacks
    assert "octaves around 8000 Hz" in lacks
    assert "Loud sound: nine clips of ten are below −14 dB" in lacks
    assert "it learned from 12.0 s" in lacks
    assert found.how == ""


def test_ratios_beyond_those_mixed_are_said_to_be_unheard(version):
    found = parts(trained_on(version, source="mixtures", ratios=[-3, 18]))["data"].facts
    assert "Ratios below −3 dB and above 18 dB." in found["missing"]
    assert found["degradations"][0].startswith("noise added at −3 to 18 dB")
    assert found["declared"]["speakers"] == "nobody: synthesis"


def test_simulated_listeners_are_labelled_and_no_result(version, rated):
    Condition.objects.filter(campaign=rated, name="system one").update(version=version)
    card = card_of(version)
    (told,) = {part.name: part for part in card.parts}["ratings"].facts
    assert told["simulated"] == told["listeners"] == 10
    # the screened mean that the campaign's own page shows
    analysis, _ = analysis_of(rated)
    row = analysis.summary.set_index("condition").loc["system one"]
    assert told["value"] == row["after_mean_of_listeners"]
    assert told["n"] == row["after_n_listeners"]
    assert told["low"] < told["value"] < told["high"]
    assert "mean-rating" not in {one.metric for one in card.results}
    assert "SIMULATED, no people" in forms.as_markdown(card).decode()


def test_shares_of_right_answers_are_told_with_what_they_were_told_from(version, told_apart):
    Condition.objects.filter(campaign=told_apart, name="system one").update(version=version)
    # as if people had answered
    Listener.objects.update(simulated=False)
    card = card_of(version)
    (told,) = {part.name: part for part in card.parts}["ratings"].facts
    assert told["what"] == "told from reference, share of right answers"
    assert (told["n"], told["simulated"]) == (5, 0)
    (result,) = [one for one in card.results if one.metric == "told-apart"]
    assert result.value == told["value"]
    assert "n 5" in result.method


def test_the_front_matter_is_a_model_card_of_the_hub(version):
    hub = pytest.importorskip("huggingface_hub", reason="the Hub's own reader is not installed")
    statements.write(version, **SAID, licence="MIT", actor="alice")
    card = card_of(trained_on(version, source="synthetic"))
    text = forms.as_markdown(card).decode()
    read = hub.ModelCard(text)
    assert read.data.license == "mit"
    assert read.data.pipeline_tag == "audio-to-audio"
    assert {"interpretable", "waveshaper"} <= set(read.data.tags)
    (result,) = read.data.eval_results
    assert (result.metric_type, result.metric_value) == ("error_to_signal_ratio", 0.25)
    # read back and written again it says the same
    assert yaml.safe_load(str(read.data)) == metadata(card)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ("", {"license": "unknown"}),
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("House rules, 2nd ed.", {"license": "other", "license_name": "house-rules-2nd-ed."}),
    ],
)
def test_a_licence_is_the_hubs_or_another_by_name(version, stated, found):
    if stated:
        statements.write(version, **SAID, licence=stated, actor="alice")
    told = metadata(card_of(version))
    assert {key: told[key] for key in told if key.startswith("license")} == found
    assert found["license"] in LICENCES


def test_the_page_shows_all_parts_and_the_figures_where_the_site_draws_them(researcher, version):
    of_ablation(version)
    response = researcher.get(reverse("version-card", args=["overdrive", 1]))
    text = text_of(response)
    card = response.context["card"]
    assert all(part.section.title in text for part in card.parts)
    assert card.sha256 in text
    assert version.weights_sha256 in text
    page = Page(response)
    drawn = [one for part in card.parts for one in part.section.pictures]
    assert len(drawn) > 3
    assert {one.address for one in drawn} <= set(page.sources)
    for one in drawn:
        assert researcher.get(one.address).status_code == 200


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_a_card_is_taken_away_whole_and_the_record_says_so(researcher, version, form):
    response = researcher.get(reverse("card-file", args=["overdrive", 1, form]))
    card = card_of(version)
    body = response.content.decode()
    assert card.sha256 in body
    assert f'filename="overdrive-1-card.{form}"' in response["Content-Disposition"]
    assert AuditEvent.objects.get(act="card").content == {"format": form, "card": card.sha256}
    if form == "html":
        assert "data:image/svg+xml" in body
        assert "<script" not in body


def test_other_forms_are_not_found(researcher, version):
    assert researcher.get(reverse("card-file", args=["overdrive", 1, "pdf"])).status_code == 404


def test_the_command_writes_the_file_and_the_api_tells_the_same(
    researcher, version, tmp_path, capsys
):
    path = tmp_path / "card.json"
    call_command("card", "overdrive@1", format="json", to=path)
    assert "parts have evidence" in capsys.readouterr().out
    told = json.loads(path.read_text(encoding="utf-8"))
    assert researcher.get("/api/versions/overdrive@1/card/").json() == told


def test_without_the_engine_the_card_shows_the_values_kept(version, monkeypatch):
    monkeypatch.setitem(sys.modules, "models_registry.engine", None)
    part = parts(version)["parameters"]
    assert "earwitness[engine]" in part.section.paragraphs[0]
    assert [row[0] for row in part.section.tables[0].rows] == ["pre.low_gain"]
