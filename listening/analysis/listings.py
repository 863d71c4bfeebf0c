"""What `to_text` shows: the results of a campaign as sentences and aligned tables, rounded for reading."""

from __future__ import annotations

import pandas as pd

from listening.analysis.anova import RepeatedMeasures
from listening.analysis.comparison import Comparison
from listening.analysis.mixed import MixedModel
from listening.analysis.plain import interval, number, p_value, table, whole
from listening.analysis.screening import TITLES, Screening
from listening.analysis.sequential_abx import Sprt

SIGNIFICANCE = 0.05
PAIR = ("condition", "reference_condition")


def head(campaign: str, method: str, listeners: int, simulated: int) -> str:
    title = f"{campaign or 'ratings'}: {method.upper()}, {listeners} listeners"
    return title + (f" — SIMULATED: {simulated} of them are no people" if simulated else "")


def screening(decided: Screening) -> str:
    lines = [
        f"Screening: {TITLES[decided.rule]}; {decided.ratings_after} of "
        f"{decided.ratings_before} ratings kept, {len(decided.excluded)} of "
        f"{len(decided.decisions)} listeners excluded"
    ]
    excluded = decided.decisions[decided.decisions["excluded"]]
    lines += [f"  {row['listener']}: {row['reason']}" for _, row in excluded.iterrows()]
    if len(out := decided.left_out):
        lines.append(
            f"  left out by the campaign's own rules: {len(out)} page(s), {out['ratings'].sum()} ratings"
        )
        lines += [
            f"    {row['listener']}, page {row['trial']} ({row['item']}): {row['reason']}"
            for _, row in out.iterrows()
        ]
    lines += [f"  not applied: {part}" for part in decided.not_applied]
    if decided.exempt_items:
        lines.append(f"  exempt from the anchor's part: {', '.join(decided.exempt_items)}")
    return "\n".join(lines)


def conditions(described: pd.DataFrame) -> str:
    """`described` holds the columns of `describe` as before_… and after_… screening."""
    laid = table(
        {
            "condition": (described["condition"], str),
            "role": (described["role"], str),
            "ratings": (described["after_n_ratings"], whole),
            "listeners": (described["after_n_listeners"], whole),
            "mean": (described["after_mean"], number()),
            "of listeners": (described["after_mean_of_listeners"], number()),
            "95 % interval": interval(described, "after_ci_low", "after_ci_high", digits=2),
            "median": (described["after_median"], number(1)),
            "IQR": (described["after_iqr"], number(1)),
            "without screening": (described["before_mean"], number()),
            "ratings then": (described["before_n_ratings"], whole),
        }
    )
    flagged = [
        f"{row['condition']}: ratings may have several modes (b = {row['after_modality']:.3f} > 5/9)"
        for _, row in described[described["after_multimodal"].eq(True)].iterrows()
    ]
    return "\n".join([laid, *flagged])


def identification(counts: pd.DataFrame) -> str:
    return "The hidden reference, by how it was graded beside each system:\n" + table(
        {
            "condition": (counts["condition"], str),
            "presentations": (counts["presentations"], whole),
            "higher": (counts["identified"], whole),
            "alike": (counts["tied"], whole),
            "lower": (counts["misidentified"], whole),
            "p, mean is 0": (counts["p"], p_value),
        }
    )


def mixed(model: MixedModel) -> str:
    """The model's differences, its variances and what it cannot say."""
    pairs, sizes = model.pairs, model.components
    variances = ", ".join(
        f"{row['term'].replace(':', ' × ')} {row['sd']:.2f}" for _, row in sizes.iterrows()
    )
    lines = [
        f"Differences by the crossed mixed model, {model.scope}:",
        table(
            {
                "a": (pairs["a"], str),
                "b": (pairs["b"], str),
                "a − b": (pairs["difference"], number()),
                "95 % interval": interval(pairs, "ci_low", "ci_high", digits=2),
                "SE": (pairs["se"], number()),
                "df": (pairs["df"], number(1)),
                "p": (pairs["p"], p_value),
                "p, Holm": (pairs["p_holm"], p_value),
                "p, Tukey": (pairs["p_tukey"], p_value),
            }
        ),
    ]
    if overall := model.overall:
        lines.append(
            f"All conditions: F({overall.df1}, {overall.df2:.1f}) = {overall.f:.2f}, p {p_value(overall.p)}; "
            f"{model.n_ratings} ratings, {model.n_listeners} listeners, {model.n_items} items"
        )
    return "\n".join([*lines, f"Standard deviations: {variances}", *model.caveats])


def comparison(compared: Comparison) -> str:
    lines = [mixed(compared.mixed), ""] if compared.mixed else []
    pairs = compared.pairs
    if len(pairs):
        lines += [
            f"Differences of listener means, {compared.scope}:",
            table(
                {
                    "a": (pairs["a"], str),
                    "b": (pairs["b"], str),
                    "listeners": (pairs["n_listeners"], whole),
                    "a − b": (pairs["mean_difference"], number()),
                    "95 % interval": interval(pairs, "ci_low", "ci_high", digits=2),
                    "d_z": (pairs["dz"], number()),
                    "rank-biserial": (pairs["rank_biserial"], number()),
                    "p t, Holm": (pairs["p_t_holm"], p_value),
                    "p Wilcoxon, Holm": (pairs["p_wilcoxon_holm"], p_value),
                    "over ratings, raw": (pairs["p_wilcoxon_ratings"], p_value),
                }
            ),
        ]
    if found := compared.friedman:
        lines.append(
            f"Friedman: χ² = {found.chi2:.2f}, df {found.df}, p {p_value(found.p)}, "
            f"Kendall's W {found.kendall_w:.2f}, {found.n} listeners"
        )
    if compared.anova:
        lines.append(anova(compared.anova))
    return "\n".join([*lines, *compared.caveats])


