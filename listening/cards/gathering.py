"""A version's card, gathered from its rows as they are now."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from django.urls import reverse

from listening.cards import heard, made, studied
from listening.cards.card import ModelCard, Part
from listening.cards.data import data
from listening.cards.limits import limits
from listening.learned import learned_values
from listening.lessons import kinds_in
from models_registry import statements
from models_registry.models import ModelVersion

# where a part's evidence is got on the site, and what is done there
STUDIES = {"validation", "robustness", "ablation", "explanation", "hearing"}


def card_of(version: ModelVersion) -> ModelCard:
    """Everything that is known of `version`, part by part, in the order in which a reader asks."""
    blocks, problem = learned_values(version)
    statement = statements.latest(version)
    studies = studied.studies_of(version)
    parts = [
        made.use(version),
        made.chain(version),
        made.parameters(version, blocks, problem),
        data(version),
        made.training(version),
        studied.validation(version, studies.get("validation")),
        studied.robustness(version, studies.get("validation")),
        studied.ablation(version, studies.get("ablation")),
        studied.explanation(version, studies.get("explanation")),
        studied.hearing(version, studies.get("congruence")),
        heard.ratings(version),
        heard.metrics(version),
        limits(version, blocks, studies),
        made.environment(version),
    ]
    return ModelCard(
        version=str(version),
        title=version.model.title,
        purpose=version.card.get("purpose", "") or version.model.purpose,
        sha256_of_version=version.sha256,
        sha256_of_weights=version.weights_sha256,
        front={
            "kinds": kinds_in(version.chain),
            "name": version.model.name,
            "licence": statement.licence if statement else "",
        },
        parts=[replace(part, on_site=_on_site(version, part)) for part in parts],
    )


def _on_site(version: ModelVersion, part: Part) -> tuple[str, str] | tuple[()]:
    here = [version.model.name, version.number]
    if not part.how:
        return ()
    if part.name in STUDIES:
        return reverse("studies", args=here), "ask for a study of it"
    return {
        "use": (reverse("version-statement", args=here), "say it on its page"),
        "data": (reverse("train"), "train it again"),
        "ratings": (reverse("campaign-new"), "make a listening test"),
        "metrics": (f"{reverse('render')}?version={quote(str(version))}", "render signals"),
    }[part.name]
