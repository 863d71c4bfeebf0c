"""What changed since a version's parent: in words, in numbers, and to the ear."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from listening import access, changes, making
from listening import intake as intakes
from listening.changes import Pair
from listening.intake import About
from listening.unpacking import IntakeError
from models_registry import rendering
from models_registry.extra import EngineMissing
from models_registry.models import ModelVersion, Signal
from models_registry.rendering import RenderError
from models_registry.teams import Role

# what a draft asks of two versions
METHODS = {"abx": "ABX: can they be told apart?", "preference": "AB: which one is preferred?"}


@access.members
@require_http_methods(["GET", "HEAD", "POST"])
def of_version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    versions = ModelVersion.objects.select_related(
        "model__project", "parent__model", "parent__run", "run"
    )
    child = access.find(request, versions, model__name=name, number=number)
    # a parent may be another project's, of which the person may not know
    visible = ModelVersion.objects.visible_to(request.user).select_related("model__project", "run")
    parent = visible.filter(pk=child.parent_id).first()
    if parent is None:
        raise Http404(f"{child} has no parent")
    pairs = changes.heard(parent, child)
    if request.method == "POST":
        return _acted(request, parent, child, pairs)
    parts, no_parts = changes.chain_changes(parent, child)
    moved, stayed, problem = changes.moved_values(parent, child)
    asked = request.GET.get("blind", "")
    seed = int(asked) if asked.isdecimal() and len(asked) < 12 else None
    context = {
        "section": "models",
        "version": child,
        "parent": parent,
        "parts": parts,
        "no_parts": no_parts,
        "moved": moved,
        "stayed": stayed,
        "problem": problem,
        "recipe": changes.recipe_changes(parent, child),
        "judged": changes.judged(parent, child),
        "validated": changes.validated(parent, child),
        "scored": changes.scored(parent, child),
        "rated": changes.rated(parent, child),
        "pairs": pairs,
        "missing": sum(not one.complete for one in pairs),
        "complete": sum(one.complete for one in pairs),
        "blind": None
        if seed is None
        else [(one, one.blind(seed)) for one in pairs if one.complete],
        "fresh": secrets.randbelow(10**9),
        "methods": METHODS,
    }
    return render(request, "listening/registry/changes.html", context)


def _acted(
    request: HttpRequest, parent: ModelVersion, child: ModelVersion, pairs: Sequence[Pair]
) -> HttpResponse:
    """Have what is missing rendered, or begin a listening test of the two."""
    if request.POST.get("act") == "draft":
        return _drafted(request, parent, child, pairs)
    queued = []
    for version, lacking in (
        (parent, [one for one in pairs if one.parent is None]),
        (child, [one for one in pairs if one.child is None]),
    ):
        if lacking:
            access.standing(request).require(version.project, Role.EDITOR)
        for condition in sorted({one.condition for one in lacking}):
            inputs = [one.input for one in lacking if one.condition == condition]
            names = [rendering.named(version, condition)]
            try:
                queued.append(
                    rendering.queue(
                        names, inputs, actor=request.user.get_username(), project=version.project
                    )
                )
            except (RenderError, EngineMissing) as error:
                messages.error(request, f"{str(error)[0].upper()}{str(error)[1:]}.")
                return redirect("version-changes", child.model.name, child.number)
    if queued:
        messages.success(request, f"{len(queued)} job(s) queued; look again when they are done.")
    return redirect("version-changes", child.model.name, child.number)


def _drafted(
    request: HttpRequest, parent: ModelVersion, child: ModelVersion, pairs: Sequence[Pair]
) -> HttpResponse:
    method = request.POST.get("method", "")
    if method not in METHODS:
        raise Http404(f"expected one of {', '.join(METHODS)}, found {method[:80]!r}")
    inputs: list[Signal] = list(dict.fromkeys(one.input for one in pairs if not one.condition))
    title = f"{parent} and {child}"
    about = About(
        cast(User, request.user).pk,
        child.project.pk,
        title,
        making.free_slug(f"{parent} {child} {method}".replace("@", "-")),
        method,
    )
    try:
        waiting = intakes.of_renderings([parent, child], inputs, about)
    except IntakeError as error:
        messages.error(request, " ".join(error.reasons))
        return redirect("version-changes", child.model.name, child.number)
    return redirect("campaign-pair", uuid.UUID(waiting.key))
