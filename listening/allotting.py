"""Rows of a campaign's design, given to sessions: never one to two who listen, and again when it was not completed.

A session holds its row while it goes on and after it was finished. A row comes free when its session was refused,
screened out or left out of the evidence, or shows no sign of life for the design's `hold_hours`; the lowest free one
is given next, so that completed sessions fill the design from its beginning. Who comes back late goes on all the same,
and takes the row back while nobody else has it. Simulated listeners count their own rows and hold none.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count

from listening.admission import silent
from listening.models import Campaign, Session


def next_row(campaign: Campaign, *, simulated: bool = False, at: datetime | None = None) -> int:
    """The row for a session that is about to be stored; call it in the transaction that stores it."""
    if simulated:
        return campaign.sessions.filter(listener__simulated=True).count()
    # two who begin at once queue here until the first one's session is stored
    held = Campaign.objects.select_for_update().get(pk=campaign.pk)
    release_stale(held, at=at)
    taken = set(held.sessions.filter(holds_row=True).values_list("row", flat=True))
    return next(row for row in count() if row not in taken)


def release_stale(campaign: Campaign, *, at: datetime | None = None) -> int:
    """Free the rows of sessions without a sign of life for too long; how many that were."""
    stale = silent(campaign, at=at).filter(holds_row=True)
    return Session.objects.filter(pk__in=list(stale.values_list("pk", flat=True))).update(
        holds_row=False
    )
