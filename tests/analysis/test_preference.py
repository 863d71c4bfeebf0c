"""Paired comparisons are R's (`glm`, `BradleyTerry2`, `sandwich`, `binom.test`), and odd ones are refused or said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from listening.analysis.frames import AnalysisError
from listening.analysis.preference import category_means, choices_frame, circles, order_bias, pairs
from listening.analysis.preference_models import bradley_terry, rao_kupper, thurstone


@pytest.fixture(scope="module")
def choices(reference):
    return choices_frame(reference.data("abpref"))


@pytest.fixture(scope="module")
def expected(reference):
    return reference.expected("abpref")


def compare(table, expected, names=("estimate", "se", "z", "p"), *, rel=1e-6):
    """Hold the rows of `table` to R's figures; returns how many."""
    rows = table.set_index(table.columns[0]).rename(columns={"theta": "estimate"})
    checked = 0
    for who, figures in expected.items():
        for name in names:
            # R's iteration stops when its errors are right to 3e-7, which a small p feels more than tenfold
            allowed = 20 * rel if name == "p" else rel
            assert rows.loc[who, name] == pytest.approx(figures[name], rel=allowed), (who, name)
            checked += 1
    return checked


def test_pairs_are_rs_binomial_tests(choices, expected):
    found = pairs(choices)
    assert len(expected["pairs"]) == len(found) == 10
    names = {"wins_a": "wins_a", "wins_b": "wins_b", "ties": "ties"}
    names |= {"proportion_a": "prop_a_ties_dropped", "p_holm": "p_holm"}
    names |= {"p": "p_binom_two_sided_ties_dropped"}
    for mine, theirs in zip(found.to_dict("records"), expected["pairs"], strict=True):
        assert (mine["a"], mine["b"]) == (theirs["a"], theirs["b"])
        for name, their_name in names.items():
            assert mine[name] == pytest.approx(theirs[their_name], rel=1e-9)
        assert [mine["ci_low"], mine["ci_high"]] == pytest.approx(theirs["ci95"], rel=1e-9)
        a, b = mine["a"], mine["b"]
        assert mine["wins_a"] == expected["wins"][a][b]
        assert mine["wins_b"] == expected["wins"][b][a]
        assert mine["ties"] == expected["ties"][a][b] == expected["ties"][b][a]
    systems = sorted({*found["a"], *found["b"]})
    assert systems == list(expected["systems"])
    # nobody was compared with itself
    assert not any(expected[table][s][s] for table in ("wins", "ties") for s in systems)


def test_the_advantage_of_being_first_is_rs(choices, expected):
    theirs = expected["order_bias"]
    found = order_bias(choices)
    assert [found["first"], found["second"], found["tie"]] == [
        theirs["first"],
        theirs["second"],
        theirs["tie"],
    ]
    assert found["p"] == pytest.approx(theirs["p_binom_first"], rel=1e-9)


def test_bradley_terry_without_ties_is_rs(choices, expected):
    found, theirs = bradley_terry(choices), expected["bt_ties_dropped"]
    assert compare(found.systems, theirs["theta"]) == 16
    centred = found.systems[["system", "centred", "centred_se"]]
    centred = centred.rename(columns={"centred": "estimate", "centred_se": "se"})
    assert compare(centred, theirs["centered"], ("estimate", "se")) == 10
    assert found.deviance == pytest.approx(theirs["deviance_vs_saturated"], rel=1e-9)
    assert found.df == theirs["df_residual"]
    assert found.p_gof == pytest.approx(theirs["p_gof"], rel=1e-9)
    # R's likelihood is of the counts of each pair, ours of the single choices
    counts = pairs(choices)
    ways = sum(
        np.log(special.comb(a + b, a))
        for a, b in zip(counts["wins_a"], counts["wins_b"], strict=True)
    )
    assert found.loglik + ways == pytest.approx(theirs["logLik"], rel=1e-9)
    assert not found.caveats


def test_errors_clustered_by_listener_are_those_of_sandwich(choices, expected):
    found, theirs = bradley_terry(choices), expected["bt_cluster_robust_by_listener"]
    assert (found.n, found.n_listeners) == (theirs["n"], theirs["clusters"])
    systems = found.systems.set_index("system")
    for name, column in (("se_CR0", "se_cr0"), ("se_CR1_stata", "se_cr1")):
        for who, error in theirs[name].items():
            assert systems.loc[who, column] == pytest.approx(error, rel=1e-6)


