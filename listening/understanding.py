"""The face of each kind of study: what a form asks, what a page shows and draws, and what a terminal prints.

Each kind (models_registry/studying.py) declares its face in a file of listening/faces/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from models_registry.studying import Found, kind_named, kinds

if TYPE_CHECKING:
    from listening.views.study_forms import StudyForm
    from models_registry.models import Study


@dataclass(frozen=True)
class Picture:
    """A figure of a study: what it shows in words, what stands under it, and the function that draws it; `detailed`
    where a phone's width is too little to read it, and it is rolled there."""

    alt: str
    caption: str
    draw: Callable[[], Figure]
    detailed: bool = False


Pictures = Callable[[Found], Mapping[str, Picture]]


@dataclass(frozen=True)
class Face:
    """`form` asks, `template` draws `found`, `figures` names its figures, `text` is what the command prints, `badge`
    says it in a few words on the version's page (empty: nothing). `later` is what comes to a study after it was
    answered, which is shown with the answer."""

    form: type[StudyForm]
    template: str
    figures: Pictures
    text: Callable[[Found], str]
    badge: Callable[[Found], str]
    later: Callable[[Study], Found]


FACES: dict[str, Face] = {}


def _no_figures(found: Found) -> Mapping[str, Picture]:
    return {}


def _no_badge(found: Found) -> str:
    return ""


def _nothing_later(study: Study) -> Found:
    return {}


def face(
    kind: str,
    *,
    form: type[StudyForm],
    template: str,
    text: Callable[[Found], str],
    figures: Pictures = _no_figures,
    badge: Callable[[Found], str] = _no_badge,
    later: Callable[[Study], Found] = _nothing_later,
) -> None:
    """Declare how studies of `kind` look."""
    FACES[kind] = Face(form, template, figures, text, badge, later)


def face_of(kind: str) -> Face:
    """Raises `StudyError` where there is no such kind."""
    return FACES[kind_named(kind).name]


def found_of(study: Study) -> Found:
    """What was found, with what came to it later."""
    return {**study.result, **face_of(study.kind).later(study)}


def about(version: Any) -> list[dict[str, Any]]:
    """What was found out about a version: the newest finished study of each kind, with its badge."""
    newest: dict[str, Any] = {}
    for one in version.studies.done().order_by("-pk").defer("environment"):
        newest.setdefault(one.kind, one)
    return [
        {"study": one, "title": kind_named(kind).title, "badge": FACES[kind].badge(one.result)}
        for kind, one in sorted(newest.items())
        if kind in FACES
    ]


def badges(versions: Iterable[Any], kind: str) -> dict[int, tuple[Any, str]]:
    """The newest finished study of `kind` of each of `versions` that has one, and its badge, by the version's key."""
    from models_registry.models import Study

    newest: dict[int, tuple[Any, str]] = {}
    if kind in kinds() and kind in FACES:
        keys = [one.pk for one in versions]
        for one in Study.objects.done().filter(version__in=keys, kind=kind).order_by("pk"):
            newest[one.version_id] = (one, FACES[kind].badge(one.result))
    return newest
