"""Who may do what: the one place that decides, for pages, for the API and for tokens, which act as their owners.

Everything that researchers see belongs to a project, and a person's role there decides: a reader reads, an editor
changes, an owner also deletes, launches over warnings and decides who belongs there. A stranger is not told that a
thing exists (404), a member whose role is too small is told so (403). Superusers own every project. Listeners' pages
ask for no account and pass by here.

A page stands behind a door (`members`, `editors`, `owners`: what it takes to open it and to send it a form) and takes
what its address names from `find`, and what it lists from `listed` or a queryset's `visible_to`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from knox.models import AuthToken

from listening.models import Stimulus, TokenNote, Trial
from models_registry.models import ModelVersion, Rendering, Signal, Study
from models_registry.teams import Membership, OfProject, Person, Project, Role, sees_all

SAFE = ("GET", "HEAD", "OPTIONS")
CHOSEN = "project"
Address = ParamSpec("Address")
Row = TypeVar("Row", bound=Model)
View = Callable[Concatenate[HttpRequest, Address], HttpResponseBase]
# whoever is signed in, whatever they belong to
signed_in = login_required


class Standing:
    """What one person may do, read from the database once."""

    # what the page that is being answered takes, and the project that it is about
    needs: Role
    project: Project | None = None

    def __init__(self, user: Person, chosen: str = "") -> None:
        self.user, self._chosen = user, chosen

    @cached_property
    def roles(self) -> dict[Project, Role]:
        """The person's projects, the oldest first, and their role in each."""
        if sees_all(self.user):
            return dict.fromkeys(Project.objects.all(), Role.OWNER)
        if self.user is None or not self.user.is_authenticated:
            return {}
        mine = Membership.objects.filter(user=self.user).select_related("project")
        return {one.project: Role(one.role) for one in mine.order_by("project")}

    @property
    def is_in_many(self) -> bool:
        return len(self.roles) > 1

    @property
    def shows_many(self) -> bool:
        """Whether lists hold rows of several projects, and should say of which."""
        return self.is_in_many and self.chosen is None

    @property
    def said(self) -> str:
        """What the navigation says of where the person is; nothing to whom has one project."""
        if not self.is_in_many:
            return ""
        where = self.project or self.chosen
        return where.name if where else "All projects"

    @cached_property
    def chosen(self) -> Project | None:
        """The one project to which the person wants lists to keep."""
        return next((one for one in self.roles if one.slug == self._chosen), None)

    def rooms(self) -> list[Project]:
        """The projects in which the person may make something."""
        found = [one for one, role in self.roles.items() if role.includes(Role.EDITOR)]
        return found or ([Project.objects.operators()] if sees_all(self.user) else [])

    @property
    def role(self) -> Role | None:
        """In the project of this page; on a page of none, the greatest that the person has anywhere."""
        if self.project:
            return self.roles.get(self.project)
        return next(
            (role for role in reversed(Role) if role in self.roles.values()),
            Role.OWNER if self.user and sees_all(self.user) else None,
        )

    @property
    def may_change(self) -> bool:
        return self.role is not None and self.role.includes(Role.EDITOR)

    @property
    def may_own(self) -> bool:
        return self.role == Role.OWNER

    def require(self, project: Project, needed: Role) -> None:
        """Raises `PermissionDenied` with a sentence where the person's role in the project is too small."""
        role = self.roles.get(project)
        if role is None or not role.includes(needed):
            found = f"you are its {role}" if role else "you do not belong to it"
            raise PermissionDenied(
                f"This takes {_an(needed)} of the project {project.name}; {found}. Ask one of its owners."
            )

    def project_of_versions(self, names: Sequence[str]) -> Project:
        """Where renderings by these versions (`MODEL[@N][:CONDITION]`) belong: that takes an editor of each."""
        visible = ModelVersion.objects.visible_to(self.user)
        versions = [visible.named(name.partition(":")[0]) for name in names]
        for version in versions:
            self.require(version.project, Role.EDITOR)
        return versions[0].project

    def room(self, slug: str = "") -> Project:
        """Where to put what the person makes: the project named, else the chosen, else the first; as an editor."""
        if slug:
            named = next((one for one in self.roles if one.slug == slug), None)
            if named is None:
                mine = ", ".join(one.slug for one in self.rooms()) or "none"
                raise PermissionDenied(f"Expected a project of yours ({mine}), found {slug[:80]}.")
            self.require(named, Role.EDITOR)
            return named
        rooms = self.rooms()
        if not rooms:
            raise PermissionDenied(
                "This takes an editor of a project, and you are that of none. "
                "Make a project of your own on the page Projects, or ask an owner of theirs."
            )
        return self.chosen if self.chosen in rooms else rooms[0]


def _an(role: Role) -> str:
    return f"{'a' if role == Role.READER else 'an'} {role}"


def standing(request: HttpRequest) -> Standing:
    """Of whoever asks; one for each request."""
    found = getattr(request, "_standing", None)
    if found is None:
        session = getattr(request, "session", {})
        found = Standing(request.user, session.get(CHOSEN, ""))
        cast(Any, request)._standing = found
    return cast(Standing, found)


def in_templates(request: HttpRequest) -> dict[str, Standing]:
    """A context processor: `standing` says what to offer whom."""
    return {"standing": standing(request)}


