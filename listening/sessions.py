"""A listener's way through a campaign: start a session, answer, finish a page.

The one way in for browsers and simulated listeners alike. A session's order is drawn from its seed and stored, so that
every reload shows the same; an answer is accepted once, under the UUID its sender gave it, and never changed.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from listening.design import presentation_order
from listening.methods import PlannedSlot
from listening.methods.base import current_ratings
from listening.models import Campaign, Listener, Page, Rating, Response, Session, Slot, Trial

# No 0/O, 1/I/L: a code may be read aloud or copied by hand.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


class SessionError(ValueError):
    """A session that cannot go on as asked; the message says what was expected and found."""


class NotOpen(SessionError):
    """The campaign takes no new listeners."""


class Conflict(SessionError):
    """An answer's UUID was used before, for another answer."""


class PageOver(SessionError):
    """The page was finished; its answers stand."""


class Unanswered(SessionError):
    """A page that lacks answers cannot be finished."""


def start(
    campaign: Campaign,
    *,
    simulated: bool = False,
    code: str | None = None,
    seed: int | None = None,
) -> Session:
    """Draw and store a new session of an open campaign, for the listener `code` or a new one under a random code.

    The same seed gives the same order. Raises `NotOpen` when the campaign is not open or has all the listeners it
    wants (simulated listeners are not counted).
    """
    if campaign.state != Campaign.State.OPEN:
        raise NotOpen(f"{campaign.slug}: expected an open campaign, found it {campaign.state}")
    if not simulated and is_full(campaign):
        raise NotOpen(f"{campaign.slug}: has all the {campaign.quota} listeners it wants")
    if seed is None:
        seed = secrets.randbits(63)
    with transaction.atomic():
        listener, _ = Listener.objects.get_or_create(
            campaign=campaign, code=code or random_code(), defaults={"simulated": simulated}
        )
        if listener.simulated != simulated:
            raise SessionError(
                f"{campaign.slug}: expected a {'simulated' if simulated else 'human'} listener {listener.code!r}, "
                f"found the code in use for the other kind"
            )
        session = Session.objects.create(
            listener=listener,
            campaign=campaign,
            seed=seed,
            consented_at=None if simulated else now(),
        )
        pages, slots = [], []
        for number, (trial, repetition, planned) in enumerate(drawn(campaign, seed), start=1):
            page = Page(session=session, trial=trial, number=number, repetition=repetition)
            pages.append(page)
            slots += [
                Slot(page=page, position=position, label=slot.label, stimulus=slot.stimulus)
                for position, slot in enumerate(planned)
            ]
        Page.objects.bulk_create(pages)
        Slot.objects.bulk_create(slots)
    return session


def drawn(campaign: Campaign, seed: int) -> Iterator[tuple[Trial, int, list[PlannedSlot]]]:
    """Each page's trial, repetition and slots: every repetition presents all trials, in an order of its own."""
    trials = {
        str(trial.number): trial
        for trial in campaign.trials.prefetch_related("stimuli__condition", "stimuli__trial")
    }
    stimuli = {
        number: {stimulus.condition.name: stimulus for stimulus in trial.stimuli.all()}
        for number, trial in trials.items()
    }
    names = {number: sorted(of_trial) for number, of_trial in stimuli.items()}
    for repetition in range(1, campaign.repetitions + 1):
        for shown in presentation_order(names, seed=f"{seed}/{repetition}"):
            trial = trials[shown.trial]
            ordered = [stimuli[shown.trial][name] for name in shown.stimuli]
            page_seed = f"{seed}/{repetition}/{shown.trial}"
            yield trial, repetition, campaign.protocol.plan(trial, ordered, seed=page_seed)


def respond(session: Session, page: Page, response_id: uuid.UUID, body: dict[str, Any]) -> Response:
    """Store one answer and the ratings that follow from it; the same answer sent again changes nothing.

    Raises `AnswerError` for an answer the method does not allow, `PageOver` after the page was finished and `Conflict`
    when `response_id` is taken by another answer.
    """
    with transaction.atomic():
        # Answers to one page queue here, so that each supersedes the one before it.
        page = Page.objects.select_for_update().get(pk=page.pk, session=session)
        if earlier := Response.objects.filter(pk=response_id).first():
            return _same(earlier, page, body)
        if page.finished_at:
            raise PageOver(f"page {page.number} was finished: its answers can no longer be changed")
        judgements = session.campaign.protocol.judge(slots_of(page), body)
        try:
            with transaction.atomic():
                response = Response.objects.create(id=response_id, page=page, body=body)
        except IntegrityError:
            # taken meanwhile, by an answer to another page
            return _same(Response.objects.get(pk=response_id), page, body)
        for judgement in judgements:
            Rating.objects.write(
                response=response,
                page=page,
                stimulus=judgement.stimulus,
                value=judgement.value,
                detail=judgement.detail,
            )
    return response


def _same(earlier: Response, page: Page, body: dict[str, Any]) -> Response:
    if earlier.page_id != page.pk or earlier.body != body:
        raise Conflict(f"expected a new id for a new answer, found {earlier.pk} in use for another")
    return earlier


def finish(session: Session, page: Page) -> None:
    """Close `page`, once everything on it is answered; harmless when repeated. Raises `Unanswered`."""
    with transaction.atomic():
        page = Page.objects.select_for_update().get(pk=page.pk, session=session)
        if page.finished_at:
            return
        missing = session.campaign.protocol.unanswered(slots_of(page), current_ratings(page))
        if missing:
            raise Unanswered(
                f"page {page.number}: expected an answer to everything, found none to {', '.join(missing)}"
            )
        session.finish_page(page)


def slots_of(page: Page) -> list[Slot]:
    """The page's slots in their order on screen."""
    return list(page.slots.select_related("stimulus__signal", "page__trial__reference"))


def is_full(campaign: Campaign) -> bool:
    """Whether as many people have finished as the campaign wants."""
    if campaign.quota is None:
        return False
    people = campaign.listeners.filter(simulated=False, sessions__finished_at__isnull=False)
    return people.distinct().count() >= campaign.quota


def random_code() -> str:
    """A code that names a listener and says nothing about them."""
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
