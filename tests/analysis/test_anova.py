"""The analysis of variance is that of R (orthonormal contrasts, `afex`, `car`, `anova.mlm`)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from listening.analysis.anova import repeated_measures
from listening.analysis.frames import ROLES, AnalysisError
from listening.analysis.screening import screen
from tests.analysis.conftest import campaign
from tests.analysis.trees import check

CLOSE = ("sysB", "sysC")
# R's names of our columns
TWO_WAY = {
    "effect": "effect",
    "df1": "df1",
    "df2": "df2",
    "ss": "SS",
    "ss_error": "SS_error",
    "f": "F",
    "p": "p_uncorrected",
    "eps_gg": "eps_GG",
    "p_gg": "p_GG",
    "eps_hf_raw": "eps_HF_raw",
    "eps_hf": "eps_HF",
    "p_hf": "p_HF",
    "partial_eta2": "partial_eta2",
    "generalized_eta2": "generalized_eta2",
}
HOTELLING = {
    "t2": "hotelling_T2",
    "f_multivariate": "hotelling_F",
    "df1_multivariate": "hotelling_df1",
    "df2_multivariate": "hotelling_df2",
    "p_multivariate": "hotelling_p",
    "choice": "algina_keselman_choice",
}


@pytest.mark.parametrize(
    ("family", "figures"), [("all_conditions", 58), ("systems_only", 58), ("close_systems", 58)]
)
def test_all_figures_are_those_of_r(reference, family, figures):
    ratings = reference.mushra()
    kept = screen(ratings).keep(ratings)
    if family == "close_systems":
        kept = kept[kept["condition"].isin(CLOSE)]
    roles = ROLES if family == "all_conditions" else ("system",)
    effects = repeated_measures(kept, roles=roles).effects.set_index("effect", drop=False)
    expected = reference.expected("mushra")["inference"][family]
    two_way = {
        name: {theirs: effects.loc[name, ours] for ours, theirs in TWO_WAY.items()}
        for name in expected["rm_anova_two_way"]
    }
    condition = effects.loc["condition"]
    one_way = {theirs: condition[ours] for ours, theirs in (TWO_WAY | HOTELLING).items()}
    wanted = {
        name: value
        for name, value in expected["rm_anova_one_way_listener_means"].items()
        # Mauchly's test is no gate to anything here
        if not name.startswith("mauchly")
    }
    count = check(two_way, expected["rm_anova_two_way"]) + check(one_way, wanted)
    assert count == figures


@pytest.mark.parametrize(
    ("family", "figures"), [("all_conditions", 32), ("systems_only", 32), ("close_systems", 32)]
)
def test_afex_car_and_anova_mlm_agree(reference, family, figures):
    ratings = reference.mushra()
    kept = screen(ratings).keep(ratings)
    if family == "close_systems":
        kept = kept[kept["condition"].isin(CLOSE)]
    roles = ROLES if family == "all_conditions" else ("system",)
    effects = repeated_measures(kept, roles=roles).effects.set_index("effect", drop=False)
    checks = reference.expected("mushra")["inference"][family]["checks"]
    found: dict[str, dict] = {"afex_uncorrected": {}, "car_pval_adjustments": {}}
    for name, row in effects.iterrows():
        found["afex_uncorrected"][name] = {
            "num Df": row["df1"],
            "den Df": row["df2"],
            "MSE": row["ss_error"] / row["df2"],
            "F": row["f"],
            "pes": row["partial_eta2"],
            "ges": row["generalized_eta2"],
            "Pr(>F)": row["p"],
        }
        found["car_pval_adjustments"][name] = {
            "GG eps": row["eps_gg"],
            "Pr(>F[GG])": row["p_gg"],
            "HF eps": row["eps_hf_raw"],
            "Pr(>F[HF])": row["p_hf"],
        }
    both = effects.loc["condition:item"]
    found["stats_anova_mlm_interaction"] = {
        "F": both["f"],
        "p_GG": both["p_gg"],
        "p_HF": both["p_hf"],
    }
    wanted = {
        part: {name: value for name, value in of.items() if name != "heading"}
        for part, of in checks.items()
    }
    assert (
        check(found, wanted, tolerance=lambda path: {"rel": 1e-6} if "Pr" in path else None)
        == figures
    )


def test_with_two_conditions_it_is_the_paired_t_test(reference):
    kept = reference.mushra()
    kept = kept[kept["condition"].isin(CLOSE)]
    means = kept.groupby(["listener", "condition"])["rating"].mean().unstack()
    t = stats.ttest_rel(means["sysB"], means["sysC"])
    row = repeated_measures(kept).effects.iloc[0]
    assert row["f"] == pytest.approx(t.statistic**2)
    assert row["p_hf"] == pytest.approx(t.pvalue)


def test_listeners_who_did_not_rate_everything_are_left_out_by_name(reference):
    ratings = reference.mushra()
    lacking = ratings.drop(index=ratings.index[(ratings["condition"] == "sysB")][:1])
    found = repeated_measures(lacking)
    whole = repeated_measures(ratings[ratings["listener"] != "L01"])
    assert found.incomplete_listeners == ("L01",)
    assert found.n_listeners == 19
    assert "did not rate everything: L01" in found.caveats[-1]
    assert found.effects["f"].to_numpy() == pytest.approx(whole.effects["f"].to_numpy())


def test_skewed_residuals_are_counted_by_cell():
    # scipy.stats.skew of one cell's ratings
    a, b = [10, 11, 12, 13, 60], [50, 52, 54, 56, 58]
    assert abs(stats.skew(a)) > 1
    assert abs(stats.skew(b)) < 0.5
    grades = {f"L{n}": {"a": [a[n]], "b": [b[n]]} for n in range(5)}
    found = repeated_measures(campaign(grades, dict.fromkeys("ab", "system")))
    assert (found.cells, found.skewed_cells, found.too_skewed_cells) == (2, 1, 1)
    assert "rank tests are the safer ones" in found.caveats[0]
    assert list(found.effects["effect"]) == ["condition"]


def test_fewer_listeners_than_contrasts_leave_the_univariate_test(reference):
    few = reference.mushra()
    few = few[few["listener"].isin(["L01", "L02", "L03"])]
    effects = repeated_measures(few, roles=ROLES).effects
    assert (effects["choice"] == "univariate+HF").all()
    assert effects["p_multivariate"].isna().all()
    assert np.isfinite(effects["p_chosen"].to_numpy()).all()


def test_what_cannot_be_analysed_is_refused_or_said():
    one = campaign({"x": {"a": [1], "b": [2]}}, dict.fromkeys("ab", "system"))
    with pytest.raises(
        AnalysisError, match="listeners who rated every condition of every item, found 1"
    ):
        repeated_measures(one)
    with pytest.raises(AnalysisError, match="two conditions or more, found 1"):
        repeated_measures(one[one["condition"] == "a"])
    same = {"a": [100, 100], "b": [100, 100]}
    found = repeated_measures(campaign({"x": same, "y": same}, dict.fromkeys("ab", "system")))
    assert found.effects.empty
    assert "all listeners agree exactly" in found.caveats[0]
