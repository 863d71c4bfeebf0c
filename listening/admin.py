"""Listening tests as registers: a campaign is opened and closed on its own page, and ratings are never edited."""

from __future__ import annotations

from listening.models import (
    Benchmark,
    BenchmarkEntry,
    BenchmarkItem,
    BenchmarkOutput,
    Campaign,
    Check,
    Condition,
    Invitation,
    Listener,
    Rating,
    Response,
    Session,
    Stimulus,
    Template,
    Trial,
)
from models_registry.admin import register

register(
    Campaign,
    list_display=["slug", "title", "method", "state", "screening"],
    list_filter=["method", "state"],
)
register(Condition, list_display=["name", "campaign", "role", "version"], list_filter=["campaign"])
register(Trial, list_display=["item", "campaign", "number"], list_filter=["campaign"])
register(Stimulus, list_display=["__str__", "signal"], list_filter=["trial__campaign"])
register(
    Invitation,
    list_display=["code", "campaign", "created_at", "expires_at"],
    list_filter=["campaign"],
)
register(
    Listener, list_display=["code", "campaign", "simulated"], list_filter=["campaign", "simulated"]
)
register(
    Session,
    list_display=["__str__", "campaign", "created_at", "finished_at", "ending"],
    list_filter=["campaign"],
)
register(Check, list_display=["session", "test", "right", "trials", "passed"])
register(Response, list_display=["id", "page", "received_at"])
register(
    Rating,
    list_display=["stimulus", "value", "created_at", "supersedes"],
    list_filter=["page__session__campaign"],
)
register(Benchmark, list_display=["__str__", "title", "sha256", "is_public"])
register(BenchmarkItem, list_display=["title", "benchmark", "input", "reference"])
register(BenchmarkEntry, list_display=["name", "benchmark", "version", "team"])
register(BenchmarkOutput, list_display=["entry", "item", "signal"])
register(Template, list_display=["__str__", "kind", "title", "source"], list_filter=["kind"])
