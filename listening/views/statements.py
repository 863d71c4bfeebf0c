"""The hand-written part of a version's card: what was said of it, and the form that says it anew."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from listening import access
from models_registry import statements
from models_registry.models import ModelVersion


def _text(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=help_text,
    )


class StatementForm(forms.Form):
    """The three things that only people can say."""

    intent = _text(
        "Intent", "What is it for, who would use it where, and what is it not meant for?"
    )
    assumptions = _text(
        "Assumptions",
        "What must hold for it to do that: kind of sound, level, sample rate, a room, a speaker.",
    )
    caveats = _text(
        "Caveats", "Where does it fail or might it, how would one hear it, and whom does it hurt?"
    )
    licence = forms.CharField(
        required=False,
        max_length=statements.LONGEST["licence"],
        label="Licence",
        help_text="By which the version may be used, such as mit or cc-by-4.0; empty: not stated.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@access.members
@require_http_methods(["GET", "HEAD", "POST"])
def of_version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    versions = ModelVersion.objects.select_related("model__project")
    version = access.find(request, versions, model__name=name, number=number)
    said = list(version.statements.order_by("-number"))
    form = StatementForm(
        request.POST or None,
        initial=statements.parts_of(said[0]) | {"licence": said[0].licence} if said else None,
    )
    if request.method == "POST" and form.is_valid():
        try:
            statements.write(version, **form.cleaned_data, actor=request.user.get_username())
        except statements.StatementError as error:
            form.add_error(None, f"{str(error)[0].upper()}{str(error)[1:]}.")
        else:
            return redirect(reverse("version", args=[name, number]) + "#statement")
    context = {"section": "models", "version": version, "form": form, "said": said}
    status = 422 if form.errors else 200
    return render(request, "listening/registry/statement.html", context, status=status)
