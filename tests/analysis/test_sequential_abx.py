"""Looking while the trials run: R's figures at every listener, and error rates that hold under peeking."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from listening.analysis.sequential_abx import Sprt, bayes_factors, e_process, follow

DECISIONS = {"accept_H0": "not heard", "accept_H1": "heard", "continue": "continue"}


def test_every_listeners_sequence_is_rs(reference):
    answers = reference.data("abx")
    checked = 0
    for row in reference.expected("abx")["per_listener"]:
        found = follow(answers.loc[answers["listener"] == row["listener"], "correct"])
        assert found["e_final"] == pytest.approx(row["e_final"], rel=1e-9)
        assert found["e_max"] == pytest.approx(row["e_max"], rel=1e-9)
        assert found["anytime_p"] == pytest.approx(row["anytime_p"], rel=1e-9)
        assert found["sprt_llr"] == pytest.approx(row["sprt_llr_final"], rel=1e-9)
        assert found["sprt_decision"] == DECISIONS[row["sprt_decision"]]
        for name, theirs in (("e_first_20", "e_first_t_ge_20"), ("sprt_stop", "sprt_stop_t")):
            expected = np.nan if row[theirs] is None else row[theirs]
            assert found[name] == pytest.approx(expected, nan_ok=True)
        checked += 7
    assert checked == 12 * 7


@pytest.mark.parametrize(("correct", "trials"), [(0, 4), (3, 5), (12, 16), (40, 60)])
@pytest.mark.parametrize("chance", [1 / 2, 1 / 3])
def test_the_bayes_factor_is_the_mean_likelihood_of_its_alternative(correct, trials, chance):
    # numerical integration of the binomial likelihood over p uniform on chance … 1
    mean, _ = integrate.quad(
        lambda p: stats.binom.pmf(correct, trials, p) / (1 - chance), chance, 1, epsabs=1e-13
    )
    expected = mean / stats.binom.pmf(correct, trials, chance)
    assert bayes_factors([correct], [trials], chance=chance)[0] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("chance", [1 / 2, 1 / 3])
def test_a_guesser_is_seldom_found_however_often_one_looks(chance):
    # Ville's inequality: at most 5 %; published simulation for ABX: 2.3 %, and 14 % when p < 0.05 is peeked at
    answers = np.random.default_rng(20).random((4000, 40)) < chance
    found = np.mean([e_process(row, chance=chance).max() >= 20 for row in answers])
    assert 0.01 < found < 0.05
    peeked = stats.binom.sf(np.cumsum(answers, axis=1) - 1, np.arange(1, 41), chance) <= 0.05
    assert peeked.any(axis=1).mean() > 0.1


def test_walds_bounds_keep_their_error_rates():
    # simulated: 3.8 % false alarms after 15.6 trials on average among guessers of at most 40 trials
    answers = np.random.default_rng(7).random((4000, 40)) < 0.5
    followed = [follow(row) for row in answers]
    assert np.mean([f["sprt_decision"] == "heard" for f in followed]) == pytest.approx(
        0.038, abs=0.01
    )
    stops = [f["sprt_stop"] if np.isfinite(f["sprt_stop"]) else 40 for f in followed]
    assert np.mean(stops) == pytest.approx(15.6, abs=0.5)
    assert Sprt().bounds == pytest.approx((np.log(0.1 / 0.95), np.log(0.9 / 0.05)))
