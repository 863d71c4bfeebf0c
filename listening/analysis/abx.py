"""ABX and triangle: can listeners tell the two conditions of a pair apart?

Each trial is right or wrong. Guessing is right half of the time in ABX and a third of the time in a triangle
(odd one out), the `chance` of the one-sided tests. d′ is given under both models of what the listener of an ABX
does: independent observation (A and B are known, X is judged by itself) and differencing (X is compared with A
and with B), the usual one for audio; a triangle has its own. Pooling listeners assumes that they are alike,
which the heterogeneity test checks; where they are not, the test on one proportion per listener stands. Holm's
and Benjamini-Hochberg's family is the listeners of a pair. Trials count in the order of the rows.
"""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import numpy as np
import pandas as pd
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

from listening.analysis import sequential_abx
from listening.analysis.adjustment import holm
from listening.analysis.frames import AnalysisError
from listening.analysis.sequential_abx import Sprt

CHANCE = 0.5
TRIANGLE_CHANCE = 1 / 3
CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
PAIR = ["condition", "reference_condition"]
# the second difference of each model is this many times noisier than one observation
MODELS = {"independent observation": 2.0, "differencing": sqrt(6.0)}
TRIANGLE = "triangle"
# beyond this every proportion rounds to 1
LARGEST_D_PRIME = 40.0
SCOPE = "for these items and these listeners"


def chance_of(ratings: pd.DataFrame) -> float:
    """How often a guess was right in the trials of a tidy frame, ABX or triangle (of as many sounds as it says)."""
    sounds = ratings["alternatives"].replace(0, 3 if (ratings["method"] == "triangle").all() else 2)
    if len(found := sounds.unique()) > 1:
        raise AnalysisError(
            f"triangle: expected one number of sounds in all trials, found {', '.join(map(str, sorted(found)))}"
        )
    return 1 / float(found[0])


def per_listener(
    ratings: pd.DataFrame, *, chance: float = CHANCE, test: Sprt | None = None
) -> pd.DataFrame:
    """One row per pair and listener: the columns of `proportion_correct`, of `unbiased` (in ABX, where the
    answers are told; missing otherwise) and of `sequential_abx.follow` by `test`, and p_holm and p_bh within the
    pair."""
    table = _tables(ratings, [*PAIR, "listener"], chance)
    groups = ratings.groupby([*PAIR, "listener"], sort=False)
    told = pd.DataFrame(
        [_told(trials) if chance == CHANCE else {"hit_rate": np.nan} for _, trials in groups],
        index=table.index,
    )
    followed = pd.DataFrame(
        [sequential_abx.follow(trials["rating"], chance=chance, test=test) for _, trials in groups],
        index=table.index,
    )
    of_pair = table.groupby(PAIR, sort=False)["p"]
    table["p_holm"] = of_pair.transform(lambda p: pd.Series(holm(p), p.index))
    table["p_bh"] = of_pair.transform(
        lambda p: pd.Series(multipletests(p, method="fdr_bh")[1], p.index)
    )
    return pd.concat([table, told, followed], axis=1)


def pooled(ratings: pd.DataFrame, *, chance: float = CHANCE) -> pd.DataFrame:
    """One row per pair over all listeners: n_listeners, the columns of `proportion_correct`, whether the
    listeners are alike (heterogeneity_chi2, heterogeneity_df, heterogeneity_p, missing where all or none of
    the answers are right, or for one listener; dispersion, χ²/df), and the columns of `listener_level`."""
    table = _tables(ratings, PAIR, chance)
    counts = ratings.groupby([*PAIR, "listener"], sort=False)["rating"].agg(["sum", "count"])
    rows = []
    for _, of_pair in counts.groupby(level=PAIR, sort=False):
        correct, trials = of_pair["sum"].to_numpy(), of_pair["count"].to_numpy()
        n, chi2, df, p = heterogeneity(correct, trials)
        rows.append(
            {
                "n_listeners": n,
                "heterogeneity_chi2": chi2,
                "heterogeneity_df": df,
                "heterogeneity_p": p,
                "dispersion": chi2 / df,
                **listener_level(correct, trials, chance=chance),
            }
        )
    return pd.concat([table, pd.DataFrame(rows)], axis=1)


