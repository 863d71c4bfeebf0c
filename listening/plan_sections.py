"""What the page of tests and plans adds to an analysis: resampling, BS.1534-3's own permutation test, plans for ABX."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pandas as pd

from listening.analysis import abx
from listening.analysis.abx_planning import course, critical_table, trials_needed
from listening.analysis.answers import AbxAnalysis
from listening.analysis.crossed_bootstrap import crossed_bootstrap
from listening.analysis.frames import AnalysisError
from listening.analysis.permutation import PERMUTATIONS, attachment3
from listening.analysis.plain import interval, number, p_value, whole
from listening.report_sections import Section, laid_out

# what a listener worth finding gets right, where nothing else is asked for
SHARE = 0.75
TRIALS = (8, 10, 12, 16, 20, 24, 32, 40, 50, 64, 80, 100)
# who draws: listeners and items together are what a claim on others like them needs
DRAWN = {
    "listeners, items": (True, True),
    "listeners": (True, False),
    "items": (False, True),
}


def resampled(kept: pd.DataFrame) -> Section:
    """Means of the conditions with intervals that need no distribution, by who is drawn."""
    means = None
    columns = {}
    for name, (listeners, items) in DRAWN.items():
        found = crossed_bootstrap(kept, listeners=listeners, items=items)
        means = found if means is None else means
        columns[f"95 %, {name}"] = interval(found, "ci_low", "ci_high")
    assert means is not None
    table = laid_out(
        "Mean of the cells (listener × item) of every condition, with percentile intervals of 2,000 resamples: drawing "
        "listeners and items speaks for others like both, drawing one of them for these of the other.",
        {"Condition": (means["condition"], str), "Mean": (means["mean"], number(2)), **columns},
    )
    return Section("Resampling", [], [table])


def attachment(kept: pd.DataFrame) -> Section:
    """BS.1534-3 Attachment 3 for every pair of systems, from the higher median to the lower."""
    systems = kept[kept["role"] == "system"]
    by_name = {
        str(name): of["rating"]
        for name, of in systems.groupby("condition", sort=False, observed=True)
    }
    rows = []
    for a, b in combinations(by_name, 2):
        high, low = (a, b) if by_name[a].median() >= by_name[b].median() else (b, a)
        found = attachment3(by_name[high], by_name[low])
        rows.append((high, low, found.observed, found.p, found.p_reaching))
    table = pd.DataFrame(rows, columns=["high", "low", "difference", "p", "reaching"])
    if table.empty:
        return Section("Permutation test of BS.1534-3", ["There are not two systems to compare."])
    laid = laid_out(
        f"Attachment 3 as it is written: the share of {PERMUTATIONS:,} random splits of the pooled ratings whose "
        "difference of medians exceeds the observed one. It is unpaired and one-sided and takes "
        "a listener's ratings for independent; the sign-flip test above does not. Not adjusted for several pairs.",
        {
            "Pair": (table["high"] + " − " + table["low"], str),
            "Difference of medians": (table["difference"], number(2)),
            "p, exceeding": (table["p"], p_value),
            "p, reaching": (table["reaching"], p_value),
        },
    )
    return Section("Permutation test of BS.1534-3", [], [laid])


def abx_sections(
    analysis: AbxAnalysis, kept: pd.DataFrame, *, share: float = SHARE
) -> list[Section]:
    """Plans for a listener who is right in `share` of the trials, and whether one pair is easier than another."""
    return [_planned(analysis, share), *_between(kept)]


def _planned(analysis: AbxAnalysis, share: float) -> Section:
    found = planned_trials(share, analysis.chance)
    return replace(found, paragraphs=[*found.paragraphs, *_sequential(analysis, share)])


def planned_trials(share: float, chance: float) -> Section:
    """How many trials find a listener who is right in `share` of them, where a guess is right with `chance`."""
    words = []
    try:
        needed = trials_needed(share, chance=chance)
        words.append(
            f"A listener who is right in {100 * share:.0f} % of the trials is found four times of five by a test "
            f"at 5 % with {needed.first} trials, and surely from {needed.safely} on: answers are counted, so it drops "
            "where one more right answer becomes necessary."
        )
    except AnalysisError as why:
        words.append(f"No number of trials: {why}.")
    proportions = tuple(sorted({0.7, 0.9, round(share, 3)}))
    table = critical_table(list(TRIALS), proportions=proportions, chance=chance)
    laid = laid_out(
        "Right answers that a test needs at 5 % and at 1 % (one-sided, exact), its true level, and its power at 5 % "
        "for listeners who are right so often.",
        {
            "Trials": (table["trials"], whole),
            "Right, 5 %": (table["critical_05"], whole),
            "Level": (table["level_05"], number(3)),
            "Right, 1 %": (table["critical_01"], whole),
            **{f"Power, {100 * p:g} %": (table[f"power_{p:g}"], number(2)) for p in proportions},
        },
    )
    return Section("Planning", words, [laid])


def _sequential(analysis: AbxAnalysis, share: float) -> list[str]:
    """How the campaign's sequential test ends, if it has one."""
    chance, words = analysis.chance, []
    if analysis.test is not None:
        most = int(analysis.per_listener["trials"].max())
        for right, who in ((chance, "guesses"), (share, f"is right in {100 * share:.0f} %")):
            ends = course(right, test=analysis.test, maximum=most)
            words.append(
                f"The sequential test, stopped after {most} trials at the latest, ends for one who {who} with “heard” "
                f"in {100 * ends.heard:.1f} %, “not heard” in {100 * ends.not_heard:.1f} % and undecided in "
                f"{100 * ends.undecided:.1f} % of all tests, after {ends.mean_trials:.1f} trials on average."
            )
    return words


def _between(kept: pd.DataFrame) -> list[Section]:
    rows = abx.between_pairs(kept)
    if rows.empty:
        return []
    table = laid_out(
        f"Whether one pair is told apart more easily than another: odds ratio with Woolf's 95 % interval, Pearson's "
        f"χ², p adjusted by Holm; all trials pooled, {abx.SCOPE}.",
        {
            "Pair": (rows["a"] + " / " + rows["b"], str),
            "Right, first": (rows["right_a"], number(3)),
            "Right, second": (rows["right_b"], number(3)),
            "Odds ratio": (rows["odds_ratio"], number(2)),
            "95 % interval": interval(rows, "ci_low", "ci_high"),
            "p, Holm": (rows["p_holm"], p_value),
        },
    )
    return [Section("Between pairs", [], [table])]
