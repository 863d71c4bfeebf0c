"""What a researcher should know of a running campaign at once: sounds that fail, questions that nobody answers.

Judged by the stored files, by what browsers told of the last pages, and by the answers to questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import chain

from listening import telemetry
from listening.models import Campaign, Page, Response, Slot, Stimulus, Visit

# of the last visits, which say how it is now
LATEST = 500
# so many listeners may leave a sound or a question out by chance
FEWEST = 3
# of a visit that was long enough to play what is there
LEAST_OPEN_S = 5.0


def alerts(campaign: Campaign) -> list[str]:
    """One sentence each; none: nothing is wrong."""
    visits = _visits(campaign)
    return list(chain(_files(campaign), _not_loaded(visits), _unheard(visits), _skipped(campaign)))


def _files(campaign: Campaign) -> list[str]:
    stimuli = Stimulus.objects.filter(trial__campaign=campaign, signal__isnull=False)
    return [
        f"{stimulus}: its sound cannot be played, for its file is gone from the server"
        for stimulus in stimuli.select_related("trial", "condition", "signal")
        if stimulus.signal
        and not stimulus.signal.file.storage.exists(str(stimulus.signal.file.name))
    ]


def _visits(campaign: Campaign) -> dict[int, list[telemetry.Visit]]:
    """What browsers told of the last pages with sounds, by page."""
    last = Visit.objects.filter(page__session__campaign=campaign)
    visits: dict[int, list[telemetry.Visit]] = {}
    for page, body in last.order_by("-opened_at").values_list("page", "body")[:LATEST]:
        visits.setdefault(page, []).append(body)
    return visits


def _not_loaded(visits: Mapping[int, list[telemetry.Visit]]) -> list[str]:
    """Sounds that browsers could not load where they could load others, and pages of which they could load none."""
    lost = {page: telemetry.failed(of_page) for page, of_page in visits.items()}
    listeners: dict[str, set[int]] = {}
    stuck: set[int] = set()
    pages = Page.objects.filter(pk__in=[page for page, labels in lost.items() if labels])
    for page in pages.prefetch_related("slots__stimulus__trial", "slots__stimulus__condition"):
        slots = list(page.slots.all())
        failed = [slot for slot in slots if slot.label in lost[page.pk]]
        if len(failed) == len(slots) > 1:
            stuck.add(page.session_id)
            continue
        for slot in failed:
            listeners.setdefault(_named(slot, page), set()).add(page.session_id)
    found = [
        f"{name}: could not be loaded by the browsers of {_people(len(of))}, where the page's other sounds could"
        for name, of in sorted(listeners.items())
    ]
    if len(stuck) >= FEWEST:
        found.append(
            f"no sound of a page could be loaded by the browsers of {_people(len(stuck))}: "
            "is the server's connection fast enough?"
        )
    return found


def _named(slot: Slot, page: Page) -> str:
    if slot.stimulus:
        return str(slot.stimulus)
    return f"the reference of {page.trial.item}" if page.trial else f"a sound of the {page.kind}"


def _people(count: int) -> str:
    return f"{count} listener{'' if count == 1 else 's'}"


def _unheard(visits: Mapping[int, list[telemetry.Visit]]) -> list[str]:
    """Stimuli that were on pages which browsers told of, where other sounds were heard, and never these."""
    heard = {page: telemetry.heard(of_page) for page, of_page in visits.items()}
    long_enough = {
        page
        for page, of_page in visits.items()
        if heard[page] and sum(visit["open_s"] for visit in of_page) >= LEAST_OPEN_S
    }
    shown: Counter[int] = Counter()
    played: set[int] = set()
    slots = Slot.objects.filter(
        page__in=long_enough, page__kind=Page.Kind.RATING, stimulus__isnull=False
    )
    for page, stimulus, label in slots.values_list("page", "stimulus", "label"):
        shown[stimulus] += 1
        if heard[page].get(label, 0) > 0:
            played.add(stimulus)
    silent = {pk for pk, pages in shown.items() if pages >= FEWEST and pk not in played}
    return [
        f"{stimulus}: shown on the last {shown[stimulus.pk]} pages that browsers told of, and heard on none; "
        "does it load?"
        for stimulus in Stimulus.objects.filter(pk__in=silent).select_related("trial", "condition")
    ]


def _skipped(campaign: Campaign) -> list[str]:
    """Questions that everybody passed over."""
    asked: Counter[str] = Counter()
    answered: set[str] = set()
    bodies = Response.objects.filter(
        page__session__campaign=campaign, page__kind=Page.Kind.QUESTIONS
    ).values_list("body", flat=True)
    for body in bodies:
        for name, answer in body.get("answers", {}).items():
            asked[name] += 1
            if answer not in (None, "", []):
                answered.add(name)
    return [
        f"the question {name!r} was shown to {n} listeners and answered by none"
        for name, n in asked.items()
        if n >= FEWEST and name not in answered
    ]
