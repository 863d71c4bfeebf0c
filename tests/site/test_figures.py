"""Figures as files: SVG for pages, PDF for papers, from one function and the same rows."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from unittest.mock import Mock

import pytest
from django.core.cache import cache
from django.urls import reverse

from listening import campaign_figures
from listening.analysis.description import describe
from listening.campaign_evidence import Evidence
from listening.campaign_figures import CAMPAIGN_FIGURES, figures_of
from listening.rehearsal import rehearse
from tests.factories import mushra_campaign
from tests.site.conftest import no_progress

SVG = "{http://www.w3.org/2000/svg}svg"


def figures(campaign):
    sections = dict.fromkeys(figure.section for figure in CAMPAIGN_FIGURES)
    return [figure.name for figure in figures_of(Evidence(campaign), *sections)]


def test_every_figure_is_served_as_svg_pdf_and_png_with_its_data(researcher, rated, told_apart):
    wanted = [(rated, name) for name in [*figures(rated), "metric-si-sdr"]]
    wanted += [(told_apart, name) for name in figures(told_apart)]
    for campaign, name in wanted:
        svg = researcher.get(reverse("campaign-figure", args=[campaign.slug, name, "svg"]))
        assert svg["Content-Type"] == "image/svg+xml"
        assert ET.fromstring(svg.content).tag == SVG, name
        pdf = researcher.get(reverse("campaign-figure", args=[campaign.slug, name, "pdf"]))
        assert pdf["Content-Type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF-"), name
        table = researcher.get(reverse("campaign-figure", args=[campaign.slug, name, "csv"]))
        rows = list(csv.reader(io.StringIO(table.content.decode())))
        assert len(rows) > 1, name
        assert "nan" not in table.content.decode().lower(), name
    png = researcher.get(reverse("campaign-figure", args=[rated.slug, "means", "png"]))
    assert png.content.startswith(b"\x89PNG")


def test_the_same_rows_give_the_same_bytes(researcher, rated):
    address = reverse("campaign-figure", args=[rated.slug, "means", "svg"])
    drawn = researcher.get(address).content
    cache.clear()
    assert researcher.get(address).content == drawn


def test_a_figure_is_drawn_anew_only_after_another_rating(researcher, rated, monkeypatch):
    drawn = Mock(return_value=b"svg")
    monkeypatch.setattr(campaign_figures, "rendered", drawn)
    address = reverse("campaign-figure", args=[rated.slug, "means", "svg"])
    for _ in range(2):
        assert researcher.get(address).content == b"svg"
    assert drawn.call_count == 1
    rehearse(rated, listeners=11, seed=3, actor="alice", progress=no_progress)
    researcher.get(address)
    assert drawn.call_count == 2


def test_a_figure_s_alternative_says_what_it_shows(researcher, rated):
    text = researcher.get(rated.get_absolute_url()).content.decode()
    means = describe(Evidence(rated).kept).set_index("condition")
    low, middle, high = means.loc["system one", ["ci_low", "mean_of_listeners", "ci_high"]]
    assert f"system one {middle:.2f} [{low:.2f}, {high:.2f}]" in text
    for name in ("listeners", "distributions", "differences"):
        assert reverse("campaign-figure", args=[rated.slug, name, "csv"]) in text


def test_blocks_and_training_have_figures_too(researcher, version):
    for block in ("pre", "drive"):
        address = reverse("block-figure", args=["overdrive", 1, block, "svg"])
        assert ET.fromstring(researcher.get(address).content).tag == SVG
    address = reverse("history-figure", args=[version.run.job.pk, "pdf"])
    assert researcher.get(address).content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("name", "form"), [("nothing", "svg"), ("means", "exe"), ("metric-nothing", "svg")]
)
def test_what_cannot_be_drawn_is_not_found(researcher, rated, name, form):
    assert (
        researcher.get(reverse("campaign-figure", args=[rated.slug, name, form])).status_code == 404
    )


def test_without_ratings_there_is_no_figure(researcher, db):
    address = reverse("campaign-figure", args=[mushra_campaign().slug, "means", "svg"])
    assert researcher.get(address).status_code == 404
