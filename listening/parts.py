"""The parts of a plan as pages of a session: what each shows, which answer it takes, and what follows from it.

Rating and training pages are the method's affair (listening/methods/). Every other part takes one answer at most:

    consent      {"consent": true or false}
    questions    {"answers": {name: answer}}
    volume       {"volume_db": −40…0}, relative to the sounds as they are
    headphones   {"answer": one of the test's answers}
    digits       {"answer": three digits}
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from listening import digits
from listening.design import shuffled
from listening.headphones import TESTS
from listening.methods.base import AnswerError, PlannedSlot, checked_keys
from listening.models import Campaign, Page, Response, Session, Slot, Trial
from listening.plan import CONTROL_KINDS, Part
from listening.presenting import drawn, material_of, presented
from listening.questions import AnswerProblem, checked_answer
from listening.scheme import Scheme

Kind = Page.Kind
Ending = Session.Ending
Body = dict[str, Any]

# below this the page's own control is silent
LOWEST_VOLUME_DB = -40.0


@dataclass(frozen=True)
class PlannedPage:
    """A page before it is stored."""

    kind: Page.Kind
    part: int
    content: Part = field(default_factory=dict)
    trial: Trial | None = None
    repetition: int = 1
    slots: list[PlannedSlot] = field(default_factory=list)


def planned_pages(
    campaign: Campaign,
    seed: int,
    *,
    row: int | None = None,
    simulated: bool = False,
    spared: Collection[int] = (),
) -> Iterator[PlannedPage]:
    """Every page of a session, in order; a simulated listener's are the rating pages alone.

    `row` is the session's of the campaign's design, if it has one; parts at the places `spared` are left out.
    """
    for place, part in enumerate(campaign.plan):
        if place in spared:
            continue
        if part["part"] == "ratings" or not simulated:
            pages = pages_of_part(campaign, seed, place, part, row=row)
            yield from (page for page in pages if page.kind == Kind.RATING or not simulated)


def pages_of_part(
    campaign: Campaign, seed: int | str, place: int, part: Part, *, row: int | None = None
) -> Iterator[PlannedPage]:
    """The pages of the `part` at this `place` of the plan, in order."""
    match part["part"]:
        case "ratings":
            yield from _rating_pages(campaign, seed, place, part, row)
        case "training":
            yield from _training_pages(campaign, seed, place, part)
        case "headphones":
            yield from _headphone_pages(seed, place, part)
        case "digits":
            yield from _digit_pages(seed, place, part)
        case "volume":
            trials = campaign.trials.all()
            trial = trials.get(item=part["item"]) if "item" in part else trials.first()
            # without a reference any of its sounds serves to set the volume by
            loud = PlannedSlot("Reference")
            if trial is not None and trial.reference is None:
                loud = PlannedSlot("Sound", trial.stimuli.first())
            yield PlannedPage(Kind.VOLUME, place, part, trial=trial, slots=[loud])
        case "finish":
            pass
        case name:
            yield PlannedPage(Kind(name), place, part)


def store(session: Session, planned: Iterable[PlannedPage], *, attempt: int = 1) -> None:
    """Add the `planned` pages, with their slots, behind those that `session` has."""
    pages, slots = [], []
    for number, plan in enumerate(planned, start=session.pages.count() + 1):
        page = Page(
            session=session,
            number=number,
            kind=plan.kind,
            part=plan.part,
            content=plan.content,
            trial=plan.trial,
            repetition=plan.repetition,
            attempt=attempt,
        )
        pages.append(page)
        slots += [
            Slot(
                page=page,
                position=position,
                label=slot.label,
                stimulus=slot.stimulus,
                clip=slot.clip,
            )
            for position, slot in enumerate(plan.slots)
        ]
    Page.objects.bulk_create(pages)
    Slot.objects.bulk_create(slots)


def _rating_pages(
    campaign: Campaign, seed: int | str, place: int, part: Part, row: int | None
) -> Iterator[PlannedPage]:
    every = part.get("break_every")
    pages = [
        PlannedPage(Kind.RATING, place, trial=trial, repetition=repetition, slots=slots)
        for trial, repetition, slots in drawn(campaign, seed, row=row)
    ]
    pause = {"part": "break", "text": part.get("break_text", "")}
    if "break_rest_min" in part:
        pause["rest_min"] = part["break_rest_min"]
    blocks, since, block = Scheme.of(campaign.design), 0, None
    for page in _with_controls(campaign, pages, seed, place, part):
        following = block
        if page.kind == Kind.RATING and page.trial and part.get("break_blocks"):
            following = blocks.block_of(page.trial.item)
        if since and (since == every or (block is not None and following != block)):
            yield PlannedPage(Kind.BREAK, place, pause)
            since = 0
        since, block = since + 1, following
        yield page


def _with_controls(
    campaign: Campaign, pages: list[PlannedPage], seed: int | str, place: int, part: Part
) -> list[PlannedPage]:
    """`pages`, and in each section of so many a question of each kind that `controls` asks, at a place drawn."""
    asked, mixed = part.get("controls", {}), []
    every = asked.get("every", len(pages) or 1)
    for section, first in enumerate(range(0, len(pages), every)):
        of_section = pages[first : first + every]
        for kind in CONTROL_KINDS:
            questions, drawn_from = asked.get(kind, []), f"{seed}/{place}/{kind}"
            if not questions:
                continue
            # all are asked before one is asked again
            turn, nth = divmod(section, len(questions))
            question = questions[shuffled(range(len(questions)), seed=f"{drawn_from}/{turn}")[nth]]
            page = _control_page(campaign, kind, question, f"{drawn_from}/{section}", place)
            where = shuffled(range(len(of_section) + 1), seed=f"{drawn_from}/{section}/place")[0]
            of_section.insert(where, page)
        mixed += of_section
    return mixed


def _control_page(
    campaign: Campaign, kind: str, question: Part, seed: str, place: int
) -> PlannedPage:
    """The page of the question's item on which the condition that it names is heard."""
    of_item = material_of(campaign, items=[question["item"]])
    (pages,) = presented(campaign.protocol, of_item, [seed])
    return next(
        PlannedPage(Kind.CONTROL, place, {"control": kind, **question}, trial=trial, slots=slots)
        for trial, slots in pages
        if question.get("condition")
        in {None, *(slot.stimulus.condition.name for slot in slots if slot.stimulus)}
    )


