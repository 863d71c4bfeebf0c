"""A session is left out for a reason that the record keeps, beside the results with it, and can be taken back in."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening.computed import analysis_of
from listening.evidence import ratings_frame
from models_registry import audit
from models_registry.models import AuditEvent


@pytest.fixture
def session(rated):
    """Of a listener whom the declared screening keeps."""
    analysis, _ = analysis_of(rated)
    assert analysis
    return rated.sessions.exclude(listener__code__in=analysis.screening.excluded).first()


def means(campaign):
    analysis, _ = analysis_of(campaign)
    assert analysis
    return analysis.summary


def test_its_ratings_stay_with_the_reason_beside_them(rated, session):
    session.exclude(reason="an echo in the room", actor="alice")
    ratings = ratings_frame(rated)
    out = ratings[ratings["excluded_by"] != ""]
    assert set(out["session"]) == {str(session.token)}
    assert set(out["excluded_by"]) == {"excluded by hand: an echo in the room"}
    assert len(out) == 10
    assert len(ratings) == 100


def test_results_are_shown_with_and_without_it(researcher, rated, session):
    before, _ = analysis_of(rated)
    session.exclude(reason="an echo in the room", actor="alice")
    after, _ = analysis_of(rated)
    assert before
    assert after
    decided = after.screening.decisions.set_index("listener").loc[session.listener.code]
    assert decided["excluded"]
    assert decided["reason"] == "excluded by hand: an echo in the room"
    assert after.screening.ratings_before == before.screening.ratings_before
    # what is rated without it is what pandas makes of the other nine listeners' rows
    kept = after.screening.keep(ratings_frame(rated))
    assert session.listener.code not in set(kept["listener"])
    assert "an echo in the room" in researcher.get(rated.get_absolute_url()).content.decode()


def test_taking_it_back_in_gives_the_results_there_were(rated, session):
    before = means(rated)
    session.exclude(reason="an echo", actor="alice")
    assert not means(rated).equals(before)
    session.exclude(reason="it was next door", actor="bob", out=False)
    assert means(rated).equals(before)
    acts = AuditEvent.objects.filter(act__in=["exclude", "include"])
    assert [(e.act, e.actor, e.reason, e.content) for e in acts] == [
        ("exclude", "alice", "an echo", {"session": session.pk}),
        ("include", "bob", "it was next door", {"session": session.pk}),
    ]
    assert list(audit.breaks_in_chain()) == []


@pytest.mark.parametrize(("reason", "out"), [("  ", True), ("a reason", False)])
def test_an_act_without_a_reason_or_without_effect_is_refused(session, reason, out):
    with pytest.raises(ValueError, match="reason|not left out"):
        session.exclude(reason=reason, actor="alice", out=out)
    assert not AuditEvent.objects.filter(act__in=["exclude", "include"]).exists()


def test_the_page_excludes_and_takes_back(researcher, rated, session):
    address = reverse("session-exclude", args=[rated.slug, session.pk])
    page = researcher.post(address, {"reason": "an echo"}, follow=True).content.decode()
    assert "Left out of the evidence" in page
    researcher.post(address, {"reason": "it was next door"})
    session.refresh_from_db()
    assert session.excluded_at is None


def test_the_command_excludes_by_the_listeners_code(rated, session, capsys):
    call_command("exclude", rated.slug, session.listener.code, "--reason", "an echo")
    assert "left out of the evidence of tones" in capsys.readouterr().out
    with pytest.raises(CommandError, match="left out already"):
        call_command("exclude", rated.slug, session.listener.code, "--reason", "again")
    call_command("exclude", rated.slug, session.listener.code, "--reason", "no", "--undo")
    with pytest.raises(CommandError, match="found no 'nobody'"):
        call_command("exclude", rated.slug, "nobody", "--reason", "an echo")
