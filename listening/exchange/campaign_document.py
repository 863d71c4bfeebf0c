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
from jsonschema import Draft202012Validator, ValidationError

from listening.exchange import documents
from listening.exchange.documents import Document
from listening.exchange.errors import ExchangeError

FORMAT = "earwitness-campaign/1"
FORMATS = ("yaml", "json")
HASH_PREFIX = "sha256:"
# of these roles, a sound that is not named is made from the item's reference
MADE = ("reference", "anchor35", "anchor70")
# JSON Schema's types, in the words of people who write documents
_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}

Data = dict[str, Any]
Problems = list[tuple[documents.Path, str]]


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
    return [_told(error) for error in Draft202012Validator(schema()).iter_errors(data)]


def _told(error: ValidationError) -> tuple[documents.Path, str]:
    """One error of the schema's validator in this project's words."""
    path = tuple(error.absolute_path)
    limit: Any = error.validator_value
    given: Any = error.instance
    rules: Any = error.schema
    match error.validator:
        case "required":
            missing = error.message.split("'")[1]  # one error each, told apart by its message alone
            return path, f"expected the key {missing!r}, found {', '.join(given) or 'none'}"
        case "additionalProperties":
            known = rules["properties"]
            strange = [key for key in given if key not in known]
            what = f"expected keys among {', '.join(known)}, found {', '.join(strange)}"
            return (*path, strange[0]), what
        case "type":
            wanted = " or ".join(
                _KINDS[kind] for kind in ([limit] if isinstance(limit, str) else limit)
            )
            return path, f"expected {wanted}, found {_shown(given)}"
        case "const":
            return path, f"expected {limit!r}, found {_shown(given)}"
        case "enum":
            return path, f"expected one of {', '.join(limit)}, found {_shown(given)}"
        case "pattern":
            return path, f"expected text like {limit}, found {_shown(given)}"
        case "minLength" | "minItems" | "minimum":
            return path, f"expected at least {limit}{_unit(error)}, found {_shown(given)}"
        case "maxLength" | "maxItems" | "maximum":
            return path, f"expected at most {limit}{_unit(error)}, found {_shown(given)}"
    return path, error.message


def _unit(error: ValidationError) -> str:
    kind = str(error.validator)
    if kind.endswith("Length"):
        return " characters"
    return " entries" if kind.endswith("Items") else ""


def _shown(value: Any) -> str:
    """`value` as an error shows it, shortened."""
    if isinstance(value, dict | list):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


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
