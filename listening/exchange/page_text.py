"""HTML of strangers as plain text: paragraphs apart, list entries marked, nothing that could act."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# what begins on a line of its own, and what leaves a line free around it
_TIGHT = frozenset(("br", "li", "tr", "td", "th", "dt", "dd"))
_LOOSE = frozenset(
    ("blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "section")
    + ("table", "ul")
)
_UNREAD = frozenset(("script", "style", "template", "title"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.unread = 0
        self.pictures = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.unread += tag in _UNREAD
        self.pictures += tag in ("img", "video", "audio", "iframe", "object")
        if tag in _TIGHT | _LOOSE:
            self.text.append("\n" if tag in _TIGHT else "\n\n")
        if tag == "li":
            self.text.append("• ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNREAD:
            self.unread = max(0, self.unread - 1)
        elif tag in _LOOSE:
            self.text.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self.unread:
            self.text.append(re.sub(r"\s+", " ", data))


def plain_text(html: str) -> tuple[str, int]:
    """The words of `html`, and how many pictures, sounds or frames it held that text cannot."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [line.strip() for line in "".join(reader.text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), reader.pictures
