"""Mail, where it is set up: what could not be sent is said, and nobody's work is lost over it."""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail

NOT_SET_UP = "mail is not set up here"


def not_sent(subject: str, text: str, to: Sequence[str]) -> str:
    """Send `text`; returns why that was not possible, nothing where it was sent."""
    if not settings.EMAIL_HOST:
        return NOT_SET_UP
    try:
        send_mail(" ".join(subject.split()), text, None, list(to))
    except (SMTPException, OSError) as error:
        return str(error) or type(error).__name__
    return ""
