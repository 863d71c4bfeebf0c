"""How many listeners a preference or a CCR needs: other people's figures, and one plan by page, command and API."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient
from scipy import stats

from listening import pair_planning
from listening.analysis.frames import AnalysisError
from listening.rehearsal import rehearse
from tests.factories import small_campaign
from tests.site.conftest import no_progress
from tests.site.test_power_page import page_of, squeezed


@pytest.fixture(autouse=True)
def _fresh(db):
    cache.clear()


def two_sided(n: int, share: float) -> float:
    """The chance that scipy's own two-sided test of the results page finds the share, in its direction."""
    found = [k for k in range(n // 2 + 1, n + 1) if stats.binomtest(k, n).pvalue <= 0.05]
    return float(stats.binom.pmf(found, n, share).sum())


@pytest.mark.parametrize("share", [0.6, 2 / 3, 0.8])
def test_choices_are_as_many_as_the_test_of_the_results_page_needs(share):
    plan = pair_planning.plan_of(small_campaign("preference", launched=False), share=share)
    for row in plan.rows.to_dict("records"):
        n = int(row["answers"])
        assert two_sided(n - 1, share) < row["power"]
        assert all(two_sided(more, share) >= row["power"] for more in range(n, n + 20))


def test_ties_items_and_repetitions_are_reckoned_with():
    once = pair_planning.plan_of(small_campaign("preference", items=1, launched=False))
    choices = once.rows["answers"].iloc[0]
    assert once.rows["listeners"].iloc[0] == choices
    draft = small_campaign("preference", slug="more", items=2, repetitions=2, launched=False)
    plan = pair_planning.plan_of(draft, ties=0.5)
    assert plan.answers_each == 4
    assert plan.rows["listeners"].iloc[0] == -(-choices // 2)
    with pytest.raises(AnalysisError, match="between 0.5"):
        pair_planning.plan_of(draft, share=0.5)


def test_categories_are_planned_as_by_the_t_test():
    """Half a standard deviation by a paired t-test takes 34 and 44 (G*Power 3.1, and R's power.t.test)."""
    plan = pair_planning.plan_of(small_campaign("ccr", launched=False), difference=0.5, sd=1.0)
    assert list(plan.rows["listeners"]) == [34, 44]
    assert list(
        pair_planning.plan_of(small_campaign("ccr", slug="b"), difference=1.0, sd=2.0).rows[
            "listeners"
        ]
    ) == [34, 44]


def test_the_spread_of_a_past_campaign_is_taken_over(researcher):
    past = small_campaign("ccr", slug="past", items=2)
    rehearse(past, listeners=12, seed=5, actor="alice", progress=no_progress)
    draft = small_campaign("ccr", slug="next", launched=False)
    plan = pair_planning.plan_of(draft, past=past)
    assert plan.asked["sd"] not in (0, pair_planning.ASSUMED_SD)
    assert past.title in plan.source
    shown = squeezed(researcher.get(page_of(draft), {"past": "past"}))
    assert f"SD is {plan.asked['sd']:.3g} categories" in shown
    with pytest.raises(AnalysisError, match="expected ratings by CCR in empty, found none"):
        pair_planning.plan_of(draft, past=small_campaign("ccr", slug="empty"))


@pytest.mark.parametrize("method", ["preference", "ccr"])
def test_page_command_and_api_say_the_same(researcher, alice, capsys, method):
    draft = small_campaign(method, launched=False)
    plan = pair_planning.plan_of(draft)
    shown = squeezed(researcher.get(page_of(draft)))
    for row in plan.section.tables[0].rows:
        assert f'<td class="n">{row[-3]}</td>' in shown
    if method == "ccr":
        assert "assumed, from no measurement" in shown
    call_command("power", draft.slug, "--format", "json")
    said = json.loads(capsys.readouterr().out)
    assert said == json.loads(json.dumps(plan.as_dict()))
    api = APIClient()
    api.force_authenticate(alice)
    assert api.get(f"/api/campaigns/{draft.slug}/power/").json() == said
    wrong = researcher.get(page_of(draft), {"share": 2, "sd": 90})
    assert "Ensure this value is less than" in squeezed(wrong)


def test_nonsense_is_refused_with_a_sentence(db):
    draft = small_campaign("preference", launched=False)
    with pytest.raises(CommandError, match="share of ties from 0 to below 1"):
        call_command("power", draft.slug, "--ties", "1")
