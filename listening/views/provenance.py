"""Where a number comes from, as a page and as PROV-JSON."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from listening import access, lineage
from listening.lineage import Lineage
from listening.provenance import ProvenanceError, trace


@access.members
@require_safe
def of_thing(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    found = _found(request, kind, name)
    context = {
        "lineage": found,
        "drawing": lineage.laid_out(found),
        "told": [(node, _leading_from(found, node.name)) for node in found.nodes.values()],
        "address": reverse("provenance-json", args=[kind, name]),
        "name": f"{kind}/{name}",
    }
    return render(request, "listening/provenance.html", context)


def _leading_from(found: Lineage, name: str) -> list[tuple[str, lineage.Node]]:
    return [(edge.words, found.nodes[edge.target]) for edge in found.leading_from(name)]


@access.members
@require_safe
def as_json(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """W3C PROV-JSON."""
    found = _found(request, kind, name)
    base = request.build_absolute_uri("/provenance/")
    answer = JsonResponse(lineage.as_prov_json(found, base=base), json_dumps_params={"indent": 1})
    named = f"{kind}-{name}".replace('"', "")
    answer["Content-Disposition"] = f'attachment; filename="{named}.prov.json"'
    return answer


def _found(request: HttpRequest, kind: str, name: str) -> Lineage:
    try:
        return trace(f"{kind}/{name}", user=access.standing(request).user)
    except ProvenanceError as error:
        raise Http404(str(error)) from error
