"""webMUSHRA's configurations as campaign documents, one per test method that a configuration uses.

A configuration is a list of pages; nested lists group them, and one that begins with the word `random` is shuffled.
Here a session always draws its own order, and the pages around the ratings become the parts of a plan. What has no
counterpart is named, and left out only on request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from listening.exchange import documents
from listening.exchange.campaign_document import FORMAT, Data
from listening.exchange.documents import Document, Path, Place
from listening.exchange.page_text import plain_text

RANDOM = "random"
# pages that ask for judgements → our method
RATED = {
    "mushra": "mushra",
    "bs1116": "bs1116",
    "paired_comparison": "abx",
    "likert_single_stimulus": "acr",
    "likert_multi_stimulus": "acr",
}
AROUND = ("generic", "consent", "volume", "finish")
ANCHORS = {"createAnchor35": "anchor35", "createAnchor70": "anchor70"}
# BS.1534 grades every sample from hidden reference to anchors; the names are webMUSHRA's own in its tables
REFERENCE = "reference"
LANGUAGES = ("en", "de", "fr", "es")
OPINION = [1, 2, 3, 4, 5]
SCALE_POINTS = 11


@dataclass
class Imported:
    """What a configuration became: campaign documents, the places of their items, what differs, what was left out."""

    test_id: str
    campaigns: list[Data]
    places: list[dict[Path, Place]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Page:
    """A page's keys, and where it stands in the document."""

    data: Data
    path: Path

    @property
    def kind(self) -> str:
        return str(self.data["type"])

    @property
    def name(self) -> str:
        return str(self.data.get("id") or self.data.get("name") or self.kind)


def is_config(document: Document) -> bool:
    """Whether this is a configuration of webMUSHRA rather than a campaign of ours."""
    data = document.data
    return isinstance(data, dict) and "pages" in data and "format" not in data


def campaigns(document: Document, *, slug: str = "", skip: bool = False) -> Imported:
    """The campaigns of a configuration; `slug` names the first (default: the testId).

    Raises `DocumentError` for what cannot be read as a configuration and, unless `skip`, for every page that has no
    counterpart here.
    """
    data = document.data
    if not is_config(document) or not isinstance(data["pages"], list):
        raise document.error([((), "expected a configuration with a list of pages, found none")])
    pages = list(_flat(document, data["pages"], ("pages",)))
    kept, without = [], []
    for page in pages:
        reason = _unsupported(page)
        (without.append((page, reason)) if reason else kept.append(page))
    if without and not skip:
        raise document.error([(page.path, reason) for page, reason in without])
    rated = [page for page in kept if page.kind in RATED]
    if not rated:
        raise document.error([((), "expected at least one page to be rated, found none")])
    if problems := [problem for page in rated for problem in _page_problems(page)]:
        raise document.error(problems)
    test_id = str(data.get("testId") or data.get("testname") or "webmushra")
    imported = Imported(test_id, [], skipped=[f"{page.name}: {why}" for page, why in without])
    plan = _Plan(imported.notes)
    for page in kept:
        plan.take(page)
    title = str(data.get("testname") or test_id)[:200]
    language = {"language": data["language"]} if data.get("language") in LANGUAGES else {}
    base = slug or as_slug(test_id)
    for place, (name, group) in enumerate(_groups(rated).items()):
        imported.campaigns.append(
            {
                "format": FORMAT,
                "slug": base if place == 0 else f"{base}-{name}"[:80],
                "title": title,
                "collect": test_id,
                **language,
                **_BUILDERS[RATED[group[0].kind]](group, imported.notes),
                "plan": plan.parts(),
            }
        )
        imported.places.append(_places(document, group))
    return imported


def _places(document: Document, pages: list[_Page]) -> dict[Path, Place]:
    """Where the items of a campaign, and their sounds, stand in the configuration."""
    places: dict[Path, Place] = {(): (1, 1)}
    for number, page in enumerate(pages):
        item: Path = ("items", number)
        places[item] = document.place(page.path)
        if "reference" in page.data:
            places[*item, "reference"] = document.place((*page.path, "reference"))
        for name in page.data["stimuli"]:
            places[*item, "stimuli", name] = document.place((*page.path, "stimuli", name))
    return places


def as_slug(test_id: str) -> str:
    """`test_id` as a campaign's name: letters, digits and hyphens."""
    return (
        re.sub(r"-+", "-", re.sub(r"[^\w-]+", "-", test_id.lower(), flags=re.ASCII))[:80].strip("-")
        or "webmushra"
    )


