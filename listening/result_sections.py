"""What an analysis says, as sections of text, tables and figures: the report and the pages lay out the same ones.

`sections_of` is the one place that chooses by the kind of analysis.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

import pandas as pd

from listening.analysis import abx, report
from listening.analysis.cautions import cautions
from listening.analysis.choices import CategoryAnalysis, PreferenceAnalysis
from listening.analysis.comparison import Comparison
from listening.analysis.grades import DifferenceAnalysis
from listening.analysis.mixed import MixedModel
from listening.analysis.opinions import OpinionAnalysis
from listening.analysis.plain import Format, interval, number, p_value, whole
from listening.analysis.results import Analysis
from listening.analysis.sequential_abx import Sprt
from listening.campaign_evidence import Evidence
from listening.campaign_figures import figures_of
from listening.drawing import ordered
from listening.models import Condition
from listening.opinion_tables import opinion_tables, opinion_words
from listening.preference_tables import (
    category_table,
    compared_words,
    preference_tables,
    preference_words,
    preferred,
)
from listening.report_sections import Columns, Section, Table, laid_out

SIGNIFICANCE = 0.05
D_PRIME = ("differencing", "independent", "triangle")


@singledispatch
def sections_of(analysis: Analysis, found: Evidence) -> list[Section]:
    """The sections of `analysis`; raises `NotImplementedError` for a kind that has none."""
    raise NotImplementedError(
        f"expected an analysis with sections, found {type(analysis).__name__}"
    )


@sections_of.register
def _grades(analysis: report.MushraAnalysis, found: Evidence) -> list[Section]:
    compared = analysis.comparison
    return [
        Section(
            "Results",
            [f"{caveat}." for caveat in (*cautions(found.kept, compared), *compared.caveats)],
            [_described(analysis.conditions), *comparison_tables(compared)],
            figures_of(found, "ratings", "comparisons", "listeners"),
        ),
        _conclusions(compared),
    ]


@sections_of.register
def _differences(analysis: DifferenceAnalysis, found: Evidence) -> list[Section]:
    compared = analysis.comparison
    paragraphs = [
        "A difference grade is the grade of a system less that of the hidden reference on the same page: 0 where no "
        "difference was heard, above 0 where one was taken for the other.",
        *(f"{caveat}." for caveat in (*cautions(found.kept, compared), *compared.caveats)),
    ]
    tables = [
        _described(analysis.conditions, digits=2, what="Difference grades"),
        _identification(analysis),
        _described(analysis.grades, digits=2, what="Grades as they were given"),
        _experts(analysis),
        *comparison_tables(compared, digits=2),
    ]
    pictures = figures_of(found, "ratings", "comparisons", "listeners")
    return [Section("Results", paragraphs, tables, pictures), _conclusions(compared, digits=2)]


@sections_of.register
def _opinions(analysis: OpinionAnalysis, found: Evidence) -> list[Section]:
    sections = []
    for scale, votes in analysis.reports.items():
        compared = analysis.comparisons[scale]
        of = f" on the scale {scale}" if scale else ""
        crowded = cautions(found.kept[found.kept["scale"] == scale], compared)
        sections.append(
            Section(
                f"Results{of}",
                [
                    *opinion_words(votes.results),
                    *(f"{c}." for c in (*crowded, *votes.caveats, *compared.caveats)),
                ],
                [*opinion_tables(votes.results), *comparison_tables(compared, digits=2)],
            )
        )
        sections.append(_conclusions(compared, digits=2, of=of))
    return [replace(sections[0], pictures=figures_of(found, "ratings")), *sections[1:]]


@sections_of.register
def _answers(analysis: report.AbxAnalysis, found: Evidence) -> list[Section]:
    rows, each = analysis.pairs, analysis.per_listener
    pooled = "All listeners together; exact binomial, one-sided; Clopper-Pearson intervals; "
    tables = [
        laid_out(
            pooled + abx.SCOPE + ".",
            _shares(rows)
            | {
                "p": (rows["p"], p_value),
                "Heterogeneity, p": (rows["heterogeneity_p"], p_value),
                "By listeners, p": (rows["listener_p"], p_value),
            },
        ),
        laid_out(
            "Each listener; p adjusted by Holm over the listeners of a pair; p at any time holds however often one "
            "looked.",
            {"Listener": (each["listener"], str)}
            | _shares(each)
            | {"p, Holm": (each["p_holm"], p_value), "p at any time": (each["anytime_p"], p_value)},
        ),
    ]
    if analysis.test:
        tables.append(_stopping(each, analysis.test))
    sentences = [_heard(row) for _, row in rows.iterrows()]
    caveats = [f"{caveat[0].upper()}{caveat[1:]}." for caveat in analysis.caveats]
    guess = f"A guess is right in {100 * analysis.chance:.0f} % of the trials."
    return [
        Section("Results", [guess, *caveats], tables, figures_of(found, "ratings")),
        Section("Conclusions and their basis", [*caveats, *sentences]),
    ]


def _stopping(each: pd.DataFrame, test: Sprt) -> Table:
    low, high = test.bounds
    return laid_out(
        f"Wald's test of {test.chance:.3g} against {test.alternative:.3g}, α {test.alpha:g}, β {test.beta:g}: a log "
        f"likelihood ratio up to {number(2)(low)} is not heard, from {number(2)(high)} on heard.",
        {
            "Listener": (each["listener"], str),
            "Condition": (each["condition"], str),
            "Decision": (each["sprt_decision"], str),
            "After trial": (each["sprt_stop"], whole),
            "Log ratio": (each["sprt_llr"], number(2)),
        },
    )


@sections_of.register
def _preferences(analysis: PreferenceAnalysis, found: Evidence) -> list[Section]:
    results = analysis.votes.results
    return [
        Section(
            "Results",
            [*preference_words(results), *(f"{caveat}." for caveat in analysis.votes.caveats)],
            preference_tables(results),
            figures_of(found, "ratings"),
        ),
        Section("Conclusions and their basis", preferred(analysis.summary)),
    ]


@sections_of.register
def _categories(analysis: CategoryAnalysis, found: Evidence) -> list[Section]:
    return [
        Section(
            "Results",
            [f"{caveat}." for caveat in analysis.votes.caveats],
            [category_table(analysis.summary)],
            figures_of(found, "ratings"),
        ),
        Section("Conclusions and their basis", compared_words(analysis.summary)),
    ]


def _shares(rows: pd.DataFrame) -> dict[str, tuple[pd.Series, Format]]:
    models = [model for model in D_PRIME if f"dprime_{model}" in rows]
    return {
        "Condition": (rows["condition"], str),
        "Against": (rows["reference_condition"], str),
        "Right": (rows["correct"], whole),
        "Of": (rows["trials"], whole),
        "Share": (rows["proportion"], number(3)),
        "95 % interval": interval(rows, "ci_low", "ci_high", digits=3),
        **{f"d′, {model}": (rows[f"dprime_{model}"], number(2)) for model in models},
    }


def _heard(row: pd.Series) -> str:
    basis = (
        f"{whole(row['correct'])} of {whole(row['trials'])} right, {100 * row['proportion']:.0f} % "
        f"[{100 * row['ci_low']:.0f}, {100 * row['ci_high']:.0f}], p {p_value(row['p'])}; {abx.SCOPE}"
    )
    pair = f"{row['condition']} and {row['reference_condition']}"
    if row["p"] < SIGNIFICANCE:
        return f"These listeners together told {pair} apart: {basis}."
    return f"That {pair} can be told apart is not shown, which does not show that they cannot: {basis}."


def _described(rows: pd.DataFrame, *, digits: int = 1, what: str = "Ratings") -> Table:
    rows = ordered(rows.assign(mean=rows["after_mean"]))
    return laid_out(
        f"{what} per condition after screening; the interval is 95 % (t) over listener means; last, the mean of all "
        "ratings without screening.",
        {
            "Condition": (rows["condition"], str),
            "Role": (rows["role"].map(dict(Condition.Role.choices)), str),
            "Ratings": (rows["after_n_ratings"], whole),
            "Listeners": (rows["after_n_listeners"], whole),
            "Mean": (rows["after_mean"], number(digits)),
            "Mean of listeners": (rows["after_mean_of_listeners"], number(digits)),
            "95 % interval": interval(rows, "after_ci_low", "after_ci_high", digits=digits),
            "Median": (rows["after_median"], number(digits)),
            "IQR": (rows["after_iqr"], number(digits)),
            "Without screening": (rows["before_mean"], number(digits)),
        },
    )


def _identification(analysis: DifferenceAnalysis) -> Table:
    rows = analysis.identification
    return laid_out(
        "How the hidden reference was graded beside each system; p: two-sided t-test of one mean difference grade per "
        "listener against 0.",
        {
            "Condition": (rows["condition"], str),
            "Presentations": (rows["presentations"], whole),
            "Higher": (rows["identified"], whole),
            "Alike": (rows["tied"], whole),
            "Lower": (rows["misidentified"], whole),
            "t": (rows["t"], number(2)),
            "p": (rows["p"], p_value),
        },
    )


def _experts(analysis: DifferenceAnalysis) -> Table:
    rows = analysis.experts
    return laid_out(
        "Expertise of all listeners by BS.1116-3: one-sided t-test at 5 % that the mean difference grade lies below 0.",
        {
            "Listener": (rows["listener"], str),
            "Grades": (rows["n"], whole),
            "Mean": (rows["mean"], number(2)),
            "Upper limit": (rows["upper"], number(2)),
            "p": (rows["p"], p_value),
            "Expert": (rows["expert"].map({True: "yes", False: "no"}), str),
        },
    )


def comparison_tables(compared: Comparison, *, digits: int = 1) -> list[Table]:
    """The mixed model's differences, those of listener means, and the analysis of variance."""
    return [*_mixed(compared.mixed, digits), *_paired(compared, digits)]


