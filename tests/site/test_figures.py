"""Figures as files: SVG for pages, PDF for papers, from one function and the same rows."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from django.urls import reverse

from listening.views.figures import CAMPAIGN_FIGURES
from tests.factories import mushra_campaign

SVG = "{http://www.w3.org/2000/svg}svg"


def figures(campaign):
    return [figure.name for figure in CAMPAIGN_FIGURES if figure.method == campaign.method]


def test_every_figure_is_served_as_svg_and_as_pdf(researcher, rated, told_apart):
    wanted = [(rated, name) for name in [*figures(rated), "metric-si-sdr"]]
    wanted += [(told_apart, name) for name in figures(told_apart)]
    for campaign, name in wanted:
        svg = researcher.get(reverse("campaign-figure", args=[campaign.slug, name, "svg"]))
        assert svg["Content-Type"] == "image/svg+xml"
        assert ET.fromstring(svg.content).tag == SVG, name
        pdf = researcher.get(reverse("campaign-figure", args=[campaign.slug, name, "pdf"]))
        assert pdf["Content-Type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF-"), name


def test_the_same_rows_give_the_same_bytes(researcher, rated):
    address = reverse("campaign-figure", args=[rated.slug, "means", "svg"])
    assert researcher.get(address).content == researcher.get(address).content


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
