"""A campaign's report holds the record's facts and the analysis's numbers, whole, in one file, or is refused."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from io import StringIO

import openpyxl
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from listening import report_files
from listening.analysis.report import AbxAnalysis, MushraAnalysis, analyse
from listening.evidence import ratings_frame
from listening.models import Campaign
from listening.report_methods import REFERENCES, methods_section
from listening.report_pdf import pdf
from listening.reporting import FORMATS, report_sections
from models_registry.management.base import Refused
from models_registry.models import AuditEvent
from tests.factories import mushra_campaign
from tests.site.html import Page


def number(value, digits=1):
    return f"{value:.{digits}f}".replace("-", "−")


def analysed(campaign, kind):
    found = analyse(ratings_frame(campaign), screening=campaign.screening)
    assert isinstance(found, kind)
    return found


def written(campaign, path):
    call_command("report", campaign.slug, to=path, stdout=StringIO())
    return path.read_text()


@pytest.mark.parametrize("form", ["html", "md"])
def test_the_report_holds_the_record_and_the_analysis(rated, tmp_path, form):
    last = AuditEvent.objects.order_by("-number").first()
    text = written(rated, tmp_path / f"report.{form}")
    analysis = analysed(rated, MushraAnalysis)
    assert "10 of 10 listeners are simulated" in text
    assert last.sha256 in text
    for heading in (
        "Design and procedure",
        "Listeners",
        "Excerpts, conditions and anchors",
        "Listening environment and equipment",
        "Screening",
        "Results",
        "Metrics beside listeners",
        "Conclusions and their basis",
        "Statistics",
        "Software",
        "Record",
        "Checklist of BS.1534-3 §10.2",
    ):
        assert heading in text
    for row in analysis.conditions.to_dict("records"):
        assert number(row["after_mean"]) in text
    for row in analysis.comparison.mixed.pairs.to_dict("records"):
        assert f"{number(row['difference'])} points" in text
    assert text.count(analysis.comparison.mixed.scope) >= 2
    for listener in analysis.screening.excluded:
        assert listener in text
    for trial in rated.trials.all():
        for stimulus in trial.stimuli.all():
            assert stimulus.signal.sha256 in text
    assert "nan" not in text.partition("Results")[2].partition("base64,")[0].lower()


def test_figures_are_inside_the_file_and_say_that_listeners_are_simulated(rated, tmp_path):
    text = written(rated, tmp_path / "report.html")
    pictures = text.split("data:image/svg+xml;base64,")[1:]
    # one of screening, three of ratings, two of listeners, one of differences, the league and its metrics' map
    assert len(pictures) == 9
    for picture in pictures:
        svg = base64.b64decode(picture.partition('"')[0])
        assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert 'src="http' not in text
    assert 'href="' not in text


def test_names_are_text_in_both_forms(rated, tmp_path):
    rated.conditions.filter(name="system one").update(name="<b>a|b*")
    assert "&lt;b&gt;a|b*" in written(rated, tmp_path / "report.html")
    assert "<b>a" not in (tmp_path / "report.html").read_text()
    assert r"\<b\>a\|b\*" in written(rated, tmp_path / "report.md")


def test_another_extension_is_refused_and_nothing_is_written_or_recorded(rated, tmp_path):
    path = tmp_path / "report.doc"
    with pytest.raises(
        Refused, match=r"expected a file ending in .html, .pdf, .* found .doc"
    ) as no:
        call_command("report", rated.slug, to=path)
    assert no.value.returncode == 2
    assert list(tmp_path.glob("report*")) == []
    with pytest.raises(Refused, match="expected a folder that can be written"):
        call_command("report", rated.slug, to=tmp_path / "nowhere" / "report.md")
    assert not AuditEvent.objects.filter(act="report").exists()


def test_abx_and_campaigns_without_ratings_have_reports_too(told_apart, tmp_path):
    pairs = analysed(told_apart, AbxAnalysis).pairs
    text = written(told_apart, tmp_path / "abx.md")
    assert f"| {pairs['correct'].iloc[0]} | {pairs['trials'].iloc[0]} |" in text
    empty = written(mushra_campaign(slug="empty"), tmp_path / "empty.html")
    assert "No ratings yet" in empty
    assert "SIMULATED" not in empty


def test_a_campaign_of_one_system_says_that_there_is_nothing_to_compare(rated, tmp_path):
    rated.conditions.filter(name="system two").update(role="anchor")
    text = written(rated, tmp_path / "report.md")
    assert "There is no pair to compare" in text


def test_the_page_gives_the_report_as_a_file_and_the_record_keeps_who_took_it(researcher, rated):
    address = reverse("campaign-report", args=[rated.slug, "html"])
    assert address in Page(researcher.get(rated.get_absolute_url())).links
    response = researcher.get(address)
    assert response["Content-Disposition"] == f'attachment; filename="{rated.slug}-report.html"'
    assert b"Conclusions and their basis" in response.content
    assert AuditEvent.objects.get(act="report").actor == "alice"
    assert Campaign.objects.get(pk=rated.pk).state == "open"


def test_the_pdf_is_whole_and_the_same_for_the_same_record(rated):
    now = "2026-01-01 00:00 UTC"
    sections = report_sections(rated)
    first = pdf("A title <&>", now, "All are simulated.", sections)
    assert first.startswith(b"%PDF-")
    assert first.rstrip().endswith(b"%%EOF")
    # the second is drawn anew
    cache.clear()
    assert pdf("A title <&>", now, "All are simulated.", sections) == first
    # the pictures and the fonts are inside
    assert first.count(b"/Subtype /Image") >= 8
    assert first.count(b"/FontFile2") == 2


def test_tables_for_a_paper_hold_the_report_s_numbers_and_no_formula(rated):
    rated.conditions.filter(name="system one").update(name="=1+1_&")
    sections = report_sections(rated)
    tex = report_files.tex(sections).decode()
    tables = [table for section in sections for table in section.tables if table.rows]
    assert tex.count(r"\toprule") == tex.count(r"\end{table}") == len(tables)
    assert r"=1+1\_\&" in tex
    # every line of a table has the columns that its head declares
    for block in tex.split(r"\begin{tabular}{")[1:]:
        columns, _, rest = block.partition("}")
        for line in rest.partition(r"\end{tabular}")[0].splitlines():
            if line.endswith(r"\\"):
                assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1
    book = openpyxl.load_workbook(io.BytesIO(report_files.xlsx(sections)))
    assert len(book.sheetnames) == len(tables) + 1
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    with zipfile.ZipFile(io.BytesIO(report_files.archive(sections, b"<html>"))) as archive:
        names = archive.namelist()
        assert {"report.html", "tables.tex", "figures/means.pdf", "figures/means.csv"} <= set(names)
        assert "'=1+1_&" in archive.read("figures/means.csv").decode()


def test_the_methods_paragraph_cites_what_was_done(rated):
    analysis = analysed(rated, MushraAnalysis)
    section = methods_section(analysis)
    cited = dict(section.tables[0].rows)
    model = analysis.comparison.mixed
    assert f"to {model.n_ratings} ratings of {model.n_items} items" in section.paragraphs[0]
    assert model.scope in section.paragraphs[0]
    for name in cited:
        year = name.split()[-1]
        assert year in section.paragraphs[0] or name.startswith("ITU")
    assert set(cited) <= set(REFERENCES)


def test_the_page_offers_every_form(researcher, rated):
    links = Page(researcher.get(rated.get_absolute_url())).links
    for form in FORMATS:
        assert reverse("campaign-report", args=[rated.slug, form[1:]]) in links
    pdf_file = researcher.get(reverse("campaign-report", args=[rated.slug, "pdf"]))
    assert pdf_file["Content-Type"] == "application/pdf"
    assert researcher.get(reverse("campaign-report", args=[rated.slug, "doc"])).status_code == 404


def test_the_report_tells_the_spread_of_ages_but_not_of_a_few(db, settings, tmp_path):
    from listening.reporting import FEWEST_TOLD
    from tests.test_collect import PLAN, send, session

    settings.MEDIA_ROOT = tmp_path / "media"
    campaign = mushra_campaign(plan=PLAN)
    for age in range(20, 20 + FEWEST_TOLD):
        # one fewer than are told of
        if age == 19 + FEWEST_TOLD:
            assert "answered in numbers" not in written(campaign, tmp_path / "report.md")
        participant = {"name": ["age"], "response": [str(age)]}
        assert (
            send(Client(), session(testId=campaign.slug, participant=participant)).status_code
            == 200
        )
    text = written(campaign, tmp_path / "report.md")
    assert "answered in numbers" in text
    assert re.search(r"age \| 5 \| 22 \|", text)


def test_the_checklist_names_the_recommendations_points_and_the_anchors_of_mushra_alone(
    rated, told_apart, tmp_path
):
    # Rec. ITU-R BS.1534-3, 10.2: of its points these are what a page on its own would not think of
    points = (
        "impulse responses of all loudspeakers",
        "channel configuration",
        "code of any anchor",
    )
    mushra = written(rated, tmp_path / "mushra.md")
    abx = written(told_apart, tmp_path / "abx.md")
    assert all(point in mushra for point in points)
    assert "How the anchors were made" in mushra
    assert points[-1] not in abx
    assert "Checklist after BS.1534" in abx


def test_a_rule_of_another_method_is_no_rule_of_this_campaign(researcher, told_apart):
    Campaign.objects.filter(pk=told_apart.pk).update(screening="bs1534-3")
    page = researcher.get(told_apart.get_absolute_url()).content.decode()
    assert "is for MUSHRA" not in page
    assert "No screening was declared" in page
    told_apart.refresh_from_db()
    assert told_apart.rule == "none"
