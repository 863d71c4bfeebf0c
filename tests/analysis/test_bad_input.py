"""Whatever a campaign brings, every analysis gives a result with its caveats or one sentence; no NaN, no traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest

from listening.analysis.frames import AnalysisError, ratings_frame
from listening.analysis.monitoring import progress, track
from listening.analysis.performance import performance
from listening.analysis.plain import plain
from listening.analysis.report import analyse, correlate

ROLES = {"ref": "reference", "mid": "anchor70", "low": "anchor35", "A": "system", "B": "system"}
ROLES |= {"C": "system"}
LEVEL = {"ref": 97, "mid": 50, "low": 20, "A": 80, "B": 65, "C": 58}
# ends of the scale of each method
TOP = {"mushra": 100, "bs1116": 5, "acr": 5, "abx": 1, "preference": 1, "ccr": 3}
ITEMS = 5


def base(method: str) -> pd.DataFrame:
    """Eight listeners, five items; rows of pairs are against A."""
    rng = np.random.default_rng(3)
    paired = method in ("abx", "preference", "ccr")
    conditions = ["B", "C"] if paired else list(ROLES)
    # BS.1116: every system on a page of its own, beside a hidden reference
    pages = [["ref", system] for system in "ABC"] if method == "bs1116" else [conditions]
    rows = [
        {"listener": f"L{who}", "item": f"i{item}", "condition": condition, "trial": 10 * item + n}
        for who in range(8)
        for item in range(ITEMS)
        for n, page in enumerate(pages)
        for condition in page
    ]
    frame = pd.DataFrame(rows)
    points = frame["condition"].map(LEVEL) + rng.normal(0, 12, len(frame))
    rating = {
        "mushra": points.clip(0, 100).round(),
        "bs1116": (points / 20).clip(1, 5).round(1),
        "acr": (points / 20).clip(1, 5).round(),
        "abx": (points > 60).astype(float),
        "preference": (points > 60).astype(float),
        "ccr": ((points - 60) / 10).clip(-3, 3).round(),
    }[method]
    frame = frame.assign(
        method=method, rating=rating, role=frame["condition"].map(ROLES), campaign="bad"
    )
    if paired:
        first = np.where(frame.index % 2, frame["condition"], "A")
        frame = frame.assign(reference_condition="A", presented_first=first)
    return frame


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """Every name odd: a comma, quotes, a formula, a line break."""
    names = {
        "A": '=1+1,"a"',
        "B": "+cmd|' /C calc'!A0",
        "C": "line\nbreak; ümlaut",
        "i1": "@sum,(1)",
    }
    columns = ("listener", "item", "condition", "reference_condition", "presented_first")
    return frame.assign(
        **{c: frame[c].replace(names | {"L1": '-2+3,"x"'}) for c in columns if c in frame}
    )


CASES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "one listener": lambda f: f[f["listener"] == "L0"],
    "one item": lambda f: f[f["item"] == "i0"],
    "one listener, one item": lambda f: f[(f["listener"] == "L0") & (f["item"] == "i0")],
    "one rating": lambda f: f[f["role"] == "system"].iloc[:1],
    "everybody answers the most": lambda f: f.assign(rating=float(TOP[f["method"].iloc[0]])),
    "a condition nobody rated": lambda f: f[f["condition"] != "B"],
    "a condition that one listener rated": lambda f: f[
        (f["condition"] != "B") | (f["listener"] == "L3")
    ],
    "a listener with one rating": lambda f: f[(f["listener"] != "L2") | ~f.duplicated("listener")],
    "missing cells": lambda f: f.sample(frac=0.6, random_state=1),
    "hardly any cells": lambda f: f.sample(n=4, random_state=2),
    "ties everywhere": lambda f: f.assign(
        rating=f["item"].str[1:].astype(int) % 2 * float(TOP[f["method"].iloc[0]] > 1) + 1.0
        if f["method"].iloc[0] != "preference"
        else 0.5
    ),
    "every condition constant": lambda f: f.assign(
        rating=f["condition"].map(f.groupby("condition")["rating"].first())
    ),
    "odd names": named,
}
METHODS = tuple(TOP)
R = TypeVar("R")


def told(compute: Callable[[], R]) -> R | None:
    """What comes of it, or nothing where it is refused with a sentence."""
    try:
        return compute()
    except AnalysisError as error:
        sentence = str(error)
        assert "expected" in sentence
        assert "nan" not in sentence
        assert "\n" not in sentence.replace("line\nbreak", "")
        return None


def held(text: str, results: str) -> None:
    """No missing number is shown as one, in the text or in the JSON."""
    assert not re.search(r"\b(nan|inf|None|NaT)\b", text)
    json.loads(results, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES)
def test_every_campaigns_analysis_survives(case, method):
    ratings = ratings_frame(CASES[case](base(method)))
    found = told(lambda: analyse(ratings, screening="none"))
    if found is None:
        return
    result = json.loads(found.to_json())
    held(found.to_text(), found.to_json())
    assert len(found.summary)
    # a comparison without a p-value says why
    pairs = (result.get("comparison") or {}).get("pairs", [])
    if any(pair["p_t"] is None for pair in pairs):
        assert result["comparison"]["caveats"]


SCORES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "as they are": lambda s: s,
    "constant scores": lambda s: s.assign(value=2.0),
    "one metric constant": lambda s: s.assign(
        value=np.where(s["metric"] == "good", 1.0, s["value"])
    ),
    "failed on some stimuli": lambda s: s.assign(
        status=np.where(s["item"] == "i1", "too short", "ok"),
        value=s["value"].where(s["item"] != "i1"),
    ),
    "failed on all but one": lambda s: s.assign(
        status=np.where(s["item"] + s["condition"] == "i0A", "ok", "crashed"),
        value=s["value"].where(s["item"] + s["condition"] == "i0A"),
    ),
    "failed everywhere": lambda s: s.assign(status="crashed", value=np.nan),
    "of other stimuli": lambda s: s.assign(item="other"),
    "odd names": lambda s: s.assign(metric=s["metric"].replace({"good": '=HYPERLINK("x"),1'})),
}


def scores_of(ratings: pd.DataFrame) -> pd.DataFrame:
    stimuli = ratings[["item", "condition"]].drop_duplicates()
    rng = np.random.default_rng(8)
    quality = stimuli["condition"].map(LEVEL).fillna(60) + rng.normal(0, 5, len(stimuli))
    good = stimuli.assign(metric="good", direction="higher", value=quality, status="ok")
    bad = stimuli.assign(
        metric="bad", direction="lower", value=rng.normal(size=len(stimuli)), status="ok"
    )
    return pd.concat([good, bad], ignore_index=True)


@pytest.mark.parametrize("method", ["mushra", "bs1116", "acr"])
@pytest.mark.parametrize(
    ("case", "of_metrics"),
    [(case, "as they are") for case in CASES] + [("odd names", kind) for kind in SCORES],
)
def test_metrics_beside_it_survive(case, of_metrics, method):
    ratings = ratings_frame(CASES[case](base(method)))
    scores = SCORES[of_metrics](scores_of(ratings))
    found = told(lambda: correlate(ratings, scores, screening="none"))
    if found is None:
        return
    held(found.to_text(), found.to_json())
    result = json.loads(found.to_json())
    stimuli = ratings.loc[ratings["role"] == "system", ["item", "condition"]].drop_duplicates()
    for row in result["correlations"]:
        if row["level"] == "stimulus":
            # what failed is counted, not filled in
            assert row["n"] + row["missing"] == len(stimuli)


@pytest.mark.parametrize("case", CASES)
def test_progress_and_listener_performance_survive(case):
    ratings = ratings_frame(CASES[case](base("mushra")))
    systems = list(ratings.loc[ratings["role"] == "system", "condition"].unique())
    a, b = (systems * 2)[:2] if len(systems) < 2 else systems[:2]
    other = "B" if a == b else b
    for sequence in ("asymptotic", "betting"):
        found = told(lambda: progress(ratings, a, other, margin=5, sequence=sequence))  # noqa: B023
        if found is not None:
            assert "nan" not in found.sentence
            json.dumps(plain(track(ratings, a, other, sequence=sequence)), allow_nan=False)
    repeated = pd.concat([ratings, ratings.assign(trial=ratings["trial"] + 100)])
    table = told(lambda: performance(ratings_frame(repeated), shuffles=20))
    if table is not None:
        without = table[table["discrimination"].isna()]
        assert (without["note"] != "").all()
