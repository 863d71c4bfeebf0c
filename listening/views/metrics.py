"""The catalogue of metrics: what each number means, on what, by whose definition, and how right it is."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import response_figures
from listening.computed import for_ever
from listening.drawing import rendered
from listening.views.figures import CONTENT_TYPES, as_csv
from listening.views.guide import FOLDER
from metrics import catalogue
from metrics.catalogue import Metric, UnknownMetric
from metrics.response import Response, response

NEEDS = {"reference": True, "none": False}
# what each extra brings, for whom it is not installed and so has declared nothing
BRINGS = {
    "mos": "DNSMOS and PLCMOS: opinions of speech, without a reference",
    "visqol": "ViSQOL, for audio and for speech",
    "zimtohrli": "Zimtohrli, for coded audio",
}
# a row of the guide's table of conformance, which the tests compute
CONFORMANCE = re.compile(
    r"^\| `(?P<metric>[\w-]+)` \| (?P<case>.+?) \| (?P<witness>.+?) \| (?P<published>.+?) "
    r"\| (?P<deviation>.+?) \| (?P<tolerance>.+?) \|$",
    re.MULTILINE,
)
STANDARDS = {
    r"ITU-R (BS\.\d+)": "https://www.itu.int/rec/R-REC-{}",
    r"ITU-T (P\.\d+)": "https://www.itu.int/rec/T-REC-{}",
    r"EBU Tech (\d+)": "https://tech.ebu.ch/publications/tech{}",
    r"ISO (532-1)": "https://www.iso.org/standard/63077.html",
    r"ISO (532-2)": "https://www.iso.org/standard/63078.html",
    r"(DIN 45692)": "https://www.dinmedia.de/en/search?query={}",
    r"(ECMA-418)-1": "https://ecma-international.org/publications-and-standards/standards/{}/",
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "") for name in ("q", "family", "need")}
    found = catalogue.find(
        asked["q"], family=asked["family"], needs_reference=NEEDS.get(asked["need"])
    )
    context = {
        "section": "metrics",
        "metrics": found,
        "asked": asked,
        "families": list(dict.fromkeys(metric.family for metric in catalogue.all())),
        "total": len(catalogue.all()),
        "extras": [extra_of(name) for name in catalogue.EXTRAS],
    }
    return render(request, "listening/metrics/index.html", context)


def known(name: str) -> Metric:
    try:
        return catalogue.get(name)
    except UnknownMetric as error:
        raise Http404(str(error)) from error


@require_safe
def metric(request: HttpRequest, name: str) -> HttpResponse:
    found = known(name)
    context = {
        "section": "metrics",
        "metric": found,
        "standards": standards(f"{found.standard} {found.citation}"),
        "papers": papers(found),
        "conformance": conformance().get(found.name, []),
        "relatives": [
            other for other in catalogue.all() if other.family == found.family and other != found
        ],
    }
    return render(request, "listening/metrics/detail.html", context)


# one at a time, however many ask: each takes a process seconds
MEASURING = threading.Lock()


def response_of(metric: Metric) -> Response:
    key = f"response/{metric.name}/{metric.version}"

    def compute() -> Response:
        with MEASURING:
            return response(metric)

    return for_ever(key, compute)


@require_safe
def response_part(request: HttpRequest, name: str) -> HttpResponse:
    """The figure's part of a metric's page, computed when it comes into view."""
    found = known(name)
    words = response_figures.in_words(found, response_of(found))
    return render(request, "listening/metrics/response.html", {"metric": found, "words": words})


@require_safe
def response_figure(request: HttpRequest, name: str, form: str) -> HttpResponse:
    """What a metric makes of known damage, as SVG or PDF, or its values as CSV."""
    found = known(name)
    if form not in (*CONTENT_TYPES, "csv"):
        raise Http404(f"figures are csv, {', '.join(CONTENT_TYPES)}, not {form!r}")
    if form == "csv":
        return as_csv(response_of(found).frame(), f"{name}-response.csv")
    drawn = response_figures.response(found, response_of(found))
    answer = HttpResponse(rendered(drawn, form), content_type=CONTENT_TYPES[form])
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


def extra_of(name: str) -> dict[str, Any]:
    return {"name": name, "brings": BRINGS.get(name, ""), "missing": catalogue.missing(name)}


def standards(text: str) -> dict[str, str]:
    """Where the standards that `text` names are published, by their names."""
    return {
        found.group(): address.format(found.group(1).replace(" ", "+"))
        for pattern, address in STANDARDS.items()
        for found in re.finditer(pattern, text)
    }


@dataclass(frozen=True)
class Paper:
    """One work of a citation, and where it is or is to be looked for."""

    words: str

    @property
    def doi(self) -> str:
        """Empty where it has none, or none that was looked up."""
        found = re.search(r"doi:(10\.\d+/[^\s,;]+)", self.words)
        return found.group(1) if found else ""

    @property
    def address(self) -> str:
        if self.doi:
            return f"https://doi.org/{quote(self.doi)}"
        return f"https://search.crossref.org/search/works?q={quote_plus(self.words)}&from_ui=yes"


def papers(found: Metric) -> list[Paper]:
    """The works of a citation that have an author, which standards and textbook definitions have not."""
    works = found.citation.split("; ")
    return [Paper(work) for work in works if ":" in work and not standards(work.partition(":")[0])]


@cache
def conformance() -> dict[str, list[dict[str, str]]]:
    """The guide's rows of conformance, by metric."""
    rows: dict[str, list[dict[str, str]]] = {}
    text = (FOLDER / "6-metrics.md").read_text(encoding="utf-8")
    for row in CONFORMANCE.finditer(text):
        rows.setdefault(row["metric"], []).append(row.groupdict())
    return rows
