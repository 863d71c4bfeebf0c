"""Decisions of reviewers: signed, taken together, and what they leave to be done.

A decision is signed over everything that its author saw and said (`said_by`), and final. What is judged is held against
its hash whenever somebody decides, so that nobody signs for something else than was heard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from listening.models import Action, Decision, Review, Reviewer
from listening.reviewing import ReviewError, checked_text, hash_of, locked, speaking, unchanged
from models_registry import audit, standing
from models_registry.models import ModelVersion, Standing, canonical_json
from models_registry.standing import StandingError

MOST_ACTIONS = 20


@dataclass(frozen=True)
class Asked:
    """A condition: what is to be done, who sees to it, until when."""

    text: str
    owner: str
    due_on: date


def said_by(
    reviewer: Reviewer,
    *,
    verdict: str,
    reason: str,
    signed_as: str,
    conditions: Sequence[Asked],
) -> dict[str, Any]:
    """Everything that a decision is signed over, in an order that does not depend on when it is asked for."""
    review = reviewer.review
    notes = {one.point_id: one for one in reviewer.notes.all()}
    agenda = []
    for point in review.points.all():
        mine = notes.get(point.pk)
        agenda.append(
            [point.number, point.title, bool(mine and mine.is_done), mine.text if mine else ""]
        )
    comments = reviewer.comments.select_related("signal").order_by("pk")
    return {
        "of": str(review.subject),
        "sha256": review.sha256,
        "agenda": agenda,
        "comments": [[one.signal.sha256, one.at_s, one.text] for one in comments],
        "findings": [[one.severity, one.text] for one in reviewer.findings.order_by("pk")],
        "verdict": verdict,
        "reason": reason,
        "conditions": [[one.text, one.owner, one.due_on.isoformat()] for one in conditions],
        "signed_as": signed_as,
    }


def _signature(said: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def still_holds(decision: Decision) -> bool:
    """Whether everything that the decision was signed over is as it was."""
    conditions = [Asked(one.text, one.owner, one.due_on) for one in decision.actions.order_by("pk")]
    said = said_by(
        decision.reviewer,
        verdict=decision.verdict,
        reason=decision.reason,
        signed_as=decision.signed_as,
        conditions=conditions,
    )
    return _signature(said) == decision.sha256


def decide(
    reviewer: Reviewer,
    verdict: str,
    *,
    reason: str,
    signed_as: str,
    conditions: Sequence[Asked] = (),
) -> Decision:
    """Sign a decision, which is final. Raises `ReviewError` with what keeps it from being signed."""
    reason, signed_as = checked_text(reason, "a reason"), " ".join(signed_as.split())
    if verdict not in Decision.Verdict.values:
        known = ", ".join(Decision.Verdict.values)
        raise ReviewError(f"expected a decision among {known}, found {verdict[:40]!r}")
    if (verdict == Decision.Verdict.CONDITIONS) != bool(conditions):
        raise ReviewError(
            "expected conditions with an approval with conditions and with no other decision, found "
            + ("some" if conditions else "none")
        )
    if len(conditions) > MOST_ACTIONS:
        raise ReviewError(f"expected at most {MOST_ACTIONS} conditions, found {len(conditions)}")
    asked = [
        Asked(
            checked_text(one.text, "a condition"),
            checked_text(one.owner, "who sees to it")[:150],
            one.due_on,
        )
        for one in conditions
    ]
    with transaction.atomic():
        held = speaking(reviewer)
        if signed_as.casefold() != held.name.casefold():
            raise ReviewError(
                f"expected your name as you gave it ({held.name}), found {signed_as[:100]!r}: sign with that"
            )
        _check_what_is_signed(held, verdict)
        said = said_by(held, verdict=verdict, reason=reason, signed_as=signed_as, conditions=asked)
        try:
            with transaction.atomic():
                decision = Decision.objects.create(
                    reviewer=held,
                    verdict=verdict,
                    reason=reason,
                    signed_as=signed_as,
                    sha256=_signature(said),
                    signed_at=now(),
                )
        except IntegrityError:
            raise ReviewError(
                "expected one decision, found yours signed at the same moment"
            ) from None
        # one by one, so that their order is their keys'
        for one in asked:
            Action.objects.create(
                decision=decision, text=one.text, owner=one.owner, due_on=one.due_on
            )
        content = {"decision": verdict, "signature": decision.sha256, **said}
        audit.record("review-decide", held.review, actor=held.actor, reason=reason, content=content)
    return decision


def _check_what_is_signed(reviewer: Reviewer, verdict: str) -> None:
    """Raises `ReviewError` where something else is judged than at the start, or it is not the person's to approve."""
    review = reviewer.review
    if hash_of(review.subject) != review.sha256:
        raise ReviewError(
            f"expected {review.subject} as it was when the review began ({review.sha256[:12]}), found it changed: "
            "close this review and open another"
        )
    version = review.version
    if version is None:
        return
    if standing.of(version).state == Standing.State.RETIRED:
        raise ReviewError(
            f"expected a version in use to decide on, found {version} retired meanwhile"
        )
    unchanged(version)
    if verdict != Decision.Verdict.REJECT:
        for name in {reviewer.user.get_username() if reviewer.user else "", reviewer.name} - {""}:
            _may_approve(version, name)


