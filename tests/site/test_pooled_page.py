"""Metrics over several campaigns: the page and the command show one analysis, and refuse in a sentence."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from listening.analysis.pooling import pool
from listening.computed import correlation_of
from listening.models import Campaign
from listening.rehearsal import rehearse
from models_registry.management.base import Refused
from tests.factories import mushra_campaign
from tests.site.conftest import no_progress, scored
from tests.site.html import Page

CHOSEN = "?campaign=tones&campaign=second"


@pytest.fixture
def second(rated):
    campaign = mushra_campaign(slug="second", items=3)
    Campaign.objects.filter(pk=campaign.pk).update(screening="none")
    scored(campaign)
    rehearse(campaign, listeners=4, seed=9, actor="alice", progress=no_progress)
    campaign.refresh_from_db()
    return campaign


def text_of(client, query=""):
    response = client.get(reverse("correlation") + query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_page_and_the_command_give_the_pool(researcher, rated, second, capsys):
    # the command scores what was not scored yet, so that it comes first
    call_command("correlate", "tones", "second", "--metrics", "si-sdr,mr-stft", "--format", "json")
    told = json.loads(capsys.readouterr().out)
    assert [head["campaign"] for head in told["campaigns"]] == ["tones", "second"]
    correlations = [correlation_of(one)[0] for one in (rated, second)]
    found = pool([one for one in correlations if one is not None])
    by_metric = found.pooled.set_index("metric")["r"]
    assert told["pooled"]
    for row in told["pooled"]:
        assert row["r"] == pytest.approx(by_metric[row["metric"]])
    text = text_of(researcher, CHOSEN)
    for row in found.pooled.to_dict("records"):
        assert f"<strong>{row['r']:.3f}</strong>".replace("-", "−") in text
        assert f'<td class="n">{row["n"]}</td><td class="n">{row["n_items"]}</td>' in text
    for caption in text.split("<caption>")[1:]:
        assert "Simulated listeners." in caption.partition("</caption>")[0]


def test_without_two_campaigns_that_compare_a_sentence_says_so(researcher, rated, told_apart):
    assert Page(researcher.get(reverse("correlation"))).unlabelled_fields() == []
    assert "two different campaigns or more, found tones" in text_of(researcher, "?campaign=tones")
    both = f"?campaign=tones&campaign={told_apart.slug}"
    assert "no mean ratings to set metrics beside" in text_of(researcher, both)
    assert researcher.get(reverse("correlation") + "?campaign=nothing").status_code == 404
    with pytest.raises(Refused, match="expected a campaign, found no 'nothing'"):
        call_command("correlate", "tones", "nothing", "--metrics", "si-sdr")
