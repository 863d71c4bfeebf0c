"""The two tidy frames of the evidence room, checked once here and taken by everything else.

Ratings, one row per judgement:

    campaign            slug of the listening test
    method              one of `METHODS`, which says what its ratings are
    listener, session   opaque codes
    simulated           True when no person gave the rating
    trial               the presentation's number within the session; a repeated item is another trial
    item                the programme material
    condition           what is rated; of a pair (ABX, triangle, preference, CCR) the tested condition
    reference_condition the other condition of a pair, otherwise empty
    role                reference (hidden), anchor35, anchor70, anchor (of another kind), system
    scale               what is rated of it, where the method has several scales, otherwise empty
    rating              number
    presented_first     of a pair whose order matters the condition that was first, otherwise empty
    alternatives        in a triangle among how many sounds the odd one was, otherwise 0
    x_was, answer       in ABX what X was and what the listener said, in a triangle which sound was the odd one and
                        which was said to be, each in the same words; in a preference the condition preferred or
                        'tie'; in CCR the answer before its sign was turned; otherwise empty
    position            place on screen from 0; −1 where it is not known
    rated_at            ISO 8601 time, or empty
    signal              SHA-256 of the stimulus, or empty
    excluded_by         why a rule that the campaign declared leaves the rating out, or empty

Scores, one row per metric and stimulus:

    signal, reference   SHA-256 of the signal and of its reference (either may be empty)
    item, condition     the stimulus that the signal is
    metric, metric_version, unit
    direction           'higher' or 'lower' is better; 'none' when neither is
    value               number; missing unless the status is 'ok'
    status, message     'ok', or why there is no value

Further columns (a file name, a model version) are kept at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

# pandas keeps text differently where pyarrow happens to be installed; the same rows are the same everywhere
pd.set_option("mode.string_storage", "python")


@dataclass(frozen=True)
class Ratings:
    """What a method's ratings are: numbers from `low` to `high`, `whole` ones where it says so.

    `reading` says what they mean: 'grades' of stimuli beside each other, grades whose 'differences' from the hidden
    reference count, 'opinions' of single stimuli, 'answers' that are right (1) or wrong (0), 'preferences' for the
    condition (1) or the other (0) of a pair, or 'categories' of how it compares with the other. There may be `several`
    named scales, of which one may be the `overall` one.
    """

    low: float
    high: float
    reading: str = "grades"
    whole: bool = False
    several: bool = False
    overall: str = ""


MUSHRA_RANGE = (0.0, 100.0)
CORRECT = Ratings(0, 1, "answers", whole=True)
METHODS: Mapping[str, Ratings] = {
    "mushra": Ratings(*MUSHRA_RANGE),
    "bs2132": Ratings(0, 100),
    "bs1116": Ratings(1, 5, "differences"),
    "attributes": Ratings(0, 100, "opinions", several=True),
    "acr": Ratings(1, 5, "opinions", whole=True),
    "dcr": Ratings(1, 5, "opinions", whole=True),
    "p835": Ratings(1, 5, "opinions", whole=True, several=True, overall="OVRL"),
    "abx": CORRECT,
    "triangle": CORRECT,
    "preference": Ratings(0, 1, "preferences"),
    "ccr": Ratings(-3, 3, "categories", whole=True),
}
ROLES = ("reference", "anchor35", "anchor70", "anchor", "system")
DIRECTIONS = ("higher", "lower", "none")

# column → its type, and what it is filled with when it is absent (None: it must be there)
Columns = Mapping[str, tuple[type, object]]
RATING_COLUMNS: Columns = {
    "campaign": (str, ""),
    "method": (str, None),
    "listener": (str, None),
    "simulated": (bool, False),
    "session": (str, ""),
    "trial": (int, None),
    "item": (str, None),
    "condition": (str, None),
    "reference_condition": (str, ""),
    "role": (str, None),
    "scale": (str, ""),
    "rating": (float, None),
    "presented_first": (str, ""),
    "alternatives": (int, 0),
    "x_was": (str, ""),
    "answer": (str, ""),
    "position": (int, -1),
    "rated_at": (str, ""),
    "signal": (str, ""),
    "excluded_by": (str, ""),
}
SCORE_COLUMNS: Columns = {
    "signal": (str, ""),
    "reference": (str, ""),
    "item": (str, ""),
    "condition": (str, ""),
    "metric": (str, None),
    "metric_version": (str, ""),
    "unit": (str, ""),
    "direction": (str, "none"),
    "value": (object, None),
    "status": (str, "ok"),
    "message": (str, ""),
}
# a listener judges a condition once per presentation and scale
RATING_KEY = ["campaign", "listener", "session", "trial", "condition", "scale"]


# names that repeat over many rows
CODED = ("campaign", "method", "listener", "session", "item", "condition", "role", "scale")


class AnalysisError(ValueError):
    """Ratings or scores that cannot be analysed as asked; the message says what was expected and found."""


def ratings_frame(data: pd.DataFrame) -> pd.DataFrame:
    """Return `data` as a tidy frame of ratings, with every column present, typed and checked.

    Raises `AnalysisError` for a missing column, an unknown method or role, a rating outside its method's
    range or a judgement given twice.
    """
    frame = _shaped(data, RATING_COLUMNS, "ratings")
    _among(frame["method"], METHODS, "method")
    _among(frame["role"], ROLES, "role")
    for column in ("listener", "item", "condition"):
        if (frame[column] == "").any():
            raise AnalysisError(
                f"ratings: expected every row to name its {column}, found an empty one"
            )
    for method in frame["method"].unique():
        _check_ratings(frame[frame["method"] == method], method)
    if (twice := frame.duplicated(RATING_KEY)).any():
        row = frame[twice].iloc[0]
        raise AnalysisError(
            "ratings: expected one rating per listener, session, trial, condition and scale, "
            f"found two by listener {row['listener']!r} in trial {row['trial']} of {row['condition']!r}"
        )
    return frame


def scores_frame(data: pd.DataFrame) -> pd.DataFrame:
    """Return `data` as a tidy frame of scores, with every column present, typed and checked.

    Raises `AnalysisError` for a missing column, an unknown direction, or a score that is 'ok' without a
    finite value.
    """
    frame = _shaped(data, SCORE_COLUMNS, "scores")
    frame["value"] = pd.to_numeric(frame["value"], errors="coerce").astype(float)
    _among(frame["direction"], DIRECTIONS, "direction")
    ok = frame["status"] == "ok"
    if (bad := ok & ~np.isfinite(frame["value"])).any():
        row = frame[bad].iloc[0]
        raise AnalysisError(
            "scores: expected a finite value where the status is 'ok', "
            f"found none for {row['metric']} of {row['item']} · {row['condition']}"
        )
    frame["value"] = frame["value"].where(ok)
    return frame


def coded(ratings: pd.DataFrame) -> pd.DataFrame:
    """`ratings` with its names as categories: the same to every analysis, whose groups are then found by integers."""
    return ratings.assign(**{name: ratings[name].astype("category") for name in CODED})


def uncoded(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with its categories as text again."""
    return table.astype(dict.fromkeys(table.select_dtypes("category"), str))


