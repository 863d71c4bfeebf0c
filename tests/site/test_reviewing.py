"""Reviews: what may be said by whom until when, what a signature covers, and what a closed review comes to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.utils.timezone import now

from listening import deciding, reminding, reviewing
from listening.deciding import Asked
from listening.models import Action, Decision, Finding, Reminder, Reviewer, SoundComment
from listening.reviewing import ReviewError
from models_registry import audit, standing
from models_registry.models import AuditEvent, Standing
from tests.factories import account, here, mushra_campaign
from tests.site.reviews import a_version, invited
from tests.tampering import rewrite, strike

CONDITION = Asked("Train on women's voices too", "alice", date(2030, 1, 2))


@pytest.fixture
def version(db):
    return a_version()


@pytest.fixture
def review(version):
    return reviewing.open_review(version, actor="alice")


@pytest.fixture
def ida(review):
    return invited(review)[0]


def signed(reviewer, verdict="approve", conditions=()):
    return deciding.decide(
        reviewer, verdict, reason="heard it all", signed_as=reviewer.name, conditions=conditions
    )


def events(act):
    return AuditEvent.objects.filter(act=act).count()


def test_a_review_begins_with_an_agenda_in_plain_words_and_the_hash_of_what_is_judged(
    review, version
):
    assert review.sha256 == version.sha256
    points = list(review.points.all())
    assert [one.topic for one in points] == [
        "listening",
        "edge-cases",
        "data-bias",
        "intermediate",
        "regulation",
    ]
    assert all(one.do and one.look_for for one in points)
    with pytest.raises(ReviewError, match="expected no open review of plain@1, found one already"):
        reviewing.open_review(version, actor="bob")


def test_what_was_said_is_kept_and_a_decision_signs_all_of_it(review, ida, version):
    sound = version.renderings.get().output
    reviewing.note(ida, 1, "first thoughts", is_done=False)
    reviewing.note(ida, 1, "it hisses", is_done=True)
    reviewing.comment(ida, sound, 0.25, "here")
    reviewing.find(ida, "major", "hiss in pauses")
    decision = signed(ida, "conditions", [CONDITION])
    assert ida.notes.get().text == "it hisses"
    assert deciding.still_holds(decision)
    recorded = AuditEvent.objects.get(act="review-decide").content
    assert recorded["sha256"] == version.sha256
    assert recorded["signature"] == decision.sha256
    assert recorded["comments"] == [[sound.sha256, 0.25, "here"]]
    assert recorded["conditions"] == [[CONDITION.text, "alice", "2030-01-02"]]
    rewrite(SoundComment.objects.filter(reviewer=ida), text="there")
    assert not deciding.still_holds(decision)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signed_as": "Somebody"}, r"expected your name as you gave it \(Ida\), found 'Somebody'"),
        ({"verdict": "maybe"}, "expected a decision among approve, conditions, reject"),
        ({"reason": " "}, "expected a reason of 1 to 5000 characters, found 0"),
        ({"verdict": "conditions"}, "expected conditions with an approval with conditions"),
        ({"conditions": [CONDITION]}, "and with no other decision, found some"),
    ],
)
def test_half_a_decision_is_refused_and_nothing_is_kept(ida, change, words):
    asked = {"verdict": "approve", "reason": "good", "signed_as": "Ida"} | change
    with pytest.raises(ReviewError, match=words):
        deciding.decide(ida, asked.pop("verdict"), **asked)
    assert not Decision.objects.exists()
    assert not Action.objects.exists()
    assert events("review-decide") == 0


def test_after_a_decision_its_author_says_nothing_more(ida, version):
    signed(ida)
    sound = version.renderings.get().output
    for speak in (
        lambda: reviewing.note(ida, 1, "late", is_done=True),
        lambda: reviewing.comment(ida, sound, 0, "late"),
        lambda: reviewing.find(ida, "minor", "late"),
        lambda: signed(ida, "reject"),
    ):
        with pytest.raises(ReviewError, match="found it signed: a decision is final"):
            speak()
    assert (ida.notes.count(), ida.comments.count(), ida.findings.count()) == (0, 0, 0)


def test_what_cannot_be_said_is_refused(ida, version):
    sound = version.renderings.get().output
    for at_s in (-1, 99, float("nan")):
        with pytest.raises(ReviewError, match="expected a moment within 1.0 s"):
            reviewing.comment(ida, sound, at_s, "when?")
    with pytest.raises(ReviewError, match="expected a severity among minor, major, critical"):
        reviewing.find(ida, "awful", "x")
    with pytest.raises(ReviewError, match="expected a finding of 1 to 5000 characters, found 5001"):
        reviewing.find(ida, "minor", "x" * 5001)
    with pytest.raises(ReviewError, match="found no number 9"):
        reviewing.note(ida, 9, "x", is_done=False)
    assert not Finding.objects.exists()


def test_closing_lets_the_version_stand_as_was_decided(review, ida, version):
    other, _ = invited(review, "Jo")
    signed(ida)
    signed(other, "conditions", [CONDITION])
    assert deciding.close(review, actor="bob", reason="all have spoken") == "conditions"
    mark = standing.of(version)
    assert mark.state == "approved"
    assert "approved with conditions" in mark.last.reason
    action = Action.objects.open().get()
    deciding.finish(action, actor="alice", note="trained again with 40 more voices")
    with pytest.raises(ReviewError, match="expected an open action, found it done already"):
        deciding.finish(action, actor="bob", note="so did I")
    assert events("review-action") == 1


def test_one_rejection_rejects_and_a_later_review_may_approve(review, ida, version):
    other, _ = invited(review, "Jo")
    signed(ida)
    signed(other, "reject")
    assert deciding.close(review, actor="bob", reason="it clicks") == "rejected"
    assert standing.of(version).is_rejected
    assert "it clicks" in standing.refusal(version)
    with pytest.raises(
        ReviewError, match="found plain@1 rejected, a draft again: make it a candidate"
    ):
        reviewing.open_review(version, actor="alice")
    standing.nominate(version, actor="trainer", reason="mended")
    again = reviewing.open_review(version, actor="alice")
    signed(invited(again)[0])
    assert deciding.close(again, actor="bob", reason="mended indeed") == "approved"
    assert standing.of(version).label == "approved"


def test_a_periodic_review_renews_an_approval(version, review, ida):
    standing.review_every(version.model, 30, actor="bob", reason="rule")
    signed(ida)
    deciding.close(review, actor="bob", reason="good")
    again = reviewing.open_review(version, actor="alice")
    signed(invited(again)[0])
    deciding.close(again, actor="bob", reason="still good")
    acts = list(version.standings.order_by("number").values_list("act", flat=True))
    assert acts == ["nominate", "approve", "renew"]


def test_without_a_decision_closing_changes_nothing(review, version):
    assert deciding.close(review, actor="bob", reason="opened by mistake") == "withdrawn"
    assert standing.of(version).state == "candidate"


# bad input


def test_who_trained_it_neither_signs_nor_closes_an_approval(version, review, ida):
    trainer = account("trainer")
    seat = reviewing.seat(review, trainer)
    with pytest.raises(
        ReviewError, match="somebody else to approve plain@1 than who trained it, found trainer"
    ):
        signed(seat)
    same_name, _ = invited(review, "trainer")
    with pytest.raises(ReviewError, match="than who trained it"):
        signed(same_name)
    signed(ida)
    with pytest.raises(ReviewError, match="than who trained it"):
        deciding.close(review, actor="trainer", reason="I agree")
    review.refresh_from_db()
    assert review.is_open
    assert standing.of(version).state == "candidate"
    assert events("review-close") == 0
    # against it they may speak
    signed(seat, "reject")


def test_a_retired_version_is_not_reviewed_nor_decided_on(version, review, ida):
    standing.retire(version, actor="bob", reason="superseded")
    with pytest.raises(ReviewError, match="found plain@1 retired meanwhile"):
        signed(ida)
    deciding.close(review, actor="bob", reason="it was retired")
    with pytest.raises(
        ReviewError, match="expected a version in use to review, found plain@1 retired"
    ):
        reviewing.open_review(version, actor="alice")


def test_a_draft_is_not_reviewed(db):
    made = a_version("raw")
    strike(Standing.objects.filter(version=made))
    with pytest.raises(ReviewError, match="expected a candidate to review, found raw@1 draft"):
        reviewing.open_review(made, actor="alice")
    with pytest.raises(
        ReviewError, match="expected a campaign that was launched, found tones a draft"
    ):
        reviewing.open_review(mushra_campaign(items=1, launched=False), actor="alice")


def test_nobody_signs_for_weights_that_were_changed_since(version, review, ida):
    with open(version.weights.path, "wb") as file:
        file.write(b"others")
    with pytest.raises(ReviewError, match="its weights or its chain were changed since"):
        signed(ida)
    assert not Decision.objects.exists()


def test_nobody_signs_for_a_campaign_that_was_changed_since(db):
    campaign = mushra_campaign(items=1)
    review = reviewing.open_review(campaign, actor="alice")
    ida, _ = invited(review)
    campaign.trials.get().stimuli.first().delete()
    with pytest.raises(ReviewError, match="expected tones as it was when the review began"):
        signed(ida)


def test_after_closing_nobody_says_anything(review, ida, version):
    deciding.close(review, actor="bob", reason="over")
    for speak in (
        lambda: reviewing.find(ida, "minor", "late"),
        lambda: signed(ida),
        lambda: reviewing.invite(review, days=1, actor="alice", address=str),
        lambda: deciding.close(review, actor="bob", reason="again"),
    ):
        with pytest.raises(
            ReviewError, match="expected an open review, found it closed on .* by bob"
        ):
            speak()
    assert events("review-close") == 1
    assert not list(audit.breaks_in_chain())


def test_who_was_turned_away_or_came_too_late_says_nothing(review, ida):
    reviewing.turn_away(ida, actor="alice")
    late, _ = invited(review, "Late")
    Reviewer.objects.filter(pk=late.pk).update(expires_at=now() - timedelta(seconds=1))
    for one in (ida, late):
        with pytest.raises(ReviewError, match="found yours taken back or expired"):
            reviewing.find(one, "minor", "x")
    assert reviewing.turn_away(ida, actor="alice") is False


@pytest.mark.django_db(transaction=True)
def test_of_two_who_close_at_once_one_does(review, ida):
    signed(ida)

    def close(name):
        try:
            deciding.close(review, actor=name, reason="over")
        except ReviewError as error:
            return str(error)
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(3) as people:
        said = list(people.map(close, ["bob", "carol", "dave"]))
    assert said.count("") == 1
    assert all("found it closed on" in one for one in said if one)
    assert (events("review-close"), events("approve")) == (1, 1)
    assert not list(audit.breaks_in_chain())


@pytest.mark.django_db(transaction=True)
def test_of_two_signatures_of_one_person_at_once_one_is_kept(ida):
    def sign(verdict):
        try:
            signed(ida, verdict)
        except ReviewError as error:
            return str(error)
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(2) as hands:
        said = list(hands.map(sign, ["approve", "reject"]))
    assert sorted(map(bool, said)) == [False, True]
    assert Decision.objects.count() == events("review-decide") == 1


# reminders


@pytest.fixture
def overdue(version, settings):
    settings.EMAIL_HOST = "mail.example"
    alice = account("alice")
    alice.email = "alice@example.org"
    alice.save()
    standing.review_every(version.model, 30, actor="bob", reason="rule")
    standing.approve(version, actor="bob", reason="good")
    rewrite(Standing.objects.filter(version=version, act="approve"), at=now() - timedelta(days=31))
    return version


def test_owners_are_reminded_once_of_each_time_a_review_falls_due(overdue, capsys):
    assert [str(mark.version) for mark in reminding.due()] == ["plain@1"]
    call_command("reviews")
    assert "overdue  plain@1" in capsys.readouterr().out
    call_command("reviews", remind=True)
    assert "sent to alice@example.org" in capsys.readouterr().out
    call_command("reviews", remind=True)
    assert "nobody had to be reminded" in capsys.readouterr().out
    (sent,) = mail.outbox
    assert sent.to == ["alice@example.org"]
    assert "plain@1" in sent.body
    standing.renew(overdue, actor="bob", reason="heard again")
    renewed = now() + timedelta(days=31)
    assert len(reminding.remind(actor="cron", at=renewed)) == 1
    assert Reminder.objects.count() == len(mail.outbox) == 2


def test_superusers_are_reminded_where_a_project_has_no_owner_to_be_reached(overdue):
    here().memberships.all().delete()
    operator = account("operator")
    operator.email, operator.is_superuser = "operator@example.org", True
    operator.save()
    here().memberships.all().delete()
    (told,) = reminding.remind(actor="cron")
    assert list(told.sent_to) == ["operator@example.org"]


def test_mail_that_cannot_be_sent_is_tried_again(overdue, settings):
    settings.EMAIL_HOST = ""
    (told,) = reminding.remind(actor="cron")
    assert told.not_sent == "mail is not set up here"
    assert not Reminder.objects.exists()
    here().memberships.all().delete()
    (told,) = reminding.remind(actor="cron")
    assert told.not_sent == "no owner of the project has a mail address"
