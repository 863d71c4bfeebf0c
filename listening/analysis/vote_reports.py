"""Opinion scores and preferences as one report each, as `report` does for MUSHRA and ABX.

Each takes a tidy frame and gives every figure unrounded (`to_json`) and the main tables (`to_text`). What has no value
is left out with its reason among the caveats.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeVar

import pandas as pd

from listening.analysis import mos, preference, reliability
from listening.analysis.frames import AnalysisError
from listening.analysis.ordinal import cumulative_logit
from listening.analysis.plain import interval, number, p_value, plain, table, whole
from listening.analysis.preference_models import Strengths, bradley_terry, rao_kupper, thurstone

SCOPE = "for these items, and listeners like these"
OPINION_METHODS = {
    "conditions, stimuli": "ci over all votes by t; listeners_low … listeners_high over one mean per listener",
    "sos": "variance = sos (mean − low)(high − mean), least squares over stimuli",
    "models": "o = ψ + b + v ε: P.913 bias removal, P.910 alternating projection, ZREC",
    "kurtosis_screening": mos.WARNING,
    "agreement": "each listener with the stimulus means, and with those of the others (leave_one_out)",
    "reliability": "Krippendorff's α; intraclass correlations need a complete design",
    "ordinal": "cumulative logit; se_listener, ci from a bootstrap that draws listeners",
}
PREFERENCE_METHODS = {
    "pairs": "exact two-sided binomial test, ties dropped, Clopper-Pearson 95 %, Holm over the pairs",
    "models": "log strengths, the first system's is 0; se_cr0, se_cr1 clustered by listener; centred sum to 0",
    "order": "how often the first and the second presented won",
    "circles": "a mostly beats b, b mostly c, c mostly a: no single scale holds all three",
}
# of an ordinal model: more is a continuous scale
MOST_CATEGORIES = 11
R = TypeVar("R")
CATEGORY_METHODS = {
    "pairs": "how b compares with a, sign turned to that order; t-test on one mean per listener, Holm over the pairs",
    "order_effect": "what being presented second adds",
}


@dataclass(frozen=True)
class VoteReport:
    """`results` by name (frames and mappings), `tables` for a terminal, and what to mind."""

    campaign: str
    method: str
    listeners: int
    results: dict[str, object]
    tables: tuple[str, ...]
    caveats: tuple[str, ...]
    methods: dict[str, str]

    @property
    def conditions(self) -> pd.DataFrame:
        """The mean opinion scores (`mos.means`) of a report of opinions."""
        found = self.results["conditions"]
        assert isinstance(found, pd.DataFrame)
        return found

    def to_json(self) -> str:
        """Every figure, unrounded; a missing one is null."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def as_dict(self) -> dict[str, object]:
        head = {"campaign": self.campaign, "method": self.method, "listeners": self.listeners}
        rest = {"scope": SCOPE, **self.results, "caveats": self.caveats, "methods": self.methods}
        return plain(head | rest)

    def to_text(self) -> str:
        title = f"{self.campaign or 'votes'}: {self.method.upper()}, {self.listeners} listeners"
        return "\n\n".join([title, *self.tables, *self.caveats]) + "\n"


def analyse_opinions(
    data: pd.DataFrame,
    *,
    campaign: str = "",
    method: str = "acr",
    scale: tuple[float, float] = mos.SCALE,
) -> VoteReport:
    """Opinions on a `scale`: `data` has listener, item, condition and rating. Beyond `MOST_CATEGORIES` different
    ratings they are no categories, and there is no ordinal model."""
    votes = data.assign(stimulus=data["condition"].astype(str) + " · " + data["item"].astype(str))
    tried = _Tried()
    conditions, stimuli = mos.means(votes, by="condition"), mos.means(votes)
    low, high = float(votes["rating"].min()), float(votes["rating"].max())
    scale = (min(low, scale[0]), max(high, scale[1]))
    models = {}
    for name, fit in (
        ("p913", mos.bias_removed),
        ("p910", mos.alternating_projection),
        ("zrec", mos.zrec),
    ):
        if model := tried(partial(fit, votes)):
            models[name] = {"stimuli": model.stimuli, "listeners": model.listeners}
    full = reliability.matrix(votes)
    alphas = {
        level: tried(partial(reliability.krippendorff, full, level=level))
        for level in reliability.LEVELS
    }
    ordinal = None
    if votes["rating"].nunique() <= MOST_CATEGORIES:
        ordinal = tried(lambda: cumulative_logit(votes, by="condition"))
    agreement = reliability.agreement(votes)
    constant = agreement.loc[agreement["constant"], "listener"]
    results: dict[str, object] = {
        "conditions": conditions,
        "stimuli": stimuli,
        "sos": tried(lambda: mos.sos(stimuli["mean"], stimuli["sd"], scale=scale)),
        "models": models,
        "kurtosis_screening": {
            "sd_n_minus_1": mos.kurtosis_screening(votes, ddof=1),
            "sd_n": mos.kurtosis_screening(votes, ddof=0),
            "warning": mos.WARNING,
        },
        "agreement": agreement,
        "reliability": {"krippendorff": alphas, "icc": tried(lambda: reliability.intraclass(full))},
        "ordinal": asdict(ordinal) if ordinal else None,
    }
    caveats = [f"listener {who} always gave the same rating" for who in constant]
    return VoteReport(
        campaign,
        method,
        int(votes["listener"].nunique()),
        results,
        (_opinion_table(conditions),),
        (*caveats, *tried.reasons),
        OPINION_METHODS,
    )


