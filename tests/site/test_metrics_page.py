"""The page behind a campaign's correlations: league, errors after mapping, parts, and sounds to be heard."""

from __future__ import annotations

import pytest
from django.urls import reverse

from listening.analysis.report import correlate
from listening.computed import once
from listening.evidence import ratings_frame, scores_frame
from listening.models import Campaign
from listening.playable_scatter import playable_scatter
from listening.rehearsal import FOLLOWED_METRIC
from metrics import catalogue
from metrics.models import Score
from tests.factories import abx_campaign, mushra_campaign
from tests.site.conftest import scored
from tests.site.html import Page
from tests.tampering import rewrite, strike

DESCRIPTOR = "spectral-centroid"


def address(campaign):
    return reverse("campaign-metrics", args=[campaign.slug])


def text_of(researcher, campaign, query=""):
    response = researcher.get(address(campaign) + query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def number(value, digits):
    return f"{value:.{digits}f}".replace("-", "−")


@pytest.fixture
def described(rated):
    """The campaign with a descriptor beside its metrics."""
    metric = catalogue.get(DESCRIPTOR)
    for place, trial in enumerate(rated.trials.all()):
        for stimulus in trial.stimuli.all():
            Score.objects.create(
                metric=metric.name,
                metric_version=metric.version,
                signal=stimulus.signal,
                value=1000.0 + 10 * place + stimulus.pk,
                unit=metric.unit,
                status="ok",
            )
    return rated


def test_the_league_is_that_of_the_analysis(researcher, rated):
    found = correlate(ratings_frame(rated), scores_frame(rated)).metrics
    text = text_of(researcher, rated)
    assert len(found.league.table) == 2
    for row in found.league.table.to_dict("records"):
        assert f"<strong>{number(row['r'], 3)}</strong>" in text
        assert f"{number(row['item_low'], 2)} … {number(row['item_high'], 2)}" in text
    assert f"over the same {found.league.n} stimuli of {found.league.n_items} items" in text
    assert f"Holm over the {len(found.league.pairs)} pair" in text
    assert f"above r = {number(found.ceiling.ceiling, 3)}" in text


def test_errors_after_mapping_stand_with_what_was_refused(researcher, rated):
    mapping = correlate(ratings_frame(rated), scores_frame(rated)).metrics.mapping
    text = text_of(researcher, rated)
    fitted = mapping.query("level == 'stimulus' and reason == ''")
    assert len(fitted) == 2
    for row in fitted.to_dict("records"):
        assert f"<strong>{number(row['rmse'], 2)}</strong>" in text
        assert number(row["rmse_star"], 2) in text
    assert "monotone cubic mapping: expected at least 20 points, found 4" in text
    assert "No errors: no mapping could be fitted" in text
    assert "linear mapping: expected at least 3 points, found 2" in text


def test_parts_within_and_between_items_stand_there(researcher, rated):
    parts = correlate(ratings_frame(rated), scores_frame(rated)).metrics.parts
    text = text_of(researcher, rated)
    for row in parts.to_dict("records"):
        if row["reason"]:
            assert row["reason"] in text
        else:
            assert number(row["r"], 3) in text


def test_the_largest_disagreements_can_be_heard_beside_their_references(researcher, rated):
    page = Page(researcher.get(address(rated) + "?metric=si-sdr"))
    sounds = [source for source in page.sources if source.startswith("/signals/")]
    systems = rated.trials.first().stimuli.filter(condition__role="system")
    for trial in rated.trials.all():
        assert sounds.count(reverse("signal", args=[trial.reference.sha256])) == systems.count()
    for stimulus in systems:
        assert reverse("signal", args=[stimulus.signal.sha256]) in sounds
    assert reverse("campaign-figure", args=[rated.slug, "metric-si-sdr", "svg"]) in page.sources
    assert page.unlabelled_fields() == []


def test_every_point_of_the_scatter_leads_to_its_sound_and_stands_in_a_table(researcher, rated):
    text = text_of(researcher, rated, "?metric=si-sdr")
    points = correlate(ratings_frame(rated), scores_frame(rated)).points.query("metric == 'si-sdr'")
    drawn = text.partition('<svg class="sheet playable"')[2].partition("</svg>")[0]
    assert drawn.count('class="heard-point"') == len(points) == 4
    assert text.count('class="heard-point"') == 2 * len(points)
    for row in points.to_dict("records"):
        name = f"{row['condition']} of {row['item']}"
        assert f'href="{reverse("signal", args=[row["signal"]])}" data-name="{name}"' in drawn
        assert f"rated {number(row['rating'], 1)}" in drawn


def test_points_lie_in_proportion_to_score_and_rating():
    rows = [
        {"item": "i", "condition": name, "role": "system", "metric": "m", "unit": "dB"}
        | {"value": value, "rating": rating}
        for name, value, rating in [
            ("a", -10.0, 0.0),
            ("b", 0.0, 25.0),
            ("c", 30.0, 100.0),
            ("d", float("nan"), 9.0),
        ]
    ]
    drawn = playable_scatter(rows)
    a, b, c = drawn.points
    assert (b.x - a.x) / (c.x - a.x) == pytest.approx(0.25, abs=1e-3)
    assert (a.y - b.y) / (a.y - c.y) == pytest.approx(0.25, abs=1e-3)
    assert drawn.left < a.x < c.x < drawn.right
    assert drawn.top < c.y < a.y < drawn.floor
    zero = next(tick for tick in drawn.across if tick.text == "0")
    assert zero.place == b.x
    assert (drawn.n, drawn.left_out) == (3, 1)
    assert [name for name, *_ in drawn.key] == ["c", "b", "a"]
    assert playable_scatter(rows[3:]) is None


def test_a_condition_leads_to_the_version_that_made_it(researcher, rated, version):
    rated.conditions.filter(name="system one").update(version=version)
    page = Page(researcher.get(address(rated)))
    assert reverse("version", args=["overdrive", 1]) in page.links


def test_a_metric_that_nobody_computed_is_not_found(researcher, rated):
    assert researcher.get(address(rated) + "?metric=nothing").status_code == 404


def test_simulated_listeners_are_named_in_every_caption(researcher, rated):
    text = text_of(researcher, rated)
    assert "10 of 10 listeners are programs, not people" in text
    captions = text.split("<caption>")[1:]
    assert len(captions) == 5
    for caption in captions:
        assert "Simulated listeners." in caption.partition("</caption>")[0]


def test_descriptors_are_folded_away_and_counted_in_the_family(researcher, described):
    text = text_of(researcher, described)
    assert f"a descriptor: neither direction of it is better</dt><dd>{DESCRIPTOR}" in text.lower()
    results = " ".join(researcher.get(described.get_absolute_url()).content.decode().split())
    metrics = results.partition('id="metrics"')[2].partition('id="stimuli"')[0]
    shown, _, folded = metrics.partition("<details")
    assert FOLLOWED_METRIC in shown
    assert DESCRIPTOR not in shown
    assert "1 descriptor per stimulus" in folded
    assert f"#{DESCRIPTOR}" in folded
    assert metrics.count("Holm over the 3 metrics of this level, descriptors among them") == 2


def test_without_ratings_scores_or_means_a_sentence_says_so(researcher, rated, told_apart):
    assert "No ratings yet" in text_of(researcher, mushra_campaign(slug="empty"))
    assert "no mean ratings to set metrics beside" in text_of(researcher, told_apart)
    strike(Score.objects.all())
    assert "No scores yet" in text_of(researcher, rated)


def test_a_metric_that_failed_everywhere_gives_a_reason_and_no_nan(researcher, rated):
    silent = {"value": None, "status": "refused", "message": "it was silent"}
    rewrite(Score.objects.filter(metric="si-sdr"), **silent)
    text = text_of(researcher, rated, "?metric=si-sdr")
    assert "4 of 4 stimuli without a score" in text
    assert "it was silent" in text
    assert "nan" not in text.lower().replace("dominant", "")


def test_what_is_computed_is_kept_until_a_row_is_added(rated):
    asked = []

    def compute():
        asked.append(1)
        return len(asked)

    assert [once(rated, "test", compute) for _ in range(3)] == [1, 1, 1]
    scored(abx_campaign(slug="elsewhere"))
    assert once(rated, "test", compute) == 1
    Score.objects.create(
        metric="lsd",
        metric_version="1",
        signal=rated.trials.first().reference,
        value=1.0,
        unit="dB",
        status="ok",
    )
    assert once(rated, "test", compute) == 2
    Campaign.objects.filter(pk=rated.pk).update(screening="none")
    rated.refresh_from_db()
    assert once(rated, "test", compute) == 3
