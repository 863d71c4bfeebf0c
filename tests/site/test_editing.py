"""The editor of a draft: fields and text are two faces of one description, saved whole or not at all."""

from __future__ import annotations

import html
import re

import pytest
from django.urls import reverse

from listening import composing, editing
from listening.exchange import campaign_document
from listening.methods import methods
from listening.models import Campaign, Stimulus
from models_registry.models import AuditEvent
from tests.factories import WHOLE_PLAN, mushra_campaign
from tests.site.html import Page


@pytest.fixture
def draft(db):
    return mushra_campaign(items=2, launched=False)


def filled(client, address):
    """What a browser would send of the form at `address`, had nobody changed anything."""
    text = client.get(address).content.decode()
    form = text[text.index('class="editor"') :]
    data = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    data |= dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)<', form))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        data[name] = next(iter(re.findall(r'value="([^"]*)" selected', options)), "")
    return {name: html.unescape(value) for name, value in data.items()}


def edit(draft):
    return reverse("campaign-edit", args=[draft.slug])


def text_of(draft):
    return reverse("campaign-document", args=[draft.slug])


def test_saving_what_is_shown_changes_nothing(researcher, draft):
    draft.lay_out(WHOLE_PLAN, actor="alice")
    before = composing.describe(draft)
    stimuli = list(Stimulus.objects.values_list("pk", flat=True))
    saved = researcher.post(edit(draft), filled(researcher, edit(draft)))
    assert saved.status_code == 302
    assert composing.describe(Campaign.objects.get()) == before
    saved = researcher.post(text_of(draft), filled(researcher, text_of(draft)))
    assert saved.status_code == 302
    assert composing.describe(Campaign.objects.get()) == before
    assert list(Stimulus.objects.values_list("pk", flat=True)) == stimuli


def test_every_setting_can_be_changed_by_a_field(researcher, draft):
    changed = {
        "settings-title": "Which codec?",
        "settings-instructions": "Listen.\r\n\r\nRate.",
        "settings-language": "de",
        "settings-screening": "none",
        "settings-repetitions": "2",
        "settings-quota": "12",
        "settings-seed": "7",
        "options-anchors": "- anchor35",
        "options-incomplete": "yes",
    }
    researcher.post(edit(draft), filled(researcher, edit(draft)) | changed)
    draft.refresh_from_db()
    assert (draft.title, draft.instructions) == ("Which codec?", "Listen.\n\nRate.")
    assert (draft.language, draft.screening, draft.repetitions) == ("de", "none", 2)
    assert (draft.quota, draft.seed) == (12, 7)
    assert draft.options == {"anchors": ["anchor35"], "incomplete": True}
    event = AuditEvent.objects.get(act="edit")
    assert event.actor == "alice"


def test_an_option_may_be_emptied(researcher, draft):
    researcher.post(edit(draft), filled(researcher, edit(draft)) | {"options-anchors": ""})
    draft.refresh_from_db()
    assert draft.options == {"anchors": []}


def test_parts_are_added_moved_filled_in_and_removed(researcher, draft):
    form = filled(researcher, edit(draft))
    added = researcher.post(edit(draft), form | {"act": "add-consent"})
    assert "not saved yet" in added.content.decode()
    form |= {"part-1": "consent", "act": "up-1"}
    moved = researcher.post(edit(draft), form).content.decode()
    assert moved.index('name="part-0" value="consent"') < moved.index(
        'name="part-1" value="ratings"'
    )
    form |= {"part-0": "consent", "part-1": "ratings", "act": ""}
    refused = researcher.post(edit(draft), form)
    assert refused.status_code == 422
    assert "expected &#x27;version&#x27;" in refused.content.decode()
    form |= {"part-0-version": "1", "part-0-text": "We keep your answers."}
    form |= {"part-1-gates": "{hear_end: true}", "part-1-break_every": "4"}
    assert researcher.post(edit(draft), form).status_code == 302
    draft.refresh_from_db()
    assert draft.plan == [
        {"part": "consent", "version": "1", "text": "We keep your answers."},
        {"part": "ratings", "break_every": 4, "gates": {"hear_end": True}},
    ]
    form = filled(researcher, edit(draft)) | {"act": "remove-0"}
    assert 'value="consent"' not in researcher.post(edit(draft), form).content.decode()
    draft.refresh_from_db()
    assert len(draft.plan) == 2


