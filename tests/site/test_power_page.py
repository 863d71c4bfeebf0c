"""How many listeners: the page of a draft, its figure, the command and the API say the same."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.urls import reverse
from rest_framework.test import APIClient

from listening import panel_planning, sessions
from listening.analysis.frames import AnalysisError
from listening.models import Campaign, Visit
from listening.rehearsal import rehearse
from tests.factories import abx_campaign, mushra_campaign, small_campaign
from tests.site.conftest import no_progress, scored


@pytest.fixture(autouse=True)
def _fresh(db):
    cache.clear()


def page_of(campaign):
    return reverse("campaign-power", args=[campaign.slug])


def squeezed(response):
    return " ".join(response.content.decode().split())


def test_a_draft_says_how_many_listeners_and_hours_it_takes(researcher):
    draft = mushra_campaign(items=3, launched=False)
    shown = squeezed(researcher.get(page_of(draft)))
    assert "a difference of <strong>10 points</strong>" in shown
    assert "seven speech codecs (Stahl, Windtner and Sontacchi" in shown
    # five sounds beside the reference, each of one second: 6 × (2 + 3) s
    assert "6 sounds of 1 s, each heard 2 times and rated in 3 s" in shown
    figure = reverse("campaign-power-figure", args=[draft.slug, "svg"])
    assert figure in shown
    assert researcher.get(figure)["Content-Type"] == "image/svg+xml"
    table = researcher.get(reverse("campaign-power-figure", args=[draft.slug, "csv"]))
    assert table.content.decode().startswith("listeners,items,for_these_items,for_such_items")


def test_what_is_asked_for_is_planned_for_and_nonsense_is_told(researcher):
    draft = mushra_campaign(items=3, launched=False)
    asked = {"difference": 20, "items": "6, 12", "sd_listener": 5, "sd_item": 3, "sd_residual": 12}
    shown = squeezed(researcher.get(page_of(draft), asked | {"minutes": 2}))
    assert "Variances: as given." in shown
    assert '<th scope="row">12</th>' in shown
    for wrong, told in (
        ({"items": "1, 2"}, "expected up to 6 numbers from 2 to 300"),
        ({"sd_item": 3}, "all three standard deviations, or none"),
        ({"past": "nobody"}, "nobody is not one of the available choices"),
    ):
        answer = squeezed(researcher.get(page_of(draft), wrong))
        assert told in answer
        assert "<figure" not in answer
        address = reverse("campaign-power-figure", args=[draft.slug, "svg"])
        assert researcher.get(address, wrong).status_code == 404


def test_hours_are_pages_times_their_minutes_times_listeners():
    draft = mushra_campaign(items=4, launched=False)
    Campaign.objects.filter(pk=draft.pk).update(design={"items": 2, "repeats": 1})
    draft.refresh_from_db()
    draft.lay_out([{"part": "training", "items": ["tone 1"]}, {"part": "ratings"}], actor="alice")
    effort = panel_planning.effort_of(draft, minutes=3)
    # two pages, one of them again, one for practice
    assert effort.minutes(4) == pytest.approx(12)
    assert effort.hours(4, 10) == pytest.approx(2)
    assert effort.share.heard(4) == 2


def test_pages_take_as_long_as_they_took_people_before():
    past = mushra_campaign(slug="past", items=1)
    for seconds in range(20):
        page = sessions.start(past).pages.get()
        session = page.session
        session.finish_page(page)
        Visit.objects.create(id=uuid.uuid4(), page=page, body={"open_s": 50.0 + seconds})
    draft = mushra_campaign(slug="draft", items=2, launched=False)
    pace = panel_planning.effort_of(draft).pace
    # the median of 50 … 69 s of as many sounds
    assert pace.minutes == pytest.approx(59.5 / 60)
    assert "the median of 20 pages by MUSHRA here" in pace.source


def test_a_past_campaigns_variances_are_its_models(researcher):
    past = mushra_campaign(slug="past", items=4)
    scored(past)
    rehearse(past, listeners=6, seed=3, actor="alice", progress=no_progress)
    draft = mushra_campaign(slug="draft", items=4, launched=False)
    found = panel_planning.plan_of(draft, past=past)
    model = panel_planning.model_of(past)
    assert found.assumed.variances.residual == pytest.approx(model.variance("residual"))
    assert f"{model.n_listeners} simulated listeners, 4 items" in found.assumed.source
    shown = squeezed(researcher.get(page_of(draft), {"past": "past"}))
    assert f"the model of Tones by mushra: {model.n_listeners} simulated listeners" in shown
    with pytest.raises(AnalysisError):
        panel_planning.plan_of(past, past=draft)


def test_on_a_scale_of_five_points_published_variances_shrink_with_it():
    draft = small_campaign("acr", items=4, launched=False)
    found = panel_planning.plan_of(draft)
    assert found.difference == pytest.approx(0.4)
    assert found.sds[2] == pytest.approx(17.32 * 4 / 100, rel=1e-3)


def test_answers_that_are_right_or_wrong_are_planned_by_trials(researcher):
    draft = abx_campaign(launched=False)
    shown = squeezed(researcher.get(page_of(draft), {"share": 0.75}))
    # as R has it (the reference campaign of ABX): from 28 trials on
    assert "surely from 28 on" in shown
    assert "<figure" not in shown


def test_the_command_and_the_api_say_the_same(alice, capsys):
    draft = mushra_campaign(items=3, launched=False)
    options = ["--difference", "15", "--items", "6", "12", "--minutes", "2"]
    call_command("power", draft.slug, *options, "--format", "json")
    said = json.loads(capsys.readouterr().out)
    client = APIClient()
    client.force_login(alice)
    asked: dict[str, Any] = {"difference": 15, "items": [6, 12], "minutes": 2}
    shown = client.get(f"/api/campaigns/{draft.slug}/power/", asked).json()
    assert shown == said
    assert {row["items"] for row in said["panels"]} == {6, 12}
    assert said["minutes_source"] == "as given"
    call_command("power", draft.slug, *options)
    assert "6 items, power 0.8, 12 min each:" in capsys.readouterr().out
    with pytest.raises(CommandError, match="difference and a residual variance above 0"):
        call_command("power", draft.slug, "--difference", "-3")
    unknown = client.get(f"/api/campaigns/{draft.slug}/power/", {"past": "nobody"}).json()
    assert unknown == {"problem": "expected a campaign, found no 'nobody'"}
