"""The rows of listening tests: what is compared (campaign.py) and what listeners said of it (session.py)."""

from listening.models.campaign import Campaign, Condition, Stimulus, Trial
from listening.models.session import (
    Check,
    Listener,
    Page,
    Rating,
    Response,
    Session,
    Slot,
    Visit,
)

__all__ = [
    "Campaign",
    "Check",
    "Condition",
    "Listener",
    "Page",
    "Rating",
    "Response",
    "Session",
    "Slot",
    "Stimulus",
    "Trial",
    "Visit",
]
