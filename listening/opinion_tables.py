"""Tables of opinion scores: means, the models of the listeners behind them, agreement, and the ordinal model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from listening.analysis.mos import WARNING
from listening.analysis.plain import Format, interval, number, p_value, whole
from listening.report_sections import Table, laid_out

MODELS = {"p913": "P.913", "p910": "P.910", "zrec": "ZREC"}
YES = {True: "yes", False: "no"}


def opinion_words(results: Mapping[str, Any]) -> list[str]:
    """What a sentence can say: how opinions spread, and how far listeners agree."""
    words = []
    if (sos := results["sos"]) is not None:
        words.append(
            f"The votes' variance is {number(3)(sos)} of what their means allow at most (SOS; 0: all agree, 1: only "
            "the ends of the scale are used)."
        )
    alphas = results["reliability"]["krippendorff"]
    told = [f"{level} {number(3)(a)}" for level, a in alphas.items() if a is not None]
    if told:
        words.append(
            f"Krippendorff's α: {', '.join(told)} (1: all agree; 0: no better than chance)."
        )
    icc = results["reliability"]["icc"]
    if icc is not None:
        rows = icc[icc["kind"].isin(["ICC2", "ICC2k"])].to_dict("records")
        words += [
            f"{row['kind']} (absolute agreement{' of the mean' if row['kind'] == 'ICC2k' else ''}): "
            f"{number(3)(row['icc'])} [{number(3)(row['ci_low'])}, {number(3)(row['ci_high'])}], 95 %."
            for row in rows
        ]
    return words


def opinion_tables(results: Mapping[str, Any]) -> list[Table]:
    rows = results["conditions"]
    tables = [
        laid_out(
            "Mean opinion scores after screening; the interval is 95 % (t) over one mean per listener; for these "
            "items, and listeners like these.",
            {
                "Condition": (rows["condition"], str),
                "Votes": (rows["n"], whole),
                "Listeners": (rows["n_listeners"], whole),
                "Mean": (rows["mean"], number(2)),
                "Mean of listeners": (rows["mean_of_listeners"], number(2)),
                "95 % interval": interval(rows, "listeners_low", "listeners_high"),
                "Median": (rows["median"], number(1)),
                "SD": (rows["sd"], number(2)),
            },
        )
    ]
    if results["models"]:
        tables.append(_stimuli(results))
    tables.append(_listeners(results))
    if results["ordinal"]:
        tables.append(_ordinal(results["ordinal"]["systems"]))
    return tables


def _stimuli(results: Mapping[str, Any]) -> Table:
    plain = results["stimuli"].set_index("stimulus")
    columns: dict[str, tuple[pd.Series, Format]] = {
        "Stimulus": (pd.Series(plain.index, index=plain.index), str),
        "Votes": (plain["n"], whole),
        "Mean": (plain["mean"], number(2)),
        "95 % interval": interval(plain, "ci_low", "ci_high"),
    }
    for name, title in MODELS.items():
        if name in results["models"]:
            of = results["models"][name]["stimuli"].set_index("stimulus")["mos"]
            columns[title] = (of.reindex(plain.index), number(2))
    caption = (
        "Every stimulus: the plain mean with its 95 % interval (t, over votes), and what the models of listeners make "
        "of it: bias removed (P.913), bias and inconsistency (P.910's alternating projection), ZREC."
    )
    return laid_out(caption, columns)


def _listeners(results: Mapping[str, Any]) -> Table:
    rows = results["agreement"].set_index("listener")
    columns: dict[str, tuple[pd.Series, Format]] = {
        "Listener": (pd.Series(rows.index, index=rows.index), str),
        "Votes": (rows["n"], whole),
        "r with the others": (rows["pearson_leave_one_out"], number(2)),
        "Always alike": (rows["constant"].map(YES), str),
    }
    if "p910" in results["models"]:
        model = results["models"]["p910"]["listeners"].set_index("listener").reindex(rows.index)
        columns["Bias"] = (model["bias"], number(2))
        columns["Inconsistency"] = (model["inconsistency"], number(2))
    for ddof, name in (("n − 1", "sd_n_minus_1"), ("n", "sd_n")):
        found = results["kurtosis_screening"][name].set_index("listener")["rejected"]
        columns[f"BT.500 rejects, {ddof}"] = (found.reindex(rows.index).map(YES), str)
    caption = f"Each listener beside the others; bias and inconsistency by P.910. {WARNING[0].upper()}{WARNING[1:]}."
    return laid_out(caption, columns)


def _ordinal(rows: pd.DataFrame) -> Table:
    return laid_out(
        "Cumulative logit model, the first system is 0; the interval is 95 % by drawing listeners (500 times).",
        {
            "System": (rows["system"], str),
            "Log odds": (rows["estimate"], number(2)),
            "SE, listeners": (rows["se_listener"], number(2)),
            "95 % interval": interval(rows, "ci_low", "ci_high"),
            "p, votes independent": (rows["p"], p_value),
        },
    )