def _flat(document: Document, pages: list[Any], path: Path) -> Iterator[_Page]:
    """Every page, in the order written, out of all groups."""
    for place, page in enumerate(pages):
        here = (*path, place)
        if isinstance(page, list):
            yield from _flat(document, page, here)
        elif isinstance(page, dict) and "type" in page:
            yield _Page(page, here)
        elif not (page == RANDOM and place == 0):
            found = "a mapping without a type" if isinstance(page, dict) else repr(page)
            raise document.error(
                [(here, f"expected a page with its type, or a list, found {found}")]
            )


def _unsupported(page: _Page) -> str:
    """Why a page has no counterpart; empty where it has one."""
    if page.kind not in (*RATED, *AROUND):
        known = ", ".join((*RATED, *AROUND))
        return f"expected a page of {known}, found {page.kind!r}, which has no counterpart here"
    if page.kind.startswith("likert"):
        values = _scale_values(page.data.get("response"))
        if sorted(map(str, values)) != [str(value) for value in OPINION]:
            return f"expected one scale of the values 1 to 5, found {', '.join(map(str, values)) or 'none'}"
    return ""


def _scale_values(response: Any) -> list[Any]:
    scale = response[0] if isinstance(response, list) and len(response) == 1 else response
    if not isinstance(scale, list) or not all(isinstance(one, dict) for one in scale):
        return []
    return [one.get("value") for one in scale]


def _page_problems(page: _Page) -> list[tuple[Path, str]]:
    problems: list[tuple[Path, str]] = []
    stimuli = page.data.get("stimuli")
    if not isinstance(stimuli, dict) or not stimuli:
        problems.append((page.path, f"{page.name}: expected stimuli by name, found none"))
    else:
        problems += [
            ((*page.path, "stimuli", name), f"{page.name}: expected a file, found {file!r}")
            for name, file in stimuli.items()
            if not isinstance(file, str) or not file
        ]
        taken = {REFERENCE, *ANCHORS.values()} & set(stimuli)
        if taken and not page.kind.startswith("likert"):
            what = (
                f"{page.name}: expected stimuli with names of their own, found {', '.join(taken)}"
            )
            problems.append(((*page.path, "stimuli"), what))
    needs_reference = not page.kind.startswith("likert")
    if needs_reference and not isinstance(page.data.get("reference"), str):
        problems.append((page.path, f"{page.name}: expected the file of a reference, found none"))
    return problems


def _groups(rated: list[_Page]) -> dict[str, list[_Page]]:
    """Pages of one campaign together: by method, and paired comparisons by their stimulus too."""
    groups: dict[str, list[_Page]] = {}
    for page in rated:
        method = RATED[page.kind]
        if method != "abx":
            groups.setdefault(method, []).append(page)
            continue
        for name, file in page.data["stimuli"].items():
            one = _Page({**page.data, "stimuli": {name: file}}, page.path)
            groups.setdefault(f"abx-{as_slug(name)}", []).append(one)
    return groups


# methods


def _multi_stimulus(pages: list[_Page], notes: list[str]) -> Data:
    roles = [role for key, role in ANCHORS.items() if any(page.data.get(key) for page in pages)]
    if missing := [role for role in ANCHORS.values() if role not in roles]:
        notes.append(f"without {' and '.join(missing)} this is no MUSHRA after BS.1534-3")
    if any(page.data.get("showConditionNames") is True for page in pages):
        notes.append("showConditionNames is not taken over: listeners stay blind")
    options: Data = {"anchors": roles} if missing else {}
    campaign = _compared("mushra", pages, roles, notes)
    if len({frozenset(page.data["stimuli"]) for page in pages}) > 1:
        notes.append("not every page has every stimulus: the design is incomplete")
        options["incomplete"] = True
    return campaign | ({"options": options} if options else {})


def _triple_stimulus(pages: list[_Page], notes: list[str]) -> Data:
    roles = [role for key, role in ANCHORS.items() if any(page.data.get(key) for page in pages)]
    return _compared("bs1116", pages, roles, notes)


def _paired(pages: list[_Page], notes: list[str]) -> Data:
    if any(page.data.get("unforced") for page in pages):
        notes.append("unforced is not taken over: in ABX a guess is an answer too")
    notes.append(
        "paired comparisons become ABX: X is drawn for each page, not always the reference"
    )
    return _compared("abx", pages, [], notes)


def _opinions(pages: list[_Page], notes: list[str]) -> Data:
    notes.append("Likert pages become ACR: one stimulus per page, with the words of ITU-T P.800")
    return _compared("acr", pages, [], notes, reference=False)


_BUILDERS: dict[str, Callable[[list[_Page], list[str]], Data]] = {
    "mushra": _multi_stimulus,
    "bs1116": _triple_stimulus,
    "abx": _paired,
    "acr": _opinions,
}


