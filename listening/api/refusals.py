"""How the API says no: the sentence that the pages and commands say, as `detail`."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from listening.analysis.frames import AnalysisError
from listening.exchange.documents import DocumentError
from listening.exchange.errors import ExchangeError
from listening.models.campaign import CampaignError
from listening.reviewing import ReviewError
from metrics.contract import MetricError
from models_registry.adopting import AdoptionError
from models_registry.audio import AudioError
from models_registry.extra import EngineMissing
from models_registry.models import ModelVersion, NoReason, Signal
from models_registry.rendering import RenderError
from models_registry.standing import StandingError
from models_registry.statements import StatementError

# what people may ask for that cannot be had; anything else is a fault of ours
REFUSALS = (
    AdoptionError,
    AnalysisError,
    ExchangeError,
    CampaignError,
    AudioError,
    EngineMissing,
    MetricError,
    NoReason,
    RenderError,
    ReviewError,
    StandingError,
    StatementError,
    ModelVersion.DoesNotExist,
    Signal.DoesNotExist,
)


def refused(error: Exception, context: dict[str, Any]) -> Response | None:
    """The project's own refusals as 400, with each problem by itself where there are several."""
    if isinstance(error, DocumentError):
        error = ValidationError({"detail": str(error), "problems": error.problems})
    elif isinstance(error, REFUSALS):
        error = ValidationError({"detail": str(error)})
    return exception_handler(error, context)
