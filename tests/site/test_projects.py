"""Teams: projects are made, people are let in by links that work once, and the last owner stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from listening import joining, mailing
from models_registry.models import AuditEvent
from models_registry.teams import Entry, Membership, Project, Role, TeamError
from tests.factories import account, here

WORD = "a word that nobody guesses"


def roles():
    return dict(Membership.objects.values_list("user__username", "role"))


def invited(researcher, role=Role.EDITOR, **asked):
    """The address of a new link, as the page shows it."""
    page = researcher.post(
        reverse("member-invite", args=[here().slug]), {"role": role, "days": 7, **asked}
    )
    return page.content.decode().split('readonly value="')[1].split('"')[0]


def test_who_makes_a_project_owns_it(researcher, alice):
    there = researcher.post(reverse("projects"), {"name": "  The   codec "}).url
    made = Project.objects.get(slug="the-codec")
    assert (made.name, there) == ("The codec", reverse("project", args=["the-codec"]))
    assert made.role_of(alice) == Role.OWNER
    assert AuditEvent.objects.get(act="project").project == made


def test_a_project_without_a_name_is_not_made(researcher):
    assert researcher.post(reverse("projects"), {"name": " "}).status_code == 422
    assert Project.objects.count() == 1


def test_who_belongs_nowhere_is_told_so_and_makes_a_project(db):
    User.objects.create_user("carol")
    client = Client()
    client.force_login(User.objects.get(username="carol"))
    assert "You belong to no project yet" in client.get(reverse("projects")).content.decode()
    refused = client.get(reverse("campaign-new"))
    assert refused.status_code == 403
    assert "Make a project of your own" in refused.content.decode()
    client.post(reverse("projects"), {"name": "Carol's"})
    assert client.get(reverse("campaign-new")).status_code == 200


def test_a_new_person_makes_an_account_by_a_link_and_joins(researcher, anonymous):
    link = invited(researcher)
    assert "Make an account" in anonymous.get(link).content.decode()
    asked = {"username": "dora", "password1": WORD, "password2": WORD}
    assert anonymous.post(link, asked).url == reverse("project", args=[here().slug])
    assert roles() == {"alice": "owner", "dora": "editor"}
    # signed in from here on
    assert anonymous.get(reverse("project", args=[here().slug])).status_code == 200
    event = AuditEvent.objects.get(act="member-join")
    assert (event.subject, event.content["role"], event.project) == ("dora", "editor", here())


def test_an_account_that_cannot_be_made_leaves_the_link_good(researcher, anonymous):
    link = invited(researcher)
    answer = anonymous.post(link, {"username": "dora", "password1": "1234", "password2": "1234"})
    assert answer.status_code == 422
    assert Entry.objects.open().count() == 1


def test_who_has_an_account_joins_by_a_button(researcher, bob):
    Membership.objects.filter(user=bob).delete()
    client = Client()
    client.force_login(bob)
    link = invited(researcher, Role.READER)
    assert "Join as bob" in client.get(link).content.decode()
    client.post(link)
    assert roles() == {"alice": "owner", "bob": "reader"}


def test_a_link_lets_one_person_in(researcher, anonymous):
    link = invited(researcher)
    asked = {"username": "dora", "password1": WORD, "password2": WORD}
    anonymous.post(link, asked)
    again = Client().post(link, {**asked, "username": "eve"})
    assert again.status_code == 404
    assert "lets nobody in" in again.content.decode()
    assert not User.objects.filter(username="eve").exists()


def test_of_two_who_open_a_link_at_once_one_gets_in(researcher, bob):
    Membership.objects.filter(user=bob).delete()
    invited(researcher)
    entry = Entry.objects.get()
    joining.join(entry, bob)
    with pytest.raises(TeamError, match="used or taken back"):
        joining.join(entry, User.objects.create_user("eve"))


def test_a_member_does_not_use_a_link_up(researcher):
    researcher.post(invited(researcher, Role.READER))
    assert roles() == {"alice": "owner"}
    assert Entry.objects.open().count() == 1


def test_a_link_that_was_taken_back_or_has_expired_lets_nobody_in(researcher, anonymous):
    taken_back, expired = invited(researcher), invited(researcher)
    first, second = Entry.objects.order_by("pk")
    researcher.post(reverse("member-uninvite", args=[here().slug, first.pk]))
    Entry.objects.filter(pk=second.pk).update(expires_at=now() - timedelta(seconds=1))
    for link in (taken_back, expired):
        assert anonymous.get(link).status_code == 404
    assert AuditEvent.objects.filter(act="member-uninvite").count() == 1


def test_only_the_hash_of_a_link_is_kept(researcher):
    secret = invited(researcher).rstrip("/").rpartition("/")[2]
    assert len(secret) >= 32
    assert secret not in str(Entry.objects.values().get())
    assert secret not in str(list(AuditEvent.objects.values()))
    assert secret not in researcher.get(reverse("project", args=[here().slug])).content.decode()


def test_a_link_is_mailed_where_mail_is_set_up(researcher, settings):
    settings.EMAIL_HOST = "mail.example"
    link = invited(researcher, email="dora@example.org")
    (sent,) = mail.outbox
    assert sent.to == ["dora@example.org"]
    assert link in sent.body
    assert "alice invites you" in sent.body


def test_without_mail_the_link_is_to_be_passed_on(researcher, settings):
    settings.EMAIL_HOST = ""
    asked = {"role": "reader", "days": 7, "email": "dora@example.org"}
    text = researcher.post(reverse("member-invite", args=[here().slug]), asked).content.decode()
    assert "mail is not set up here" in text
    assert mail.outbox == []


def test_a_mail_that_fails_leaves_the_link(researcher, settings, monkeypatch):
    def broken(*args):
        raise ConnectionRefusedError("no server there")

    settings.EMAIL_HOST = "mail.example"
    monkeypatch.setattr(mailing, "send_mail", broken)
    asked = {"role": "reader", "days": 7, "email": "dora@example.org"}
    text = researcher.post(reverse("member-invite", args=[here().slug]), asked).content.decode()
    assert "no server there" in text
    assert Entry.objects.open().count() == 1


def change(researcher, name, role):
    member = Membership.objects.get(user__username=name)
    address = reverse("member-role", args=[here().slug, member.pk])
    return researcher.post(address, {"role": role}, follow=True).content.decode()


def test_an_owner_changes_roles_and_sends_members_out(researcher, bob):
    change(researcher, "bob", "reader")
    assert roles() == {"alice": "owner", "bob": "reader"}
    event = AuditEvent.objects.get(act="member-role")
    assert (event.subject, event.content["before"], event.content["role"]) == (
        "bob",
        "owner",
        "reader",
    )
    change(researcher, "bob", "out")
    assert roles() == {"alice": "owner"}
    assert AuditEvent.objects.get(act="member-remove").subject == "bob"


def test_a_role_that_there_is_not_is_refused(researcher, bob):
    assert "Expected a role" in change(researcher, "bob", "king")
    assert roles()["bob"] == "owner"


@pytest.mark.parametrize("role", ["editor", "out"])
def test_the_last_owner_stays_one(researcher, role):
    account("carol", role=Role.EDITOR)
    assert "last owner" in change(researcher, "alice", role)
    assert roles() == {"alice": "owner", "carol": "editor"}
    assert not AuditEvent.objects.filter(act__startswith="member-").exists()


def test_a_member_leaves_and_sees_nothing_any_more(researcher, bob, rated):
    client = Client()
    client.force_login(bob)
    client.post(reverse("project-leave", args=[here().slug]))
    assert roles() == {"alice": "owner"}
    assert AuditEvent.objects.get(act="member-leave").subject == "bob"
    assert client.get(rated.get_absolute_url()).status_code == 404


def test_lists_keep_to_the_project_chosen(researcher, alice, rated):
    other = Project.objects.make("Elsewhere", owner=alice)
    shown = researcher.get(reverse("campaigns")).content.decode()
    assert "All projects" in shown
    assert rated.title in shown
    back = reverse("campaigns")
    there = researcher.post(reverse("project-choose"), {"project": other.slug, "next": back})
    assert there.url == back
    shown = researcher.get(back).content.decode()
    assert ">Elsewhere</a>" in shown
    assert rated.title not in shown
    # a page of another project says so
    assert f">{here().name}</a>" in researcher.get(rated.get_absolute_url()).content.decode()
    researcher.post(reverse("project-choose"))
    assert rated.title in researcher.get(back).content.decode()


def test_the_choice_of_a_project_leads_to_no_other_site(researcher):
    asked = {"project": "", "next": "https://evil.example/"}
    assert researcher.post(reverse("project-choose"), asked).url == reverse("projects")


def test_a_superuser_owns_every_project(rated, db):
    Project.objects.make("Elsewhere", owner=account("alice"))
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    shown = client.get(reverse("projects")).content.decode()
    assert "Elsewhere" in shown
    assert here().name in shown
    assert client.get(rated.get_absolute_url()).status_code == 200
