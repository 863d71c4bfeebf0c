"""Everything that a campaign's figures and sections are made from, each part computed when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from listening.analysis.choices import PreferenceAnalysis
from listening.analysis.expertise import difference_grades
from listening.analysis.frames import AnalysisError
from listening.analysis.grades import DifferenceAnalysis
from listening.analysis.league import League
from listening.analysis.preference_models import Strengths
from listening.analysis.report import AbxAnalysis, Analysis, Correlation, MushraAnalysis
from listening.analysis.screening import Screening
from listening.computed import analysis_of, correlation_of, metric_evidence_of, ratings_of
from listening.evidence import in_order_of_arrival
from listening.models import Campaign
from listening.preference_tables import strengths


@dataclass(frozen=True)
class Evidence:
    """What a campaign's figure may be drawn from; raises `AnalysisError` for what there is not."""

    campaign: Campaign

    @cached_property
    def ratings(self) -> pd.DataFrame:
        return ratings_of(self.campaign)

    @cached_property
    def analysis(self) -> Analysis:
        found, problem = analysis_of(self.campaign)
        if found is None:
            raise AnalysisError(problem)
        return found

    @property
    def screening(self) -> Screening:
        return self.analysis.screening

    @cached_property
    def kept(self) -> pd.DataFrame:
        return self.screening.keep(self.ratings)

    @cached_property
    def compared(self) -> pd.DataFrame:
        """What is kept, as it is compared: difference grades where these count."""
        if isinstance(self.analysis, DifferenceAnalysis):
            return difference_grades(self.kept)
        return self.kept

    @cached_property
    def arrived(self) -> pd.DataFrame:
        return in_order_of_arrival(self.campaign, self.compared)

    @cached_property
    def correlation(self) -> Correlation:
        found, problem = correlation_of(self.campaign)
        if found is None:
            raise AnalysisError(problem)
        return found

    @property
    def league(self) -> League:
        return metric_evidence_of(self.campaign, self.correlation).league

    @property
    def chance(self) -> float:
        assert isinstance(self.analysis, AbxAnalysis)
        return self.analysis.chance

    @property
    def pairs(self) -> pd.DataFrame:
        return self.analysis.summary

    @property
    def strengths(self) -> Strengths:
        assert isinstance(self.analysis, PreferenceAnalysis)
        fitted = strengths(self.analysis.votes.results)
        if fitted is None:
            raise AnalysisError("strengths: expected a model that could be fitted, found none")
        return fitted

    @property
    def ratings_analysis(self) -> MushraAnalysis:
        assert isinstance(self.analysis, MushraAnalysis)
        return self.analysis
