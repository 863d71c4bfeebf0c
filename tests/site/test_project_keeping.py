"""Projects are renamed and, once empty, deleted; the operator sets members by a command. All of it is in the record."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from models_registry import audit
from models_registry.models import AuditEvent
from models_registry.teams import Project
from tests.factories import account, here, mushra_campaign


@pytest.fixture
def empty(alice):
    return Project.objects.make("Codecs", owner=alice)


def send(client, act, project, **form):
    address = reverse(f"project-{act}", args=[project.slug])
    return client.post(address, form, follow=True).content.decode()


def test_a_project_is_called_something_else_and_keeps_its_address(researcher, empty):
    assert "is called Codecs of 2027 now" in send(
        researcher, "rename", empty, name=" Codecs  of 2027"
    )
    empty.refresh_from_db()
    assert (empty.name, empty.slug) == ("Codecs of 2027", "codecs")
    event = AuditEvent.objects.get(act="project-rename")
    assert (event.actor, event.content["before"]) == ("alice", "Codecs")
    assert "Expected a name" in send(researcher, "rename", empty, name=" ")


def test_an_empty_project_is_deleted_and_the_record_still_holds(researcher, empty):
    send(researcher, "rename", empty, name="Codecs of 2027")
    assert "Codecs of 2027 is deleted" in send(researcher, "delete", empty)
    assert not Project.objects.filter(slug="codecs").exists()
    assert AuditEvent.objects.filter(act__in=["project-rename", "project-delete"]).count() == 2
    assert list(audit.breaks_in_chain()) == []


def test_a_project_with_something_in_it_stays_whole(researcher, empty):
    campaign = mushra_campaign()
    campaign.project = empty
    campaign.save(update_fields=["project"])
    assert "Expected nothing left in Codecs, found campaigns" in send(researcher, "delete", empty)
    assert empty.memberships.count() == 1
    assert not AuditEvent.objects.filter(act="project-delete").exists()
    assert "is the first project" in send(researcher, "delete", here())


def test_the_operator_lets_people_in_and_out_by_a_command(empty):
    account("eve")

    def members(*options):
        told = StringIO()
        call_command("members", "--project", "codecs", *options, "--format", "json", stdout=told)
        return json.loads(told.getvalue())["members"]

    assert members("--user", "eve", "--role", "reader")[-1] == {"name": "eve", "role": "reader"}
    assert members("--user", "eve", "--role", "editor")[-1] == {"name": "eve", "role": "editor"}
    assert members("--user", "eve", "--role", "out") == [{"name": "alice", "role": "owner"}]
    acts = AuditEvent.objects.filter(subject="eve").order_by("number").values_list("act", flat=True)
    assert list(acts) == ["member-join", "member-role", "member-remove"]
    for wrong, said in (
        (["--user", "nobody", "--role", "reader"], "found no 'nobody'"),
        (["--user", "eve"], "--user and --role together"),
        (["--user", "alice", "--role", "out"], "alice is the last owner"),
        (["--user", "eve", "--role", "out"], "Expected a member"),
    ):
        with pytest.raises(CommandError, match=said):
            members(*wrong)