def test_what_cannot_be_read_stays_as_it_was_typed(researcher, draft):
    form = filled(researcher, edit(draft)) | {
        "options-anchors": "- [broken",
        "settings-title": "A new title",
        "settings-quota": "many",
    }
    refused = researcher.post(edit(draft), form)
    text = refused.content.decode()
    assert refused.status_code == 422
    assert "options, Anchors, line" in text
    assert "- [broken" in text
    assert 'value="A new title"' in text
    form["options-anchors"] = ""
    assert "quota: expected a whole number" in researcher.post(edit(draft), form).content.decode()
    draft.refresh_from_db()
    assert draft.title != "A new title"


def test_the_text_says_line_and_column_of_what_is_wrong(researcher, draft):
    form = filled(researcher, text_of(draft))
    lines = form["text"].splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("repetitions"))
    lines[place] = "repetitions: often"
    refused = researcher.post(text_of(draft), form | {"text": "\n".join(lines)})
    assert refused.status_code == 422
    assert f"line {place + 1}, column 14" in refused.content.decode()
    assert "repetitions: often" in refused.content.decode()


def test_the_text_may_take_items_and_conditions_away_but_not_the_name(researcher, draft):
    data = composing.describe(draft)
    data["items"].pop()
    data["conditions"] = [one for one in data["conditions"] if one["name"] != "system two"]
    del data["items"][0]["stimuli"]["system two"]
    form = filled(researcher, text_of(draft))
    text = campaign_document.dump(data, form="yaml")
    assert researcher.post(text_of(draft), form | {"text": text}).status_code == 302
    draft.refresh_from_db()
    assert composing.describe(draft) == data
    form = filled(researcher, text_of(draft))
    renamed = form["text"].replace(f"slug: {draft.slug}", "slug: another")
    refused = researcher.post(text_of(draft), form | {"text": renamed})
    assert "expected &#x27;tones&#x27;" in refused.content.decode()


def test_a_sound_that_is_not_there_changes_nothing(researcher, draft):
    form = filled(researcher, text_of(draft))
    before = composing.describe(draft)
    first = before["items"][0]["stimuli"]["system one"]
    text = form["text"].replace(first, f"sha256:{'0' * 64}")
    refused = researcher.post(text_of(draft), form | {"text": text})
    assert "expected the hash of a stored signal" in refused.content.decode()
    assert composing.describe(Campaign.objects.get()) == before


@pytest.mark.parametrize("face", [edit, text_of])
def test_the_later_of_two_editors_is_told_and_loses_nothing(researcher, draft, face):
    mine, theirs = filled(researcher, face(draft)), filled(researcher, edit(draft))
    researcher.post(edit(draft), theirs | {"settings-title": "Theirs"})
    if face is edit:
        mine["settings-title"] = "Mine"
    else:
        mine["text"] = re.sub(r"^title: .*$", "title: Mine", mine["text"], flags=re.MULTILINE)
    told = researcher.post(face(draft), mine)
    text = told.content.decode()
    assert told.status_code == 409
    assert "found it changed meanwhile" in text
    assert "title: Theirs" in text
    assert "Mine" in text
    draft.refresh_from_db()
    assert draft.title == "Theirs"
    over = re.findall(r'name="started_from" value="(\w{64})">Save mine', text)[0]
    assert researcher.post(face(draft), mine | {"started_from": over}).status_code == 302
    draft.refresh_from_db()
    assert draft.title == "Mine"


def test_only_drafts_are_edited_and_only_by_researchers(researcher, anonymous, draft):
    for address in (edit(draft), text_of(draft)):
        assert anonymous.get(address).status_code == 302
        assert anonymous.post(address).url.startswith(reverse("login"))
    form = filled(researcher, edit(draft))
    draft.launch(actor="alice")
    for address in (edit(draft), text_of(draft)):
        response = researcher.post(address, form | {"settings-title": "Late"}, follow=True)
        assert "expected a draft to change" in response.content.decode()
    draft.refresh_from_db()
    assert draft.title != "Late"


def test_the_pages_are_sound_html(researcher, draft):
    draft.lay_out(WHOLE_PLAN, actor="alice")
    for address in (edit(draft), text_of(draft)):
        page = Page(researcher.get(address))
        assert page.unlabelled_fields() == []
        assert len(page.headings) == 1
        assert page.inline_styles == page.inline_scripts == 0


@pytest.mark.parametrize("name", list(methods()))
def test_the_fields_of_every_method_say_what_they_were_made_of(name):
    method = methods()[name]
    base = {"title": "A test", "plan": [{"part": "ratings"}], "options": {}}
    data, problems = editing.from_data(base, method).data(base)
    assert problems == []
    assert data == base
