"""The catalogue of metrics: searched by words, family and need, and a page for each metric."""

from __future__ import annotations

import re

from django.core.management import call_command
from django.urls import reverse
from django.utils.html import escape

from listening.views.metrics import conformance, papers, standards
from metrics import catalogue


def text_of(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def listed(text):
    return re.findall(r'<tr id="([\w-]+)">', text)


def test_the_catalogue_lists_every_metric_once_whichever_module_was_imported_first(anonymous, db):
    text = text_of(anonymous, reverse("metrics"))
    assert listed(text) == [metric.name for metric in catalogue.all()]
    families = re.findall(r'class="rowgroup">([^<]+)<', text)
    assert len(families) == len(set(families))


def test_metrics_are_found_by_words_family_and_need(anonymous, db):
    found = listed(text_of(anonymous, reverse("metrics") + "?q=masks+error&need=reference"))
    assert found == ["nmr"]
    found = listed(text_of(anonymous, reverse("metrics") + "?family=Level&need=none"))
    assert "true-peak" in found
    assert "loudness-difference" not in found
    nothing = text_of(anonymous, reverse("metrics") + "?q=xyzzy")
    assert listed(nothing) == []
    assert "No metric speaks of that" in nothing


def test_an_extra_that_is_missing_says_how_to_install_it(anonymous, db, monkeypatch):
    monkeypatch.setattr(catalogue, "missing", lambda extra: ("zimtohrli",))
    text = text_of(anonymous, reverse("metrics"))
    assert (
        "pip install &#x27;earwitness[zimtohrli]&#x27;" in text or "earwitness[zimtohrli]" in text
    )
    assert "not installed" in text


def test_every_metric_has_a_page_that_says_all_that_is_declared(anonymous, db):
    for metric in catalogue.all():
        text = text_of(anonymous, reverse("metric", args=[metric.name]))
        declared = (metric.title, metric.unit, metric.standard, metric.citation, metric.version)
        for said in (*declared, metric.licence, metric.calibration, metric.description):
            assert escape(said) in text


def test_conformance_stands_on_the_page_of_its_metric(anonymous, db):
    assert {"peaq-odg", "zwicker-n", "true-peak"} <= set(conformance())
    text = text_of(anonymous, reverse("metric", args=["true-peak"]))
    for row in conformance()["true-peak"]:
        assert row["deviation"] in text


def test_a_metric_that_is_not_there_is_not_found(anonymous, db):
    assert anonymous.get(reverse("metric", args=["pesq"])).status_code == 404


def test_standards_are_linked_where_they_are_published_and_papers_are_looked_for():
    found = standards("ITU-R BS.1770-5 (2023), ITU-T P.862.2 (2007), EBU Tech 3341")
    assert found == {
        "ITU-R BS.1770": "https://www.itu.int/rec/R-REC-BS.1770",
        "ITU-T P.862": "https://www.itu.int/rec/T-REC-P.862",
        "EBU Tech 3341": "https://tech.ebu.ch/publications/tech3341",
    }
    (paper,) = papers(catalogue.get("nmr"))
    assert paper.words.startswith("Thiede")
    assert papers(catalogue.get("true-peak")) == []
    (paper,) = papers(catalogue.get("bark-excitation-distance"))
    assert paper.address == "https://doi.org/10.1016/0378-5955%2879%2990025-X"


def test_the_command_defines_and_finds_the_same_metrics(capsys):
    call_command("metrics", "nmr")
    said = capsys.readouterr().out
    assert catalogue.get("nmr").description in said
    assert "PEAQ and masking" in said
    call_command("metrics", family="level", reference="no", search="true peak")
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["metric", "integrated-loudness", "true-peak", "plr"]


def test_what_a_metric_makes_of_damage_comes_when_it_is_seen(anonymous, db, monkeypatch):
    page = text_of(anonymous, reverse("metric", args=["lsd"]))
    assert f'hx-get="{reverse("metric-response-part", args=["lsd"])}" hx-trigger="revealed"' in page
    part = text_of(anonymous, reverse("metric-response-part", args=["lsd"]))
    assert "undamaged: 0 dB." in part
    assert "Noise from 60 to 0 dB SNR" in part
    # measured once: the picture and the data are of the same values
    monkeypatch.setattr("listening.views.metrics.response", None)
    svg = anonymous.get(reverse("metric-response", args=["lsd", "svg"]))
    assert svg["Content-Type"] == "image/svg+xml"
    rows = anonymous.get(reverse("metric-response", args=["lsd", "csv"])).content.decode()
    assert len(rows.splitlines()) == 17
    assert anonymous.get(reverse("metric-response", args=["lsd", "bmp"])).status_code == 404
    assert anonymous.get(reverse("metric-response", args=["none-such", "svg"])).status_code == 404
