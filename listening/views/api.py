"""The API as people read it: its operations, made from its own schema, and the tokens of whoever is signed in."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from drf_spectacular.generators import SchemaGenerator
from knox.models import AuthToken

from listening import access
from listening.exchange.campaign_document import schema
from listening.models import TokenNote
from models_registry import audit

# a year: who still needs it then makes another
LONGEST_DAYS = 365


class TokenForm(forms.Form):
    """What a token is for, and how much and how long it may."""

    name = forms.CharField(
        max_length=80,
        help_text="To know it by, such as the script that has it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.IntegerField(
        min_value=1, max_value=LONGEST_DAYS, initial=90, label="Days until it ends"
    )
    only_reads = forms.BooleanField(required=False, label="It may only read")


@access.signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """What there is to ask for; POST makes a token."""
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return new_token(request, form.cleaned_data)
    tokens = AuthToken.objects.filter(user=request.user).select_related("note")
    context = {
        "section": "api",
        "groups": operations(),
        "tokens": tokens.order_by("created"),
        "form": form,
        "root": request.build_absolute_uri(reverse("api")),
    }
    status = 422 if form.errors else 200
    return render(request, "listening/api.html", context, status=status)


@cache
def operations() -> dict[str, list[dict[str, Any]]]:
    """Every operation of the schema, by the rows that it is about."""
    found = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    paths = found["paths"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            about = path.removeprefix("/api/").split("/")[0]
            groups.setdefault(about, []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "description": operation.get("description", ""),
                    "parameters": [
                        one["name"]
                        for one in operation.get("parameters", [])
                        if one["in"] == "query"
                    ],
                }
            )
    return groups


@access.signed_in
@require_safe
def campaign_schema(request: HttpRequest) -> JsonResponse:
    """The JSON Schema of campaign documents."""
    return JsonResponse(schema(), json_dumps_params={"indent": 2, "ensure_ascii": False})


@never_cache
def new_token(request: HttpRequest, asked: dict[str, Any]) -> HttpResponse:
    """A new token, shown this once; only its hash is kept."""
    assert isinstance(request.user, User)
    made, token = TokenNote.objects.make(request.user, **asked)
    context = {
        "section": "api",
        "token": token,
        "made": made,
        "root": request.build_absolute_uri("/api/"),
    }
    return render(request, "listening/api_token.html", context)


@access.signed_in
@require_POST
def end_token(request: HttpRequest, key: str) -> HttpResponse:
    token = get_object_or_404(AuthToken, user=request.user, token_key=key)
    token.delete()
    audit.record("token-end", f"token {key}", actor=request.user.get_username())
    messages.success(request, f"The token {key}… no longer opens anything.")
    return redirect("api")