def _mixed(model: MixedModel | None, digits: int) -> list[Table]:
    if model is None:
        return []
    pairs = model.pairs
    caption = (
        f"Differences by the crossed mixed model, {model.scope}; {model.n_ratings} ratings, {model.n_listeners} "
        f"listeners, {model.n_items} items; Satterthwaite's degrees of freedom; intervals 95 %, not adjusted."
    )
    columns: Columns = {
        "Pair": (pairs["a"] + " − " + pairs["b"], str),
        "Difference": (pairs["difference"], number(digits)),
        "95 % interval": interval(pairs, "ci_low", "ci_high", digits=digits),
        "SE": (pairs["se"], number(digits + 1)),
        "df": (pairs["df"], number(1)),
        "p, Holm": (pairs["p_holm"], p_value),
        "p, Tukey": (pairs["p_tukey"], p_value),
    }
    return [laid_out(caption, columns)]


def _paired(compared: Comparison, digits: int) -> list[Table]:
    pairs = compared.pairs
    if pairs.empty:
        return []
    columns: Columns = {
        "Pair": (pairs["a"] + " − " + pairs["b"], str),
        "Listeners": (pairs["n_listeners"], whole),
        "Difference": (pairs["mean_difference"], number(digits)),
        "95 % interval": interval(pairs, "ci_low", "ci_high", digits=digits),
        "d_z": (pairs["dz"], number(2)),
        "p t, Holm": (pairs["p_t_holm"], p_value),
        "p signed rank, Holm": (pairs["p_wilcoxon_holm"], p_value),
        "p sign flip, max-T": (pairs["p_flip_max"], p_value),
        "Detectable": (pairs["detectable"], number(digits)),
    }
    tables = [laid_out(f"Differences of listener means, {compared.scope}.", columns)]
    if compared.anova is not None and len(compared.anova.effects):
        effects, found = compared.anova.effects, compared.anova
        anova: Columns = {
            "Effect": (effects["effect"].str.replace(":", " × "), str),
            "F": (effects["f"], number(2)),
            "df": (effects["df1"], whole),
            "Error df": (effects["df2"], whole),
            "ε (HF)": (effects["eps_hf"], number(3)),
            "p (HF)": (effects["p_hf"], p_value),
            "p (Hotelling)": (effects["p_multivariate"], p_value),
            "Choice": (effects["choice"], str),
            "η² partial": (effects["partial_eta2"], number(3)),
        }
        caption = (
            f"Analysis of variance over {found.n_listeners} complete listeners, {found.scope}."
        )
        tables.append(laid_out(caption, anova))
    return tables


