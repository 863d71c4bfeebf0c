"""Every method's campaigns have their results, their figures and their report, whatever its ratings are."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from listening import exporting, reporting
from listening.analysis.report import READINGS
from listening.campaign_evidence import Evidence
from listening.campaign_figures import figures_of
from listening.management.files import analyse_file
from listening.methods import methods
from listening.models import Campaign
from listening.rehearsal import rehearse
from listening.result_sections import sections_of
from tests.factories import small_campaign
from tests.site.conftest import no_progress, scored


@pytest.fixture(params=[name for name in methods() if name not in ("mushra", "abx")])
def rehearsed(request, db):
    campaign = small_campaign(request.param, slug=request.param, repetitions=2, launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(screening="none")
    campaign.refresh_from_db()
    campaign.launch(actor="alice")
    scored(campaign)
    rehearse(campaign, listeners=5, seed=2, actor="alice", progress=no_progress)
    return campaign


def test_results_figures_report_and_exported_rows_say_the_same(researcher, rehearsed, tmp_path):
    found = Evidence(rehearsed)
    sections = sections_of(found.analysis, found)
    page = researcher.get(rehearsed.get_absolute_url()).content.decode()
    report = reporting.content(rehearsed, ".md").decode()
    for section in sections:
        for table in section.tables:
            for row in table.rows:
                for cell in row[1:]:
                    assert cell.replace("[", r"\[").replace("]", r"\]") in report
                    assert "nan" not in cell
        for text in section.paragraphs:
            assert "nan" not in text
    assert "Simulated listeners." in page
    assert ">nan" not in page.lower()
    assert "5 of 5 listeners are simulated" in report.replace("\\", "")
    shown = figures_of(found, "ratings")
    assert shown
    for figure in shown:
        for form in ("svg", "csv"):
            address = reverse("campaign-figure", args=[rehearsed.slug, figure.name, form])
            assert researcher.get(address).status_code == 200, figure.name
    plans = researcher.get(reverse("campaign-statistics", args=[rehearsed.slug]))
    assert plans.status_code == 200
    assert ">nan" not in plans.content.decode().lower()
    rows = tmp_path / "rows.csv"
    rows.write_bytes(b"".join(exporting.csv_ratings(rehearsed, actor="alice")))
    from_file, _ = analyse_file(rows, {"screening": "none", "method": None})
    assert json.loads(from_file.to_json()) == json.loads(found.analysis.to_json())


def test_every_reading_has_sections():
    for kind in READINGS.values():
        assert sections_of.dispatch(kind) is not sections_of.dispatch(object), kind
