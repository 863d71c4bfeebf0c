"""Enough of an HTML reader for tests: headings, labels and what they label, links, sources, inline styles."""

from __future__ import annotations

from html.parser import HTMLParser

VOID_OR_HIDDEN = {"hidden", "submit", "button"}


class Page(HTMLParser):
    """What a response's HTML holds."""

    def __init__(self, response):
        super().__init__()
        self.headings = []
        self.labels = set()
        self.fields = []
        self.links = []
        self.sources = []
        self.unlabelled_images = 0
        self.inline_styles = 0
        self.inline_scripts = 0
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "h1":
            self.headings.append(found)
        if tag == "label":
            self.labels.add(found.get("for"))
        if tag in ("input", "select", "textarea") and found.get("type") not in VOID_OR_HIDDEN:
            self.fields.append(found)
        if tag == "a":
            self.links.append(found.get("href"))
        if tag in ("img", "audio"):
            self.sources.append(found.get("src"))
        if tag == "img" and not found.get("alt"):
            self.unlabelled_images += 1
        self.inline_styles += "style" in found or tag == "style"
        self.inline_scripts += tag == "script" and "src" not in found

    def unlabelled_fields(self):
        return [
            f for f in self.fields if f.get("id") not in self.labels and not f.get("aria-label")
        ]