def proportion_correct(correct: int, trials: int, *, chance: float = CHANCE) -> dict[str, float]:
    """What `correct` answers of `trials` say.

    Returns correct, trials, proportion; p: exact one-sided binomial P(X ≥ correct | chance), p_two_sided (R's
    rule: all outcomes no likelier), mid_p; ci_low and ci_high: Clopper-Pearson, two-sided 95 %; lower_one_sided
    and upper_one_sided, 95 % each; wilson_low and wilson_high; discriminators, the share of trials that were
    not guessed, (proportion − chance)/(1 − chance), at least 0; dprime_independent and dprime_differencing
    (ABX) or dprime_triangle, from the proportion dprime_proportion clipped to chance … 1 − 1/(2 trials);
    posterior_mean, posterior_low, posterior_high and posterior_above_chance of a Beta(1, 1) prior; bf10, the
    Bayes factor of p uniform on chance … 1 against p = chance. Raises `AnalysisError` unless
    0 ≤ correct ≤ trials, 1 ≤ trials.
    """
    if not 0 <= correct <= trials or trials < 1:
        raise AnalysisError(
            f"ABX: expected 0 to {trials} correct answers of at least one trial, found {correct} of {trials}"
        )
    p = float(stats.binom.sf(correct - 1, trials, chance))
    two_sided = stats.binomtest(correct, trials, chance)
    exact = two_sided.proportion_ci(CONFIDENCE, method="exact")
    wilson = two_sided.proportion_ci(CONFIDENCE, method="wilson")
    used = float(np.clip(correct / trials, chance, 1 - 1 / (2 * trials)))
    posterior = stats.beta(1 + correct, 1 + trials - correct)
    return {
        "correct": correct,
        "trials": trials,
        "proportion": correct / trials,
        "p": p,
        "p_two_sided": float(two_sided.pvalue),
        "mid_p": p - float(stats.binom.pmf(correct, trials, chance)) / 2,
        "ci_low": float(exact.low),
        "ci_high": float(exact.high),
        "lower_one_sided": _clopper_pearson(correct, trials, 1 - CONFIDENCE),
        "upper_one_sided": 1 - _clopper_pearson(trials - correct, trials, 1 - CONFIDENCE),
        "wilson_low": float(wilson.low),
        "wilson_high": float(wilson.high),
        "discriminators": max(0.0, (correct / trials - chance) / (1 - chance)),
        "dprime_proportion": used,
        **{f"dprime_{_short(m)}": d_prime(used, model=m) for m in models_of(chance)},
        "posterior_mean": float(posterior.mean()),
        "posterior_low": float(posterior.ppf((1 - CONFIDENCE) / 2)),
        "posterior_high": float(posterior.ppf((1 + CONFIDENCE) / 2)),
        "posterior_above_chance": float(posterior.sf(chance)),
        "bf10": float(sequential_abx.bayes_factors([correct], [trials], chance=chance)[0]),
    }


def unbiased(x_was: pd.Series, answer: pd.Series) -> dict[str, float]:
    """ABX without the listener's liking for one button: hits are A said of A, false alarms A said of B.

    Returns hit_rate and false_alarm_rate (log-linear: half an answer added to each, Hautus 1995), the
    proportion_unbiased Φ((z_H − z_F)/2) of a listener without bias, criterion −(z_H + z_F)/2 (positive: says
    the second more often) and d′ of that proportion under both models. The two sounds are those that X was,
    in alphabetical order.
    """
    first = min(x_was)
    was, said = x_was.to_numpy() == first, answer.to_numpy() == first
    hits = ((was & said).sum() + 0.5) / (was.sum() + 1)
    false_alarms = ((~was & said).sum() + 0.5) / ((~was).sum() + 1)
    z_hit, z_false = float(stats.norm.ppf(hits)), float(stats.norm.ppf(false_alarms))
    proportion = float(stats.norm.cdf((z_hit - z_false) / 2))
    return {
        "hit_rate": float(hits),
        "false_alarm_rate": float(false_alarms),
        "proportion_unbiased": proportion,
        "criterion": float(-(z_hit + z_false) / 2),
        "dprime_independent_unbiased": d_prime(proportion, model="independent observation"),
        "dprime_differencing_unbiased": d_prime(proportion, model="differencing"),
    }


def listener_level(
    correct: np.ndarray, trials: np.ndarray, *, chance: float = CHANCE
) -> dict[str, float]:
    """Tests whose unit is the listener, not the trial.

    Returns listener_t, listener_df, listener_p: one-sided t-test of the listeners' proportions against chance
    (missing for one listener, or when all proportions are equal); n_significant: listeners with p ≤ 5 %, and
    n_significant_p, the Poisson-binomial chance of at least as many if all of them guess (each test's true
    level is below 5 %, and depends on the number of trials).
    """
    proportions = correct / trials
    t, df, p = np.nan, np.nan, np.nan
    if len(proportions) > 1 and np.ptp(proportions) > 0:
        test = stats.ttest_1samp(proportions, chance, alternative="greater")
        t, df, p = float(test.statistic), float(test.df), float(test.pvalue)
    p_of_each = np.asarray(stats.binom.sf(correct - 1, trials, chance))
    significant = int((p_of_each <= SIGNIFICANCE).sum())
    needed = stats.binom.isf(SIGNIFICANCE, trials, chance) + 1
    levels = np.asarray(stats.binom.sf(needed - 1, trials, chance))
    chances = np.ones(1)
    for level in levels:
        chances = np.convolve(chances, [1 - level, level])
    return {
        "listener_t": t,
        "listener_df": df,
        "listener_p": p,
        "n_significant": significant,
        "n_significant_p": float(min(1.0, chances[significant:].sum())),
    }


