"""Making templates of what there is, keeping those that come from elsewhere, and using them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from listening import agenda, reviewing
from listening.composing import compose, describe
from listening.exchange import campaign_document, template_file
from listening.exchange.documents import Document
from listening.exchange.template_file import CAMPAIGN, FORMAT, RECIPE, REVIEW, Answer, Data
from listening.models import Campaign, Review, Template
from models_registry import audit, training
from models_registry.extra import engine
from models_registry.models import ModelVersion, TrainingRun, canonical_json
from models_registry.teams import Project

# of a campaign, what belongs to it alone
OWN = ("format", "slug", "conditions", "items", "opens", "closes", "collect", "retain_until")


class TemplateError(ValueError):
    """A template that cannot be made or used as asked; the message says why and what to do."""


def recipe_of(version: ModelVersion) -> Data:
    """The recipe that trained `version`, as a template's content; raises `TemplateError` where none did."""
    if version.run is None or "chain" not in version.run.recipe:
        raise TemplateError(
            f"expected a version that a recipe trained, found {version}, which none did"
        )
    return dict(version.run.recipe)


def settings_of(campaign: Campaign) -> Data:
    """A campaign without its sounds, as a template's content."""
    return {key: value for key, value in describe(campaign).items() if key not in OWN}


def agenda_of(review: Review | None) -> Data:
    """A review's agenda and what it takes, as a template's content; of None, the standard one's."""
    return (reviewing.agenda_of(review) if review else agenda.STANDARD).as_data()


def keep(data: Data, *, source: str, project: Project, actor: str) -> Template:
    """Keep a template, as the next of its name; raises `DocumentError`, and what its content is refused with."""
    template_file.checked(data)
    check_content(data["kind"], data["content"])
    sha256 = hashlib.sha256(canonical_json(data).encode()).hexdigest()
    try:
        with transaction.atomic():
            last = Template.objects.filter(project=project, name=data["name"]).first()
            if last is not None and last.sha256 == sha256:
                raise TemplateError(f"expected another template than {last}, found the same")
            made = Template.objects.create(
                project=project,
                name=data["name"],
                number=last.number + 1 if last else 1,
                kind=data["kind"],
                title=data["title"],
                document=data,
                sha256=sha256,
                source=source[:300],
                author=actor,
            )
            content = {"sha256": sha256, "kind": made.kind, "source": source}
            audit.record("template", made, actor=actor, reason=made.title, content=content)
    except IntegrityError as error:
        raise TemplateError(
            f"expected to be the only one to change {data['name']}, found another made a moment ago: look at it first"
        ) from error
    return made


def written(
    kind: str,
    content: Data,
    *,
    name: str,
    title: str,
    purpose: str,
    fields: Sequence[Data],
) -> Data:
    """The document of a template."""
    return {
        "format": FORMAT,
        "kind": kind,
        "name": name,
        "title": title,
        "purpose": purpose,
        "fields": list(fields),
        "content": content,
    }


def check_content(kind: str, content: Data) -> None:
    """Raises what the content is refused with where it is to be used."""
    if kind == RECIPE:
        engine().Recipe.from_dict(content)
    elif kind == CAMPAIGN:
        _campaign(content, "one", {"conditions": [{"name": "one"}], "items": [{"title": "one"}]})
    else:
        agenda.from_data(content)


def _campaign(content: Data, slug: str, sounds: Data) -> Document:
    if strange := sorted(set(OWN) & set(content)):
        raise TemplateError(
            f"expected a campaign's settings without {', '.join(strange)}, which belong to one campaign alone"
        )
    data = {"format": campaign_document.FORMAT, "slug": slug, **content, **sounds}
    return Document(slug, campaign_document.checked(data, name=slug))


def train(
    template: Template,
    answers: Mapping[str, Answer],
    *,
    seed: int,
    reason: str,
    project: Project,
    actor: str,
) -> TrainingRun:
    """Ask a worker to train the recipe with these answers; raises `ExchangeError`, `RecipeError`, `TemplateError`."""
    content = answered(template, RECIPE, answers)
    return training.queue_recipe(
        engine().Recipe.from_dict(content), seed=seed, reason=reason, actor=actor, project=project
    )


def draft(
    template: Template,
    answers: Mapping[str, Answer],
    *,
    slug: str,
    sounds_of: Campaign,
    owner: User | None,
    project: Project,
    actor: str,
) -> Campaign:
    """A draft with the template's settings and these answers, of the conditions and items of another campaign.

    Raises `ExchangeError`, `TemplateError`, and what composing raises.
    """
    content = answered(template, CAMPAIGN, answers)
    described = describe(sounds_of)
    sounds = {key: described[key] for key in ("conditions", "items")}
    document = _campaign(content, slug, sounds)
    return compose(document, owner=owner, project=project, actor=actor)


def begin_review(
    template: Template,
    answers: Mapping[str, Answer],
    *,
    subject: ModelVersion | Campaign,
    title: str = "",
    due_on: date | None = None,
    actor: str,
) -> Review:
    """A review with the template's agenda and these answers; raises `ExchangeError`, `TemplateError`, `ReviewError`."""
    return reviewing.open_review(
        subject,
        title=title,
        agenda=agenda.from_data(answered(template, REVIEW, answers)),
        agenda_from=str(template),
        due_on=due_on,
        actor=actor,
    )


def answered(template: Template, kind: str, answers: Mapping[str, Answer]) -> Data:
    """The template's content with these answers; raises `TemplateError` where it is of another kind."""
    if template.kind != kind:
        raise TemplateError(
            f"expected a template of a {kind}, found {template}, one of a {template.kind}"
        )
    return template_file.filled(template.document, answers)


def content_of(kind: str, source: Any) -> Data:
    """What a template of `source`, a version, a campaign or a review (None: the standard agenda), holds."""
    of: dict[str, Callable[[Any], Data]] = {
        RECIPE: recipe_of,
        CAMPAIGN: settings_of,
        REVIEW: agenda_of,
    }
    return of[kind](source)
