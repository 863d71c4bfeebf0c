"""The guide: Markdown files in listening/guide/, rendered as pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import markdown
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

FOLDER = Path(__file__).resolve().parent.parent / "guide"


@dataclass(frozen=True)
class GuidePage:
    """One file: its first line is the title (`# …`), its first paragraph the summary shown in the index."""

    name: str
    title: str
    summary: str
    html: SafeString


@cache
def pages() -> dict[str, GuidePage]:
    """All pages by name, in the order of their files' names (`1-listeners.md`, `2-…`)."""
    return {page.name: page for page in map(read, sorted(FOLDER.glob("*.md")))}


def read(path: Path) -> GuidePage:
    heading, summary, body = path.read_text(encoding="utf-8").split("\n\n", 2)
    html = markdown.markdown(body, extensions=["tables", "toc", "attr_list"], output_format="html")
    # our own files, shipped with the code: nobody else's words become markup here
    return GuidePage(
        name=path.stem.partition("-")[2],
        title=heading.removeprefix("# ").strip(),
        summary=" ".join(summary.split()),
        html=mark_safe(html),
    )


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    context = {"section": "guide", "pages": pages().values()}
    return render(request, "listening/guide/index.html", context)


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    if name not in pages():
        raise Http404(f"no page {name!r} in the guide")
    context = {"section": "guide", "page": pages()[name], "pages": pages().values()}
    return render(request, "listening/guide/page.html", context)
