"""Which figures a campaign has: each is drawn and tabled from the same analysis.

One list, `CAMPAIGN_FIGURES`, serves the pages, the report and the downloads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from listening import choice_figures, comparison_figures, evidence_figures, figures, opinion_figures
from listening.analysis import abx
from listening.analysis.choices import CategoryAnalysis, PreferenceAnalysis
from listening.analysis.description import describe
from listening.analysis.frames import AnalysisError
from listening.analysis.opinions import OpinionAnalysis
from listening.analysis.plain import MISSING, number
from listening.analysis.report import AbxAnalysis, Analysis, MushraAnalysis
from listening.campaign_evidence import Evidence
from listening.computed import once
from listening.drawing import ordered, rendered

METRIC_PREFIX = "metric-"
# of a figure's table, in this order: what names a row, what it shows, and the interval
NAMES = ("a", "b", "kind", "item", "condition", "listener", "system", "metric")
VALUES = (
    "mean_of_listeners",
    "median",
    "difference",
    "proportion",
    "proportion_a",
    "cmos",
    "centred",
    "r",
)
ENDS = (("ci_low", "ci_high"), ("q1", "q3"), ("item_low", "item_high"))
# so many rows can still be listened to
MOST_TOLD = 12


@dataclass(frozen=True)
class CampaignFigure:
    """A figure of one kind of analysis (`Analysis`: of all): `draw` makes it, `data` is the table behind it."""

    name: str
    kind: type
    section: str
    title: str
    draw: Callable[[Evidence], Figure]
    data: Callable[[Evidence], pd.DataFrame]
    # items are many: their figure takes the page's width
    wide: bool = False

    def picture(self, found: Evidence, form: str) -> bytes:
        """As svg, pdf or png, drawn once for the rows as they are."""
        key = f"picture/{self.name}.{form}"
        return once(found.campaign, key, lambda: rendered(self.draw(found), form))


def _means(found: Evidence) -> pd.DataFrame:
    columns = ["condition", "role", "mean_of_listeners", "ci_low", "ci_high", "n_listeners"]
    return ordered(describe(found.compared))[columns]


def _boxes(found: Evidence) -> pd.DataFrame:
    columns = ["condition", "role", "median", "q1", "q3", "mean", "n_ratings", "n_outliers"]
    return ordered(describe(found.compared))[columns]


def _items(found: Evidence) -> pd.DataFrame:
    columns = ["item", "condition", "role", "mean_of_listeners", "ci_low", "ci_high", "n_listeners"]
    return describe(found.compared, by=["condition", "item"])[columns]


def _shares(found: Evidence) -> pd.DataFrame:
    columns = [*abx.PAIR, "listener", "correct", "trials", "proportion", "ci_low", "ci_high"]
    return abx.per_listener(found.kept, chance=found.chance)[[*columns, "p", "p_holm"]]


def _screened(found: Evidence) -> pd.DataFrame:
    if found.screening.rule == "bs1116-t":
        raise AnalysisError("screening plot: expected a rule on single ratings, found a t-test")
    return found.screening.decisions


def _league(found: Evidence) -> pd.DataFrame:
    return found.league.table


CAMPAIGN_FIGURES = (
    CampaignFigure(
        "means",
        MushraAnalysis,
        "ratings",
        "Mean rating per condition, after screening",
        lambda found: figures.condition_means(found.compared),
        _means,
    ),
    CampaignFigure(
        "boxes",
        MushraAnalysis,
        "ratings",
        "Box plots of the ratings, after screening",
        lambda found: figures.box_plots(found.compared),
        _boxes,
    ),
    CampaignFigure(
        "items",
        MushraAnalysis,
        "ratings",
        "Mean rating per item, after screening",
        lambda found: figures.item_profile(found.compared),
        _items,
        wide=True,
    ),
    CampaignFigure(
        "listeners",
        MushraAnalysis,
        "listeners",
        "Mean rating of every listener for every condition, after screening",
        lambda found: comparison_figures.listener_map(found.compared),
        lambda found: comparison_figures.listener_table(found.compared).reset_index(),
    ),
    CampaignFigure(
        "distributions",
        MushraAnalysis,
        "listeners",
        "Histograms of the ratings and Q-Q plots of their residuals, after screening",
        lambda found: comparison_figures.distributions(found.compared),
        lambda found: comparison_figures.residual_table(found.compared),
        wide=True,
    ),
    CampaignFigure(
        "differences",
        MushraAnalysis,
        "comparisons",
        "Differences between conditions, for these items and for items like these",
        lambda found: comparison_figures.difference_forest(
            found.ratings_analysis.comparison, found.compared
        ),
        lambda found: comparison_figures.difference_table(found.ratings_analysis.comparison),
    ),
    CampaignFigure(
        "screening",
        MushraAnalysis,
        "screening",
        "What the screening looks at, all listeners",
        lambda found: figures.screening_plot(found.ratings, found.screening),
        _screened,
    ),
    CampaignFigure(
        "sequence",
        MushraAnalysis,
        "progress",
        "Differences while listeners came in",
        lambda found: evidence_figures.sequence_plot(found.arrived),
        lambda found: evidence_figures.sequence_table(found.arrived),
        wide=True,
    ),
    CampaignFigure(
        "league",
        Analysis,
        "league",
        "Metrics ranked by their agreement with the listeners",
        lambda found: evidence_figures.league_forest(found.league, found.correlation.points),
        _league,
    ),
    CampaignFigure(
        "metric-map",
        Analysis,
        "league",
        "Correlations of every two metrics, alike ones beside each other",
        lambda found: evidence_figures.metric_map(found.correlation.points),
        lambda found: evidence_figures.metric_table(found.correlation.points).reset_index(
            names="metric"
        ),
        wide=True,
    ),
    CampaignFigure(
        "opinions",
        OpinionAnalysis,
        "ratings",
        "Mean opinion of every condition, after screening",
        lambda found: opinion_figures.opinion_means(found.kept),
        lambda found: opinion_figures.mean_table(found.kept),
    ),
    CampaignFigure(
        "votes",
        OpinionAnalysis,
        "ratings",
        "How opinions of every condition are spread, after screening",
        lambda found: opinion_figures.vote_shares(found.kept),
        lambda found: opinion_figures.share_table(found.kept),
    ),
    CampaignFigure(
        "proportions",
        AbxAnalysis,
        "ratings",
        "Share of right answers, per listener and together",
        lambda found: figures.abx_proportions(found.kept),
        _shares,
    ),
    CampaignFigure(
        "funnel",
        AbxAnalysis,
        "ratings",
        "Each listener beside what chance makes of listeners who are alike",
        lambda found: choice_figures.funnel(found.kept, chance=found.chance),
        _shares,
    ),
    CampaignFigure(
        "evidence",
        AbxAnalysis,
        "ratings",
        "Evidence that each listener does not guess, trial by trial",
        lambda found: choice_figures.evidence_paths(found.kept, chance=found.chance),
        lambda found: choice_figures.path_table(found.kept, chance=found.chance),
    ),
    CampaignFigure(
        "preferences",
        PreferenceAnalysis,
        "ratings",
        "Who is preferred to whom",
        lambda found: choice_figures.preference_graph(found.pairs, found.kept),
        lambda found: found.pairs,
    ),
    CampaignFigure(
        "strengths",
        PreferenceAnalysis,
        "ratings",
        "Strengths of the systems on one scale",
        lambda found: choice_figures.strength_forest(found.strengths, found.kept),
        lambda found: choice_figures.strength_table(found.strengths),
    ),
    CampaignFigure(
        "categories",
        CategoryAnalysis,
        "ratings",
        "How the second of every pair compares with the first",
        lambda found: choice_figures.category_forest(found.pairs, found.kept),
        lambda found: found.pairs,
    ),
)


def scatter_of(metric: str) -> CampaignFigure:
    """Mean rating against one metric's score."""

    def points(found: Evidence) -> pd.DataFrame:
        of_all = found.correlation.points
        return of_all[of_all["metric"] == metric]

    return CampaignFigure(
        METRIC_PREFIX + metric,
        Analysis,
        "correlation",
        f"{metric} beside the mean rating of every stimulus",
        lambda found: figures.metric_scatter(points(found), method=found.campaign.method),
        lambda found: points(found)[["item", "condition", "role", "value", "rating", "n_ratings"]],
    )


