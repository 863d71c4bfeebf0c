"""Signing in and out, and the start page before and after."""

from __future__ import annotations

from django.urls import reverse

from tests.factories import mushra_campaign


def test_a_researcher_signs_in_and_comes_to_the_page_asked_for(anonymous, alice):
    asked = anonymous.get(reverse("record"))
    word = {"username": "alice", "password": "alice's word", "next": reverse("record")}
    assert anonymous.post(asked.url, word).url == reverse("record")
    assert anonymous.get(reverse("record")).status_code == 200


def test_a_wrong_password_is_refused_on_the_page(anonymous, alice):
    response = anonymous.post(reverse("login"), {"username": "alice", "password": "no"})
    assert response.status_code == 200
    assert "correct username and password" in response.content.decode()


def test_signing_out_leads_to_the_start_page(researcher):
    assert researcher.post(reverse("logout")).url == reverse("home")
    assert researcher.get(reverse("campaigns")).status_code == 302


def test_a_visitor_sees_open_tests_and_no_others(anonymous, db):
    mushra_campaign(slug="open")
    mushra_campaign(slug="draft", launched=False)
    page = anonymous.get("/").content.decode()
    assert reverse("welcome", args=["open"]) in page
    assert reverse("welcome", args=["draft"]) not in page


def test_an_empty_site_says_what_to_do_next(researcher):
    for name in ("home", "campaigns", "models"):
        assert "python manage.py demo" in researcher.get(reverse(name)).content.decode()


def test_every_researcher_sees_every_campaign(researcher, bob, client, rated):
    client.force_login(bob)
    for somebody in (researcher, client):
        assert rated.title in somebody.get(reverse("campaigns")).content.decode()
