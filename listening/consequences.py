"""What follows when a listener leaves a part with the answer it has: consent, a screening, a measured threshold."""

from __future__ import annotations

from django.utils.timezone import now

from listening import digits
from listening.admission import join
from listening.headphones import TESTS, right_answer
from listening.models import Check, Page, Session, Slot
from listening.parts import last_answer
from listening.questions import screens_out

Kind = Page.Kind
Ending = Session.Ending


def consequence(session: Session, page: Page) -> Session.Ending | None:
    """What follows when `page` is left with the answer it has; the ending, if the session ends by it."""
    acts = {Kind.CONSENT: _agree, Kind.QUESTIONS: _screen, Kind.HEADPHONES: _check}
    acts[Kind.DIGITS] = _hear_digits
    act = acts.get(Kind(page.kind))
    return act(session, page) if act else None


def _agree(session: Session, page: Page) -> Session.Ending | None:
    if not last_answer(page)["consent"]:
        return Ending.REFUSED
    Session.objects.filter(pk=session.pk, consented_at=None).update(consented_at=now())
    return None


def _screen(session: Session, page: Page) -> Session.Ending | None:
    answers = last_answer(page)["answers"]
    barred = any(screens_out(one, answers[one["name"]]) for one in page.content["questions"])
    if barred:
        return Ending.SCREENED_OUT
    group = answers.get(session.campaign.groups.get("question"))
    # asked again later, the answer changes no place that is held
    if group is None or session.group:
        return None
    return None if join(session, str(group)) else Ending.FULL


def _check(session: Session, page: Page) -> Session.Ending | None:
    """After the last trial, store the outcome."""
    test = TESTS[page.content["test"]]
    pages = session.pages.filter(kind=Kind.HEADPHONES, part=page.part, attempt=page.attempt)
    if pages.filter(finished_at=None).exclude(pk=page.pk).exists():
        return None
    right = sum(
        last_answer(one)["answer"] == right_answer(one.slots.get().clip.partition("/")[2])
        for one in pages
    )
    Check.objects.create(
        session=session,
        part=page.part,
        attempt=page.attempt,
        test=test.name,
        right=right,
        trials=test.trials,
        passed=test.passed(right),
    )
    must_pass = page.content.get("on_fail") == "screen out"
    return Ending.SCREENED_OUT if must_pass and not test.passed(right) else None


def _hear_digits(session: Session, page: Page) -> Session.Ending | None:
    """Say how loud the next triplet is; after the last, store the threshold."""
    pages = list(
        session.pages.filter(kind=Kind.DIGITS, part=page.part, attempt=page.attempt).order_by(
            "number"
        )
    )
    slot = page.slots.get()
    said, _, ratio = slot.clip.removeprefix("digits/").partition("@")
    following = next((one for one in pages if one.number == page.number + 1), None)
    if following is not None:
        understood = last_answer(page)["answer"] == said
        next_ratio = digits.next_ratio(float(ratio), understood=understood)
        coming = following.slots.get()
        Slot.objects.filter(pk=coming.pk).update(clip=f"{coming.clip}@{next_ratio:g}")
        return None
    right = [
        last_answer(one)["answer"] == one.slots.get().clip.removeprefix("digits/")[:3]
        for one in pages
    ]
    threshold, worst = digits.threshold(right), page.content.get("worst_db")
    passed = worst is None or threshold <= worst
    Check.objects.create(
        session=session,
        part=page.part,
        attempt=page.attempt,
        test="digits, synthetic" if page.content.get("synthetic") else "digits",
        right=sum(right),
        trials=len(right),
        passed=passed,
        value=threshold,
    )
    must_pass = page.content.get("on_fail") == "screen out"
    return Ending.SCREENED_OUT if must_pass and not passed else None
