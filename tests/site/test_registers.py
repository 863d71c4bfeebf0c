"""The admin shows rows and changes none."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from models_registry import audit

OURS = [
    model
    for app in ("listening", "metrics", "models_registry")
    for model in apps.get_app_config(app).get_models()
]
SHOWN = [model for model in OURS if admin.site.is_registered(model)]


@pytest.fixture
def root(client, db):
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_a_register_can_be_read_but_not_written_by_a_superuser(root, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert root.get(reverse(f"{name}_changelist")).status_code == 200
    assert root.get(reverse(f"{name}_add")).status_code == 403


def test_an_event_of_the_record_cannot_be_changed_or_deleted(root):
    event = audit.record("build", "something", actor="alice")
    change = reverse("admin:models_registry_auditevent_change", args=[event.pk])
    delete = reverse("admin:models_registry_auditevent_delete", args=[event.pk])
    assert root.get(change).status_code == 200
    assert root.post(change, {"actor": "mallory"}).status_code == 403
    assert root.post(delete, {"post": "yes"}).status_code == 403
    event.refresh_from_db()
    assert event.actor == "alice"
    assert list(audit.breaks_in_chain()) == []


def test_all_rows_that_are_written_once_are_registers():
    names = {model.__name__ for model in SHOWN}
    assert names >= {
        "AuditEvent",
        "Signal",
        "ModelVersion",
        "Rendering",
        "Rating",
        "Response",
        "Score",
    }
