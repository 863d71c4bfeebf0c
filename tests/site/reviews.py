"""A version under review, and who judges it: what the tests of reviews share."""

from __future__ import annotations

from listening import reviewing
from listening.models import Review, Reviewer
from models_registry import audit, standing, statements
from models_registry.models import AudioModel, ModelVersion, Rendering
from tests.factories import stored_tone

CHAIN = {"rate": 48_000, "blocks": [{"id": "gain", "kind": "gain", "params": {}}]}


def a_version(name: str = "plain", *, trained_by: str = "trainer") -> ModelVersion:
    """A candidate that needs no engine, with one rendering."""
    model = AudioModel.objects.create(name=name, title=f"A {name} one")
    made = ModelVersion.objects.register(
        model, chain=CHAIN, weights=b"none", card={"purpose": "to be judged"}, reason="less hiss"
    )
    audit.record("train", made, actor=trained_by)
    statements.write(
        made, intent="speech", assumptions="near", caveats="never sung to", actor=trained_by
    )
    standing.nominate(made, actor=trained_by, reason="ready")
    Rendering.objects.create(version=made, input=stored_tone(210), output=stored_tone(310))
    return made


def invited(review: Review, name: str = "Ida", *, days: int = 7) -> tuple[Reviewer, str]:
    """A reviewer by link, who said their name where there is one; and the link's secret."""
    made = reviewing.invite(review, days=days, actor="alice", address=str)
    if name:
        reviewing.introduce(made.reviewer, name)
    return made.reviewer, made.link
