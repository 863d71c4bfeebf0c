"""A template as one file: something that worked, with some of its values opened as the fields of a form. Pure.

`template.schema.json` says which keys there are. A field names its value by a path into the content: keys, and places
in lists from 0, joined by dots. What kind of answer it takes is that of its default.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from listening.exchange import documents, schemas
from listening.exchange.documents import Document
from listening.exchange.errors import ExchangeError
from listening.exchange.submission_file import refuse_later

FORMAT = "earwitness-template/1"
RECIPE, CAMPAIGN, REVIEW = "recipe", "campaign", "review"
# nobody fills in so many numbers one by one
LONG = 8
KINDS = (RECIPE, CAMPAIGN, REVIEW)

Data = dict[str, Any]
Answer = str | int | float | bool


@cache
def schema() -> Data:
    """The published JSON Schema (2020-12) of a template."""
    return json.loads(Path(__file__).with_name("template.schema.json").read_text("utf-8"))


def parse(text: str, *, name: str) -> Data:
    """The template in `text` (YAML 1.2 or JSON); raises `DocumentError` with every problem, `ExchangeError` for a later
    format."""
    document = documents.read(text, name=name)
    refuse_later(document.data, FORMAT, name=name)
    if problems := problems_of(document.data):
        raise document.error(problems)
    return document.data


def checked(data: Data) -> Data:
    """`data` if it is a template; raises `DocumentError` with every problem."""
    if problems := problems_of(data):
        raise Document("the template", data).error(problems)
    return data


def problems_of(data: Any) -> schemas.Problems:
    """What in `data` is not as a template says it, each with its place."""
    found = schemas.problems(data, schema())
    return found or list(_field_problems(data))


def _field_problems(data: Data) -> Iterator[tuple[documents.Path, str]]:
    seen: set[str] = set()
    for place, field in enumerate(data.get("fields", [])):
        where: documents.Path = ("fields", place)
        path = field["path"]
        if path in seen:
            yield (*where, "path"), f"expected each path once, found {path!r} again"
        seen.add(path)
        try:
            there = at(data["content"], path)
        except ExchangeError as error:
            yield (*where, "path"), str(error)
            continue
        if not isinstance(there, str | int | float):
            yield (*where, "path"), f"expected a single value at {path!r}, found a {kind_of(there)}"
        elif not same_kind(there, field["default"]):
            yield (
                (*where, "default"),
                f"expected a {kind_of(there)}, as the content has, found a {kind_of(field['default'])}",
            )
        else:
            yield from (((*where, "default"), what) for what in _unfit(field, field["default"]))


def kind_of(value: Any) -> str:
    names = {
        bool: "yes or no",
        int: "number",
        float: "number",
        str: "text",
        dict: "mapping",
        list: "list",
    }
    return names.get(type(value), "nothing")


def same_kind(one: Any, other: Any) -> bool:
    return kind_of(one) == kind_of(other)


def _unfit(field: Mapping[str, Any], value: Answer) -> Iterator[str]:
    """Why `value` is no answer to `field`."""
    named = field.get("label", field["path"])
    if "choices" in field and value not in field["choices"]:
        yield f"{named}: expected one of {', '.join(map(str, field['choices']))}, found {value!r}"
    if isinstance(value, bool | str):
        return
    if not math.isfinite(value):
        yield f"{named}: expected a finite number, found {value}"
    for end, beyond, word in (("least", value < field.get("least", -math.inf), "at least"),
                              ("most", value > field.get("most", math.inf), "at most")):  # fmt: skip
        if beyond:
            yield f"{named}: expected {word} {field[end]}, found {value}"


def leaves(content: Any, path: str = "") -> Iterator[tuple[str, Answer]]:
    """Every single value of `content` with its path: what may be opened as a field. Long lists of numbers, such as the
    points of a curve, are left out."""
    if isinstance(content, list) and len(content) > LONG and isinstance(content[0], int | float):
        return
    if isinstance(content, Mapping | list):
        steps = content.items() if isinstance(content, Mapping) else enumerate(content)
        for step, value in steps:
            # what has a dot in its name cannot be named by a path
            if "." not in str(step):
                yield from leaves(value, f"{path}.{step}" if path else str(step))
    elif isinstance(content, str | int | float):
        yield path, content


def at(content: Any, path: str) -> Any:
    """The value at `path`; raises `ExchangeError` where there is none."""
    found = content
    for step in path.split("."):
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif (
            isinstance(found, list)
            and step.isdecimal()
            and len(step) < 6
            and int(step) < len(found)
        ):
            found = found[int(step)]
        else:
            raise ExchangeError(f"expected a path into the content, found nothing at {path!r}")
    return found


def filled(data: Data, answers: Mapping[str, Answer]) -> Data:
    """The content with `answers`, by path, over the fields' defaults.

    Raises `ExchangeError` for a path that is no field's, and with every answer that does not fit.
    """
    fields = {field["path"]: field for field in data.get("fields", [])}
    if strange := [path for path in answers if path not in fields]:
        known = ", ".join(fields) or "none"
        raise ExchangeError(f"expected answers to {known}, found one to {strange[0]!r}")
    content, reasons = copy.deepcopy(data["content"]), []
    for path, field in fields.items():
        value = answers.get(path, field["default"])
        if not same_kind(value, field["default"]):
            wanted, given = kind_of(field["default"]), kind_of(value)
            reasons.append(f"{field.get('label', path)}: expected a {wanted}, found a {given}")
            continue
        reasons += _unfit(field, value)
        _put(content, path, value)
    if reasons:
        raise ExchangeError("; ".join(reasons))
    return content


def _put(content: Any, path: str, value: Answer) -> None:
    *steps, last = path.split(".")
    holder = at(content, ".".join(steps)) if steps else content
    if isinstance(holder, list):
        holder[int(last)] = value
    else:
        # a whole number stays one where the content has one
        whole = isinstance(holder[last], int) and isinstance(value, float) and value.is_integer()
        holder[last] = int(value) if whole else value


def read_answer(field: Mapping[str, Any], text: str) -> Answer:
    """What `text` is as an answer to `field`; raises `ExchangeError` where it is none."""
    default, named = field["default"], field.get("label", field["path"])
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() in ("true", "false", "yes", "no"):
            return text.lower() in ("true", "yes")
        raise ExchangeError(f"{named}: expected yes or no, found {text[:80]!r}")
    try:
        number = float(text)
    except ValueError:
        raise ExchangeError(f"{named}: expected a number, found {text[:80]!r}") from None
    return int(number) if isinstance(default, int) and number.is_integer() else number