def test_half_ties_order_and_thurstone_are_rs(choices, expected):
    half = bradley_terry(choices, ties="half")
    assert compare(half.systems, expected["bt_ties_half"]["theta"]) == 16
    assert "too small" in half.caveats[0]
    order = bradley_terry(choices, order=True)
    theirs = dict(expected["bt_order_effect_ties_dropped"]["coef"])
    first = {"log_gamma": theirs.pop("first_presented")}
    assert compare(order.systems, theirs) + compare(order.further, first) == 20
    for ties in ("dropped", "half"):
        key = f"thurstone_case_v_ties_{ties}"
        assert compare(thurstone(choices, ties=ties), expected[key]["theta_probit"]) == 16


def test_davidsons_models_of_ties_are_rs(choices, expected):
    found, theirs = bradley_terry(choices, ties="davidson"), expected["davidson_ties"]
    # R's exact log-linear fit
    assert compare(found.systems, theirs["theta"], ("estimate", "se")) == 8
    assert compare(found.further, {"log_nu": theirs["log_nu"]}, ("estimate", "se")) == 2
    assert found.loglik == pytest.approx(theirs["loglik_multinomial"], rel=1e-9)
    found = bradley_terry(choices, ties="davidson", order=True)
    theirs = expected["davidson_beaver_order"]
    systems, further = found.systems.set_index("system"), found.further.set_index("parameter")
    # by R's general optimiser
    for who, theta in theirs["theta"].items():
        assert systems.loc[who, "theta"] == pytest.approx(theta, rel=1e-3)
    assert further.loc["log_nu", "theta"] == pytest.approx(theirs["log_nu"], rel=1e-3)
    assert further.loc["log_gamma", "theta"] == pytest.approx(theirs["log_gamma_first"], rel=1e-3)
    errors = [*systems["se"].dropna(), *further["se"]]
    assert errors == pytest.approx(theirs["se"], rel=1e-3)
    assert found.loglik == pytest.approx(theirs["loglik_multinomial"], rel=1e-7)


def test_rao_and_kuppers_model_is_rs(choices, expected):
    table, eta, loglik = rao_kupper(choices)
    theirs = expected["rao_kupper"]
    found = table.set_index("system")["theta"]
    for who, theta in theirs["theta"].items():
        assert found[who] == pytest.approx(theta, rel=1e-3)
    assert eta == pytest.approx(theirs["eta_tie_threshold"], rel=1e-3)
    assert loglik == pytest.approx(theirs["loglik_multinomial"], rel=1e-7)
    assert table["se"].dropna().between(0.1, 0.3).all()


def test_the_fit_of_a_model_that_says_all_is_perfect():
    rows = [("a", "x", "y", "first"), ("b", "x", "y", "first"), ("c", "y", "x", "first")]
    rows += [("d", "x", "y", "tie")]
    found = bradley_terry(frame_of(rows), ties="davidson")
    # two systems: P = 2/4, 1/4, 1/4, hence θ = log(1/2) and ν = 1/√2
    assert found.systems["theta"].tolist() == pytest.approx([0, -np.log(2)])
    assert found.further["theta"].tolist() == pytest.approx([-np.log(2) / 2])
    assert found.deviance == pytest.approx(0, abs=1e-9)
    assert np.isnan(found.p_gof)


def frame_of(rows):
    return pd.DataFrame(rows, columns=["listener", "first", "second", "choice"])


def test_groups_that_never_met_have_no_common_scale():
    rows = [("a", "u", "v", "first"), ("a", "v", "u", "first")]
    rows += [("a", "x", "y", "first"), ("a", "y", "x", "first")]
    for fit in (bradley_terry, thurstone):
        with pytest.raises(AnalysisError, match=r"separate groups \(u, v \| x, y\)"):
            fit(frame_of(rows))
    assert len(pairs(frame_of(rows))) == 2


def test_a_system_that_wins_everything_is_held_by_a_ridge_that_is_said():
    rows = [(who, "best", other, "first") for who in "ab" for other in ("x", "y")]
    rows += [("a", "x", "y", "first"), ("b", "x", "y", "second")]
    found = bradley_terry(frame_of(rows))
    assert found.ridge == pytest.approx(0.16)
    assert "best won everything: strengths have no bound, a ridge" in found.caveats[0]
    assert np.isfinite(found.systems["theta"]).all()
    assert found.systems.set_index("system")["centred"].idxmax() == "best"
    # the strengths do not depend on which system is the base
    renamed = frame_of(rows).replace({"best": "z"})
    again = bradley_terry(renamed).systems.set_index("system")["centred"]
    assert again["z"] == pytest.approx(found.systems.set_index("system").loc["best", "centred"])
    with pytest.raises(AnalysisError, match="expected every system to win and to lose"):
        thurstone(frame_of(rows))


