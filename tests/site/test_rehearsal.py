"""Every method can be rehearsed: simulated listeners answer its pages, and the campaign is analysed and exported."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

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


def rehearsed(method: str, *, listeners: int = 5):
    campaign = small_campaign(method)
    scored(campaign)
    rehearse(campaign, listeners=listeners, seed=3, actor="alice", progress=no_progress)
    return campaign


@pytest.mark.parametrize("method", REHEARSED)
def test_a_whole_campaign_is_rehearsed_analysed_and_exported(method, capsys, tmp_path):
    campaign = rehearsed(method)
    assert set(Session.objects.values_list("ending", flat=True)) == {Session.Ending.FINISHED}
    assert ratings_frame(campaign)["simulated"].all()
    call_command("analyse", campaign.slug, "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert (found["method"], found["simulated_listeners"]) == (method, 5)
    call_command("analyse", campaign.slug)
    assert f"{method.upper()}, 5 listeners — SIMULATED" in capsys.readouterr().out
    for form in ("csv", "json", "xlsx"):
        call_command("export", campaign.slug, "--to", str(tmp_path / f"all.{form}"))
    exported = json.loads((tmp_path / "all.json").read_text())
    assert len(exported["ratings"]) == len(ratings_frame(campaign))
    assert exported["summary"]


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
