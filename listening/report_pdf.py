"""A report as PDF: sections of text, tables that run over pages, and the figures.

Set with ReportLab and the fonts that matplotlib brings, so that it needs no browser and no fonts of the system.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)

from listening.drawing import DPI
from listening.report_sections import Picture, Section, Table

FONTS = {"Report": "DejaVuSans.ttf", "Report-Bold": "DejaVuSans-Bold.ttf"}
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
INK, MUTED, LINE, ALERT = (colors.HexColor(c) for c in ("#1b1e22", "#555555", "#cccccc", "#d55e00"))
# between columns
GAP = 6
# no text, and no single word such as a hash, widens a column further
WIDEST, WIDEST_WORD = 120 * mm, 45 * mm
# a figure leaves room for its caption
TALLEST = 200 * mm

BODY = ParagraphStyle(
    "body", fontName="Report", fontSize=9, leading=13, textColor=INK, spaceAfter=5
)
TITLE = ParagraphStyle("title", BODY, fontName="Report-Bold", fontSize=17, leading=21, spaceAfter=4)
HEADING = ParagraphStyle(
    "heading", BODY, fontName="Report-Bold", fontSize=12, leading=16, spaceBefore=10
)
CAPTION = ParagraphStyle("caption", BODY, fontSize=7.8, leading=10.5, textColor=MUTED)
CELL = ParagraphStyle("cell", BODY, fontSize=7.2, leading=9, spaceAfter=0)
NUMBER = ParagraphStyle("number", CELL, alignment=TA_RIGHT)
WARNING = ParagraphStyle(
    "warning",
    BODY,
    fontName="Report-Bold",
    borderColor=ALERT,
    borderWidth=1.2,
    borderPadding=5,
    spaceBefore=6,
    spaceAfter=10,
)


def pdf(title: str, made_at: str, warning: str, sections: Sequence[Section]) -> bytes:
    """The report as a PDF of A4 pages: the same bytes for the same sections."""
    _register_fonts()
    buffer = io.BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        author="Earwitness",
        lang="en",
        invariant=1,
    )
    frame = Frame(MARGIN, MARGIN, WIDTH, A4[1] - 2 * MARGIN, 0, 0, 0, 0)

    def footer(canvas: Canvas, of: BaseDocTemplate) -> None:
        canvas.setFont("Report", 7)
        canvas.setFillColor(MUTED)
        left = f"SIMULATED LISTENERS · {title}" if warning else title
        canvas.drawString(MARGIN, 10 * mm, left[:110])
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, f"{of.page}")

    document.addPageTemplates(PageTemplate(frames=[frame], onPage=footer))
    document.build(_story(title, made_at, warning, sections))
    return buffer.getvalue()


def _register_fonts() -> None:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name, file in FONTS.items():
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(folder / file)))


def _story(title: str, made_at: str, warning: str, sections: Sequence[Section]) -> list[Flowable]:
    story: list[Flowable] = [
        Paragraph(escape(title), TITLE),
        Paragraph(f"Report of {made_at}.", CAPTION),
    ]
    if warning:
        story.append(Paragraph(escape(f"SIMULATED LISTENERS. {warning}"), WARNING))
    for section in sections:
        story += [CondPageBreak(50 * mm), Paragraph(escape(section.title), HEADING)]
        story += [Paragraph(escape(text), BODY) for text in section.paragraphs]
        for table in section.tables:
            # a table starts where its heading and some rows have room, and runs over to the next page
            story += [
                CondPageBreak(35 * mm),
                Spacer(1, 4),
                Paragraph(escape(table.caption), CAPTION),
                _table(table),
                Spacer(1, 8),
            ]
        story += [_picture(picture) for picture in section.pictures]
    return story


def _table(table: Table) -> LongTable:
    styles = [NUMBER if right else CELL for right in table.right]
    bold = [ParagraphStyle("head", style, fontName="Report-Bold") for style in styles]
    rows = [
        [Paragraph(escape(_unbroken(cell)), style) for cell, style in zip(row, of, strict=True)]
        for row, of in [(table.heading, bold), *((row, styles) for row in table.rows)]
    ]
    laid = LongTable(rows, colWidths=_widths(table), repeatRows=1, hAlign="LEFT")
    laid.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), GAP),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
                ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE),
            ]
        )
    )
    return laid


def _widths(table: Table) -> list[float]:
    """Every column as wide as its longest text, or, where the page is too narrow, between that and its longest word."""
    longest, needed = [], []
    for column in zip(table.heading, *table.rows, strict=True):
        texts = [(column[0], "Report-Bold"), *((cell, "Report") for cell in column[1:])]
        longest.append(min(WIDEST, max(_width(*text) for text in texts)))
        words = [(word, font) for text, font in texts for word in _unbroken(text).split(" ")]
        needed.append(min(longest[-1], WIDEST_WORD, max(_width(*word) for word in words)))
    room = WIDTH - sum(needed)
    wished = sum(longest) - sum(needed)
    share = min(1.0, max(room, 0.0) / wished) if wished else 0.0
    scale = min(1.0, WIDTH / sum(needed))
    return [scale * n + share * (most - n) for n, most in zip(needed, longest, strict=True)]


def _unbroken(cell: str) -> str:
    """`cell` with its intervals, [low, high], each on one line."""
    return re.sub(r"(?<=\d), (?=[^\[]*\])", ",\N{NO-BREAK SPACE}", cell)


def _width(text: str, font: str) -> float:
    return pdfmetrics.stringWidth(text, font, CELL.fontSize) + GAP + 1


def _picture(picture: Picture) -> Flowable:
    image = Image(io.BytesIO(picture.picture("png")))
    scale = min(72 / DPI, WIDTH / image.imageWidth, TALLEST / image.imageHeight)
    image.drawWidth, image.drawHeight = image.imageWidth * scale, image.imageHeight * scale
    image.hAlign = "LEFT"
    return KeepTogether(
        [Spacer(1, 4), image, Paragraph(escape(f"{picture.title}."), CAPTION), Spacer(1, 6)]
    )