def _may_approve(version: ModelVersion, name: str) -> None:
    try:
        standing.check_approver(version, name)
    except StandingError as error:
        raise ReviewError(str(error)) from error


def decisions_of(review: Review) -> list[Decision]:
    found = Decision.objects.filter(reviewer__review=review)
    return list(found.select_related("reviewer__user", "reviewer__review").order_by("pk"))


def outcome_of(decisions: Sequence[Decision], *, wanted: int = 1) -> Review.Outcome:
    """What the decisions come to: one rejection rejects, one condition holds for all; fewer than `wanted` approve
    nothing."""
    verdicts = {one.verdict for one in decisions}
    if Decision.Verdict.REJECT in verdicts:
        return Review.Outcome.REJECTED
    if len(decisions) < wanted:
        return Review.Outcome.WITHDRAWN
    if Decision.Verdict.CONDITIONS in verdicts:
        return Review.Outcome.CONDITIONS
    return Review.Outcome.APPROVED


def close(review: Review, *, actor: str, reason: str) -> Review.Outcome:
    """Take the decisions together, and let a version stand accordingly. Raises `ReviewError`.

    With fewer decisions than the review wants, it ends without an outcome, and the version stays where it was.
    """
    reason = checked_text(reason, "a reason")
    try:
        with transaction.atomic():
            held = locked(review)
            decisions = decisions_of(held)
            outcome = outcome_of(decisions, wanted=held.decisions_wanted)
            if decisions and hash_of(held.subject) != held.sha256:
                raise ReviewError(
                    f"expected {held.subject} as it was when the review began, found it changed: its decisions are "
                    "about something else"
                )
            Review.objects.filter(pk=held.pk).update(
                outcome=outcome, closed_by=actor, closed_because=reason, closed_at=now()
            )
            signatures = [one.sha256 for one in decisions]
            content = {"outcome": outcome, "decisions": signatures, "sha256": held.sha256}
            audit.record("review-close", held, actor=actor, reason=reason, content=content)
            if held.version and outcome != Review.Outcome.WITHDRAWN:
                _move(held, held.version, outcome, actor=actor, reason=reason)
    except StandingError as error:
        raise ReviewError(str(error)) from error
    review.refresh_from_db()
    return outcome


def _move(
    review: Review, version: ModelVersion, outcome: Review.Outcome, *, actor: str, reason: str
) -> None:
    act = standing.reject
    if outcome != Review.Outcome.REJECTED:
        approved = standing.of(version).state == Standing.State.APPROVED
        act = standing.renew if approved else standing.approve
    why = f"{review.title} ({outcome.label}): {reason}"[: standing.LONGEST_REASON]
    act(version, actor=actor, reason=why, content={"review": review.pk})
    if outcome != Review.Outcome.REJECTED and review.interval_days:
        standing.review_every(version.model, review.interval_days, actor=actor, reason=why)


def finish(action: Action, *, actor: str, note: str) -> None:
    """Say that a condition was met, and how. Raises `ReviewError` where somebody said so before."""
    note = checked_text(note, "a note on what was done")
    with transaction.atomic():
        done = Action.objects.open().filter(pk=action.pk)
        if not done.update(done_at=now(), done_by=actor, done_note=note):
            raise ReviewError("expected an open action, found it done already")
        content = {"action": action.pk, "text": action.text}
        audit.record("review-action", action.review, actor=actor, reason=note, content=content)
    action.refresh_from_db()
