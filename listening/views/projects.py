"""Projects as their members see them: who belongs, what each may do, and the links that let people in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import access, joining
from models_registry.teams import Entry, Project, Role, TeamError

# what the choice of a role says of whom is to belong no more
OUT = "out"


class NameForm(forms.Form):
    """What a project is called."""

    name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class InviteForm(forms.Form):
    """Whom to let in, as what, and for how long the link is good."""

    role = forms.ChoiceField(
        choices=[(role.value, f"{role.label}: {role.allows}") for role in Role],
        initial=Role.EDITOR,
    )
    days = forms.IntegerField(
        min_value=1, max_value=90, initial=7, label="Days until the link expires"
    )
    email = forms.EmailField(
        required=False,
        label="Mail it to",
        help_text="Empty: you pass it on yourself. The link is shown to you in any case.",
    )


@access.signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Your projects; POST makes one, of which you are the owner."""
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        project = joining.found(form.cleaned_data["name"], owner=_person(request))
        messages.success(request, f"{project.name}: a project was made, and you own it.")
        return redirect("project", project.slug)
    roles = access.standing(request).roles
    counts = dict(
        Project.objects.filter(pk__in=[one.pk for one in roles])
        .annotate(number=Count("memberships"))
        .values_list("pk", "number")
    )
    context = {
        "section": "projects",
        "form": form,
        "rows": [(project, role, counts[project.pk]) for project, role in roles.items()],
    }
    return render(
        request, "listening/projects/index.html", context, status=422 if form.errors else 200
    )


@access.signed_in
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep lists to one project, or show all again, and go back."""
    asked = request.POST.get("project", "")
    mine = {one.slug for one in access.standing(request).roles}
    request.session[access.CHOSEN] = asked if asked in mine else ""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = reverse("projects")
    return redirect(back)


def visible_project(request: HttpRequest, slug: str) -> Project:
    return access.find(request, Project.objects.all(), slug=slug)


@access.members
@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, visible_project(request, slug), InviteForm())


def _page(
    request: HttpRequest, project: Project, form: InviteForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "section": "projects",
        "project": project,
        "members": project.memberships.select_related("user"),
        "is_member": project.memberships.filter(user=_person(request)).exists(),
        "roles": list(Role),
        "entries": project.entries.open() if access.standing(request).may_own else [],
        "form": form,
        **more,
    }
    return render(request, "listening/projects/detail.html", context, status=status)


@access.owners
@require_POST
def rename(request: HttpRequest, slug: str) -> HttpResponse:
    """Another name; the address stays."""
    project = visible_project(request, slug)
    try:
        joining.rename(project, request.POST.get("name", ""), actor=request.user.get_username())
        messages.success(request, f"It is called {project.name} now; its address stays.")
    except TeamError as error:
        messages.error(request, str(error))
    return redirect("project", slug)


@access.owners
@require_POST
def dissolve(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete a project in which nothing is left but its people."""
    project = visible_project(request, slug)
    try:
        joining.dissolve(project, actor=request.user.get_username())
    except TeamError as error:
        messages.error(request, str(error))
        return redirect("project", slug)
    messages.success(request, f"{project.name} is deleted.")
    return redirect("projects")


@access.owners
@never_cache
@require_POST
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """A link for one more member, shown on the page this once: only its hash is kept."""
    project, form = visible_project(request, slug), InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, project, form, status=422)
    asked = form.cleaned_data
    invited = joining.invite(
        project,
        role=Role(asked["role"]),
        days=asked["days"],
        email=asked["email"],
        actor=request.user.get_username(),
        address=lambda secret: request.build_absolute_uri(reverse("join", args=[secret])),
    )
    return _page(request, project, InviteForm(), invited=invited)


@access.owners
@require_POST
def uninvite(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = visible_project(request, slug)
    entry = get_object_or_404(project.entries.select_related("project"), pk=pk)
    if joining.take_back(entry, actor=request.user.get_username()):
        messages.success(request, "The link lets nobody in any more.")
    return redirect("project", slug)


@access.owners
@require_POST
def change_role(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Give a member the role that is asked for, or send them out."""
    project = visible_project(request, slug)
    member = get_object_or_404(project.memberships.select_related("user"), pk=pk)
    asked = request.POST.get("role", "")
    if asked in {*Role.values, OUT}:
        _changed(request, project, member.user, None if asked == OUT else Role(asked))
    else:
        messages.error(request, f"Expected a role ({', '.join(Role.values)}), found {asked[:40]}.")
    return redirect("project", slug)


@access.belonging
@require_POST
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    project = visible_project(request, slug)
    _changed(request, project, _person(request), None)
    return redirect("projects")


def _changed(request: HttpRequest, project: Project, user: User, role: Role | None) -> None:
    name = user.get_username()
    try:
        joining.change_role(project, user, role, actor=request.user.get_username())
    except TeamError as error:
        messages.error(request, str(error))
        return
    said = f"is {role} of" if role else "does not belong any more to"
    messages.success(request, f"{name} {said} {project.name}.")


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """What a link opens: whoever is signed in joins, and who is not makes an account that does."""
    entry = Entry.objects.opened_by(secret)
    if entry is None:
        return render(request, "listening/projects/no_entry.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    form: UserCreationForm[User] | None = None if user else UserCreationForm(request.POST or None)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            with transaction.atomic():
                joining.join(entry, user or form.save())  # type: ignore[union-attr]
        except TeamError as error:
            messages.error(request, str(error))
            return redirect("projects")
        if form is not None:
            login(request, form.instance, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, f"Welcome to {entry.project.name}.")
        return redirect("project", entry.project.slug)
    context = {"entry": entry, "role": Role(entry.role), "form": form}
    status = 422 if form is not None and form.errors else 200
    return render(request, "listening/projects/join.html", context, status=status)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