def analyse_preferences(data: pd.DataFrame, *, campaign: str = "") -> VoteReport:
    """Paired comparisons: `data` has listener, first, second and choice (first, second, tie)."""
    choices, tried = preference.choices_frame(data), _Tried()
    pairs = preference.pairs(choices)
    models: dict[str, object] = {}
    strengths = {
        "bradley_terry": tried(lambda: bradley_terry(choices)),
        "bradley_terry_order": tried(lambda: bradley_terry(choices, order=True)),
        "davidson": tried(lambda: bradley_terry(choices, ties="davidson")),
        "davidson_beaver": tried(lambda: bradley_terry(choices, ties="davidson", order=True)),
    }
    for name, fit in strengths.items():
        models[name] = asdict(fit) if fit else None
        tried.reasons += list(fit.caveats) if fit else []
    models["thurstone"] = tried(lambda: thurstone(choices))
    if kupper := tried(lambda: rao_kupper(choices)):
        models["rao_kupper"] = {"systems": kupper[0], "eta": kupper[1], "loglik": kupper[2]}
    results: dict[str, object] = {
        "pairs": pairs,
        "systems": preference.systems_of(choices),
        "order": preference.order_bias(choices),
        "circles": preference.circles(choices),
        "models": models,
    }
    tables = [_pair_table(pairs)]
    if fit := strengths["davidson"] or strengths["bradley_terry"]:
        tables.append(_strength_table(fit))
    reasons = tuple(dict.fromkeys(tried.reasons))
    listeners = choices["listener"].nunique()
    return VoteReport(
        campaign, "preference", listeners, results, tuple(tables), reasons, PREFERENCE_METHODS
    )


def analyse_categories(data: pd.DataFrame, *, campaign: str = "") -> VoteReport:
    """Comparison category ratings: `data` has listener, first, second and rating (second against first, −3 … 3)."""
    found = preference.category_means(data)
    laid = table(
        {
            "a": (found["a"], str),
            "b": (found["b"], str),
            "listeners": (found["n_listeners"], whole),
            "b against a": (found["cmos"], number()),
            "95 % interval": interval(found, "ci_low", "ci_high"),
            "p, Holm": (found["p_holm"], p_value),
        }
    )
    listeners = data["listener"].nunique()
    return VoteReport(campaign, "ccr", listeners, {"pairs": found}, (laid,), (), CATEGORY_METHODS)


class _Tried:
    """Calls that may have no result; the reasons are kept, each once."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self, compute: Callable[[], R]) -> R | None:
        try:
            return compute()
        except AnalysisError as why:
            if str(why) not in self.reasons:
                self.reasons.append(str(why))
            return None


def _opinion_table(conditions: pd.DataFrame) -> str:
    return table(
        {
            "condition": (conditions["condition"], str),
            "votes": (conditions["n"], whole),
            "listeners": (conditions["n_listeners"], whole),
            "mean": (conditions["mean"], number()),
            "of listeners": (conditions["mean_of_listeners"], number()),
            "95 % interval": interval(conditions, "listeners_low", "listeners_high"),
            "median": (conditions["median"], number(1)),
        }
    )


def _pair_table(pairs: pd.DataFrame) -> str:
    return table(
        {
            "a": (pairs["a"], str),
            "b": (pairs["b"], str),
            "a won": (pairs["wins_a"], whole),
            "b won": (pairs["wins_b"], whole),
            "ties": (pairs["ties"], whole),
            "share of a": (pairs["proportion_a"], number(3)),
            "95 % interval": interval(pairs, "ci_low", "ci_high", digits=3),
            "p, Holm": (pairs["p_holm"], p_value),
        }
    )


def _strength_table(fit: Strengths) -> str:
    laid = table(
        {
            "system": (fit.systems["system"], str),
            "strength, centred": (fit.systems["centred"], number(3)),
            "error": (fit.systems["centred_se"], number(3)),
        }
    )
    return f"{fit.model}:\n{laid}"