def between_pairs(ratings: pd.DataFrame) -> pd.DataFrame:
    """Whether one pair is easier to tell apart than another, all trials of a pair pooled.

    Returns one row per two pairs a and b (their conditions): right_a, right_b (proportions), odds_ratio of a to
    b with ci_low and ci_high (Woolf, 95 %; missing where a pair has no right or no wrong answer), chi2 and p of
    Pearson's test without continuity correction (missing where all or none of the answers are right), p_holm.
    """
    counts = ratings.groupby(PAIR, sort=False)["rating"].agg(["sum", "count"])
    rows = []
    for a, b in combinations(counts.reset_index().to_dict("records"), 2):
        table = np.array([[a["sum"], a["count"] - a["sum"]], [b["sum"], b["count"] - b["sum"]]])
        row = {"a": a["condition"], "b": b["condition"]}
        row |= {"right_a": a["sum"] / a["count"], "right_b": b["sum"] / b["count"]}
        row |= dict.fromkeys(("odds_ratio", "ci_low", "ci_high", "chi2", "p"), np.nan)
        if (table.sum(axis=0) > 0).all():
            row["chi2"], row["p"] = stats.chi2_contingency(table, correction=False)[:2]
        if (table > 0).all():
            ratio = table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0])
            half = stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt((1 / table).sum())
            row |= {"odds_ratio": ratio}
            row |= {"ci_low": ratio * np.exp(-half), "ci_high": ratio * np.exp(half)}
        rows.append(row)
    columns = ["a", "b", "right_a", "right_b", "odds_ratio", "ci_low", "ci_high", "chi2", "p"]
    found = pd.DataFrame(rows, columns=columns)
    tested = found["p"].notna()
    found.loc[tested, "p_holm"] = holm(found.loc[tested, "p"])
    return found


def models_of(chance: float) -> tuple[str, ...]:
    """The models of d′ that fit a task whose guesses are right with probability `chance`."""
    if chance == CHANCE:
        return tuple(MODELS)
    # an odd one out of four or more has no model here
    return (TRIANGLE,) if chance == TRIANGLE_CHANCE else ()


def expected_proportion(dprime: float, *, model: str = "differencing") -> float:
    """Proportion of right answers at a sensitivity `dprime` (ABX: Macmillan & Creelman 2005, chapter 9;
    triangle: Ennis 1993, as the tail of a non-central F)."""
    if model == TRIANGLE:
        return float(stats.ncf.sf(3, 1, 1, dprime**2 * 2 / 3) if dprime else TRIANGLE_CHANCE)
    a, b = dprime / sqrt(2), dprime / MODELS[model]
    return float(stats.norm.cdf(a) * stats.norm.cdf(b) + stats.norm.cdf(-a) * stats.norm.cdf(-b))


def d_prime(proportion: float, *, model: str = "differencing") -> float:
    """Sensitivity at which `proportion` of the answers is right; 0 at or below chance.

    Raises `AnalysisError` for a proportion of 1 or more, where it has no bound.
    """
    if proportion >= 1:
        raise AnalysisError(f"d′: expected a proportion below 1, found {proportion:g}")
    if proportion <= expected_proportion(0.0, model=model):
        return 0.0
    return float(
        optimize.brentq(
            lambda d: expected_proportion(d, model=model) - proportion,
            0.0,
            LARGEST_D_PRIME,
            xtol=1e-12,
        )
    )


def heterogeneity(correct: np.ndarray, trials: np.ndarray) -> tuple[int, float, float, float]:
    """Pearson's χ² that all listeners have one proportion: number of listeners, χ², df, p."""
    n = len(trials)
    overall = correct.sum() / trials.sum()
    if n < 2 or overall in (0.0, 1.0):
        return n, np.nan, np.nan, np.nan
    chi2 = float(((correct - trials * overall) ** 2 / (trials * overall * (1 - overall))).sum())
    return n, chi2, n - 1, float(stats.chi2.sf(chi2, n - 1))


def _tables(ratings: pd.DataFrame, by: list[str], chance: float) -> pd.DataFrame:
    counts = ratings.groupby(by, sort=False)["rating"].agg(["sum", "count"]).reset_index()
    results = [
        proportion_correct(int(correct), int(trials), chance=chance)
        for correct, trials in zip(counts["sum"], counts["count"], strict=True)
    ]
    return pd.concat([counts[by], pd.DataFrame(results)], axis=1)


def _told(trials: pd.DataFrame) -> dict[str, float]:
    known = {"x_was", "answer"} <= set(trials) and (trials[["x_was", "answer"]] != "").all(
        axis=None
    )
    # a listener to whom only one of the sounds was played has no false alarms to count
    if not known or trials["x_was"].nunique() != 2:
        return {"hit_rate": np.nan}
    return unbiased(trials["x_was"], trials["answer"])


def _clopper_pearson(correct: int, trials: int, tail: float) -> float:
    """The lower end whose upper tail is `tail`."""
    return float(stats.beta.ppf(tail, correct, trials - correct + 1)) if correct else 0.0


def _short(model: str) -> str:
    return model.split()[0]
