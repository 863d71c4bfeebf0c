"""Templates as researchers make, share and use them."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import access, templating
from listening.exchange import campaign_document, template_file
from listening.exchange.template_file import CAMPAIGN, RECIPE, REVIEW
from listening.models import Campaign, Review, Template
from listening.templating import TemplateError
from listening.views.template_forms import USES, ImportForm, OpenForm
from listening.views.uploads import refused_unread
from models_registry.models import Job, ModelVersion

# of those that one may choose from
SHOWN = 200
# the agenda that reviews have where nobody says otherwise
STANDARD = "standard"
CONTENT_TYPES = {"yaml": "application/yaml", "json": "application/json"}


# the limit comes before anything is read, and so before the check of the form's token, which stands in `_index`
@csrf_exempt
@access.members
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """All templates; POST takes one in from a file."""
    if request.method != "POST":
        return _listing(request, None, 200)
    access.standing(request).room()
    if refusal := refused_unread(request, megabytes=settings.UPLOAD_MB):
        return _listing(request, None, refusal[0], refusal[1])
    return _taken_in(request)


@csrf_protect
def _taken_in(request: HttpRequest) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES, standing=access.standing(request))
    if form.is_valid():
        template = form.kept(actor=request.user.get_username())
        if template is not None:
            return redirect(template)
    return _listing(request, form, 422)


def _listing(
    request: HttpRequest, form: ImportForm | None, status: int, sentence: str = ""
) -> HttpResponse:
    standing = access.standing(request)
    if form is None and standing.rooms():
        form = ImportForm(standing=standing)
    found = access.listed(request, Template.objects.newest().select_related("project"))
    context = {"section": "models", "templates": found, "form": form, "sentence": sentence}
    return render(request, "listening/templates/index.html", context, status=status)


@access.makers
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A template of what the address names, `?version=overdrive@1`, `?campaign=slug`, `?review=7` or
    `?review=standard`; of nothing, a choice."""
    if not {"version", "campaign", "review"} & set(request.GET):
        return _choice(request)
    kind, source = _source(request)
    try:
        content = templating.content_of(kind, source)
    except TemplateError as error:
        raise Http404(str(error)) from error
    form = OpenForm(request.POST or None, kind=kind, source=source, content=content)
    if request.method == "POST" and form.is_valid():
        project = access.project_of(source) if source else access.standing(request).room()
        template = form.kept(project=project, actor=request.user.get_username())
        if template is not None:
            return redirect(template)
    context = {"section": "models", "form": form, "source": source, "kind": kind}
    status = 422 if form.errors else 200
    return render(request, "listening/templates/new.html", context, status=status)


def _source(request: HttpRequest) -> tuple[str, Any]:
    asked = request.GET
    if "version" in asked:
        name, _, number = asked["version"].partition("@")
        versions = ModelVersion.objects.select_related("model__project", "run")
        number = number if number.isdecimal() and len(number) < 10 else "0"
        return RECIPE, access.find(request, versions, model__name=name, number=int(number))
    if "review" in asked:
        if asked["review"] == STANDARD:
            return REVIEW, None
        number = asked["review"] if asked["review"].isdecimal() else ""
        return REVIEW, access.find(
            request,
            Review.objects.select_related("project", "version__model", "campaign"),
            pk=int(number) if len(number) < 10 and number else 0,
        )
    return CAMPAIGN, access.find(
        request, Campaign.objects.select_related("project"), slug=asked["campaign"]
    )


def _choice(request: HttpRequest) -> HttpResponse:
    versions = ModelVersion.objects.exclude(run=None).select_related("model")
    context = {
        "section": "models",
        "versions": access.listed(request, versions).order_by("-pk")[:SHOWN],
        "campaigns": access.listed(request, Campaign.objects.all())[:SHOWN],
        "reviews": access.listed(request, Review.objects.all())[:SHOWN],
    }
    return render(request, "listening/templates/choose.html", context)


def _template(request: HttpRequest, pk: int) -> Template:
    return access.find(request, Template.objects.select_related("project"), pk=pk)


@access.members
@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _template(request, pk), None, 200)


def _page(request: HttpRequest, template: Template, form: Any, status: int) -> HttpResponse:
    standing = access.standing(request)
    if form is None and standing.rooms():
        form = USES[template.kind](template=template, standing=standing)
    context = {
        "section": "models",
        "template": template,
        "form": form,
        "content": json.dumps(template.document["content"], indent=2, ensure_ascii=False),
        "others": Template.objects.filter(project=template.project, name=template.name).exclude(
            pk=template.pk
        ),
    }
    return render(request, "listening/templates/detail.html", context, status=status)


@access.belonging
@require_POST
def use(request: HttpRequest, pk: int) -> HttpResponse:
    """Train, draft a campaign or open a review with what the form's fields say, in a project where the person may."""
    template = _template(request, pk)
    standing = access.standing(request)
    standing.room()
    form = USES[template.kind](request.POST, template=template, standing=standing)
    assert isinstance(request.user, User)
    if form.is_valid():
        made = form.used(owner=request.user)
        if made is not None:
            return redirect("job", made.pk) if isinstance(made, Job) else redirect(made)
    return _page(request, template, form, 422)


@access.members
@require_safe
def file(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The template as one file, to be shared."""
    template = _template(request, pk)
    if form not in CONTENT_TYPES:
        raise Http404(f"templates are yaml or json, not {form!r}")
    text = campaign_document.dump(template.document, form=form)
    response = HttpResponse(text, content_type=CONTENT_TYPES[form])
    name = f"{template.name}-{template.number}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@access.signed_in
@require_safe
def schema(request: HttpRequest) -> JsonResponse:
    """The JSON Schema of templates."""
    return JsonResponse(
        template_file.schema(), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
