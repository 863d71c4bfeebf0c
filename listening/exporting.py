"""Write a campaign's score tables: every rating with the scores and the weights behind its stimulus."""

from __future__ import annotations

from pathlib import Path

from django.utils.timezone import now

from listening.evidence import left_out, ratings_frame, scores_frame
from listening.exchange import tables
from listening.models import Campaign
from models_registry import audit


def export(campaign: Campaign, path: Path, *, actor: str, rows: str = "ratings") -> None:
    """Write the tables (see `exchange.tables.write`), whole or not at all; the record keeps who took them."""
    ratings = ratings_frame(campaign)
    tables.write(
        path,
        ratings=ratings,
        scores=scores_frame(campaign),
        analysis=campaign.protocol.analyse(ratings, screening=campaign.screening),
        about=about(campaign),
        rows=rows,
    )
    audit.record(
        "export", campaign, actor=actor, content={"format": path.suffix, "ratings": len(ratings)}
    )


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
