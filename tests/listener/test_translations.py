"""What listeners read is there in every language: all of it, with its placeholders, compiled, and on the pages."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils.html import strip_tags
from django.utils.translation import to_locale

import listening
from listening.methods import methods
from listening.models import Campaign, Session
from tests.factories import WHOLE_PLAN, mushra_campaign

FOLDER = Path(listening.__file__).parent
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
MARKED = re.compile(r"""\{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
PLACEHOLDER = re.compile(r"%\(\w+\)s")
# names and keys that are the same everywhere
ALIKE = re.compile(
    r"JavaScript|Chrome|Edge|Firefox|Safari|Page Up|Page Down|Tab|https|dB|tone \d|Tones?"
)


def catalogue(code: str, ending: str) -> Path:
    return FOLDER / "locale" / to_locale(code) / "LC_MESSAGES" / f"django.{ending}"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_sentence_is_translated_with_its_placeholders(code):
    entries = polib.pofile(str(catalogue(code, "po")))
    assert entries.percent_translated() == 100
    assert not entries.fuzzy_entries()
    for entry in entries:
        # a singular may say "one"
        allowed = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        assert all(set(PLACEHOLDER.findall(text)) <= allowed for text in texts), entry.msgid
        assert set(PLACEHOLDER.findall(texts[-1])) == allowed, entry.msgid


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_is_compiled_is_what_is_written(code):
    written = polib.pofile(str(catalogue(code, "po")))
    compiled = polib.mofile(str(catalogue(code, "mo")))
    assert {(e.msgid, e.msgstr, *e.msgstr_plural.values()) for e in compiled} == {
        (e.msgid, e.msgstr, *e.msgstr_plural.values()) for e in written
    }


def marked() -> set[str]:
    """What the templates and methods mark for translation."""
    found = {str(method.default_instructions) for method in methods().values()}
    for template in FOLDER.rglob("templates/listening/listener/**/*.html"):
        found |= {
            double or single for double, single in MARKED.findall(template.read_text("utf-8"))
        }
    return found


@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_that_is_marked_is_missing(code):
    known = {entry.msgid for entry in polib.pofile(str(catalogue(code, "po")))}
    assert len(marked()) > 100
    assert marked() <= known


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_words_of_a_scale_are_different_words(code):
    """Two steps of one scale with one word would make it another scale."""
    entries = {e.msgid: e.msgstr for e in polib.pofile(str(catalogue(code, "po")))}
    for scale in (
        ("Excellent", "Good", "Fair", "Poor", "Bad"),
        (
            "Imperceptible",
            "Perceptible, but not annoying",
            "Slightly annoying",
            "Annoying",
            "Very annoying",
        ),
        ("Inaudible", "Audible but not annoying", "Slightly annoying", "Annoying", "Very annoying"),
        (
            "Much better",
            "Better",
            "Slightly better",
            "About the same",
            "Slightly worse",
            "Worse",
            "Much worse",
        ),
        (
            "Not distorted",
            "Slightly distorted",
            "Somewhat distorted",
            "Fairly distorted",
            "Very distorted",
        ),
        (
            "Not noticeable",
            "Slightly noticeable",
            "Noticeable but not intrusive",
            "Somewhat intrusive",
        )
        + ("Very intrusive",),
    ):
        assert len({entries[word] for word in scale}) == len(scale), scale


@pytest.mark.django_db
def test_a_session_in_japanese_holds_no_english_but_the_campaign_s_own(client):
    """Two Latin words in a row, apart from names, would be a sentence that nobody marked."""
    plan = [part for part in WHOLE_PLAN if part["part"] in ("headphones", "volume", "ratings")]
    campaign = mushra_campaign(plan=plan)
    Campaign.objects.filter(pk=campaign.pk).update(language="ja", title="試聴")
    pages = [client.get(f"/t/{campaign.slug}/"), client.post(f"/t/{campaign.slug}/", follow=True)]
    session = Session.objects.get()
    for page in session.pages.filter(kind__in=["volume", "headphones"]):
        session.pages.filter(pk=page.pk).update(finished_at=session.created_at)
        pages.append(client.get(session.get_absolute_url()))
    for response in pages:
        text = response.content.decode()
        body = re.sub(r"(?s)<script.*?</script>|<head>.*?</head>", " ", text)
        labels = re.findall(r'(?:aria-label|data-\w+|placeholder)="([^"]*)"', body)
        read = ALIKE.sub("", strip_tags(body) + " | " + " | ".join(labels))
        assert not re.findall(r"[A-Za-z]{3,} +[A-Za-z]{3,}", read)