def _compared(
    method: str, pages: list[_Page], anchors: list[str], notes: list[str], *, reference: bool = True
) -> Data:
    names = list(dict.fromkeys(name for page in pages for name in page.data["stimuli"]))
    fixed = [REFERENCE] if reference else []
    conditions = [
        *({"name": role, "role": role} for role in (*fixed, *anchors)),
        *({"name": name} for name in names),
    ]
    titles = _titles(pages, notes)
    items = [
        {
            "title": title,
            **({"reference": page.data["reference"]} if reference else {}),
            "stimuli": dict(page.data["stimuli"]),
        }
        for page, title in zip(pages, titles, strict=True)
    ]
    return {"method": method, "conditions": conditions, "items": items}


def _titles(pages: list[_Page], notes: list[str]) -> list[str]:
    """A name for each page's item: its id, numbered where one is given again."""
    seen: dict[str, int] = {}
    titles = []
    for page in pages:
        seen[page.name] = seen.get(page.name, 0) + 1
        again = seen[page.name]
        titles.append(page.name if again == 1 else f"{page.name} ({again})")
        if again == 2:
            notes.append(f"{page.name}: several pages have this id; they are numbered")
    return titles


# the pages around


class _Plan:
    """The parts of the listener's way: what comes before the first rated page, and what comes after."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes
        self.before: list[Data] = []
        self.after: list[Data] = []
        self.finish: list[Data] = []
        self.rated = False

    def parts(self) -> list[Data]:
        return [*self.before, {"part": "ratings"}, *self.after, *self.finish]

    def take(self, page: _Page) -> None:
        self.rated |= page.kind in RATED
        if page.kind in RATED:
            return
        text, pictures = plain_text(str(page.data.get("content") or ""))
        if pictures:
            self.notes.append(f"{page.name}: {pictures} pictures, sounds or frames are left out")
        title = str(page.data.get("name") or "")[:200]
        parts = self.after if self.rated else self.before
        match page.kind:
            case "generic" if text:
                parts.append({"part": "instructions", "title": title, "text": text})
            case "consent":
                self.before.append(
                    {"part": "consent", "version": page.name, "title": title, "text": text or title}
                )
                if page.data.get("mustConsent") is not True:
                    self.notes.append(f"{page.name}: who does not consent does not take part")
            case "volume":
                parts.append({"part": "volume"} | ({"text": text} if text else {}))
                self.notes.append(f"{page.name}: volume is set by the first item's reference")
            case "finish":
                self._end(page, text)

    def _end(self, page: _Page, text: str) -> None:
        questions, names = [], set[str]()
        for place, asked in enumerate(page.data.get("questionnaire") or [], start=1):
            question = _question(asked if isinstance(asked, dict) else {}, place)
            if question is None or question["name"] in names:
                self.notes.append(f"{page.name}: question {place} is left out: {asked!r}")
                continue
            names.add(question["name"])
            questions.append(question)
        if questions:
            self.after.append({"part": "questions", "questions": questions})
        if page.data.get("showResults"):
            self.notes.append(f"{page.name}: showResults is not taken over: listeners stay blind")
        if text:
            self.finish = [{"part": "finish", "finished": {"text": text}}]


def _question(asked: Data, place: int) -> Data | None:
    """A question of the questionnaire as ours; None where it has no counterpart."""
    name = question_name(str(asked.get("name") or f"question_{place}"))
    label, _ = plain_text(str(asked.get("label") or name))
    question: Data = {"name": name, "text": label or name}
    if asked.get("optional") in (True, "true"):
        question["optional"] = True
    match asked.get("type"):
        case "text":
            return question | {"ask": "text"}
        case "long_text":
            return question | {"ask": "text", "long": True}
        case "number":
            least, most = asked.get("min", 0), asked.get("max", 1_000_000)
            if all(type(end) in (int, float) for end in (least, most)):
                return question | {"ask": "number", "least": least, "most": most}
        case "likert":
            options = asked.get("response")
            if isinstance(options, list) and all(isinstance(one, dict) for one in options):
                choices = [str(one.get("label") or one.get("value")) for one in options]
                return question | {"ask": "choice", "choices": choices}
    return None


def question_name(name: str) -> str:
    """`name` as the name of one of our columns: small letters, digits and _."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    return plain if plain[:1].isalpha() else f"q_{plain}"[:40]


def read(raw: bytes, *, name: str) -> Document:
    """The document in a file of webMUSHRA's, by the rules of its own parser; raises `DocumentError`."""
    return documents.read(documents.decoded(raw, name=name), name=name, lenient=True)
