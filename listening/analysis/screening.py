"""Post-screening: which listeners' ratings enter the results, decided by a declared rule, with reasons.

Nothing is deleted: a `Screening` says who is kept, and results are shown with and without it. The unit is a
presentation (trial) of an item, so that a repeated item counts each time. Counts are compared as integers,
because 3/20 > 0.15 must be false.

Rules:
    bs1534-3     ITU-R BS.1534-3 (10/2015) section 4.1.2, strict inequalities
    mpeg-strict  MPEG's practice in 3D Audio verification tests: out on the first item with hidden reference
                 < 90, or without hidden reference ≥ 7 kHz anchor ≥ 3.5 kHz anchor
    bs1116-t     ITU-R BS.1116-3's post-screening of expertise: out whose difference grades (system − hidden
                 reference) are not significantly below 0, see `expertise`
    none         everybody is kept

Ratings that the campaign itself declared to leave out (column `excluded_by`) are left out before any rule is applied.
Control questions, which are not ratings of the test, are judged by `control_questions` (ITU-T P.808).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from listening.analysis.expertise import difference_grades, expertise
from listening.analysis.frames import AnalysisError, single_method, uncoded

RULES = ("bs1534-3", "mpeg-strict", "bs1116-t", "none")
TITLES = {
    "bs1534-3": "ITU-R BS.1534-3 section 4.1.2",
    "mpeg-strict": "MPEG's strict rule",
    "bs1116-t": "ITU-R BS.1116-3's t-test of expertise",
    "p808": "ITU-T P.808's gold and trapping questions",
    "none": "no screening",
}
# whose ratings a rule is made for; 'none' is for all
FOR_METHODS = {
    "bs1534-3": ("mushra",),
    "mpeg-strict": ("mushra",),
    "bs1116-t": ("bs1116", "mushra"),
}
# BS.1534-3 section 4.1.2: a grade of 90 separates transparent from not
LIMIT = 90.0
LEFT_OUT = ["listener", "trial", "item", "ratings", "reason"]


@dataclass(frozen=True)
class Screening:
    """What a rule decided.

    `decisions` has one row per listener: listener, excluded, reason (empty when kept), the number of ratings,
    the counts the rule compares (of `anchor70_rated` presentations, those of exempt items are left out),
    and the counts over all items as `anchor70_above_90_all`. `left_out` has one row per presentation that the
    campaign left out beforehand, of listeners who otherwise remain: listener, trial, item, ratings, reason.
    """

    rule: str
    decisions: pd.DataFrame
    exempt_items: tuple[str, ...] = ()
    not_applied: tuple[str, ...] = ()
    left_out: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=LEFT_OUT))

    @property
    def excluded(self) -> tuple[str, ...]:
        return tuple(self.decisions.loc[self.decisions["excluded"], "listener"])

    @property
    def ratings_before(self) -> int:
        return int(self.decisions["ratings"].sum() + self.left_out["ratings"].sum())

    @property
    def ratings_after(self) -> int:
        return int(self.decisions.loc[~self.decisions["excluded"], "ratings"].sum())

    def keep(self, ratings: pd.DataFrame) -> pd.DataFrame:
        """The rows of `ratings` that are not left out, by listeners who are not excluded."""
        return ratings[~ratings["listener"].isin(self.excluded) & (ratings["excluded_by"] == "")]


def screen(ratings: pd.DataFrame, *, rule: str = "bs1534-3") -> Screening:
    """Decide by `rule` which listeners of one campaign's `ratings` are kept.

    A part of a rule that needs a condition the campaign has not (a 7 kHz anchor) is reported in
    `not_applied`; so is the whole rule for a method it does not belong to. Raises `AnalysisError` for an
    unknown rule or an empty frame.
    """
    if rule not in RULES:
        raise AnalysisError(f"expected a screening rule among {', '.join(RULES)}, found {rule!r}")
    single_method(ratings)
    out = ratings["excluded_by"] != ""
    if out.all():
        raise AnalysisError(
            "expected ratings that the campaign's own rules keep, found all left out, the first because "
            f"{ratings['excluded_by'].iloc[0]}"
        )
    screened = _screened(ratings[~out], rule)
    return _with_left_out(screened, ratings[out]) if out.any() else screened


def _with_left_out(screened: Screening, out: pd.DataFrame) -> Screening:
    """`screened` with what was left out before: whole listeners among the decisions, pages on their own."""
    key = ["listener", "trial", "item", "excluded_by"]
    counted = out.groupby(key, sort=False, observed=True)["rating"].count().rename("ratings")
    pages = uncoded(counted.reset_index().rename(columns={"excluded_by": "reason"}))[LEFT_OUT]
    whole = ~pages["listener"].isin(screened.decisions["listener"])
    listeners = pages[whole].groupby("listener", sort=False)
    gone = listeners.agg(
        ratings=("ratings", "sum"), reason=("reason", lambda why: "; ".join(dict.fromkeys(why)))
    )
    gone = gone.reset_index().assign(excluded=True)
    counts = screened.decisions.select_dtypes("number").columns.difference(["ratings"])
    gone[list(counts)] = 0
    decisions = (
        pd.concat([screened.decisions, gone], ignore_index=True)
        if len(gone)
        else screened.decisions
    )
    return replace(
        screened,
        decisions=decisions[screened.decisions.columns],
        left_out=pages[~whole].reset_index(drop=True),
    )


def _screened(ratings: pd.DataFrame, rule: str) -> Screening:
    method = single_method(ratings)
    decisions = _counts(ratings, of_limit=method == "mushra")
    if method not in FOR_METHODS.get(rule, (method,)):
        wanted = " or ".join(FOR_METHODS[rule]).upper()
        return Screening(
            rule, decisions, not_applied=(f"{TITLES[rule]} is for {wanted}, this is {method}",)
        )
    if rule == "bs1534-3":
        return _bs1534(ratings, decisions)
    if rule == "mpeg-strict":
        return _mpeg_strict(ratings, decisions)
    if rule == "bs1116-t":
        return _bs1116(ratings, decisions)
    return Screening(rule, decisions)


def _counts(ratings: pd.DataFrame, *, of_limit: bool) -> pd.DataFrame:
    """One row per listener, kept so far; with the counts that compare ratings with `LIMIT` where it means something."""
    listeners = ratings.groupby("listener", sort=False, observed=True)["rating"].count()
    decisions = pd.DataFrame({"ratings": listeners})
    if of_limit:
        reference = _counted(ratings, "reference", ratings["rating"] < LIMIT)
        anchor = _counted(ratings, "anchor70", ratings["rating"] > LIMIT)
        decisions[["reference_below_90", "reference_rated"]] = reference.reindex(
            decisions.index, fill_value=0
        )
        decisions[["anchor70_above_90", "anchor70_rated"]] = anchor.reindex(
            decisions.index, fill_value=0
        )
        decisions["anchor70_above_90_all"] = decisions["anchor70_above_90"]
    decisions = uncoded(decisions.reset_index(names="listener"))
    decisions.insert(1, "excluded", False)
    decisions.insert(2, "reason", "")
    return decisions


def _counted(ratings: pd.DataFrame, role: str, failing: pd.Series) -> pd.DataFrame:
    """Per listener: presentations of the conditions with `role` that are `failing`, and all of them."""
    of_role = ratings["role"] == role
    by_listener = failing[of_role].groupby(
        ratings.loc[of_role, "listener"], sort=False, observed=True
    )
    return by_listener.agg(["sum", "count"]).astype(int)


def _bs1534(ratings: pd.DataFrame, decisions: pd.DataFrame) -> Screening:
    anchors = ratings[ratings["role"] == "anchor70"]
    exempt = _exempt_items(anchors)
    judged = anchors[~anchors["item"].isin(exempt)]
    counted = _counted(judged, "anchor70", judged["rating"] > LIMIT).reindex(
        decisions["listener"], fill_value=0
    )
    decisions[["anchor70_above_90", "anchor70_rated"]] = counted.to_numpy()

    # "more than 15 %" as integers: count/n > 3/20
    below, rated = decisions["reference_below_90"], decisions["reference_rated"]
    above, anchored = decisions["anchor70_above_90"], decisions["anchor70_rated"]
    fails_reference = 20 * below > 3 * rated
    fails_anchor = 20 * above > 3 * anchored
    reason_reference = [
        f"rated the hidden reference below 90 on {k} of {n} items (more than 15 %)"
        for k, n in zip(below, rated, strict=True)
    ]
    reason_anchor = [
        f"rated the 7 kHz anchor above 90 on {k} of {n} items (more than 15 %)"
        for k, n in zip(above, anchored, strict=True)
    ]
    _decide(decisions, [(fails_reference, reason_reference), (fails_anchor, reason_anchor)])
    return Screening("bs1534-3", decisions, exempt, _missing_roles(ratings, ["anchor70"]))


def _exempt_items(anchors: pd.DataFrame) -> tuple[str, ...]:
    """Items whose 7 kHz anchor more than 25 % of their assessors rate above 90: nobody is excluded by them."""
    fooled = (
        (anchors["rating"] > LIMIT)
        .groupby([anchors["item"], anchors["listener"]], sort=False, observed=True)
        .any()
    )
    by_item = fooled.groupby(level="item", sort=False, observed=True).agg(["sum", "count"])
    return tuple(by_item.index[4 * by_item["sum"] > by_item["count"]])


def _mpeg_strict(ratings: pd.DataFrame, decisions: pd.DataFrame) -> Screening:
    ladder = ["reference", "anchor70", "anchor35"]
    key = ["listener", "session", "trial", "item"]
    rungs = (
        ratings[ratings["role"].isin(ladder)]
        .groupby([*key, "role"], sort=False, observed=True)["rating"]
        .min()
        .unstack()
        .reindex(columns=ladder)
    )
    below = rungs["reference"] < LIMIT
    # a comparison with a condition that was not rated is not made: NaN compares false
    unordered = (
        (rungs["reference"] < rungs["anchor70"])
        | (rungs["anchor70"] < rungs["anchor35"])
        | (rungs["reference"] < rungs["anchor35"])
    )
    per_listener = (
        pd.DataFrame({"below": below, "unordered": unordered})
        .groupby(level="listener", observed=True)
        .sum()
        .reindex(decisions["listener"], fill_value=0)
    )
    n_below, n_unordered = (per_listener[c].to_numpy(dtype=int) for c in ("below", "unordered"))
    _decide(
        decisions,
        [
            (n_below > 0, [f"rated the hidden reference below 90 on {k} item(s)" for k in n_below]),
            (
                n_unordered > 0,
                [f"did not rank reference ≥ 7 kHz ≥ 3.5 kHz on {k} item(s)" for k in n_unordered],
            ),
        ],
    )
    return Screening(
        "mpeg-strict",
        decisions,
        not_applied=_missing_roles(ratings, ["anchor70", "anchor35"]),
    )


def _bs1116(ratings: pd.DataFrame, decisions: pd.DataFrame) -> Screening:
    judged = expertise(difference_grades(ratings)).set_index("listener")
    judged = judged.reindex(decisions["listener"])
    # who never rated a system beside the reference gave no evidence either way
    fails = judged["expert"].eq(False).to_numpy()
    columns = ("n", "mean", "sd", "t", "p")
    for column in columns:
        decisions[f"difference_{column}"] = judged[column].to_numpy()
    reasons = [
        f"did not grade the systems below the hidden reference (mean difference {mean:.2f} over {n:.0f} "
        f"grades, {'no spread' if np.isnan(p) else f'p = {p:.3f}'})"
        for mean, n, p in zip(judged["mean"], judged["n"], judged["p"], strict=True)
    ]
    _decide(decisions, [(fails, reasons)])
    return Screening("bs1116-t", decisions, not_applied=_missing_roles(ratings, []))


def control_questions(
    ratings: pd.DataFrame, controls: pd.DataFrame, *, gold_tolerance: float = 1.0
) -> Screening:
    """Decide by control questions, as crowd tests after ITU-T P.808 do, which listeners are kept.

    `controls` has the columns listener, kind ('gold' or 'trap'), answer and expected, one row per question asked.
    A trapping question says which answer to give, and must get it; a gold clip's answer is known and must be
    met within `gold_tolerance`; a column `within` gives each question a tolerance of its own. One failure excludes; a
    listener who was asked nothing is kept. Raises `AnalysisError` for a missing column, another kind or an answer that
    is no number.
    """
    if missing := sorted({"listener", "kind", "answer", "expected"} - set(controls)):
        raise AnalysisError(f"control questions: expected the column(s) {', '.join(missing)}")
    if strange := sorted(set(controls["kind"]) - {"gold", "trap"}):
        raise AnalysisError(
            f"control questions: expected gold or trap, found {', '.join(map(repr, strange))}"
        )
    off = (
        pd.to_numeric(controls["answer"], errors="coerce")
        - pd.to_numeric(controls["expected"], errors="coerce")
    ).abs()
    if off.isna().any():
        row = controls[off.isna()].iloc[0]
        raise AnalysisError(
            f"control questions: expected numbers, found {row['answer']!r} for {row['expected']!r}"
        )
    decisions = (
        ratings.groupby("listener", sort=False, observed=True)["rating"]
        .count()
        .rename("ratings")
        .reset_index()
    )
    findings: list[tuple[pd.Series | np.ndarray, list[str]]] = []
    tolerance = controls["kind"].map({"gold": gold_tolerance, "trap": 0.0})
    wrong = off > controls.get("within", tolerance)
    kinds = {
        "gold": "missed the known answer of {} of {} gold clip(s)",
        "trap": "gave another answer than {} of {} trapping question(s) asked for",
    }
    for kind, words in kinds.items():
        asked = controls["kind"] == kind
        by_listener = wrong[asked].groupby(controls.loc[asked, "listener"]).agg(["sum", "count"])
        counted = by_listener.reindex(decisions["listener"], fill_value=0).astype(int)
        decisions[[f"{kind}_failed", f"{kind}_asked"]] = counted.to_numpy()
        failed, n = (counted[c].to_numpy() for c in ("sum", "count"))
        findings.append((failed > 0, [words.format(k, m) for k, m in zip(failed, n, strict=True)]))
    decisions.insert(1, "excluded", False)
    decisions.insert(2, "reason", "")
    _decide(decisions, findings)
    return Screening("p808", decisions)


def _decide(
    decisions: pd.DataFrame, findings: list[tuple[pd.Series | np.ndarray, list[str]]]
) -> None:
    failed = np.column_stack([np.asarray(fails, dtype=bool) for fails, _ in findings])
    decisions["excluded"] = np.asarray(failed.any(axis=1))
    decisions["reason"] = [
        "; ".join(
            reasons[row] for fails, (_, reasons) in zip(flags, findings, strict=True) if fails
        )
        for row, flags in enumerate(failed)
    ]


def _missing_roles(ratings: pd.DataFrame, anchors: list[str]) -> tuple[str, ...]:
    names = {
        "reference": "hidden reference",
        "anchor70": "7 kHz anchor",
        "anchor35": "3.5 kHz anchor",
    }
    present = set(ratings["role"].unique())
    return tuple(
        f"the part that needs a {names[role]}: the campaign has none"
        for role in ["reference", *anchors]
        if role not in present
    )
