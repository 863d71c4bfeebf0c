"""A campaign's page: who was simulated, who was excluded, what came out, and what can be taken away."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.urls import reverse

from listening.analysis import report
from listening.evidence import ratings_frame, scores_frame
from listening.models import Listener
from models_registry.models import AuditEvent, Job
from tests.factories import mushra_campaign
from tests.site.html import Page


def text_of(researcher, campaign):
    return " ".join(researcher.get(campaign.get_absolute_url()).content.decode().split())


def mushra_analysis(campaign):
    analysis = report.analyse(ratings_frame(campaign), screening=campaign.screening)
    assert isinstance(analysis, report.MushraAnalysis)
    return analysis


def test_the_banner_stands_wherever_a_listener_is_simulated(researcher, rated, told_apart):
    for campaign, n in ((rated, 10), (told_apart, 5)):
        assert f"{n} of {n} listeners are programs, not people" in text_of(researcher, campaign)


def test_one_simulated_listener_among_people_is_enough_for_the_banner(researcher, db):
    campaign = mushra_campaign()
    Listener.objects.create(campaign=campaign, code="person")
    assert "not people" not in text_of(researcher, campaign)
    Listener.objects.create(campaign=campaign, code="program", simulated=True)
    assert "1 of 2 listeners is a program, not people" in text_of(researcher, campaign)


def test_every_exclusion_stands_there_with_its_reason(researcher, rated):
    decisions = mushra_analysis(rated).screening.decisions
    excluded = decisions[decisions["excluded"]]
    assert 0 < len(excluded) < len(decisions)
    text = text_of(researcher, rated)
    kept = len(decisions) - len(excluded)
    assert f"keeps {kept} of {len(decisions)} listeners" in text
    for reason in excluded["reason"]:
        assert reason in text


def test_the_tables_show_the_analysis_and_no_other_numbers(researcher, rated):
    analysis = mushra_analysis(rated)
    text = text_of(researcher, rated)
    for row in analysis.conditions.to_dict("records"):
        for column in ("before_mean", "after_mean", "after_mean_of_listeners", "after_median"):
            assert f">{row[column]:.1f}<" in text, (row["condition"], column)
    for row in analysis.comparison.pairs.to_dict("records"):
        assert f"{row['mean_difference']:.1f}".replace("-", "−") in text
        assert f"{row['a']} − {row['b']}" in text
    assert analysis.comparison.scope in text
    mixed = analysis.comparison.mixed
    assert mixed.scope in text
    for row in mixed.pairs.to_dict("records"):
        assert f"{row['ci_low']:.1f} … {row['ci_high']:.1f}".replace("-", "−") in text


def test_a_metric_that_runs_against_the_listeners_is_shown_with_its_sign(researcher, rated):
    table = report.correlate(ratings_frame(rated), scores_frame(rated)).table
    (contrary,) = table.query("level == 'stimulus' and metric == 'si-sdr'").to_dict("records")
    assert contrary["pearson"] < 0
    text = text_of(researcher, rated)
    assert f"{contrary['pearson']:.3f}".replace("-", "−") in text
    assert contrary["reading"] in text
    assert "r is negative although higher is better" in text


def test_abx_shows_right_answers_and_no_correlation(researcher, told_apart):
    analysis = report.analyse(ratings_frame(told_apart), screening=told_apart.screening)
    assert isinstance(analysis, report.AbxAnalysis)
    pairs = analysis.pairs
    text = text_of(researcher, told_apart)
    assert f"{pairs['correct'].iloc[0]} of {pairs['trials'].iloc[0]}" in text
    assert "no mean ratings to set metrics beside" in text


def test_stimuli_can_be_heard_and_the_link_for_listeners_copied(researcher, rated):
    page = Page(researcher.get(rated.get_absolute_url()))
    players = [source for source in page.sources if source and source.startswith("/signals/")]
    assert len(players) == 2 * 5
    assert any(f.get("value") == f"http://testserver/t/{rated.slug}/" for f in page.fields)


def test_a_campaign_without_ratings_says_so(researcher, db):
    assert "No ratings yet" in text_of(researcher, mushra_campaign())


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_exports_are_linked_and_come_as_files(researcher, rated, form):
    address = reverse("campaign-export", args=[rated.slug, form])
    assert address in Page(researcher.get(rated.get_absolute_url())).links
    response = researcher.get(address)
    assert response["Content-Disposition"] == f'attachment; filename="{rated.slug}.{form}"'
    assert AuditEvent.objects.filter(act="export", actor="alice").count() == 1
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
        assert len(rows) >= 10 * 2 * 5
    if form == "json":
        assert json.loads(response.content)
    if form == "xlsx":
        assert response.content.startswith(b"PK")


def test_another_form_of_export_does_not_exist(researcher, rated):
    assert researcher.get(reverse("campaign-export", args=[rated.slug, "exe"])).status_code == 404


def test_closing_needs_a_reason_and_keeps_it(researcher, rated):
    address = reverse("campaign-close", args=[rated.slug])
    researcher.post(address, {"reason": ""})
    rated.refresh_from_db()
    assert rated.state == "open"
    researcher.post(address, {"reason": "all listeners were here"})
    rated.refresh_from_db()
    assert rated.state == "closed"
    event = AuditEvent.objects.get(act="close")
    assert (event.actor, event.reason) == ("alice", "all listeners were here")


def test_scoring_queues_a_job_that_names_the_campaign(researcher, rated):
    response = researcher.post(reverse("campaign-score", args=[rated.slug]))
    job = Job.objects.get(kind="score-campaign")
    assert response.url == reverse("job", args=[job.pk])
    assert job.arguments == {"campaign": rated.slug, "actor": "alice"}


def test_an_export_that_needs_an_extra_says_so_where_it_is_not_installed(
    researcher, rated, monkeypatch
):
    monkeypatch.setattr(
        "pandas.DataFrame.to_parquet", lambda *args, **kwargs: __import__("no_arrow")
    )
    address = reverse("campaign-export", args=[rated.slug, "parquet"])
    text = researcher.get(address, follow=True).content.decode()
    assert "install the extra" in text
