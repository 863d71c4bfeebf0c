"""Teams: a project is the room that models, campaigns, jobs and sounds belong to, and a membership is a key to it.

What commands make without naming a project is the operator's, and belongs to the first project. Who may do what with
a role is decided in listening/access.py; here are the rows, and the rules that always hold for them.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self, TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction
from django.utils.text import slugify
from django.utils.timezone import now

# whoever asks; None is the operator of the installation, who runs its commands
Person = User | AnonymousUser | None
FIRST = {"slug": "first-project", "name": "First project"}
# what stands in an address where a project's name does
TAKEN = ("new", "choose")
Row = TypeVar("Row", bound=models.Model, covariant=True)


class TeamError(ValueError):
    """A change of a team that cannot be made; the message says why, and what to do instead."""


class Role(models.TextChoices):
    """What a member may do; each may do what the one before may."""

    READER = "reader", "reader"
    EDITOR = "editor", "editor"
    OWNER = "owner", "owner"

    def includes(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)

    @property
    def allows(self) -> str:
        return {
            Role.READER: "reads everything",
            Role.EDITOR: "reads and changes",
            Role.OWNER: "reads, changes, deletes, and decides who belongs here",
        }[self]


class OfProject(models.QuerySet[Row]):
    """Rows that belong to one project; `way` is how it is reached from them."""

    way = "project"

    def visible_to(self, user: Person) -> Self:
        """What the person may know of."""
        if sees_all(user):
            return self
        return self.filter(**{f"{self.way}__in": Project.objects.visible_to(user)})


class ProjectQuerySet(OfProject["Project"]):
    way = "pk"

    def visible_to(self, user: Person) -> Self:
        return self.where(user, Role.READER)

    def where(self, user: Person, role: Role) -> Self:
        """The projects in which the person has at least this role; all of them for a superuser and the operator."""
        if sees_all(user):
            return self
        if user is None or not user.is_authenticated:
            return self.none()
        roles = [one for one in Role if one.includes(role)]
        return self.filter(
            pk__in=Membership.objects.filter(user=user, role__in=roles).values("project")
        )

    def operators(self) -> Project:
        """The first project: where belongs what was made without naming one."""
        return (
            self.order_by("pk").first()
            or self.get_or_create(slug=FIRST["slug"], defaults={"name": FIRST["name"]})[0]
        )

    def make(self, name: str, *, owner: User) -> Project:
        """A new project, whose first owner is `owner`."""
        name = " ".join(name.split())
        if not name:
            raise TeamError("Expected a name for the project, found none.")
        with transaction.atomic():
            project = self.create(name=name[:80], slug=_free_slug(name))
            Membership.objects.create(project=project, user=owner, role=Role.OWNER)
        return project


def sees_all(user: Person) -> bool:
    return user is None or bool(user.is_active and user.is_superuser)


def operators_project() -> int:
    """The first project's key: the default of what belongs to one."""
    return Project.objects.operators().pk


def _free_slug(name: str) -> str:
    base = slugify(name)[:70] or "project"
    slug, number = base, 1
    while slug in TAKEN or Project.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{base}-{number}"
    return slug


class Project(models.Model):
    """A team's room."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    def role_of(self, user: Person) -> Role | None:
        """The person's role here, none for a stranger; the operator and superusers own every project."""
        if sees_all(user):
            return Role.OWNER
        if user is None or not user.is_authenticated:
            return None
        found = self.memberships.filter(user=user).values_list("role", flat=True).first()
        return Role(found) if found else None

    def change_role(self, user: User, role: Role | None) -> None:
        """Give a member another role, or none: then they belong here no longer. The last owner stays one."""
        with transaction.atomic():
            # two owners who demote each other at once wait here for one another
            Project.objects.select_for_update().get(pk=self.pk)
            members = self.memberships.all()
            owners = set(members.filter(role=Role.OWNER).values_list("user", flat=True))
            if role != Role.OWNER and owners == {user.pk}:
                raise TeamError(
                    f"{user.get_username()} is the last owner of {self.name}: make somebody else an owner first."
                )
            found = members.filter(user=user)
            done = found.update(role=role) if role else found.delete()[0]
            if not done:
                raise TeamError(f"Expected a member of {self.name}, found {user.get_username()}.")


class Membership(models.Model):
    """A person in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.READER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.get_username()}, {self.role} of {self.project.slug}"


class EntryQuerySet(models.QuerySet["Entry"]):
    def open(self, at: datetime | None = None) -> Self:
        """Links that still let somebody in."""
        return self.filter(used_at=None, ended_at=None, expires_at__gt=at or now())

    def make(
        self, project: Project, *, role: Role, expires_at: datetime, email: str = "", by: str
    ) -> tuple[Entry, str]:
        """A new link's row and its secret, of which only the hash is kept."""
        secret = secrets.token_urlsafe(24)
        made = self.create(
            project=project,
            role=role,
            email=email,
            made_by=by,
            expires_at=expires_at,
            secret_sha256=_hashed(secret),
        )
        return made, secret

    def opened_by(self, secret: str) -> Entry | None:
        return self.open().filter(secret_sha256=_hashed(secret)).select_related("project").first()


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Entry(models.Model):
    """A link by which one person joins a project, once and for a while."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="entries")
    role = models.CharField(max_length=10, choices=Role, default=Role.READER)
    email = models.EmailField(blank=True)
    made_by = models.CharField(max_length=150)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="taken back by an owner")
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"a link for one {self.role} of {self.project.slug}"

    def let_in(self, user: User) -> Membership:
        """Make the person a member, and the link void; raises `TeamError` where somebody was first."""
        with transaction.atomic():
            used = Entry.objects.open().filter(pk=self.pk).update(used_at=now(), used_by=user)
            if not used:
                raise TeamError("This link was used or taken back a moment ago: ask for another.")
            if Membership.objects.filter(project=self.project, user=user).exists():
                raise TeamError(f"You belong to {self.project.name} already; the link stays good.")
            return Membership.objects.create(project=self.project, user=user, role=self.role)