def single_method(ratings: pd.DataFrame) -> str:
    """The method of a frame that holds one campaign; raises `AnalysisError` for none or several."""
    if ratings.empty:
        raise AnalysisError("ratings: expected at least one rating, found none")
    for column in ("campaign", "method"):
        if len(found := ratings[column].unique()) > 1:
            raise AnalysisError(
                f"ratings: expected one {column} at a time, found {', '.join(sorted(found))}"
            )
    return str(ratings["method"].iloc[0])


def stimulus_key(ratings: pd.DataFrame, scores: pd.DataFrame) -> list[str]:
    """The columns on which ratings and scores meet: the signal's hash where every rating has one, otherwise
    item and condition; all three where the scores of one signal were made against the references of several items."""
    names = ["item", "condition"]
    if not (ratings["signal"] != "").all():
        return names
    references = scores[scores["reference"] != ""].groupby("signal")["reference"].nunique()
    named = bool((scores[names] != "").all(axis=None))
    return ["signal", *names] if named and (references > 1).any() else ["signal"]


def own_pairs(scores: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """`scores` less those made without a reference of stimuli that the same metric held against one, and sentences
    on what was left aside."""
    stimulus = ["signal", "item", "condition", "metric"]
    paired = scores["reference"] != ""
    both = pd.MultiIndex.from_frame(scores[stimulus]).isin(
        pd.MultiIndex.from_frame(scores.loc[paired, stimulus])
    )
    aside = both & ~paired
    counts = scores.loc[aside, "metric"].value_counts(sort=False)
    return scores[~aside], tuple(
        f"{n} score{'s' if n > 1 else ''} of {metric} without a reference left aside: the same stimuli have its score "
        "against their reference"
        for metric, n in counts.items()
    )


def one_score_each(scores: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """`scores` with one row per `key` and metric version.

    One signal can be two stimuli, and its score is then listed twice. Raises `AnalysisError` when the scores
    of one metric for one stimulus differ, as with several references of it.
    """
    metric = [*key, "metric", "metric_version"]
    given = scores[(scores[key] != "").all(axis=1)].drop_duplicates([*metric, "reference", "value"])
    if (twice := given.duplicated(metric)).any():
        row = given[twice].iloc[0]
        raise AnalysisError(
            f"scores: expected one of {row['metric']} per stimulus, found several for "
            f"{' · '.join(str(row[c])[:16] for c in key)} (against several references?)"
        )
    return given


def _shaped(data: pd.DataFrame, columns: Columns, name: str) -> pd.DataFrame:
    missing = [c for c, (_, default) in columns.items() if default is None and c not in data]
    if missing:
        raise AnalysisError(
            f"{name}: expected the column(s) {', '.join(missing)}, found {', '.join(map(str, data))}"
        )
    given = {
        c: _typed(data[c], kind, default) if c in data else default
        for c, (kind, default) in columns.items()
    }
    frame = pd.DataFrame(given, index=data.index)
    further = data.drop(columns=[c for c in columns if c in data])
    return pd.concat([frame, further], axis=1).reset_index(drop=True)


def _typed(values: pd.Series, kind: type, default: object) -> pd.Series:
    if kind is str and not values.hasnans and infer_dtype(values) == "string":
        return values
    if kind is str:
        return values.astype(object).where(values.notna(), default or "").map(str)
    if kind is bool:
        if strange := set(values) - {True, False}:
            raise AnalysisError(
                f"expected {values.name} to be true or false, found {', '.join(map(repr, strange))}"
            )
        return values.astype(bool)
    if kind is int:
        return _integers(values)
    return _numbers(values) if kind is float else values


def _numbers(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    if (bad := ~np.isfinite(numbers)).any():
        raise AnalysisError(
            f"ratings: expected a number as {values.name}, found {values[bad].tolist()[0]!r} "
            f"in row {int(np.argmax(bad)) + 1}"
        )
    return numbers


def _integers(values: pd.Series) -> pd.Series:
    numbers = _numbers(values)
    if (bad := numbers != np.floor(numbers)).any():
        raise AnalysisError(
            f"ratings: expected a whole number as {values.name}, found {numbers[bad].iloc[0]:g}"
        )
    return numbers.astype(int)


def _among(values: pd.Series, allowed: Collection[str], name: str) -> None:
    if strange := sorted(set(values.unique()) - set(allowed)):
        raise AnalysisError(
            f"expected {name} to be one of {', '.join(allowed)}, "
            f"found {', '.join(map(repr, strange))}"
        )


def _check_ratings(frame: pd.DataFrame, method: str) -> None:
    """Raise `AnalysisError` unless all of one method's ratings are what it says."""
    kind, values = METHODS[method], frame["rating"]
    correct = kind.reading == "answers"
    if (nameless := (frame["scale"] != "") != kind.several).any():
        wanted, found = ("a scale", "none") if kind.several else ("no scale", "one")
        row = frame[nameless].iloc[0]
        raise AnalysisError(
            f"ratings: expected {wanted} beside a rating by {method}, found {found} "
            f"(listener {row['listener']!r}, {row['item']} · {row['condition']})"
        )
    outside = ~values.between(kind.low, kind.high) | (kind.whole & (values != np.floor(values)))
    if outside.any():
        row = frame[outside].iloc[0]
        wanted = f"{'whole ' * kind.whole}ratings from {kind.low:g} to {kind.high:g}"
        if correct:
            wanted = "a rating of 1 (correct) or 0 (wrong)"
        raise AnalysisError(
            f"ratings: expected {wanted} by {method}, found {row['rating']:g} (listener "
            f"{row['listener']!r}, trial {row['trial']}, {row['item']} · {row['condition']})"
        )
    told = correct & (frame["x_was"] != "") & (frame["answer"] != "")
    if (told & ((frame["x_was"] == frame["answer"]) != (values == 1.0))).any():
        raise AnalysisError(
            "ratings: expected an ABX rating of 1 exactly where the answer is what X was, found otherwise"
        )
