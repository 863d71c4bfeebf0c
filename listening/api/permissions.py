"""Who is answered: the API asks listening/access.py, and a token may be one that only reads."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from listening import access
from models_registry.teams import Role


class AsMember(BasePermission):
    """Readers read, editors act, and owners do what a view names in `owners_only`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if request.method not in SAFE_METHODS and access.only_reads(request.auth):
            raise PermissionDenied("This token may only read: make one that may also change.")
        return True

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        if request.method not in SAFE_METHODS:
            of_owners = view.action in getattr(view, "owners_only", ())
            needed = Role.OWNER if of_owners else Role.EDITOR
            access.Standing(request.user).require(access.project_of(obj), needed)
        return True