# doors


def _door(view: View[Address], *, reads: Role, changes: Role) -> View[Address]:
    @wraps(view)
    def guarded(
        request: HttpRequest, *args: Address.args, **address: Address.kwargs
    ) -> HttpResponseBase:
        standing(request).needs = reads if request.method in SAFE else changes
        return view(request, *args, **address)

    return cast(View[Address], login_required(guarded))


def members(view: View[Address]) -> View[Address]:
    """A page that every member reads and that takes changes from editors."""
    return _door(view, reads=Role.READER, changes=Role.EDITOR)


def belonging(view: View[Address]) -> View[Address]:
    """A page whose changes every member may make, such as to leave."""
    return _door(view, reads=Role.READER, changes=Role.READER)


def editors(view: View[Address]) -> View[Address]:
    """A page that is there to change something, or that holds keys to give away."""
    return _door(view, reads=Role.EDITOR, changes=Role.EDITOR)


def makers(view: View[Address]) -> View[Address]:
    """A page where something new is made: for whoever may do so in any project."""

    @wraps(view)
    def roomy(
        request: HttpRequest, *args: Address.args, **address: Address.kwargs
    ) -> HttpResponseBase:
        standing(request).room()
        return view(request, *args, **address)

    return editors(cast(View[Address], roomy))


def owners(view: View[Address]) -> View[Address]:
    """A page whose changes are an owner's; its members may look at it."""
    return _door(view, reads=Role.READER, changes=Role.OWNER)


def only_reads(token: object) -> bool:
    """Whether what a request of the API was signed in by is a token that may change nothing."""
    return (
        isinstance(token, AuthToken)
        and TokenNote.objects.filter(token=token, only_reads=True).exists()
    )


# rows


def find(request: HttpRequest, rows: OfProject[Row], **named: Any) -> Row:
    """The row so named: 404 where the person may not know of it, 403 where they may not do to it what they ask."""
    here = standing(request)
    found = get_object_or_404(rows.visible_to(here.user), **named)
    here.project = project_of(found)
    if here.needs != Role.READER:
        here.require(here.project, here.needs)
    return found


def project_of(row: Any) -> Project:
    """The project that a row belongs to, by itself or by its campaign."""
    if isinstance(row, Project):
        return row
    found: Project = row.project if hasattr(row, "project") else row.campaign.project
    return found


def listed(request: HttpRequest, rows: OfProject[Row]) -> QuerySet[Row]:
    """What the person may know of, in the project that they chose to look at where they did."""
    here = standing(request)
    visible = rows.visible_to(here.user)
    return visible.filter(**{rows.way: here.chosen}) if here.chosen else visible


# sounds, which are kept once for all projects


def signals(user: Person, role: Role = Role.READER) -> QuerySet[Signal]:
    """The signals that the person may hear, with this role in a project that has them."""
    if sees_all(user):
        return Signal.objects.all()
    return signals_in(Project.objects.where(user, role))


def material(user: Person, role: Role = Role.READER) -> QuerySet[Signal]:
    """Of `signals` those to choose from: not what only studies of versions made, to be heard on their pages."""
    this = OuterRef("pk")
    return signals(user, role).filter(
        ~Exists(Study.signals.through.objects.filter(signal=this))
        | Exists(Signal.holders.through.objects.filter(signal=this))
        | Exists(Stimulus.objects.filter(signal=this))
        | Exists(Trial.objects.filter(reference=this))
        | Exists(Rendering.objects.filter(output=this))
        | Exists(Rendering.objects.filter(input=this))
    )


def signals_in(projects: QuerySet[Project] | Iterable[Project]) -> QuerySet[Signal]:
    """What was given to the projects, is played in their campaigns, goes in or out of their models or shows them."""
    this = OuterRef("pk")
    of_campaign = {"trial__campaign__project__in": projects}
    renderings = Rendering.objects.filter(version__model__project__in=projects)
    return Signal.objects.filter(
        Exists(Signal.holders.through.objects.filter(signal=this, project__in=projects))
        | Exists(Stimulus.objects.filter(signal=this, **of_campaign))
        | Exists(Trial.objects.filter(reference=this, campaign__project__in=projects))
        | Exists(renderings.filter(output=this))
        | Exists(renderings.filter(input=this))
        | Exists(
            Study.signals.through.objects.filter(
                signal=this, study__version__model__project__in=projects
            )
        )
    )


def find_signal(request: HttpRequest, sha256: str) -> Signal:
    """The signal, as `find` finds rows."""
    here = standing(request)
    found = get_object_or_404(signals(here.user), sha256=sha256)
    if here.needs != Role.READER and found not in signals(here.user, here.needs):
        raise PermissionDenied(
            f"This takes {_an(here.needs)} of a project that has the sound. Ask one of its owners."
        )
    return found


def listed_signals(request: HttpRequest) -> QuerySet[Signal]:
    """What the person may hear, in the project that they chose to look at where they did."""
    here = standing(request)
    return signals_in([here.chosen]) if here.chosen else signals(here.user)


def room_of(request: HttpRequest, signal: Signal) -> Project:
    """The first project that has the signal and in which the person may change something."""
    rooms = standing(request).rooms()
    return next((one for one in rooms if signal in signals_in([one])), rooms[0])
