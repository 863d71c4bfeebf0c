"""The page behind a campaign's comparisons: progress, equivalence, planning, analysis of variance, listeners."""

from __future__ import annotations

import numpy as np
import pytest
from django.urls import reverse

from listening.analysis.abx_planning import critical_table, trials_needed
from listening.analysis.comparison import equivalent_pairs
from listening.analysis.crossed_bootstrap import crossed_bootstrap
from listening.analysis.monitoring import progress
from listening.analysis.permutation import attachment3
from listening.analysis.planning import Variances, plan
from listening.analysis.report import analyse
from listening.evidence import in_order_of_arrival, ratings_frame
from listening.models import Campaign, Session
from listening.rehearsal import rehearse
from tests.factories import mushra_campaign
from tests.site.conftest import no_progress, scored
from tests.site.html import Page


def address(campaign):
    return reverse("campaign-statistics", args=[campaign.slug])


def text_of(researcher, campaign, query=""):
    response = researcher.get(address(campaign) + query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def number(value, digits):
    return f"{value:.{digits}f}".replace("-", "−")


@pytest.fixture
def analysis(rated):
    return analyse(ratings_frame(rated), screening=rated.screening)


@pytest.fixture
def kept(rated, analysis):
    return analysis.screening.keep(ratings_frame(rated))


@pytest.fixture
def twice(db):
    """A campaign whose listeners heard everything twice."""
    campaign = mushra_campaign(slug="twice", items=1)
    Campaign.objects.filter(pk=campaign.pk).update(repetitions=2, screening="none")
    campaign.refresh_from_db()
    scored(campaign)
    rehearse(campaign, listeners=4, seed=5, actor="alice", progress=no_progress)
    return campaign


def test_the_analysis_of_variance_and_the_sign_flips_are_those_of_the_analysis(
    researcher, rated, analysis
):
    text = text_of(researcher, rated)
    effects = analysis.comparison.anova.effects
    assert len(effects) == 3
    for row in effects.to_dict("records"):
        assert f'<td class="n">{number(row["f"], 2)}</td>' in text
        assert f"{row['df1']}, {row['df2']}" in text
    assert analysis.comparison.anova.scope in text
    for row in analysis.comparison.pairs.to_dict("records"):
        assert f"<strong>{row['p_flip_max']:.4f}</strong>" in text


def test_equivalence_waits_for_a_margin_and_then_tests_within_it(researcher, rated, kept):
    without = text_of(researcher, rated)
    assert "A margin must be declared before the data" in without
    assert "TOST" not in without
    text = text_of(researcher, rated, "?margin=7.5")
    rows = equivalent_pairs(kept, margin=7.5, roles=("system", "reference"))
    assert len(rows) == 3
    assert "within ± 7.5 points" in text
    assert "A margin must be declared before the data" in text
    for row in rows.to_dict("records"):
        assert f"{number(row['ci_low'], 1)} … {number(row['ci_high'], 1)}" in text
    wide = text_of(researcher, rated, "?margin=100")
    assert "transparent within the margin" in wide


@pytest.mark.parametrize("margin", ["0", "-3", "abc", "101", "nan", "inf"])
def test_a_margin_that_is_none_is_refused_in_words(researcher, rated, margin):
    response = researcher.get(address(rated) + f"?margin={margin}")
    assert response.status_code == 200
    assert b"errorlist" in response.content
    assert b"TOST" not in response.content
    assert Page(response).unlabelled_fields() == []


def test_progress_is_the_sequence_over_finished_sessions(researcher, rated, kept):
    found = progress(in_order_of_arrival(rated, kept), "system one", "system two")
    text = text_of(researcher, rated)
    assert f"<strong>{number(found.mean, 1)}</strong>" in text
    assert "Without a margin nothing is called equivalent" in text
    svg = researcher.get(reverse("campaign-figure", args=[rated.slug, "sequence", "svg"]))
    assert svg.status_code == 200


def test_arrival_is_when_a_session_was_finished(rated, kept):
    sessions = list(rated.sessions.order_by("pk"))
    last = Session.objects.order_by("-finished_at").first().finished_at
    Session.objects.filter(pk=sessions[0].pk).update(finished_at=last.replace(year=last.year + 1))
    Session.objects.filter(pk=sessions[1].pk).update(finished_at=None)
    ratings = ratings_frame(rated)
    arrived = in_order_of_arrival(rated, ratings)["listener"].unique().tolist()
    first, second = sessions[0].listener.code, sessions[1].listener.code
    assert arrived[-1] == first
    assert second not in arrived
    assert set(arrived) == set(ratings["listener"]) - {second}


def test_the_plan_is_for_the_difference_that_was_asked_for(researcher, rated, analysis):
    model = analysis.comparison.mixed
    for difference in (10, 4):
        expected = plan(Variances.of(model), difference=difference, items=model.n_items)
        query = f"?difference={difference}" if difference != 10 else ""
        sentence = expected.sentence
        assert sentence[0].upper() + sentence[1:] in text_of(researcher, rated, query)


def test_listeners_are_judged_where_they_repeated_and_else_a_sentence_says_why_not(
    researcher, rated, twice
):
    assert "stimuli that a listener rated twice or more, found none" in text_of(researcher, rated)
    text = text_of(researcher, twice)
    assert "Discrimination: F" in text
    for listener in twice.listeners.all():
        assert listener.code in text


def test_simulated_listeners_are_named_in_every_caption(researcher, twice):
    captions = text_of(researcher, twice, "?margin=5").split("<caption>")[1:]
    assert len(captions) >= 5
    for caption in captions:
        assert "Simulated listeners." in caption.partition("</caption>")[0]


def test_without_ratings_a_sentence_says_so(researcher, db):
    assert "No ratings yet" in text_of(researcher, mushra_campaign(slug="empty"))


def test_abx_is_planned_for_the_share_that_was_asked_for(researcher, told_apart):
    for share in (0.75, 0.6):
        needed = trials_needed(share)
        text = text_of(researcher, told_apart, f"?share={share}" if share != 0.75 else "")
        assert f"with {needed.first} trials, and surely from {needed.safely} on" in text
        row = critical_table([16], proportions=(share,)).iloc[0]
        assert f'<td class="n">{row["critical_05"]:.0f}</td>' in text
    assert "No number of trials: expected a proportion between" in text_of(
        researcher, told_apart, "?share=0.4"
    )


def test_resampling_and_attachment_3_are_those_of_the_analysis(researcher, rated, kept):
    text = text_of(researcher, rated)
    for row in crossed_bootstrap(kept).to_dict("records"):
        assert f"[{number(row['ci_low'], 2)}, {number(row['ci_high'], 2)}]" in text
    one, two = (kept.loc[kept["condition"] == f"system {n}", "rating"] for n in ("one", "two"))
    found = attachment3(max(one, two, key=np.median), min(one, two, key=np.median))
    assert f'<td class="n">{number(found.observed, 2)}</td>' in text


def test_one_listener_of_one_item_gives_reasons_and_no_nan(researcher, db):
    campaign = mushra_campaign(slug="single", items=1)
    Campaign.objects.filter(pk=campaign.pk).update(screening="none")
    campaign.refresh_from_db()
    scored(campaign)
    rehearse(campaign, listeners=1, seed=1, actor="alice", progress=no_progress)
    text = text_of(researcher, campaign, "?margin=5&difference=5")
    assert "No analysis of variance:" in text
    assert "No plan:" in text
    assert "there is nothing to test" in text
    assert ">nan" not in text.lower()
    for form in ("svg", "pdf"):
        figure = reverse("campaign-figure", args=[campaign.slug, "sequence", form])
        assert researcher.get(figure).status_code == 200


def test_the_results_page_leads_here(researcher, rated):
    links = Page(researcher.get(rated.get_absolute_url())).links
    assert address(rated) in links
    assert reverse("campaign-metrics", args=[rated.slug]) in links
