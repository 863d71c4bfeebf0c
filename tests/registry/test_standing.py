"""Where a version stands: moved by its acts alone, one at a time, and what is barred from new campaigns."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from models_registry import audit, standing, statements
from models_registry.models import AudioModel, AuditEvent, ModelVersion, Standing
from models_registry.standing import StandingError
from tests.factories import account
from tests.tampering import rewrite

WHY: dict[str, Any] = {"actor": "bob", "reason": "heard by the panel"}


@pytest.fixture
def version(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    model = AudioModel.objects.create(name="overdrive", title="An overdrive")
    made = ModelVersion.objects.register(
        model, chain={"blocks": []}, weights=b"none", card={}, reason="more bass was wanted"
    )
    audit.record("train", made, actor="alice")
    return made


@pytest.fixture
def candidate(version):
    statements.write(version, intent="a", assumptions="b", caveats="c", actor="alice")
    standing.nominate(version, actor="alice", reason="ready")
    return version


def test_a_version_of_which_nothing_was_written_is_a_draft(version):
    mark = standing.of(version)
    assert (mark.state, mark.label, mark.why_barred) == ("draft", "draft", "")


def test_it_comes_as_far_as_its_acts_take_it_and_each_is_in_the_record(candidate):
    assert standing.of(candidate).state == "candidate"
    standing.approve(candidate, **WHY)
    assert standing.of(candidate).state == "approved"
    standing.reject(candidate, actor="carol", reason="it clicks")
    assert standing.of(candidate).label == "rejected, a draft again"
    standing.nominate(candidate, actor="alice", reason="no click any more")
    assert standing.of(candidate).label == "candidate"
    standing.retire(candidate, actor="carol", reason="there is a better one")
    assert standing.of(candidate).state == "retired"
    acts = [one.act for one in standing.history(candidate)]
    assert acts == ["retire", "nominate", "reject", "approve", "nominate"]
    recorded = AuditEvent.objects.filter(act__in=acts).order_by("-number")
    assert [(one.act, one.reason) for one in recorded] == [
        (one.act, one.reason) for one in standing.history(candidate)
    ]
    assert all(one.content["sha256"] == candidate.sha256 for one in recorded)
    assert not list(audit.breaks_in_chain())


def test_a_candidate_needs_what_its_makers_say(version):
    with pytest.raises(StandingError, match="expected a statement on overdrive@1"):
        standing.nominate(version, actor="alice", reason="ready")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (
            standing.approve,
            "expected overdrive@1 to be candidate in order to approve it, found it draft",
        ),
        (standing.renew, "to be approved in order to renew it"),
        (standing.reject, "to be candidate or approved in order to reject it"),
    ],
)
def test_an_act_from_the_wrong_state_is_refused_and_leaves_no_trace(version, act, words):
    with pytest.raises(StandingError, match=words):
        act(version, **WHY)
    assert not Standing.objects.exists()
    assert AuditEvent.objects.count() == 1


def test_what_is_retired_stays_so(version):
    standing.retire(version, **WHY)
    with pytest.raises(StandingError, match="found it retired, retired by bob on"):
        standing.retire(version, **WHY)


def test_who_trained_it_may_not_approve_it_unless_the_policy_says_so(candidate, settings):
    with pytest.raises(StandingError, match="somebody else to approve overdrive@1 .* found alice"):
        standing.approve(candidate, actor="alice", reason="I like it")
    assert standing.of(candidate).state == "candidate"
    settings.APPROVE_OWN = True
    standing.approve(candidate, actor="alice", reason="I like it")
    assert standing.of(candidate).state == "approved"


def test_one_person_by_another_name_is_no_second_person(candidate, settings):
    alice = account("alice")
    alice.first_name, alice.last_name = "Alice", "Berg"
    alice.save()
    # the version was made by alice: by her account, by her full name, and by whom the shell takes her for
    settings.SHELL_ACCOUNTS = {"root": "alice"}
    for name in ("Alice", "alice berg", "root"):
        with pytest.raises(StandingError, match="somebody else to approve overdrive@1"):
            standing.check_approver(candidate, name)
    standing.check_approver(candidate, "bob")


def test_who_made_it_in_the_shell_is_known_by_account_or_said_to_be_unknown(candidate, settings):
    account("alice")
    audit.record("adopt", candidate, actor="root")
    assert standing.unknown_makers(candidate) == ["root"]
    standing.check_approver(candidate, "bob")
    settings.SHELL_ACCOUNTS = {"root": "bob"}
    with pytest.raises(StandingError, match="than who trained it, found bob"):
        standing.check_approver(candidate, "bob")


def test_the_shell_that_trained_it_does_not_approve_it_in_anybodys_name(candidate, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "alice")
    words = ["standing", "overdrive@1", "--act=approve", "--actor=bob", "--reason=good"]
    with pytest.raises(CommandError, match="than who trained it, found alice"):
        call_command(*words)
    assert standing.of(candidate).state == "candidate"
    monkeypatch.setattr("getpass.getuser", lambda: "carol")
    call_command(*words)
    assert standing.of(ModelVersion.objects.get(pk=candidate.pk)).state == "approved"


@pytest.mark.parametrize("given", [{"actor": " ", "reason": "x"}, {"actor": "bob", "reason": " "}])
def test_nobody_acts_without_a_name_and_a_reason(candidate, given):
    with pytest.raises(StandingError, match="for the record, found none"):
        standing.approve(candidate, **given)


def test_weights_that_were_changed_since_are_not_approved(candidate):
    with candidate.weights.open("wb") as file:
        file.write(b"others")
    with pytest.raises(StandingError, match="its weights or its chain were changed since"):
        standing.approve(candidate, **WHY)
    candidate.weights.storage.delete(candidate.weights.name)
    with pytest.raises(StandingError, match="found none to read"):
        standing.approve(candidate, **WHY)
    # what cannot be judged can still be taken out of use
    standing.retire(candidate, **WHY)


def test_a_chain_that_was_changed_since_is_not_approved(candidate):
    rewrite(ModelVersion.objects.filter(pk=candidate.pk), chain={"blocks": ["another"]})
    with pytest.raises(StandingError, match="its weights or its chain were changed since"):
        standing.approve(candidate, **WHY)


def test_the_database_numbers_an_act_once_and_keeps_no_unknown_one(candidate):
    last = standing.of(candidate).last
    for change in (
        {"number": last.number},
        {"number": 9, "state": "perfect"},
        {"number": 9, "reason": ""},
    ):
        row = {"act": "approve", "state": "approved", "actor": "bob", "reason": "x", "at": now()}
        with pytest.raises(IntegrityError), transaction.atomic():
            Standing.objects.create(version=candidate, sha256="", **{**row, **change})


@pytest.mark.django_db(transaction=True)
def test_of_approvals_at_once_one_wins_and_the_others_are_told(candidate):
    def approve(name):
        try:
            standing.approve(candidate, actor=name, reason="good")
        except StandingError as error:
            return str(error)
        finally:
            connection.close()
        return ""

    names = ["bob", "carol", "dave", "erin"]
    with ThreadPoolExecutor(len(names)) as people:
        said = list(people.map(approve, names))
    assert said.count("") == 1
    winner = names[said.index("")]
    assert standing.of(candidate).last.actor == winner
    assert AuditEvent.objects.filter(act="approve").count() == 1
    for sentence in filter(None, said):
        assert f"found it approved, approved by {winner} on" in sentence
    assert not list(audit.breaks_in_chain())


# reviews that fall due, and what is barred


def test_an_approval_falls_due_and_is_good_again_once_renewed(candidate):
    standing.review_every(candidate.model, 30, actor="bob", reason="the house rule")
    approved = standing.approve(candidate, **WHY)
    later = approved.at + timedelta(days=30)
    assert standing.of(candidate, at=later - timedelta(seconds=1)).why_barred == ""
    mark = standing.of(candidate, at=later)
    assert mark.is_overdue
    assert mark.label == "approved, review overdue"
    assert "review of overdrive@1 has been overdue since" in mark.why_barred
    renewed = standing.renew(candidate, actor="bob", reason="heard again")
    assert standing.of(candidate).due_at == renewed.at + timedelta(days=30)
    with pytest.raises(StandingError, match="expected 1 to 3650 days between reviews, found 0"):
        standing.review_every(candidate.model, 0, actor="bob", reason="never")


def test_a_barred_version_enters_one_campaign_by_an_allowance_and_no_second(candidate):
    with pytest.raises(
        StandingError, match="expected a barred version, found overdrive@1 candidate"
    ):
        standing.allow(candidate, **WHY)
    standing.reject(candidate, actor="carol", reason="it clicks")
    sentence = standing.refusal(candidate, campaign="one")
    assert "overdrive@1 was rejected on" in sentence
    assert "by carol: it clicks" in sentence
    with pytest.raises(StandingError, match="was rejected on"), transaction.atomic():
        standing.admit([candidate], campaign="one")
    standing.allow(candidate, actor="bob", reason="as a bad example")
    standing.admit([candidate], campaign="one")
    # at its launch it is still let in; another campaign is not
    standing.admit([candidate], campaign="one")
    assert standing.refusal(candidate, campaign="one") == ""
    with pytest.raises(StandingError, match="was rejected on"):
        standing.admit([candidate], campaign="two")
    # a later rejection is another matter
    standing.nominate(candidate, actor="alice", reason="mended")
    standing.reject(candidate, actor="carol", reason="it still clicks")
    assert "it still clicks" in standing.refusal(candidate, campaign="one")


def test_the_standing_of_many_costs_no_query_each(candidate, django_assert_num_queries):
    for _ in range(3):
        ModelVersion.objects.register(
            candidate.model, chain={"blocks": []}, weights=b"none", card={}, reason="another"
        )
    with django_assert_num_queries(2):
        marks = [standing.of(one) for one in ModelVersion.objects.with_standing()]
    assert [one.state for one in marks] == ["candidate", "draft", "draft", "draft"]


# the command


def test_the_command_shows_and_acts(candidate, capsys):
    call_command("standing", "overdrive@1", act="approve", actor="bob", reason="good")
    assert "overdrive@1: approved\n" in capsys.readouterr().out
    call_command(
        "standing", "overdrive", review_every=90, actor="bob", reason="rule", format="json"
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], [one["act"] for one in found["acts"]]) == (
        "approved",
        ["approve", "nominate"],
    )
    assert found["due"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"act": "approve", "reason": "x"}, "expected an actor for the record"),
        ({"act": "approve", "actor": "bob"}, "expected a reason for the record"),
        ({"actor": "bob", "reason": "x"}, "expected --act or --review-every"),
    ],
)
def test_the_command_refuses_half_an_act(candidate, options, words):
    with pytest.raises(CommandError, match=words) as refused:
        call_command("standing", "overdrive@1", **options)
    assert refused.value.returncode == 2
