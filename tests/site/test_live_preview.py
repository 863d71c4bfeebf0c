"""The picture beside the editor: what stands in the fields, as a listener would meet it, and nothing of it kept."""

from __future__ import annotations

import html
import re

import pytest
from django.urls import reverse

from listening import composing
from listening.exchange import campaign_document
from listening.models import Listener, Page, Session
from models_registry.models import AuditEvent
from tests.factories import WHOLE_PLAN, mushra_campaign, small_campaign
from tests.site.test_editing import edit, filled


@pytest.fixture
def draft(db):
    return mushra_campaign(items=2, launched=False)


def live(client, draft, data, **more):
    return client.post(reverse("campaign-live", args=[draft.slug]), data | more)


def picture(response):
    """The listener's page inside the frame."""
    return html.unescape(re.findall(r'srcdoc="([^"]*)"', response.content.decode())[0])


def test_what_is_typed_is_drawn_as_the_listener_will_see_it_and_not_kept(researcher, draft):
    draft.lay_out(WHOLE_PLAN, actor="alice")
    before, events = composing.describe(draft), AuditEvent.objects.count()
    form = filled(researcher, edit(draft))
    typed = form | {"settings-title": "Which codec?", "settings-language": "de", "page": "0"}
    welcome = picture(live(researcher, draft, typed))
    assert "Which codec?" in welcome
    assert "Hörtest" in welcome
    place = next(n for n, part in enumerate(WHOLE_PLAN) if part["part"] == "instructions")
    typed = form | {f"part-{place}-text": "Wear your best headphones."}
    shown = live(researcher, draft, typed, page="0").content.decode()
    number = re.findall(rf'value="(\d+)" data-part="{place}"', shown)[0]
    assert "Wear your best headphones." in picture(live(researcher, draft, typed, page=number))
    assert composing.describe(draft) == before
    assert AuditEvent.objects.count() == events
    assert not Session.objects.exists()
    assert not Listener.objects.exists()


def test_every_page_can_be_drawn_and_runs_no_script(researcher, draft):
    draft.lay_out(WHOLE_PLAN, actor="alice")
    form = filled(researcher, edit(draft))
    listed = live(researcher, draft, form, page="0").content.decode()
    numbers = re.findall(r'<option value="(\d+)"', listed)
    assert len(numbers) > len(WHOLE_PLAN)
    for number in numbers:
        drawn = picture(live(researcher, draft, form, page=number))
        assert "<main" in drawn
        assert 'type="module"' not in drawn
    assert "Thank you" in drawn
    assert not Page.objects.exists()


@pytest.mark.parametrize("method", ["preference", "ccr", "acr", "abx", "bs2132", "attributes"])
def test_a_draft_of_any_method_opens_at_its_first_rating_page(researcher, db, method):
    draft = small_campaign(method, launched=False)
    shown = live(researcher, draft, filled(researcher, edit(draft)))
    assert "Page 1 of" in picture(shown)


def test_what_is_wrong_is_said_and_the_last_picture_stays(researcher, draft):
    form = filled(researcher, edit(draft))
    shown = live(researcher, draft, form | {"settings-quota": "many"})
    assert shown["HX-Reswap"] == "none"
    assert b"quota" in shown.content
    assert b"iframe" not in shown.content
    draft.conditions.filter(role="anchor35").delete()
    assert b"anchor" in live(researcher, draft, filled(researcher, edit(draft))).content


def test_a_document_is_drawn_too_and_says_what_must_be_saved_first(researcher, draft):
    data = composing.describe(draft) | {"title": "By text"}
    data["items"][0]["title"] = "another"
    text = campaign_document.dump(data, form="yaml")
    shown = live(researcher, draft, {"text": text, "page": "0"})
    assert "By text" in picture(shown)
    assert b"once they are saved" in shown.content
    broken = live(researcher, draft, {"text": "title: [", "page": "0"})
    assert broken["HX-Reswap"] == "none"
    assert b"line" in broken.content
