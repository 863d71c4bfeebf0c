"""Campaigns in files: a document of ours, or a configuration of webMUSHRA, as documents to compose."""

from __future__ import annotations

from dataclasses import dataclass, field

from listening.exchange import campaign_document, documents, webmushra
from listening.exchange.documents import Document


@dataclass
class Found:
    """What a file describes; of a configuration also what differs here, and the pages that were left out."""

    documents: list[Document]
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def slugs(self) -> list[str]:
        return [document.data["slug"] for document in self.documents]


def found_in(raw: bytes, *, name: str, slug: str = "", skip: bool = False) -> Found:
    """The campaigns of a file; `slug` is another name for the first, `skip` leaves out pages without a counterpart.

    Raises `DocumentError` with every problem, its line and its column.
    """
    text = documents.decoded(raw, name=name)
    document = documents.read(text, name=name, lenient=True)
    if not webmushra.is_config(document):
        own = campaign_document.parse(text, name=name)
        data = own.data | ({"slug": slug} if slug else {})
        return Found([Document(own.name, data, own.places)])
    imported = webmushra.campaigns(document, slug=slug, skip=skip)
    made = [
        Document(name, campaign_document.checked(one, name=name), places)
        for one, places in zip(imported.campaigns, imported.places, strict=True)
    ]
    return Found(made, imported.notes, imported.skipped)
