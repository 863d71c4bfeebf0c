"""A campaign as a document: the one description behind the command line, the editor and the API.

`campaign.schema.json` says which keys there are. A sound is named by its file or by the hash of a stored signal
(`sha256:…`). Pure: text in, plain data checked, text out.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from listening.exchange import documents, schemas
from listening.exchange.documents import Document
from listening.exchange.errors import ExchangeError

FORMAT = "earwitness-campaign/1"
FORMATS = ("yaml", "json")
HASH_PREFIX = "sha256:"
# of these roles, a sound that is not named is made from the item's reference
MADE = ("reference", "anchor35", "anchor70")

Data = dict[str, Any]
Problems = schemas.Problems


@cache
def schema() -> Data:
    """The published JSON Schema (2020-12) of a campaign document."""
    return json.loads(Path(__file__).with_name("campaign.schema.json").read_text("utf-8"))


def parse(text: str, *, name: str) -> Document:
    """The campaign in `text` (YAML 1.2 or JSON); raises `DocumentError` with every problem and its place."""
    document = documents.read(text, name=name)
    if problems := structure_problems(document.data) or list(_naming_problems(document.data)):
        raise document.error(problems)
    return document


def checked(data: Any, *, name: str) -> Data:
    """`data` if it describes a campaign; raises `DocumentError` with every problem."""
    if problems := structure_problems(data) or list(_naming_problems(data)):
        raise Document(name, data).error(problems)
    return data


def dump(data: Data, *, form: str) -> str:
    """`data` as text that `parse` reads as the same data; `form` is yaml or json."""
    if form == "json":
        return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    if form == "yaml":
        return yaml.dump(
            data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
        )
    raise ExchangeError(f"expected one of {', '.join(FORMATS)}, found {form!r}")


def structure_problems(data: Any) -> Problems:
    """What in `data` is not as the schema says."""
    return schemas.problems(data, schema())


def _naming_problems(data: Data) -> Problems:
    """Names given twice, and sounds for conditions that there are not."""
    problems: Problems = []
    names: dict[str, int] = {}
    for place, condition in enumerate(data["conditions"]):
        if condition["name"] in names:
            what = f"expected each condition once, found {condition['name']!r} again"
            problems.append((("conditions", place, "name"), what))
        names[condition["name"]] = place
        if "made" in condition and condition.get("role") != "anchor":
            what = f"expected the role anchor for what is made, found {condition.get('role', 'system')}"
            problems.append((("conditions", place, "made"), what))
    titles: set[str] = set()
    for place, item in enumerate(data["items"]):
        if item["title"] in titles:
            what = f"expected each item once, found {item['title']!r} again"
            problems.append((("items", place, "title"), what))
        titles.add(item["title"])
        problems += [
            (
                ("items", place, "stimuli", name),
                f"expected a condition among {', '.join(list(names)[:12])}, found {name!r}",
            )
            for name in item.get("stimuli", {})
            if name not in names
        ]
    return problems


class _Dumper(yaml.SafeDumper):
    """Text is written so that YAML 1.2 reads it as text again; long text as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif not isinstance(documents.plain_scalar(text), str):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
