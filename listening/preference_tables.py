"""Tables and sentences of paired comparisons: pairs, strengths on one scale, and what the order of presentation did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from listening.analysis.plain import interval, number, p_value, whole
from listening.analysis.preference_models import Strengths
from listening.analysis.vote_reports import SCOPE
from listening.report_sections import Table, laid_out

SIGNIFICANCE = 0.05
# the models of strengths, the first that could be fitted is drawn
MODELS = ("davidson", "bradley_terry")


def strengths(results: Mapping[str, Any]) -> Strengths | None:
    """The fitted model that pages draw, with ties where there are any."""
    fitted = [results["models"][name] for name in MODELS if results["models"][name]]
    return Strengths(**fitted[0]) if fitted else None


def preference_words(results: Mapping[str, Any]) -> list[str]:
    """The order effect, and circles that no scale can hold."""
    order = results["order"]
    words = [
        f"The sound presented first was chosen {order['first']} times, the second {order['second']} times, neither "
        f"{order['tie']} times (p that both are chosen alike: {p_value(order['p']) if pd.notna(order['p']) else '–'})."
    ]
    if results["circles"]:
        told = "; ".join(" over ".join([*circle, circle[0]]) for circle in results["circles"])
        words.append(f"Preferences go in a circle, which no single scale can hold: {told}.")
    return words


def preference_tables(results: Mapping[str, Any]) -> list[Table]:
    pairs = results["pairs"]
    tables = [
        laid_out(
            f"Every pair, {SCOPE}: exact two-sided binomial test of the decided choices, Clopper-Pearson intervals, p "
            "adjusted by Holm over the pairs; it takes the choices of one listener for independent.",
            {
                "Pair": (pairs["a"] + " / " + pairs["b"], str),
                "First won": (pairs["wins_a"], whole),
                "Second won": (pairs["wins_b"], whole),
                "Ties": (pairs["ties"], whole),
                "Share of the first": (pairs["proportion_a"], number(3)),
                "95 % interval": interval(pairs, "ci_low", "ci_high", digits=3),
                "p, Holm": (pairs["p_holm"], p_value),
            },
        )
    ]
    if fit := strengths(results):
        tables.append(_strengths(fit))
    return tables


def _strengths(fit: Strengths) -> Table:
    rows = fit.systems.sort_values("centred", ascending=False)
    goodness = (
        f"fit: deviance {number(1)(fit.deviance)} on {fit.df} df, p {p_value(fit.p_gof)}"
        if fit.df
        else ""
    )
    return laid_out(
        f"Strengths on one scale (log odds), {fit.model}, {fit.n} comparisons of {fit.n_listeners} listeners; "
        f"{goodness or 'as many parameters as pairs'}. The errors of the centred strengths take comparisons for "
        "independent; the last column, of the difference from the first system, is clustered by listener (CR1).",
        {
            "System": (rows["system"], str),
            "Strength, centred": (rows["centred"], number(3)),
            "SE": (rows["centred_se"], number(3)),
            "From the first": (rows["theta"], number(3)),
            "SE by listener": (rows["se_cr1"], number(3)),
        },
    )


def preferred(pairs: pd.DataFrame) -> list[str]:
    """One sentence per pair."""
    sentences = []
    for row in pairs.to_dict("records"):
        a, b = row["a"], row["b"]
        if pd.isna(row["p_holm"]):
            sentences.append(f"{a} and {b}: no choice was decided, so there is no test.")
            continue
        basis = (
            f"{a} in {100 * row['proportion_a']:.0f} % of the decided choices "
            f"[{100 * row['ci_low']:.0f}, {100 * row['ci_high']:.0f}], p {p_value(row['p_holm'])} (Holm); {SCOPE}"
        )
        if row["p_holm"] >= SIGNIFICANCE:
            sentences.append(f"Between {a} and {b} no preference is shown: {basis}.")
        else:
            better, worse = (a, b) if row["proportion_a"] > 0.5 else (b, a)
            sentences.append(f"{better} is preferred to {worse}: {basis}.")
    return sentences


def category_table(pairs: pd.DataFrame) -> Table:
    return laid_out(
        "How the second of a pair compares with the first (−3 … 3), the sign turned for the order of presentation: "
        f"mean over listener means, 95 % t interval, p by t-test against 0 and Holm over the pairs; {SCOPE}.",
        {
            "Pair": (pairs["b"] + " against " + pairs["a"], str),
            "Ratings": (pairs["n_ratings"], whole),
            "Listeners": (pairs["n_listeners"], whole),
            "CMOS": (pairs["cmos"], number(2)),
            "95 % interval": interval(pairs, "ci_low", "ci_high"),
            "p, Holm": (pairs["p_holm"], p_value),
            "Order effect": (pairs["order_effect"], number(2)),
        },
    )


def compared_words(pairs: pd.DataFrame) -> list[str]:
    sentences = []
    for row in pairs.to_dict("records"):
        a, b = row["a"], row["b"]
        fmt = number(2)
        if pd.isna(row["p_holm"]):
            sentences.append(f"{b} against {a}: {fmt(row['cmos'])}; no test was possible.")
            continue
        basis = (
            f"{b} against {a} {fmt(row['cmos'])} [{fmt(row['ci_low'])}, {fmt(row['ci_high'])}], "
            f"p {p_value(row['p_holm'])} (Holm); {SCOPE}"
        )
        if row["p_holm"] >= SIGNIFICANCE:
            sentences.append(f"Between {a} and {b} no difference is shown: {basis}.")
        else:
            better, worse = (b, a) if row["cmos"] > 0 else (a, b)
            sentences.append(f"{better} was judged better than {worse}: {basis}.")
    return sentences
