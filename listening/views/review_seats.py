"""Who may enter a review room: a reviewer by a seat of this browser's, or a member of the project by their account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from listening import access, reviewing
from listening.models import Decision, Review, Reviewer
from listening.views.reviews import REVIEWS

SEATS = "review-seats"
Address = ParamSpec("Address")


@dataclass(frozen=True)
class Seat:
    """Who sits where; a member who has said nothing yet has no reviewer's row."""

    review: Review
    reviewer: Reviewer | None
    user: User | None

    def taken(self) -> Reviewer:
        """The reviewer, who is made one now where they were none."""
        if self.reviewer is not None:
            return self.reviewer
        assert self.user is not None
        return reviewing.seat(self.review, self.user)

    @property
    def may_speak(self) -> bool:
        return self.review.is_open and not self.decision

    @property
    def decision(self) -> Decision | None:
        return Decision.objects.filter(reviewer=self.reviewer).first() if self.reviewer else None


Room = Callable[Concatenate[HttpRequest, Seat, Address], HttpResponseBase]


def seated(view: Room[Address]) -> Callable[..., HttpResponseBase]:
    """A page of a review for its reviewers: by a seat of this browser's, else as a member of the project."""

    @wraps(view)
    def by_link(
        request: HttpRequest, pk: int, *args: Address.args, **named: Address.kwargs
    ) -> HttpResponseBase:
        key = request.session.get(SEATS, {}).get(str(pk))
        if key is None:
            return by_account(request, pk, *args, **named)
        reviewer = (
            Reviewer.objects.select_related(
                "review__project", "review__version__model", "review__campaign"
            )
            .filter(pk=key, review=pk)
            .first()
        )
        if reviewer is None or not reviewer.is_seated:
            return render(request, "listening/reviews/no_entry.html", status=403)
        return view(request, Seat(reviewer.review, reviewer, None), *args, **named)

    @access.belonging
    def by_account(
        request: HttpRequest, /, pk: int, *args: Address.args, **named: Address.kwargs
    ) -> HttpResponseBase:
        review = access.find(request, REVIEWS.all(), pk=pk)
        assert isinstance(request.user, User)
        mine = review.reviewers.filter(user=request.user).first()
        if mine is not None:
            mine.review = review
        return view(request, Seat(review, mine, request.user), *args, **named)

    return by_link