def _conclusions(compared: Comparison, *, digits: int = 1, of: str = "") -> Section:
    """One sentence per pair, with the claim that reaches furthest."""
    model = compared.mixed
    if model is not None:
        pairs = model.pairs.rename(columns={"p_holm": "p"} | {"p": "p_raw"})
        scope = model.scope
    else:
        pairs = compared.pairs.rename(columns={"mean_difference": "difference", "p_t_holm": "p"})
        scope = compared.scope
    sentences = [_conclusion(row, scope, digits) for _, row in pairs.iterrows()]
    return Section(
        f"Conclusions and their basis{of}", sentences or ["There is no pair to compare."]
    )


def _conclusion(row: pd.Series, scope: str, digits: int) -> str:
    if pd.isna(row["p"]):
        return f"{row['a']} and {row['b']}: no test was possible."
    fmt = number(digits)
    found = f"{fmt(row['difference'])} points [{fmt(row['ci_low'])}, {fmt(row['ci_high'])}]"
    basis = f"{row['a']} − {row['b']} = {found}, p {p_value(row['p'])} (Holm); {scope}"
    if row["p"] >= SIGNIFICANCE:
        return (
            f"Between {row['a']} and {row['b']} no difference is shown, which does not show that there is none: "
            f"{basis}."
        )
    higher, lower = (row["a"], row["b"]) if row["difference"] > 0 else (row["b"], row["a"])
    return f"{higher} was rated higher than {lower}: {basis}."
