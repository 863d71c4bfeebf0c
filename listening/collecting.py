"""Store sessions that webMUSHRA's own front end has run: its page, our campaign.

The campaign is found by the testId (`Campaign.collect_as`, or its slug); a configuration that uses several methods is
one campaign of each. A session is stored whole or not at all, and once however often it is sent.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import now

from listening.exchange.collect import Answer, CollectedTrial, Submission
from listening.exchange.webmushra import RATED, question_name
from listening.models import Campaign, Listener, Page, Rating, Response, Session, Slot, Stimulus
from listening.questions import AnswerProblem, checked_answer

# who began before a campaign closed may still hand in
GRACE = timedelta(hours=12)
# methods whose webMUSHRA pages hold one judgement each
SINGLE = ("bs1116", "abx", "acr")


class UnknownTest(LookupError):
    """No campaign takes sessions under this testId; the message names it."""


class NotTaken(ValueError):
    """A session that does not fit the campaign it is for; the message says where."""


@dataclass
class _Pages:
    """What one campaign gets of a session: for each page its answers and their stimuli, in order on screen."""

    campaign: Campaign
    pages: list[tuple[CollectedTrial, list[tuple[Answer, Stimulus]]]] = field(default_factory=list)


def collect(submission: Submission) -> None:
    """Store the session; returns once it is committed, now or before.

    Raises `UnknownTest` and `NotTaken`, and then nothing is stored.
    """
    campaigns = _campaigns(submission.test_id)
    shared = _shared_out(submission, campaigns)
    try:
        with transaction.atomic():
            for pages in shared:
                _store(submission, pages)
    except IntegrityError:
        # a listener of this UUID is there: the same session arrived before
        if not Listener.objects.filter(code=str(submission.id)).exists():
            raise


def _campaigns(test_id: str) -> list[Campaign]:
    named = Campaign.objects.filter(Q(collect_as=test_id) | Q(slug=test_id)).exclude(
        state=Campaign.State.DRAFT
    )
    campaigns = list(named.order_by("pk"))
    if not campaigns:
        raise UnknownTest(f"expected the testId of an open campaign, found {test_id!r}")
    taking = [
        campaign
        for campaign in campaigns
        if campaign.closed_at is None or campaign.closed_at > now() - GRACE
    ]
    if not taking:
        raise NotTaken(f"expected an open campaign, found that {test_id!r} is closed")
    return taking


def _shared_out(submission: Submission, campaigns: list[Campaign]) -> list[_Pages]:
    """Each judgement with its stimulus, by campaign."""
    stimuli = {
        (stimulus.trial.campaign.method, stimulus.trial.item, stimulus.condition.name): stimulus
        for stimulus in Stimulus.objects.filter(trial__campaign__in=campaigns).select_related(
            "trial__campaign", "condition"
        )
    }
    of_campaign = {campaign.pk: _Pages(campaign) for campaign in campaigns}
    seen: Counter[tuple[str, str]] = Counter()
    for trial in submission.trials:
        method = RATED[trial.kind]
        seen[method, trial.page] += 1
        item = _item(stimuli, method, trial.page, seen[method, trial.page])
        found: list[tuple[Answer, Stimulus]] = []
        for answer in trial.answers:
            if (method, item, answer.stimulus) not in stimuli:
                raise NotTaken(
                    f"trial {trial.page!r}: expected a stimulus of the campaign, found {answer.stimulus!r}"
                )
            found.append((answer, stimuli[method, item, answer.stimulus]))
        for page in _pages(method, found):
            campaign = page[-1][1].trial.campaign_id
            of_campaign[campaign].pages.append((trial, page))
    return [pages for pages in of_campaign.values() if pages.pages]


def _item(
    stimuli: dict[tuple[str, str, str], Stimulus], method: str, page: str, occurrence: int
) -> str:
    """The item of a page; a page whose id is given again is numbered where the campaign numbers it."""
    items = {item for of_method, item, _ in stimuli if of_method == method}
    numbered = f"{page} ({occurrence})"
    if page not in items:
        raise NotTaken(f"expected a trial of the campaign ({method}), found {page!r}")
    return numbered if occurrence > 1 and numbered in items else page


def _pages(
    method: str, answers: list[tuple[Answer, Stimulus]]
) -> Iterator[list[tuple[Answer, Stimulus]]]:
    """Answers that our method gives on one page: all of a trial, or one, which in BS.1116 is a pair of grades."""
    if method not in SINGLE:
        if answers:
            yield answers
        return
    step = 2 if method == "bs1116" else 1
    for start in range(0, len(answers), step):
        yield answers[start : start + step]


def _store(submission: Submission, given: _Pages) -> None:
    at = now()
    campaign = given.campaign
    listener = Listener.objects.create(campaign=campaign, code=str(submission.id))
    session = Session.objects.create(
        listener=listener,
        campaign=campaign,
        seed=0,
        finished_at=at,
        ending=Session.Ending.FINISHED,
        external={"config": submission.config, "participant": submission.participant},
    )
    repetitions: Counter[int] = Counter()
    pages = []
    for number, (_, answers) in enumerate(given.pages, start=1):
        trial = answers[0][1].trial
        repetitions[trial.pk] += 1
        pages.append(
            Page(
                session=session,
                trial=trial,
                number=number,
                repetition=1 if campaign.method in SINGLE else repetitions[trial.pk],
                finished_at=at,
            )
        )
    _write(Page.objects.bulk_create(pages), given.pages)
    _questionnaire(session, submission, number=len(given.pages) + 1)


def _write(
    pages: list[Page], given: list[tuple[CollectedTrial, list[tuple[Answer, Stimulus]]]]
) -> None:
    slots, responses, ratings = [], [], []
    for page, (trial, answers) in zip(pages, given, strict=True):
        body: dict[str, Any] = {"collected": [[one.stimulus, one.value] for one, _ in answers]}
        response = Response(id=uuid.uuid4(), page=page, body=body | {"seconds": trial.seconds})
        responses.append(response)
        for place, (answer, stimulus) in enumerate(answers):
            slots.append(Slot(page=page, position=place, label=str(place + 1), stimulus=stimulus))
            ratings.append(
                Rating(
                    response=response,
                    page=page,
                    stimulus=stimulus,
                    value=answer.value,
                    detail=answer.detail,
                )
            )
    Slot.objects.bulk_create(slots)
    Response.objects.bulk_create(responses)
    Rating.objects.bulk_create(ratings)


def _questionnaire(session: Session, submission: Submission, *, number: int) -> None:
    """The answers to the campaign's questions, as far as they are what was asked for."""
    given = {question_name(name): answer for name, answer in submission.participant.items()}
    for place, part in enumerate(session.campaign.plan):
        if part["part"] != "questions":
            continue
        answers = {}
        for question in part["questions"]:
            try:
                answers[question["name"]] = checked_answer(question, given.get(question["name"]))
            except AnswerProblem:
                answers[question["name"]] = None
        page = Page.objects.create(
            session=session,
            kind=Page.Kind.QUESTIONS,
            part=place,
            content=part,
            number=number + place,
            finished_at=now(),
        )
        Response.objects.create(id=uuid.uuid4(), page=page, body={"answers": answers})
