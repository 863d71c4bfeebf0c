"""Who asks to be forgotten is: nothing personal is left in any table, and no address was ever in one."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from listening import inviting, sessions
from listening.forgetting import ForgetError, forget, listener_called, prune
from listening.models import Campaign, Listener, Rating, Response, Session
from models_registry import audit
from models_registry.models import AuditEvent
from tests.factories import WHOLE_PLAN, mushra_campaign
from tests.tampering import rewrite

SECRETS = ("PROLIFIC-7", "STUDY-9", "eighty-one", "in my kitchen", "rather loud")
ADDRESS = "203.0.113.77"


def everything_stored() -> str:
    """Every cell of every table."""
    with connection.cursor() as cursor:
        text = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            text += [str(cell) for row in cursor.fetchall() for cell in row]
    return "\n".join(text)


@pytest.fixture
def listener(db):
    """Somebody who said much about themselves, and corrected one of two ratings."""
    campaign = mushra_campaign(items=2, plan=WHOLE_PLAN)
    session = sessions.start(campaign, external_code="PROLIFIC-7", external={"STUDY_ID": "STUDY-9"})
    questions = session.pages.filter(kind="questions")
    for page in questions:
        body = {"answers": {"age": "eighty-one", "comment": "in my kitchen"}}
        Response.objects.create(pk=uuid.uuid4(), page=page, body=body)
    page = session.pages.filter(kind="rating").earliest("number")
    slots = page.slots.exclude(stimulus=None)[:2]
    for slot, value in zip([*slots, slots[0]], (30, 60, 90), strict=True):
        sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": value})
    rewrite(Rating.objects.all(), detail={"comment": "rather loud", "kept": 1})
    return session.listener


def test_nothing_personal_is_left_and_the_ratings_are(listener):
    before = everything_stored()
    assert all(secret in before for secret in SECRETS)
    session = listener.sessions.get()
    known = [*SECRETS, listener.code, str(session.token), session.token.hex]
    values = list(Rating.objects.values_list("value", flat=True))
    assert forget(listener, actor="alice") == 3
    after = everything_stored()
    assert [secret for secret in known if secret in after] == []
    assert list(Rating.objects.values_list("value", flat=True)) == values
    assert set(map(str, Rating.objects.values_list("detail", flat=True))) == {"{'kept': 1}"}


def test_the_old_link_leads_nowhere(client, listener):
    session = listener.sessions.get()
    assert client.get(session.get_absolute_url()).status_code == 200
    forget(listener, actor="alice")
    assert client.get(session.get_absolute_url()).status_code == 404


def test_ratings_go_where_that_is_asked_for_and_nobody_elses(listener):
    other = sessions.start(listener.campaign)
    assert forget(listener, ratings="delete", actor="alice") == 3
    assert not Rating.objects.exists()
    assert list(Session.objects.all()) == [other]
    assert list(Listener.objects.all()) == [other.listener]


def test_the_record_says_that_somebody_was_forgotten_and_not_who(listener):
    forget(listener, actor="alice")
    event = AuditEvent.objects.get(act="forget")
    assert (event.subject, event.content) == (
        "tones",
        {"ratings": "kept without a name", "number": 3},
    )
    assert list(audit.breaks_in_chain()) == []


def test_an_invitation_does_not_outlive_who_was_invited(client, db):
    campaign = mushra_campaign(items=1)
    (invitation,) = inviting.invite(campaign, 1, actor="alice")
    client.post(invitation.get_absolute_url())
    assert invitation.session
    forget(invitation.session.listener, actor="alice")
    assert invitation.code not in everything_stored()
    assert client.get(invitation.get_absolute_url()).status_code == 404


def test_somebody_is_found_by_token_code_or_recruiters_code(listener):
    token = str(listener.sessions.get().token)
    for name in (token, token.replace("-", ""), listener.code, "PROLIFIC-7"):
        assert listener_called(name) == listener
    sessions.start(mushra_campaign(slug="other", items=1), external_code="PROLIFIC-7")
    with pytest.raises(ForgetError, match="found some in other, tones"):
        listener_called("PROLIFIC-7")
    assert listener_called("PROLIFIC-7", campaign="tones") == listener
    for name in ("", "nobody", str(uuid.uuid4())):
        with pytest.raises(ForgetError, match="found nobody"):
            listener_called(name)


def test_the_command_says_what_it_did(listener, capsys):
    call_command("forget", listener.code, "--ratings", "delete")
    assert capsys.readouterr().out == "tones: one listener forgotten, 3 ratings deleted\n"
    with pytest.raises(CommandError, match="found nobody"):
        call_command("forget", listener.code)


def test_after_the_date_of_retention_everybody_is_forgotten_once(listener, capsys):
    Campaign.objects.update(retain_until=date(2026, 3, 31))
    assert prune(actor="alice", at=date(2026, 3, 31)) == {}
    assert prune(actor="alice", at=date(2026, 4, 1)) == {"tones": 1}
    assert "PROLIFIC-7" not in everything_stored()
    call_command("prune")
    assert capsys.readouterr().out == "nobody is to be forgotten today\n"


def test_no_address_is_stored(client, db):
    campaign = mushra_campaign(items=1)
    headers = {"REMOTE_ADDR": ADDRESS, "HTTP_X_FORWARDED_FOR": ADDRESS}
    begun = client.post(reverse("welcome", args=[campaign.slug]), **headers)
    page = client.get(begun.url, **headers)
    assert page.status_code == 200
    session = Session.objects.get()
    client.post(reverse("finish-page", args=[session.token, 1]), **headers)
    # databases write it with dashes or without
    assert session.token.hex in everything_stored().replace("-", "")
    assert ADDRESS not in everything_stored()
