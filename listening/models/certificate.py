"""Certificates: what somebody was qualified for, set up or trained in, for campaigns that take each other's word."""

from __future__ import annotations

from django.db import models
from django.utils.crypto import salted_hmac

SALT = "listening.certificate"


class Certificate(models.Model):
    """That somebody passed the parts of this `name`; who it was is known to no one who does not ask about them."""

    name = models.SlugField(max_length=64)
    holder = models.CharField(
        max_length=64, help_text="a keyed hash of what a recruiter calls the person"
    )
    earned_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["name", "holder"], name="certificate_once"),
        ]

    def __str__(self) -> str:
        return f"certificate {self.name}"


def holder_called(external_code: str) -> str:
    """Under what a person's certificates are kept: hexadecimal SHA-256, of no use without the site's key."""
    return salted_hmac(SALT, external_code, algorithm="sha256").hexdigest()
