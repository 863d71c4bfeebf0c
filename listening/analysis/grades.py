"""Grades on a continuous scale, compared by condition: MUSHRA's, and BS.1116's difference grades.

Both go through the same description, tests and models; a difference grade is a system's grade less that of the hidden
reference on the same page, so that 0 is indistinguishable and below 0 is worse.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy import stats

from listening.analysis import listings
from listening.analysis.anova import RepeatedMeasures
from listening.analysis.comparison import Comparison, compare
from listening.analysis.description import OVER_LISTENERS, OVER_RATINGS, describe, listener_means
from listening.analysis.expertise import difference_grades, expertise
from listening.analysis.frames import uncoded
from listening.analysis.mixed import MixedModel
from listening.analysis.results import Analysis, Common

DESCRIBED = [*OVER_RATINGS, "modality", "multimodal", *OVER_LISTENERS]
MUSHRA_METHODS = {
    "mean": "over all ratings",
    "mean_of_listeners": "over one mean per listener, with its 95 % t interval ci_low … ci_high",
    "quartiles": "Tukey's hinges; outliers beyond 1.5 interquartile ranges from them",
    "modality": "BS.1534-3's b; multimodal above 5/9",
    "mixed": "crossed mixed model: random listener, item, listener × condition and item × condition, restricted "
    "maximum likelihood, Satterthwaite's degrees of freedom; intervals 95 %, not adjusted; its own scope",
    "p_t, dz": "paired t-test on listener means, intervals 95 %, d_z by the non-central t",
    "detectable": "difference that a paired t-test of as many listeners would find with probability 0.8",
    "hedges_gz, d_av": "d_z less its bias; mean difference over the root of the mean variance",
    "p_flip, p_flip_max": "signs of listeners' differences flipped; p_flip_max adjusted for all pairs by max-T",
    "p_wilcoxon": "exact signed-rank test on listener means, zeros dropped, ties kept",
    "p_wilcoxon_ratings": "signed-rank test over listener × item ratings by the normal approximation, as often "
    "published; it takes the ratings of one listener for independent",
    "holm": "over all pairs listed",
    "anova": "condition × item within listeners; p_gg and p_hf with Greenhouse-Geisser's and Huynh-Feldt's epsilon; "
    "choice between p_hf and Hotelling's test by BS.1534-3 Attachment 4 (Algina & Keselman)",
    "friedman": "on listener means, ties corrected",
}

DIFFERENCE_METHODS = {
    "difference grade": "grade of the system less that of the hidden reference on the same page; above 0 the listener "
    "took one for the other",
    "identification": "two-sided t-test of one mean difference grade per listener against 0",
    "experts": "one-sided t-test of a listener's difference grades against 0 at 5 % (BS.1116-3)",
}


@dataclass(frozen=True)
class MushraAnalysis(Analysis):
    """`conditions` and `items` (per condition and item) hold the columns of `describe` twice, as before_… and
    after_… screening; `comparison` is over the kept listeners, `comparison_before` over all."""

    methods = MUSHRA_METHODS

    conditions: pd.DataFrame
    items: pd.DataFrame
    comparison: Comparison
    comparison_before: Comparison

    @classmethod
    def of(cls, common: Common, ratings: pd.DataFrame, kept: pd.DataFrame) -> Self:
        return cls(*common, *_described_and_compared(ratings, kept))

    @property
    def summary(self) -> pd.DataFrame:
        return self.conditions

    def _results(self) -> dict[str, object]:
        return {
            "scope": self.comparison.scope,
            "conditions": _nested(self.conditions),
            "items": _nested(self.items),
            "comparison": comparison_dict(self.comparison),
            "comparison_before_screening": comparison_dict(self.comparison_before),
        }

    def _sections(self) -> list[str]:
        return [listings.conditions(self.conditions), listings.comparison(self.comparison)]


@dataclass(frozen=True)
class DifferenceAnalysis(MushraAnalysis):
    """Everything is of difference grades, but `grades`, the grades as they were given, of every condition.

    `identification` has one row per condition: presentations, and in how many of them the hidden reference was graded
    higher (identified), alike (tied) or lower (misidentified); t and p test the listeners' mean difference grades
    against 0. `experts` is `expertise`, over all listeners.
    """

    methods = MUSHRA_METHODS | DIFFERENCE_METHODS

    grades: pd.DataFrame
    identification: pd.DataFrame
    experts: pd.DataFrame

    @classmethod
    def of(cls, common: Common, ratings: pd.DataFrame, kept: pd.DataFrame) -> Self:
        before, after = difference_grades(ratings), difference_grades(kept)
        return cls(
            *common,
            *_described_and_compared(before, after),
            _before_and_after(ratings, kept, ["condition"]),
            _identification(after),
            uncoded(expertise(before)),
        )

    def _results(self) -> dict[str, object]:
        return super()._results() | {
            "grades": _nested(self.grades),
            "identification": self.identification,
            "experts": self.experts,
        }

    def _sections(self) -> list[str]:
        differences, *rest = super()._sections()
        return [
            f"Grades:\n{listings.conditions(self.grades)}",
            f"Difference grades:\n{differences}",
            listings.identification(self.identification),
            *rest,
        ]


def _described_and_compared(
    ratings: pd.DataFrame, kept: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, Comparison, Comparison]:
    compared = compare(kept)
    return (
        _before_and_after(ratings, kept, ["condition"]),
        _before_and_after(ratings, kept, ["condition", "item"]),
        compared,
        compare(ratings) if len(kept) < len(ratings) else compared,
    )


def _identification(differences: pd.DataFrame) -> pd.DataFrame:
    """How each system was told from the hidden reference, and the t-test of listener means against 0."""
    of_system = differences.groupby("condition", sort=False, observed=True)["rating"]
    counts = of_system.agg(
        presentations="count",
        identified=lambda of: int((of < 0).sum()),
        tied=lambda of: int((of == 0).sum()),
        misidentified=lambda of: int((of > 0).sum()),
    )
    means = listener_means(differences).groupby("condition", sort=False, observed=True)["rating"]
    tests = {str(name): stats.ttest_1samp(of, 0) for name, of in means if len(of) > 1}
    counts["t"] = [tests[name].statistic if name in tests else np.nan for name in counts.index]
    counts["p"] = [tests[name].pvalue if name in tests else np.nan for name in counts.index]
    return uncoded(counts.reset_index())


def _before_and_after(all_: pd.DataFrame, kept: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    names = [*by, "role"]
    before = describe(all_, by=by).set_index(names)[DESCRIBED]
    after = before if len(kept) == len(all_) else describe(kept, by=by).set_index(names)[DESCRIBED]
    return before.add_prefix("before_").join(after.add_prefix("after_")).reset_index()


def _nested(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Records in which the before_… and after_… columns are two objects."""
    sides = ("before", "after")
    names = [c for c in frame if not str(c).startswith(tuple(f"{s}_" for s in sides))]
    return [
        {name: row[name] for name in names}
        | {f"{s}_screening": {c: row[f"{s}_{c}"] for c in DESCRIBED} for s in sides}
        for row in frame.to_dict("records")
    ]


