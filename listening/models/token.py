"""What people say of their tokens for the API: a name to know them by, and that one may only read."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import models, transaction
from knox.models import AuthToken

from models_registry import audit


class TokenNoteQuerySet(models.QuerySet["TokenNote"]):
    def make(self, owner: User, *, name: str, only_reads: bool, days: int) -> tuple[AuthToken, str]:
        """A new token that ends after so many days, and its text, of which only the hash is kept."""
        with transaction.atomic():
            made, text = AuthToken.objects.create(owner, expiry=timedelta(days=days))
            self.create(token=made, name=name, only_reads=only_reads)
            content = {"name": name, "only_reads": only_reads, "days": days}
            actor = owner.get_username()
            audit.record("token", f"token {made.token_key}", actor=actor, content=content)
        return made, text


class TokenNote(models.Model):
    """Beside knox's own row, which knows an owner and an end; a token without a note may do all that its owner may."""

    token = models.OneToOneField(
        AuthToken, on_delete=models.CASCADE, primary_key=True, related_name="note"
    )
    name = models.CharField(max_length=80)
    only_reads = models.BooleanField(default=False)

    objects = TokenNoteQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
