"""A version's model card: as a page, and as a file to take away."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access
from listening.cards import forms
from listening.cards.card import ModelCard
from listening.cards.gathering import card_of
from listening.views.diagram import diagram
from models_registry import audit
from models_registry.models import ModelVersion


@access.members
@require_safe
def of_version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    version, card = _found(request, name, number)
    context = {
        "section": "models",
        "version": version,
        "card": card,
        "diagram": diagram(version.chain),
    }
    return render(request, "listening/registry/card.html", context)


@access.members
@require_safe
def as_file(request: HttpRequest, name: str, number: int, form: str) -> HttpResponse:
    """The card as HTML, Markdown or JSON; the record keeps who took it."""
    if form not in forms.FORMS:
        raise Http404(f"cards are {', '.join(forms.FORMS)}, not {form!r}")
    version, card = _found(request, name, number)
    audit.record(
        "card",
        version,
        actor=request.user.get_username(),
        content={"format": form, "card": card.sha256},
    )
    response = HttpResponse(forms.FORMS[form](card), content_type=forms.CONTENT_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}-{number}-card.{form}"'
    return response


def _found(request: HttpRequest, name: str, number: int) -> tuple[ModelVersion, ModelCard]:
    versions = ModelVersion.objects.select_related("model__project", "parent__model", "run__job")
    version = access.find(request, versions, model__name=name, number=number)
    return version, card_of(version)