def comparison_dict(comparison: Comparison) -> dict[str, object]:
    return {
        "mixed": _mixed_dict(comparison.mixed) if comparison.mixed else None,
        "scope": comparison.scope,
        "pairs": comparison.pairs,
        "anova": _anova_dict(comparison.anova) if comparison.anova else None,
        "friedman": asdict(comparison.friedman) if comparison.friedman else None,
        "caveats": comparison.caveats,
    }


def _mixed_dict(model: MixedModel) -> dict[str, object]:
    return {
        "scope": model.scope,
        "n_ratings": model.n_ratings,
        "n_listeners": model.n_listeners,
        "n_items": model.n_items,
        "means": model.means,
        "pairs": model.pairs,
        "overall": asdict(model.overall) if model.overall else None,
        "components": model.components,
        "zero_components": model.zero,
        "reml_criterion": model.reml_criterion,
        "caveats": model.caveats,
    }


def _anova_dict(anova: RepeatedMeasures) -> dict[str, object]:
    fields = {
        name: getattr(anova, name) for name in ("scope", "n_listeners", "incomplete_listeners")
    }
    return {
        **fields,
        "effects": anova.effects,
        "cells": anova.cells,
        "skewed_cells": anova.skewed_cells,
        "too_skewed_cells": anova.too_skewed_cells,
        "caveats": anova.caveats,
    }
