"""How far a version has come: draft → candidate → approved → retired, and back to draft where it is rejected.

It moves only by the acts below, each with an actor and a reason in the record. A version of which nothing was written
is a draft. One that was rejected or retired, or whose review is overdue, is barred: it enters a new campaign only by an
owner's allowance, which holds for one campaign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from models_registry import audit, statements
from models_registry.models import (
    Allowance,
    AudioModel,
    AuditEvent,
    ModelVersion,
    Standing,
    identity_hash,
)

State, Act = Standing.State, Standing.Act
# from which states each act goes where
WAYS = {
    Act.NOMINATE: ((State.DRAFT,), State.CANDIDATE),
    Act.APPROVE: ((State.CANDIDATE,), State.APPROVED),
    Act.RENEW: ((State.APPROVED,), State.APPROVED),
    Act.REJECT: ((State.CANDIDATE, State.APPROVED), State.DRAFT),
    Act.RETIRE: ((State.DRAFT, State.CANDIDATE, State.APPROVED), State.RETIRED),
}
# the acts of the record by which somebody makes a version
MAKING = ("train", "adopt")
LONGEST_REASON = 2000
# ten years
MOST_DAYS = 3650


class StandingError(ValueError):
    """An act that a version's standing does not allow; the message says why, and what to do instead."""


@dataclass(frozen=True)
class Mark:
    """Where a version stands at one moment, and why; `last` is the act that took it there, None for none yet."""

    version: ModelVersion
    last: Standing | None
    due_at: datetime | None
    at: datetime

    @property
    def state(self) -> Standing.State:
        return State(self.last.state) if self.last else State.DRAFT

    @property
    def number(self) -> int:
        return self.last.number if self.last else 0

    @property
    def is_rejected(self) -> bool:
        return self.last is not None and self.last.act == Act.REJECT

    @property
    def is_overdue(self) -> bool:
        return self.due_at is not None and self.due_at <= self.at

    @property
    def label(self) -> str:
        """Two words or three to stand beside the version's name."""
        if self.is_rejected:
            return "rejected, a draft again"
        return f"{self.state}, review overdue" if self.is_overdue else str(self.state)

    @property
    def sign(self) -> str:
        """The name of the mark that is drawn before the label."""
        barred = self.is_rejected or self.is_overdue
        return "barred" if barred else str(self.state)

    @property
    def why_barred(self) -> str:
        """Why it may not enter a new campaign, as a sentence without its stop; empty: it may."""
        last = self.last
        if last and (self.is_rejected or self.state == State.RETIRED):
            return f"{self.version} was {_past(last.act)} on {last.at:%Y-%m-%d} by {last.actor}: {last.reason}"
        if self.is_overdue:
            return f"the review of {self.version} has been overdue since {self.due_at:%Y-%m-%d}"
        return ""


def of(version: ModelVersion, *, at: datetime | None = None) -> Mark:
    """Where `version` stands; of many, ask for them `with_standing()` first, and no row costs a query."""
    moment = at or now()
    rows = sorted(version.standings.all(), key=lambda row: row.number)
    last = rows[-1] if rows else None
    days, due_at = version.model.review_days, None
    if last is not None and last.state == State.APPROVED and days:
        due_at = last.at + timedelta(days=days)
    return Mark(version, last, due_at, moment)


def named(version: ModelVersion) -> str:
    """The version's name to choose it by, with its mark where it is barred."""
    mark = of(version)
    return f"{version} ({mark.label})" if mark.why_barred else str(version)


def history(version: ModelVersion) -> list[Standing]:
    """Every act on `version`, the newest first."""
    return list(version.standings.order_by("-number"))


# acts


def nominate(version: ModelVersion, *, actor: str, reason: str) -> Standing:
    """Make a draft a candidate; it needs its makers' statement. Raises `StandingError`."""
    if statements.latest(version) is None:
        raise StandingError(
            f"expected a statement on {version} (intent, assumptions, caveats) before it becomes a candidate, found "
            "none: write one first"
        )
    return _move(version, Act.NOMINATE, actor=actor, reason=reason)