def anova(found: RepeatedMeasures) -> str:
    effects = found.effects
    if effects.empty:
        return "\n".join(found.caveats)
    laid = table(
        {
            "effect": (effects["effect"].str.replace(":", " × "), str),
            "F": (effects["f"], number()),
            "df": (effects["df1"], whole),
            "error df": (effects["df2"], whole),
            "ε HF": (effects["eps_hf"], number(3)),
            "p HF": (effects["p_hf"], p_value),
            "p Hotelling": (effects["p_multivariate"], p_value),
            "choice": (effects["choice"], str),
            "η² partial": (effects["partial_eta2"], number(3)),
            "η² generalised": (effects["generalized_eta2"], number(3)),
        }
    )
    head = f"Analysis of variance over {found.n_listeners} complete listeners, {found.scope}:"
    return "\n".join([head, laid, *found.caveats])


def abx_pairs(pooled: pd.DataFrame) -> str:
    lines = [_abx(pooled, "p", "p", PAIR)]
    for _, pair in pooled[pooled["heterogeneity_p"] < SIGNIFICANCE].iterrows():
        lines.append(
            f"{pair['condition']}: the listeners differ (χ² = {pair['heterogeneity_chi2']:.1f}, "
            f"df {pair['heterogeneity_df']:.0f}, p {p_value(pair['heterogeneity_p'])}), "
            "so the pooled test holds for them only"
        )
    return "\n".join(lines)


def abx_listeners(per_listener: pd.DataFrame) -> str:
    return _abx(per_listener, "p_holm", "p, Holm", (*PAIR, "listener"))


def correlations(rows: pd.DataFrame) -> str:
    """The metrics with a better direction first, then those without; `rows` are all of one level, one Holm family."""
    described = rows["direction"] == "none"
    tested = int(rows["pearson_p"].notna().sum())
    sections = [_correlations(rows[~described])] if not described.all() else []
    if described.any():
        head = "Descriptors, of which neither direction is better:"
        sections.append(f"{head}\n{_correlations(rows[described])}")
    if tested:
        sections.append(f"p adjusted by Holm over all {tested} metrics of this level")
    return "\n".join(sections)


def _correlations(rows: pd.DataFrame) -> str:
    laid = table(
        {
            "metric": (rows["metric"], str),
            "better": (rows["direction"], str),
            "n": (rows["n"], whole),
            "missing": (rows["missing"], whole),
            "r": (rows["pearson"], number(3)),
            "95 % interval": interval(rows, "pearson_low", "pearson_high", digits=3),
            "over items": interval(rows, "pearson_item_low", "pearson_item_high", digits=3),
            "p, Holm": (rows["pearson_p_holm"], p_value),
            "Spearman": (rows["spearman"], number(3)),
            "Kendall": (rows["kendall"], number(3)),
            "reading": (rows["reading"], str),
        }
    )
    missing = [
        f"{metric}: {count} missing, {why}"
        for metric, reasons in zip(rows["metric"], rows["missing_reasons"], strict=True)
        for why, count in reasons.items()
    ]
    return "\n".join([laid, *missing])


def _abx(results: pd.DataFrame, p: str, p_heading: str, named: tuple[str, ...]) -> str:
    return table(
        {
            **{name.replace("_", " "): (results[name], str) for name in named},
            "correct": (results["correct"], whole),
            "of": (results["trials"], whole),
            "proportion": (results["proportion"], number(3)),
            "95 % interval": interval(results, "ci_low", "ci_high", digits=3),
            p_heading: (results[p], p_value),
            **{
                f"d′ {model}": (results[f"dprime_{model}"], number())
                for model in ("differencing", "independent", "triangle")
                if f"dprime_{model}" in results
            },
        }
    )


def abx_sequential(per_listener: pd.DataFrame, test: Sprt) -> str:
    """Where each listener's test stopped, and what may be said however often one looked."""
    low, high = test.bounds
    head = (
        f"Sequential test of {test.chance:.3g} against {test.alternative:.3g}, α {test.alpha:g}, β {test.beta:g} "
        f"(log likelihood ratio up to {number()(low)}: not heard, from {number()(high)}: heard):"
    )
    laid = table(
        {
            **{name.replace("_", " "): (per_listener[name], str) for name in (*PAIR, "listener")},
            "decision": (per_listener["sprt_decision"], str),
            "after trial": (per_listener["sprt_stop"], number(0)),
            "log ratio": (per_listener["sprt_llr"], number()),
            "p at any time": (per_listener["anytime_p"], p_value),
        }
    )
    return f"{head}\n{laid}"
