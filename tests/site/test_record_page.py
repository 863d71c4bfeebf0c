"""The record's page says whether the chain holds."""

from __future__ import annotations

from django.urls import reverse

from models_registry import audit
from models_registry.models import AuditEvent
from tests.factories import here
from tests.tampering import rewrite


def test_events_stand_newest_first_and_the_chain_holds(researcher):
    for number in range(3):
        audit.record("build", f"campaign-{number}", actor="alice", reason="a test", project=here())
    text = researcher.get(reverse("record")).content.decode()
    assert text.index("campaign-2") < text.index("campaign-1") < text.index("campaign-0")
    assert "The chain holds" in text
    assert AuditEvent.objects.last().sha256 in text


def test_a_changed_event_is_named(researcher):
    audit.record("launch", "campaign-1", actor="alice", project=here())
    audit.record("close", "campaign-1", actor="alice", project=here())
    rewrite(AuditEvent.objects.filter(number=1), actor="mallory")
    text = researcher.get(reverse("record")).content.decode()
    assert "The chain does not hold" in text
    assert "event 1 (launch campaign-1)" in text
    assert "The chain holds" not in text


def test_an_empty_record_says_what_begins_it(researcher):
    assert "Nothing has been recorded yet" in researcher.get(reverse("record")).content.decode()
