"""A template as one file: something that worked, with some of its values opened as the fields of a form. Pure.

`template.schema.json` says which keys there are. A field names its value, a single one or a list of such, by a path
into the content: keys, and places in lists from 0, joined by dots. What kind of answer it takes is that of its default.
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
# what is longer, such as the points of a curve, is nothing to fill in
LONG = 100
KINDS = (RECIPE, CAMPAIGN, REVIEW)

Data = dict[str, Any]
Single = str | int | float | bool
Answer = Single | list[Single]


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
        elif within := [one for one in seen if _holds(one, path) or _holds(path, one)]:
            what = (
                f"expected paths of which none holds another, found {path!r} beside {within[0]!r}"
            )
            yield (*where, "path"), what
        seen.add(path)
        try:
            there = at(data["content"], path)
        except ExchangeError as error:
            yield (*where, "path"), str(error)
            continue
        if not is_leaf(there):
            yield (
                (*where, "path"),
                f"expected a single value or a list of such at {path!r}, found a {kind_of(there)}",
            )
        elif not same_kind(there, field["default"]):
            yield (
                (*where, "default"),
                f"expected a {kind_of(there)}, as the content has, found a {kind_of(field['default'])}",
            )
        else:
            yield from (((*where, "default"), what) for what in _unfit(field, field["default"]))


def _holds(outer: str, inner: str) -> bool:
    return inner.startswith(f"{outer}.")


def is_leaf(value: Any) -> bool:
    """Whether `value` is a single one, or a list of such that somebody would fill in."""
    if isinstance(value, list):
        return 0 < len(value) <= LONG and all(isinstance(one, Single) for one in value)
    return isinstance(value, Single)


def kind_of(value: Any) -> str:
    if isinstance(value, list):
        kinds = list(dict.fromkeys(map(kind_of, value)))
        return f"list of {' and '.join(kinds)}" if kinds and is_leaf(value) else "list"
    names = {
        bool: "yes or no",
        int: "number",
        float: "number",
        str: "text",
        dict: "mapping",
    }
    return names.get(type(value), "nothing")


def same_kind(one: Any, other: Any) -> bool:
    """Whether `other` is what `one` is; of lists, whether every entry is like one there."""
    if isinstance(one, list) and isinstance(other, list):
        return set(map(kind_of, other)) <= set(map(kind_of, one))
    return kind_of(one) == kind_of(other)


def _unfit(field: Mapping[str, Any], value: Answer) -> Iterator[str]:
    """Why `value` is no answer to `field`."""
    named = field.get("label", field["path"])
    if isinstance(value, list):
        if not 0 < len(value) <= LONG:
            yield f"{named}: expected a list of 1 to {LONG} entries, found {len(value)}"
        for one in value:
            yield from _unfit(field, one)
        return
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
    """Every value of `content` that may be opened as a field, with its path; a list of single values is one."""
    if is_leaf(content):
        yield path, content
    elif isinstance(content, list) and content and isinstance(content[0], int | float):
        return
    elif isinstance(content, Mapping | list):
        steps = content.items() if isinstance(content, Mapping) else enumerate(content)
        for step, value in steps:
            # what has a dot in its name cannot be named by a path
            if "." not in str(step):
                yield from leaves(value, f"{path}.{step}" if path else str(step))


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
        if not same_kind(field["default"], value):
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
    place: Any = int(last) if isinstance(holder, list) else last
    before = holder[place]
    if isinstance(value, list):
        holder[place] = [_alike(before[0], one) for one in value]
    else:
        holder[place] = _alike(before, value)


def _alike(before: Single, value: Single) -> Single:
    """`value`; a whole number stays one where the content has one."""
    whole = isinstance(before, int) and isinstance(value, float) and value.is_integer()
    return int(value) if whole else value


def read_answer(field: Mapping[str, Any], text: str) -> Answer:
    """What `text` is as an answer to `field`; raises `ExchangeError` where it is none."""
    default = field["default"]
    if isinstance(default, list):
        return [_read(default[0], one, field) for one in parts_of(field, text)]
    return _read(default, text, field)


def _read(default: Single, text: str, field: Mapping[str, Any]) -> Single:
    named = field.get("label", field["path"])
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


def parts_of(field: Mapping[str, Any], text: str) -> list[str]:
    """The entries of a list as people write them: text by lines, numbers and such also behind commas; or as JSON."""
    if text.lstrip().startswith("["):
        try:
            return list(map(str, json.loads(text)))
        except ValueError:
            named = field.get("label", field["path"])
            raise ExchangeError(f"{named}: expected a list in JSON, found {text[:80]!r}") from None
    lines = text.splitlines()
    if not isinstance(field["default"][0], str):
        lines = [part for line in lines for part in line.split(",")]
    return [part.strip() for part in lines if part.strip()]


def shown(value: Answer) -> str:
    """A list as `parts_of` reads it, text by lines and numbers behind commas; everything else as it is."""
    if isinstance(value, list):
        return ("\n" if isinstance(value[0], str) else ", ").join(map(str, value))
    return str(value)
