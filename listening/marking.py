"""A mark for what listeners read in modules that know no Django: translators see it, and pages translate it."""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    return text