def test_choices_that_always_fall_on_the_first_are_held_by_the_ridge_too():
    rows = [(who, *pair, "first") for who in "abc" for pair in (("x", "y"), ("y", "x"))]
    found = bradley_terry(frame_of(rows), order=True)
    assert found.ridge > 0
    assert np.isfinite(found.further["theta"]).all()


def test_ties_everywhere_one_listener_and_no_ties_are_said():
    tied = frame_of([("a", "x", "y", "tie"), ("b", "y", "x", "tie")])
    assert pairs(tied)[["p", "p_holm"]].isna().all(axis=None)
    assert np.isnan(order_bias(tied)["p"])
    for fit in (bradley_terry, rao_kupper):
        with pytest.raises(AnalysisError, match="found only ties"):
            fit(tied)
    decided = frame_of([("a", "x", "y", "first"), ("a", "x", "y", "second")])
    assert "one listener" in bradley_terry(decided).caveats[0]
    assert "no ties" in bradley_terry(decided, ties="davidson").caveats[-1]
    with pytest.raises(AnalysisError, match="at least one tie"):
        rao_kupper(decided)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "at least one comparison"),
        ([("a", "x", "y", "both")], "found 'both'"),
        ([("a", "x", "x", "first")], "found 'x' beside itself"),
        ([("a", "", "y", "first")], "expected a first in every row"),
    ],
)
def test_what_is_no_comparison_is_refused(rows, said):
    with pytest.raises(AnalysisError, match=said):
        bradley_terry(frame_of(rows))
    with pytest.raises(AnalysisError, match="column"):
        choices_frame(pd.DataFrame({"listener": ["a"]}))


def test_names_with_commas_quotes_and_formulas_go_through():
    odd = ['a,"b"', "=1+1", "C"]
    rows = [("=cmd", *pair, c) for pair in zip(odd, odd[1:] + odd[:1], strict=True) for c in CHOSEN]
    assert set(bradley_terry(frame_of(rows), ties="davidson").systems["system"]) == set(odd)


CHOSEN = ("first", "second", "tie")


def test_preferences_in_a_circle_are_found():
    rows = [("a", "x", "y", "first"), ("a", "y", "z", "first"), ("a", "z", "x", "first")]
    assert circles(frame_of(rows)) == [("x", "y", "z")]
    assert circles(frame_of(rows[:2])) == []


def test_category_ratings_are_turned_to_one_sign_before_the_t_test():
    rng = np.random.default_rng(5)
    truth = rng.integers(-2, 4, size=(12, 2))  # how y compares with x, each listener twice
    rows = []
    for who, (forward, backward) in enumerate(truth):
        rows.append((f"l{who}", "x", "y", forward))
        rows.append((f"l{who}", "y", "x", -backward))
    data = pd.DataFrame(rows, columns=["listener", "first", "second", "rating"])
    found = category_means(data).iloc[0]
    # SciPy on the listeners' means of what was meant
    test = stats.ttest_1samp(truth.mean(axis=1), 0)
    assert (found["a"], found["b"], found["n_ratings"], found["n_listeners"]) == ("x", "y", 24, 12)
    assert found["cmos"] == pytest.approx(truth.mean())
    assert found["p"] == pytest.approx(test.pvalue)
    assert [found["ci_low"], found["ci_high"]] == pytest.approx(list(test.confidence_interval()))
    assert found["order_effect"] == pytest.approx((truth[:, 0] - truth[:, 1]).mean() / 2)


def test_category_ratings_of_one_listener_or_out_of_range():
    data = pd.DataFrame({"listener": ["a"], "first": ["x"], "second": ["y"], "rating": [2]})
    found = category_means(data).iloc[0]
    assert found["cmos"] == 2
    assert np.isnan(found[["ci_low", "p", "order_effect"]].astype(float)).all()
    with pytest.raises(AnalysisError, match="from -3 to 3, found 4"):
        category_means(data.assign(rating=4))


def test_an_order_effect_needs_pairs_in_either_order():
    # with each pair in one order, "first" is another name of the system
    rows = [("a", "x", "y", c) for c in ("first", "second", "second", "tie")]
    choices = pd.DataFrame(rows, columns=["listener", "first", "second", "choice"])
    for ties in ("dropped", "davidson"):
        with pytest.raises(AnalysisError, match="presented in either order"):
            bradley_terry(choices, ties=ties, order=True)
    both = pd.concat(
        [choices, choices.rename(columns={"first": "second", "second": "first"})], ignore_index=True
    )
    # the choices are the same in either order: the second of two won more often, no system did
    assert bradley_terry(both, order=True).systems["theta"].abs().max() < 1e-9