def approve(
    version: ModelVersion, *, actor: str, reason: str, content: dict[str, Any] | None = None
) -> Standing:
    """Approve a candidate; raises `StandingError` for who made it, unless APPROVE_OWN allows that."""
    check_approver(version, actor)
    return _move(version, Act.APPROVE, actor=actor, reason=reason, content=content)


def renew(
    version: ModelVersion, *, actor: str, reason: str, content: dict[str, Any] | None = None
) -> Standing:
    """Find an approved version good again, which begins its time until the next review anew."""
    check_approver(version, actor)
    return _move(version, Act.RENEW, actor=actor, reason=reason, content=content)


def reject(
    version: ModelVersion, *, actor: str, reason: str, content: dict[str, Any] | None = None
) -> Standing:
    """Send a candidate, or what was approved, back to being a draft, and bar it from new campaigns."""
    return _move(version, Act.REJECT, actor=actor, reason=reason, content=content)


def retire(version: ModelVersion, *, actor: str, reason: str) -> Standing:
    """Take a version out of use for good; what was listened to stays."""
    return _move(version, Act.RETIRE, actor=actor, reason=reason)


def review_every(model: AudioModel, days: int | None, *, actor: str, reason: str) -> None:
    """Let approvals of `model`'s versions fall due for review after so many days; None: never."""
    _check(actor, reason)
    if days is not None and not 0 < days <= MOST_DAYS:
        raise StandingError(f"expected 1 to {MOST_DAYS} days between reviews, found {days}")
    with transaction.atomic():
        held = AudioModel.objects.select_for_update().get(pk=model.pk)
        if held.review_days != days:
            content = {"before": held.review_days, "days": days}
            AudioModel.objects.filter(pk=model.pk).update(review_days=days)
            audit.record("review-every", held, actor=actor, reason=reason, content=content)
    model.refresh_from_db()


def makers(version: ModelVersion) -> set[str]:
    """Who trained or adopted it, by the record."""
    events = AuditEvent.objects.filter(subject=str(version), act__in=MAKING)
    return set(events.values_list("actor", flat=True))


def people_of(actor: str) -> set[str]:
    """By which names a person goes who acts as `actor`: their account's, its full name, and those by which a shell of
    the server knows them (SHELL_ACCOUNTS); without regard to case."""
    account = settings.SHELL_ACCOUNTS.get(actor, actor)
    shells = {shell for shell, whose in settings.SHELL_ACCOUNTS.items() if whose == account}
    user = User.objects.filter(username__iexact=account).first()
    names = {actor, account, *shells, user.get_full_name() if user else ""}
    return {name.casefold() for name in names if name}


def unknown_makers(version: ModelVersion) -> list[str]:
    """Makers of whom nobody can tell who they are here: names in a shell that are no account's."""
    known = {
        name
        for name in makers(version)
        if User.objects.filter(username=settings.SHELL_ACCOUNTS.get(name, name)).exists()
    }
    return sorted(makers(version) - known)


def check_approver(version: ModelVersion, actor: str) -> None:
    """Raises `StandingError` where `actor` made the version and that is against this installation's policy."""
    if settings.APPROVE_OWN:
        return
    theirs = people_of(actor)
    if any(theirs & people_of(maker) for maker in makers(version)):
        raise StandingError(
            f"expected somebody else to approve {version} than who trained it, found {actor}: ask another owner, or "
            "set APPROVE_OWN=1 where one person must do both"
        )


def check_unchanged(version: ModelVersion) -> None:
    """Raises `StandingError` where the stored weights or the chain no longer give the version's hash."""
    try:
        with version.weights.storage.open(version.weights.name or "", "rb") as file:
            found = hashlib.sha256(file.read()).hexdigest()
    except OSError as error:
        raise StandingError(
            f"expected the weights of {version} to judge it by, found none to read: {error.strerror or error}"
        ) from error
    stored = ModelVersion.objects.values_list("chain", "sha256").get(pk=version.pk)
    if found != version.weights_sha256 or identity_hash(stored[0], found) != stored[1]:
        raise StandingError(
            f"expected {version} with the hash {version.sha256[:12]}, found that its weights or its chain were changed "
            "since: run verify, and register what is there now as a new version"
        )