def _training_pages(
    campaign: Campaign, seed: int | str, place: int, part: Part
) -> Iterator[PlannedPage]:
    practised = material_of(campaign, items=part["items"])
    content = {"text": part["text"]} if part.get("text") else {}
    fixed = part.get("fixed", False)
    (pages,) = presented(
        campaign.protocol, practised, [f"{campaign.seed if fixed else seed}/training"]
    )
    if fixed:
        pages = sorted(pages, key=lambda page: part["items"].index(page[0].item))
    for trial, slots in pages:
        yield PlannedPage(Kind.TRAINING, place, content, trial=trial, slots=slots)


def _headphone_pages(seed: int | str, place: int, part: Part) -> Iterator[PlannedPage]:
    test = TESTS[part["test"]]
    variants = test.draw(f"{seed}/headphones/{place}")
    for number, variant in enumerate(variants, start=1):
        content = part | {"trial": number, "trials": len(variants)}
        slot = PlannedSlot("Sound", clip=f"{test.name}/{variant}")
        yield PlannedPage(Kind.HEADPHONES, place, content, slots=[slot])


def _digit_pages(seed: int | str, place: int, part: Part) -> Iterator[PlannedPage]:
    """One page a triplet; the ratio of the first is known, those of the others follow from the answers."""
    drawn = digits.triplets("".join(sorted(part["recordings"])), seed=f"{seed}/digits/{place}")
    for number, triplet in enumerate(drawn, start=1):
        content = part | {"trial": number, "trials": len(drawn)}
        ratio = f"@{digits.START_DB:g}" if number == 1 else ""
        slot = PlannedSlot("Sound", clip=f"digits/{triplet}{ratio}")
        yield PlannedPage(Kind.DIGITS, place, content, slots=[slot])


# answers


def checked(page: Page, body: Body) -> Body:
    """The answer as it is stored; raises `AnswerError` for one that this part does not take."""
    if page.kind not in _CHECKS:
        raise AnswerError(f"expected no answer to a page of {page.get_kind_display()}, found one")
    return _CHECKS[Kind(page.kind)](page.content, body)


def _consent(part: Part, body: Body) -> Body:
    checked_keys(body, "consent")
    if not isinstance(body["consent"], bool):
        raise AnswerError(f"expected consent to be true or false, found {body['consent']!r}")
    return body


def _questions(part: Part, body: Body) -> Body:
    checked_keys(body, "answers")
    given = body["answers"]
    names = [question["name"] for question in part["questions"]]
    if not isinstance(given, dict) or not set(given) <= set(names):
        raise AnswerError(f"expected answers to {', '.join(names)}, found {given!r}")
    answers = {}
    for question in part["questions"]:
        try:
            answers[question["name"]] = checked_answer(question, given.get(question["name"]))
        except AnswerProblem as problem:
            raise AnswerError(f"{question['name']}: {problem}") from problem
    return {"answers": answers}


def _volume(part: Part, body: Body) -> Body:
    checked_keys(body, "volume_db")
    value = body["volume_db"]
    if type(value) not in (int, float) or not LOWEST_VOLUME_DB <= value <= 0:
        raise AnswerError(f"expected a volume from {LOWEST_VOLUME_DB:g} to 0 dB, found {value!r}")
    return body


def _headphones(part: Part, body: Body) -> Body:
    checked_keys(body, "answer")
    answers = TESTS[part["test"]].answers
    if body["answer"] not in answers:
        raise AnswerError(f"expected one of {', '.join(answers)}, found {body['answer']!r}")
    return body


def _triplet(part: Part, body: Body) -> Body:
    checked_keys(body, "answer")
    answer = body["answer"]
    if not isinstance(answer, str) or len(answer) != 3 or set(answer) - set(digits.DIGITS):
        raise AnswerError(f"expected three digits, found {answer!r}")
    return body


_CHECKS: dict[Page.Kind, Callable[[Part, Body], Body]] = {
    Kind.CONSENT: _consent,
    Kind.QUESTIONS: _questions,
    Kind.VOLUME: _volume,
    Kind.HEADPHONES: _headphones,
    Kind.DIGITS: _triplet,
}


def is_answered(page: Page) -> bool:
    return page.kind not in _CHECKS or page.responses.exists()


def last_answer(page: Page) -> Body:
    """The answer as it stands; empty where there is none."""
    response: Response | None = page.responses.order_by("-received_at").first()
    return response.body if response else {}


def volume_set(session: Session, *, at: datetime | None = None) -> float | None:
    """dB, as set on the session's last page of volume, or on the last that was finished by then; None before one."""
    pages = session.pages.filter(kind=Kind.VOLUME, finished_at__isnull=False)
    pages = pages if at is None else pages.filter(finished_at__lte=at)
    page = pages.order_by("-number").first()
    return last_answer(page).get("volume_db") if page else None