@dataclass(frozen=True)
class Shown:
    """A figure of one campaign; `words` are its text alternative beside the title."""

    kind: CampaignFigure
    evidence: Evidence
    words: str

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    def title(self) -> str:
        return self.kind.title

    @property
    def wide(self) -> bool:
        return self.kind.wide

    @property
    def data(self) -> pd.DataFrame:
        return self.kind.data(self.evidence)

    def picture(self, form: str) -> bytes:
        return self.kind.picture(self.evidence, form)


def figures_of(evidence: Evidence, *sections: str) -> list[Shown]:
    """The figures of `sections` that the campaign's analysis has and that can be drawn, in their order."""
    chosen = [
        one
        for section in sections
        for one in CAMPAIGN_FIGURES
        if one.section == section and isinstance(evidence.analysis, one.kind)
    ]
    words = once(
        evidence.campaign,
        f"figures/{'/'.join(sections)}",
        lambda: dict(_words(chosen, evidence)),
    )
    return [Shown(one, evidence, words[one.name]) for one in chosen if one.name in words]


def _words(figures: list[CampaignFigure], evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Names and text alternatives of those that can be drawn."""
    for one in figures:
        try:
            yield one.name, told(one.data(evidence))
        except AnalysisError:
            # a campaign without scores, or of one system, has no such figure
            continue


def told(table: pd.DataFrame) -> str:
    """The rows of a figure's table in words: names, value and interval; empty where no column is its value."""
    value = next((name for name in VALUES if name in table), None)
    if value is None:
        return f"{len(table)} rows: the data say them all."
    names = [c for c in NAMES if c in table and table[c].nunique() > 1] or ["condition"]
    if len(table) > MOST_TOLD:
        return f"{len(table)} values from {fmt(table[value].min())} to {fmt(table[value].max())}."
    low, high = next((ends for ends in ENDS if ends[0] in table), ("", ""))
    rows = []
    for row in table.to_dict("records"):
        of = " · ".join(str(row[name]) for name in names if name in row)
        interval = f" [{fmt(row[low])}, {fmt(row[high])}]" if low else ""
        rows.append(f"{of} {fmt(row[value])}{interval}")
    return "; ".join(rows) + "."


def fmt(value: float) -> str:
    return number(2)(value) if pd.notna(value) else MISSING


def figure_named(name: str, evidence: Evidence) -> CampaignFigure | None:
    """The figure called `name` that the campaign's analysis has; None where it has none."""
    if name.startswith(METRIC_PREFIX) and name not in {one.name for one in CAMPAIGN_FIGURES}:
        return scatter_of(name.removeprefix(METRIC_PREFIX))
    for one in CAMPAIGN_FIGURES:
        if one.name == name and isinstance(evidence.analysis, one.kind):
            return one
    return None
