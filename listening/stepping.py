"""What comes out of each step of a version under review, recorded as soon as the review opens (an inspection).

Of the sound that reviewers hear first, where the version made it; else of its own test clip.
"""

from __future__ import annotations

from typing import Any

from listening.edge_cases import edge_cases
from listening.models import Review
from models_registry import studying
from models_registry.extra import EngineMissing
from models_registry.models import Job, Rendering, Study
from models_registry.studying import StudyError

KIND = "inspection"
# a passage that can be heard step by step without tiring, s
SECONDS = 10.0
GOING = (Job.State.QUEUED, Job.State.RUNNING)


def record_steps(review: Review, *, actor: str) -> Study | None:
    """Ask a worker for it where nobody did; None where there is nothing to ask or to ask for it with."""
    version = review.version
    if version is None:
        return None
    known = version.studies.filter(kind=KIND)
    if known.done().exists() or known.filter(job__state__in=GOING).exists():
        return None
    settings = _heard_first(review)
    if not settings and version.run_id is None:
        return None
    try:
        return studying.queue(version, KIND, {**settings, "seconds": SECONDS}, actor=actor)
    except (EngineMissing, StudyError):
        # the review does without, and its room says so
        return None


def _heard_first(review: Review) -> dict[str, Any]:
    """The settings that name what went into the version where it made what is to be heard first."""
    renderings = Rendering.objects.filter(version=review.version).select_related("input")
    made = {one.output_id: one for one in renderings}
    for case in edge_cases(review):
        if case.signal.pk in made:
            found = made[case.signal.pk]
            return {"signals": [found.input.sha256], "condition": found.condition}
    return {}
