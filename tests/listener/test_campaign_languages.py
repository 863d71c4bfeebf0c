"""A campaign whose texts are in several languages: each listener reads one, and answers are stored in the first."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from listening import composing, linting, sessions
from listening.exchange import campaign_document
from listening.models import Campaign, Page, Session
from listening.models.campaign import CampaignError
from listening.translating import texts, translated
from tests.factories import here, mushra_campaign

PLAN: list[dict] = [
    {
        "part": "questions",
        "title": "About you",
        "questions": [
            {
                "name": "hearing",
                "ask": "choice",
                "text": "Do you hear normally?",
                "choices": ["yes", "no"],
                "screen_out": ["no"],
            }
        ],
    },
    {"part": "ratings"},
    {"part": "finish", "finished": {"text": "Many thanks.", "code": "C1"}},
]
GERMAN = {
    "Tones by mushra": "Töne nach MUSHRA",
    "Listen closely.": "Hören Sie genau hin.",
    "About you": "Über Sie",
    "Do you hear normally?": "Hören Sie normal?",
    "yes": "ja",
    "no": "nein",
    "Many thanks.": "Vielen Dank.",
}


def campaign_in(translations, launched=True, language="en") -> Campaign:
    campaign = mushra_campaign(items=1, plan=PLAN, launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(
        translations=translations, language=language, instructions="Listen closely."
    )
    campaign.refresh_from_db()
    if launched:
        campaign.launch(actor="alice")
    return campaign


@pytest.mark.django_db
def test_a_listener_reads_the_language_they_ask_for_to_the_end():
    campaign = campaign_in({"de": GERMAN})
    client = Client(headers={"accept-language": "de"})
    address = reverse("welcome", args=[campaign.slug])
    shown = client.get(address).content.decode()
    assert "Töne nach MUSHRA" in shown
    assert "Hören Sie genau hin." in shown
    # both languages are offered, and no other
    assert "?lang=en" in shown
    assert "?lang=fr" not in shown
    session = Session.objects.get(token=client.post(address)["Location"].split("/")[-2])
    assert session.language == "de"
    shown = client.get(session.get_absolute_url()).content.decode()
    assert "Hören Sie normal?" in shown
    assert 'value="no"' in shown
    assert "<span>nein</span>" in shown
    page = session.pages.get(kind=Page.Kind.QUESTIONS)
    # as it was shown
    assert page.content["title"] == "Über Sie"
    answered = reverse("answer-part", args=[session.token, page.number])
    client.post(answered, {"id": str(uuid.uuid4()), "hearing": "yes"})
    assert page.responses.get().body == {"answers": {"hearing": "yes"}}
    for rest in session.pages.filter(finished_at=None):
        session.finish_page(rest)
    # whichever browser opens it
    ended = Client(headers={"accept-language": "fr"}).get(session.get_absolute_url())
    assert "Vielen Dank." in ended.content.decode()


@pytest.mark.django_db
def test_who_asks_for_another_language_reads_the_first():
    campaign = campaign_in({"de": GERMAN})
    client = Client(headers={"accept-language": "fr"})
    assert (
        "Listen closely." in client.get(reverse("welcome", args=[campaign.slug])).content.decode()
    )
    assert sessions.start(campaign, simulated=True).language == "en"


@pytest.mark.django_db
def test_an_answer_that_ends_the_session_ends_it_in_every_language():
    campaign = campaign_in({"de": GERMAN})
    session = sessions.start(campaign)
    Session.objects.filter(pk=session.pk).update(language="de")
    page = session.pages.get(kind=Page.Kind.QUESTIONS)
    Client().post(
        reverse("answer-part", args=[session.token, page.number]),
        {"id": str(uuid.uuid4()), "hearing": "no"},
    )
    session.refresh_from_db()
    assert session.ending == "screened-out"


@pytest.mark.django_db
def test_translations_go_through_the_document_and_back():
    campaign = campaign_in({"de": GERMAN, "zh-hans": {"yes": "是"}}, launched=False)
    data = composing.describe(campaign) | {"slug": "copy"}
    text = campaign_document.dump(data, form="yaml")
    made = composing.compose(
        campaign_document.parse(text, name="copy.yaml"), project=here(), actor="alice"
    )
    assert made.translations == campaign.translations
    assert composing.describe(made) == data


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("translations", "language", "problem"),
    [
        ({"de": GERMAN}, "", "the language that the texts stand in, found none"),
        ({"en": GERMAN}, "en", "expected languages among de, .* found 'en'"),
        ({"tlh": GERMAN}, "en", "found 'tlh'"),
        ({"de": {"yes": ""}}, "en", "expected a text for each text into de"),
        ({"de": {"yes": "system one"}}, "en", "named in the translations, found 'system one'"),
    ],
)
def test_translations_that_cannot_be_are_refused_at_launch(translations, language, problem):
    campaign = campaign_in(translations, launched=False, language=language)
    with pytest.raises(CampaignError, match=problem):
        campaign.launch(actor="alice")


@pytest.mark.django_db
def test_the_lint_names_texts_without_a_translation():
    less = {text: words for text, words in GERMAN.items() if text != "no"}
    campaign = campaign_in({"de": less}, launched=False)
    (found,) = [one for one in linting.findings(campaign) if one.code == "translation"]
    assert found.where == "de"
    assert "found 1 without: 'no'" in found.found


def test_every_text_that_is_read_is_found_and_replaced_and_nothing_else():
    options = {"scales": [{"name": "Brightness", "low": "dark", "high": "bright"}]}
    found = texts(title="A", instructions="", options=options, plan=PLAN)
    assert found == [
        "A", "dark", "bright", "About you", "Do you hear normally?", "yes", "no", "Many thanks.",
    ]  # fmt: skip
    words = {text: text.upper() for text in [*found, "Brightness", "C1", "finish"]}
    read = translated(options, words)
    assert read == {"scales": [{"name": "Brightness", "low": "DARK", "high": "BRIGHT"}]}
    question = translated(PLAN, words)[0]["questions"][0]
    assert question["choices"] == ["yes", "no"]
    assert question["labels"] == {"yes": "YES", "no": "NO"}
    assert question["screen_out"] == ["no"]
    assert translated(PLAN, words)[2]["finished"] == {"text": "MANY THANKS.", "code": "C1"}
