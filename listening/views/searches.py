"""Searches for better recipes: asking for one, watching it, stopping it, and what it found."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import access
from listening.search_figures import explored, measure, pictures
from listening.views.figures import served
from listening.views.forms import TrainForm
from models_registry import audit, search_tables, searching, training
from models_registry.models import Search

OBJECTIVES = {
    "cost": "cost: computing time",
    "interpretability": "interpretability: what blocks do, not networks",
    "parts": "parts: how many there are to understand",
}
# what a trial has not yet, or was not asked for
NOTHING = dict.fromkeys(("cost", "interpretability", "parts", "numbers"))


class SearchForm(TrainForm):
    """A recipe, what of it may change, and how much is tried."""

    space = forms.CharField(
        required=False,
        label="What may change",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="JSON, as the guide shows it. Empty: the recipe's own section “search”.",
    )
    trials = forms.IntegerField(
        min_value=1, max_value=10_000, initial=30, label="Configurations to try"
    )
    finalists = forms.IntegerField(
        min_value=1, max_value=20, initial=3, label="How many of the best are repeated"
    )
    seeds = forms.IntegerField(
        min_value=2, max_value=100, initial=5, label="With how many other seeds"
    )
    objectives = forms.MultipleChoiceField(
        choices=list(OBJECTIVES.items()),
        required=False,
        label="Objectives beside quality",
        widget=forms.CheckboxSelectMultiple,
    )
    prune = forms.BooleanField(
        required=False, initial=True, label="Give up early what is worse than the median"
    )
    workers = forms.IntegerField(
        min_value=1,
        max_value=searching.MOST_WORKERS,
        initial=1,
        help_text="As many are at work at once as there are worker processes.",
    )
    field_order = ["recipe", "space", "settings", "trials", "finalists", "seeds", "objectives"]

    def clean_space(self) -> dict[str, Any] | None:
        text = self.cleaned_data["space"].strip()
        if not text:
            return None
        try:
            found = json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(f"expected JSON, found {error}") from error
        if not isinstance(found, dict):
            raise forms.ValidationError("expected an object of paths, found something else")
        return found

    def asked(self, *, actor: str) -> Search | None:
        """The search, its workers queued; None, with an error on the form, where it is refused."""
        given: dict[str, Any] = self.cleaned_data
        try:
            search = searching.searched(
                given["recipe"],
                given["settings"],
                space=given["space"],
                plan={
                    "trials": given["trials"],
                    "seeds": given["seeds"],
                    "finalists": given["finalists"],
                    "objectives": ("quality", *given["objectives"]),
                    "seed": given["seed"],
                    "prune": given["prune"],
                },
                reason=given["reason"],
                actor=actor,
                project=self.room,
            )
        except ValueError as error:
            self.add_error(None, str(error))
            return None
        searching.queue(search, given["workers"], actor=actor)
        return search


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    searches = access.listed(
        request, Search.objects.select_related("project", "version__model").defer("space")
    )
    context = {"section": "models", "searches": searches.prefetch_related("jobs")}
    return render(request, "listening/searches/index.html", context)


@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = SearchForm(
        request.POST or None,
        initial={"recipe": searchable()[0], "prune": True, **request.GET.dict()},
        standing=access.standing(request),
    )
    if request.method == "POST" and form.is_valid():
        search = form.asked(actor=request.user.get_username())
        if search is not None:
            return redirect("search", search.pk)
    status = 422 if form.errors else 200
    return render(
        request, "listening/searches/new.html", {"section": "models", "form": form}, status=status
    )


def searchable() -> list[str]:
    """The shipped recipes, those first that say what may change of them."""
    names = training.shipped()
    return sorted(names, key=lambda name: "search" not in training.shipped_content(name))


def _search(request: HttpRequest, pk: int) -> Search:
    return access.find(request, Search.objects.select_related("project", "version__model"), pk=pk)


@access.members
@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A search; while it is at work its page asks for the progress part again and again."""
    search = _search(request, pk)
    told = search_tables.told(search)
    part = request.headers.get("HX-Target") == "progress"
    rows = explored(told)
    written = rows[0]["choices"] if rows else {}
    shown = {one["number"]: search_tables.changed(one["choices"], written) for one in rows}
    ended = [one for one in told["trials"] if one["state"] != "running"]
    context = {
        "section": "models",
        "search": search,
        "jobs": search.jobs.order_by("pk"),
        "told": told,
        "rows": [
            {**one, "said": shown[one["number"]], "values": {**NOTHING, **one["values"]}}
            for one in rows
        ],
        "finalists": [
            {**one, "said": shown[one["configuration"]]}
            for one in (told["result"] or {}).get("finalists", ())
        ],
        "measure": measure(told),
        "ended": len(ended),
        "pictures": pictures(told),
        "asked": json.dumps(search.space, indent=2, ensure_ascii=False),
    }
    template = "listening/searches/progress.html" if part else "listening/searches/detail.html"
    response = render(request, template, context)
    if part and not search.is_at_work:
        # what was found has a page of its own shape
        response["HX-Refresh"] = "true"
    return response


@access.members
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    search = _search(request, pk)
    if search.is_at_work:
        search.request_stop()
        audit.record("stop", search, actor=request.user.get_username())
    return redirect("search", pk)


@access.members
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a search that was stopped, with as many workers as it had."""
    search = _search(request, pk)
    try:
        searching.queue(search, max(1, search.jobs.count()), actor=request.user.get_username())
    except searching.SearchError as error:
        messages.error(request, str(error))
    else:
        audit.record("resume", search, actor=request.user.get_username())
    return redirect("search", pk)


@access.members
@require_POST
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a finalist a version."""
    search = _search(request, pk)
    asked = request.POST.get("configuration", "")
    try:
        job = searching.queue_adoption(
            search, int(asked) if asked.isdigit() else -1, actor=request.user.get_username()
        )
    except searching.SearchError as error:
        messages.error(request, str(error))
        return redirect("search", pk)
    return redirect("job", job.pk)


@access.members
@require_safe
def as_json(request: HttpRequest, pk: int) -> HttpResponse:
    search = _search(request, pk)
    text = json.dumps(search_tables.told(search), indent=2, ensure_ascii=False)
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="search-{search.pk}.json"'
    return response


@access.members
@require_safe
def figure(request: HttpRequest, pk: int, name: str, form: str) -> HttpResponse:
    drawn = pictures(search_tables.told(_search(request, pk)))
    if name not in drawn:
        raise Http404(f"no figure {name!r}")
    return served(drawn[name].draw(), form)
