"""Write a campaign's score tables: every rating with the scores and the weights behind its stimulus."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from django.utils.timezone import now

from listening.analysis.frames import stimulus_key
from listening.attesting import attested
from listening.evidence import left_out, ratings_by_parts, ratings_frame, scores_frame
from listening.exchange import tables
from listening.models import Campaign, Rating
from listening.models.rating import RatingQuerySet
from listening.session_tables import sessions_frame
from models_registry import audit


def export(campaign: Campaign, path: Path, *, actor: str, rows: str = "ratings") -> None:
    """Write the tables (see `exchange.tables.write`), whole or not at all; the record keeps who took them.

    Ratings as CSV are written part by part, by listener: a campaign of a million needs no more memory than a small one.
    """
    if (path.suffix.lower(), rows) == (".csv", "ratings"):
        tables.write_parts(path, rating_pieces(campaign))
        _recorded(campaign, path, actor)
        return
    if tables.holds_one(path) and rows == "sessions":
        # also of a campaign in which nobody has rated yet
        tables.write_one(path, sessions_frame(campaign))
        _recorded(campaign, path, actor)
        return
    ratings = ratings_frame(campaign)
    tables.write(
        path,
        ratings=ratings,
        scores=scores_frame(campaign),
        analysis=campaign.protocol.analyse(ratings, screening=campaign.rule),
        sessions=sessions_frame(campaign),
        about=about(campaign),
        rows=rows,
    )
    _recorded(campaign, path, actor)


def csv_ratings(campaign: Campaign, *, actor: str) -> Iterator[bytes]:
    """The table of ratings as CSV, piece by piece, for who takes it now: that is in the record before the first, and
    what left after the last."""
    content = {"format": ".csv", "ratings": _counted(campaign).count(), **attested(campaign)}
    event = audit.record("export", campaign, actor=actor, content=content)
    return _told_after(campaign, rating_pieces(campaign), event.number, actor)


def _told_after(
    campaign: Campaign, pieces: Iterator[bytes], number: int, actor: str
) -> Iterator[bytes]:
    digest, length = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        length += len(piece)
        yield piece
    content = {"export": number, "file_sha256": digest.hexdigest(), "bytes": length}
    audit.record("export-done", campaign, actor=actor, content=content)


def rating_pieces(campaign: Campaign) -> Iterator[bytes]:
    """The table of ratings as CSV, piece by piece."""
    everywhere = not _counted(campaign).filter(stimulus__signal=None).exists()
    scores = scores_frame(campaign)
    signals = pd.DataFrame({"signal": ["known" if everywhere else ""]})
    yield from tables.csv_parts(
        ratings_by_parts(campaign), key=stimulus_key(signals, scores), scores=scores
    )


def _counted(campaign: Campaign) -> RatingQuerySet:
    return Rating.objects.counted().filter(page__session__campaign=campaign)


def _recorded(campaign: Campaign, path: Path, actor: str) -> None:
    content = {"format": path.suffix, "ratings": _counted(campaign).count(), **attested(campaign)}
    audit.record("export", campaign, actor=actor, content=content | audit.fingerprint(path))


def about(campaign: Campaign) -> dict[str, str]:
    """What a reader of the file must know."""
    not_counted = left_out(campaign)
    simulated = campaign.listeners.filter(simulated=True).count()
    return {
        "campaign": campaign.slug,
        "title": campaign.title,
        "method": f"{campaign.protocol.title} ({campaign.protocol.standard})",
        "state": campaign.state,
        "screening declared": campaign.get_screening_display(),
        "source": campaign.source or "collected on this site",
        "ratings left out": "; ".join(f"{count} {why}" for why, count in not_counted.items()),
        "listeners": str(campaign.listeners.count()),
        "simulated listeners": str(simulated),
        "warning": "SIMULATED LISTENERS: these ratings were not given by people"
        if simulated
        else "",
        "exported at": now().isoformat(),
    }