def _check(actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        missing = "an actor" if not actor.strip() else "a reason"
        raise StandingError(f"expected {missing} for the record, found none")
    if len(reason) > LONGEST_REASON:
        raise StandingError(
            f"expected a reason of at most {LONGEST_REASON} characters, found {len(reason)}"
        )


def _move(
    version: ModelVersion,
    act: Standing.Act,
    *,
    actor: str,
    reason: str,
    content: dict[str, Any] | None = None,
) -> Standing:
    _check(actor, reason)
    starts, end = WAYS[act]
    if end != State.RETIRED:
        check_unchanged(version)
    with transaction.atomic():
        # two acts at once are numbered one after the other, and the second meets what the first left
        held = ModelVersion.objects.select_for_update().select_related("model").get(pk=version.pk)
        before = of(held)
        if before.state not in starts:
            raise StandingError(_not_from(before, act))
        try:
            with transaction.atomic():
                row = Standing.objects.create(
                    version=held,
                    number=before.number + 1,
                    act=act,
                    state=end,
                    actor=actor,
                    reason=reason.strip(),
                    sha256=held.sha256,
                    at=now(),
                )
        except IntegrityError:
            raise StandingError(
                f"expected to {act} {version} alone, found that somebody acted on it at the same moment: look again"
            ) from None
        audit.record(
            act,
            held,
            actor=actor,
            reason=row.reason,
            content={"sha256": held.sha256, "from": before.state, "to": end, **(content or {})},
        )
    return row


def _not_from(before: Mark, act: Standing.Act) -> str:
    starts = " or ".join(WAYS[act][0])
    last = before.last
    since = f", {_past(last.act)} by {last.actor} on {last.at:%Y-%m-%d %H:%M}" if last else ""
    return f"expected {before.version} to be {starts} in order to {act} it, found it {before.state}{since}"


def _past(act: str) -> str:
    return f"{act}ed" if act in (Act.REJECT, Act.RENEW) else f"{act}d"


# the gate before campaigns


def allow(version: ModelVersion, *, actor: str, reason: str) -> Allowance:
    """An owner's word that the barred version may enter one campaign all the same. Raises `StandingError`."""
    _check(actor, reason)
    mark = of(version)
    if not mark.why_barred:
        raise StandingError(
            f"expected a barred version, found {version} {mark.label}: it may enter any"
        )
    with transaction.atomic():
        given = Allowance.objects.create(
            version=version, standing=mark.number, actor=actor, reason=reason.strip()
        )
        content = {"allowance": given.pk, "barred": mark.why_barred}
        audit.record("allow", version, actor=actor, reason=given.reason, content=content)
    return given


def refusal(version: ModelVersion, *, campaign: str = "") -> str:
    """Why the version may not enter the campaign of this slug, as a sentence without its stop; empty: it may."""
    mark = of(version)
    why = mark.why_barred
    given = version.allowances.filter(standing=mark.number)
    if not why or given.filter(used_for__in={"", campaign}).exists():
        return ""
    return f"{why}; an owner may let it into one campaign on the version's page"


def admit(versions: Iterable[ModelVersion], *, campaign: str) -> None:
    """Let the versions into the campaign, within the caller's transaction; allowances of barred ones are used up.

    Raises `StandingError` for one that is barred and not allowed.
    """
    for version in versions:
        mark = of(version)
        given = version.allowances.filter(standing=mark.number)
        if not mark.why_barred or given.filter(used_for=campaign).exists():
            continue
        free = given.filter(used_for="").first()
        used = free and given.filter(pk=free.pk, used_for="").update(used_for=campaign)
        if not used:
            raise StandingError(
                f"{mark.why_barred}; an owner may let it into one campaign on the version's page"
            )
