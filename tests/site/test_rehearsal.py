"""Every method can be rehearsed: simulated listeners answer its pages, and the campaign is analysed and exported."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from django.core.management import call_command
from django.urls import reverse

from listening.evidence import ratings_frame
from listening.methods import methods
from listening.methods.base import Method
from listening.models import Session
from listening.rehearsal import rehearse
from models_registry.models import AuditEvent
from tests.factories import small_campaign
from tests.site.conftest import no_progress, scored

pytestmark = pytest.mark.django_db

REHEARSED = [
    name for name, method in methods().items() if type(method).rehearsed is not Method.rehearsed
]


def rehearsed(method: str, *, listeners: int = 4):
    campaign = small_campaign(method)
    scored(campaign)
    rehearse(campaign, listeners=listeners, seed=3, actor="alice", progress=no_progress)
    return campaign


@pytest.mark.parametrize("method", REHEARSED)
def test_a_whole_campaign_is_rehearsed_analysed_and_exported(method, capsys, tmp_path):
    campaign = rehearsed(method)
    assert set(Session.objects.values_list("ending", flat=True)) == {Session.Ending.FINISHED}
    assert ratings_frame(campaign)["simulated"].all()
    call_command("analyse", campaign.slug)
    assert f"{method.upper()}, 4 listeners — SIMULATED" in capsys.readouterr().out
    call_command("export", campaign.slug, "--to", str(tmp_path / "all.json"))
    exported = json.loads((tmp_path / "all.json").read_text())
    assert len(exported["ratings"]) == len(ratings_frame(campaign))
    assert exported["summary"]


@pytest.mark.parametrize("method", ["bs1116", "p835"])
def test_the_analysis_is_written_as_json_and_the_rows_as_tables(method, capsys, tmp_path):
    campaign = rehearsed(method, listeners=2)
    call_command("analyse", campaign.slug, "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert (found["method"], found["simulated_listeners"]) == (method, 2)
    call_command("export", campaign.slug, "--to", str(tmp_path / "all.csv"))
    rows = pd.read_csv(tmp_path / "all.csv")
    assert len(rows) == len(ratings_frame(campaign))
    extra = {"bs1116": "difference_grade", "p835": "scale"}[method]
    assert rows[extra].nunique() > 1


def test_a_better_system_gets_better_opinions_and_nobody_is_asked_twice():
    campaign = rehearsed("acr", listeners=20)
    means = ratings_frame(campaign).groupby("condition")["rating"].mean()
    assert means["system one"] > means["system two"]
    again = rehearse(campaign, listeners=20, seed=3, actor="alice", progress=no_progress)
    assert again == 0


def test_an_impairment_is_graded_below_the_hidden_reference():
    campaign = rehearsed("bs1116", listeners=20)
    grades = ratings_frame(campaign).groupby("condition")["difference_grade"].mean()
    assert grades["system two"] < grades["system one"] < 0


def test_without_references_the_qualities_follow_nothing_and_the_record_says_so():
    campaign = small_campaign("bs2132")
    rehearse(campaign, listeners=2, seed=3, actor="alice", progress=no_progress)
    assert AuditEvent.objects.get(act="rehearse").content["follows"] == ""
    assert ratings_frame(campaign)["rating"].nunique() > 3


def test_a_sequential_campaign_is_rehearsed_until_every_listener_is_decided():
    campaign = small_campaign("triangle", repetitions=15, options={"sequential": True, "p1": 0.7})
    scored(campaign)
    rehearse(campaign, listeners=4, seed=3, actor="alice", progress=no_progress)
    found = campaign.protocol.analyse(ratings_frame(campaign), screening="none").as_dict()
    for row in found["listeners_by_pair"]:
        # nobody was asked on
        assert row["sprt_decision"] == "continue" or row["sprt_stop"] == row["trials"]
    assert max(row["trials"] for row in found["listeners_by_pair"]) < 30
    assert found["chance"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(("method", "alike"), [("preference", 0.5), ("ccr", 0.0)])
def test_the_better_of_two_is_preferred_and_rated_better(method, alike):
    frame = ratings_frame(rehearsed(method, listeners=20))
    # system one is the better; what is rated is system two, against it
    assert set(frame["condition"]) == {"system two"}
    assert set(frame["presented_first"]) == {"system one", "system two"}
    assert frame["rating"].mean() < alike


@pytest.mark.parametrize("method", ["bs1116", "attributes"])
def test_the_researchers_pages_show_it(method, researcher):
    campaign = rehearsed(method)
    for name in ("campaign", "campaign-metrics"):
        page = researcher.get(reverse(name, args=[campaign.slug]))
        assert page.status_code == 200
