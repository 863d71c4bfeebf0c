"""Listeners are spoken to in their language: the campaign's, the link's or the browser's, on every device."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from listening.models import Campaign, Session
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return mushra_campaign()


def browser(languages: str) -> Client:
    return Client(headers={"Accept-Language": languages})


def language_of(response) -> str:
    text = response.content.decode()
    assert response["Content-Language"] == text.split('<html lang="')[1].split('"')[0]
    return response["Content-Language"]


def welcome(campaign) -> str:
    return reverse("welcome", args=[campaign.slug])


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr", "fr"),
        ("es-MX", "es"),
        ("zh-CN", "zh-hans"),
        ("ja", "ja"),
        ("fi", "en"),
        ("", "en"),
        ("☃", "en"),
    ],
)
def test_the_browser_is_answered_in_its_language(campaign, asked, spoken):
    assert language_of(browser(asked).get(welcome(campaign))) == spoken


def test_the_link_may_ask_for_another(campaign):
    assert language_of(browser("de").get(welcome(campaign), {"lang": "ja"})) == "ja"
    assert language_of(browser("de").get(welcome(campaign), {"lang": "xx"})) == "de"


def test_a_campaign_in_one_language_is_in_that_throughout(campaign):
    Campaign.objects.filter(pk=campaign.pk).update(language="fr")
    german = browser("de")
    assert language_of(german.get(welcome(campaign))) == "fr"
    assert language_of(german.post(welcome(campaign), follow=True)) == "fr"


def test_a_session_goes_on_in_its_language_on_another_device(campaign):
    browser("de").post(welcome(campaign))
    session = Session.objects.get()
    assert session.language == "de"
    assert language_of(browser("ja").get(session.get_absolute_url())) == "de"


def test_researchers_pages_stay_in_english(campaign):
    assert '<html lang="en"' in browser("de").get(reverse("home")).content.decode()
    assert '<html lang="en"' in browser("de").get(reverse("login")).content.decode()


def test_the_invitation_offers_the_languages_and_keeps_what_the_link_said(campaign):
    text = browser("en").get(welcome(campaign), {"PROLIFIC_PID": "abc"}).content.decode()
    assert 'href="?PROLIFIC_PID=abc&amp;lang=de"' in text
    assert "日本語" in text
    Campaign.objects.filter(pk=campaign.pk).update(language="fr")
    assert "日本語" not in browser("en").get(welcome(campaign)).content.decode()
