"""An installation from before there were projects: all of it is in the first, which every account owns; and back."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE = [
    ("listening", "0015_translations"),
    ("models_registry", "0002_renderings_under_a_condition"),
]


def moved(targets):
    MigrationExecutor(connection).migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


@pytest.fixture
def now():
    """Whatever happens, the next test finds the tables as they are to be."""
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    yield leaves
    MigrationExecutor(connection).migrate(leaves)


@pytest.mark.django_db(transaction=True)
def test_everything_that_was_there_is_in_the_first_project(now):
    old = moved(BEFORE)
    users = [old.get_model("auth", "User").objects.create(username=name) for name in "ab"]
    old.get_model("listening", "Campaign").objects.create(slug="c", title="c", method="mushra")
    old.get_model("models_registry", "AudioModel").objects.create(name="m", title="m")
    old.get_model("models_registry", "Job").objects.create(kind="train")
    signals = old.get_model("models_registry", "Signal").objects
    signals.create(sha256="0", title="s", rate=1, channels=1, frames=1, file="s.wav")
    new = moved(now)
    project = new.get_model("models_registry", "Project").objects.get()
    members = new.get_model("models_registry", "Membership").objects
    assert set(members.values_list("user", "role")) == {(user.pk, "owner") for user in users}
    rows = [project.campaigns, project.models, project.jobs, project.signals]
    assert [one.count() for one in rows] == [1, 1, 1, 1]
    back = moved(BEFORE)
    assert back.get_model("listening", "Campaign").objects.get().slug == "c"
