"""What a campaign of many ratings shows while its evidence is computed, and that the work is done once."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from django.core.cache import cache
from django.urls import reverse

from listening import computed
from listening.views import awaiting

PAGES = ("campaign", "campaign-metrics", "campaign-statistics")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def large(rated, monkeypatch):
    """A campaign of more ratings than are analysed while somebody waits."""
    monkeypatch.setattr(awaiting, "MANY", 10)
    cache.clear()
    return rated


@pytest.mark.parametrize("page", PAGES)
def test_a_large_campaign_shows_a_page_at_once_and_the_evidence_when_it_is_computed(
    researcher, large, page
):
    address = reverse(page, args=[large.slug])
    waiting = researcher.get(address).content.decode()
    assert "<progress" in waiting
    assert f'hx-get="{address}"' in waiting
    computing = researcher.get(address, headers=HTMX)
    assert (computing.status_code, computing["HX-Refresh"]) == (204, "true")
    assert "<progress" not in researcher.get(address).content.decode()


def test_without_scripts_the_page_itself_can_be_asked_for(researcher, large):
    text = researcher.get(reverse("campaign", args=[large.slug]), {"now": ""}).content.decode()
    assert 'id="ratings"' in text
    assert "<progress" not in text


def test_a_small_campaign_is_shown_without_waiting(researcher, rated):
    cache.clear()
    text = researcher.get(reverse("campaign", args=[rated.slug])).content.decode()
    assert 'id="ratings"' in text


def test_whoever_may_not_see_a_campaign_does_not_see_it_wait(client, large):
    assert client.get(reverse("campaign", args=[large.slug]), headers=HTMX).status_code == 302


@pytest.mark.parametrize("page", PAGES)
def test_a_page_looks_its_campaigns_state_up_once(researcher, rated, page, monkeypatch):
    looked_up = Mock(wraps=computed.state_of)
    monkeypatch.setattr(computed, "state_of", looked_up)
    researcher.get(reverse(page, args=[rated.slug]))
    assert looked_up.call_count == 1
