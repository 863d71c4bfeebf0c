"""Documents in YAML 1.2 or JSON (which is YAML): plain data, with the place of every value in the text.

The core schema of YAML 1.2 decides what a plain scalar is, so `yes` and `no` are text. Documents come from strangers:
what could cost more to read than its size (aliases), hide data (a key given twice) or make objects (tags) is refused,
with line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from listening.exchange.errors import ExchangeError

MAX_BYTES = 10_000_000
MAX_DEPTH = 50

# YAML 1.2.2, 10.3.2 "Tag Resolution" of the core schema
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")
# a whole number of more digits would cost its square to read
_MAX_DIGITS = 300

Place = tuple[int, int]
Path = tuple[str | int, ...]


class DocumentError(ExchangeError):
    """A document that cannot be read or does not say what it should; one sentence per problem, with its place."""

    def __init__(self, name: str, problems: list[tuple[Place | None, str]]) -> None:
        self.problems = [
            f"{name}, line {place[0]}, column {place[1]}: {sentence}"
            if place
            else f"{name}: {sentence}"
            for place, sentence in problems
        ]
        super().__init__("\n".join(self.problems))


class _NotYaml(Exception):
    """What the parser found, and where (line and column from 1)."""

    def __init__(self, place: Place, sentence: str) -> None:
        super().__init__(sentence)
        self.place, self.sentence = place, sentence


@dataclass
class Document:
    """`data` as mappings, lists, text, numbers, true, false and none; `places` of its values by their path."""

    name: str
    data: Any
    # none where the data never was text
    places: dict[Path, Place] = field(repr=False, default_factory=dict)

    def place(self, path: Path) -> Place:
        """Line and column of the value at `path`, or of the nearest thing that holds it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def error(self, problems: list[tuple[Path, str]]) -> DocumentError:
        """What is wrong, each thing with its place, from top to bottom."""
        if not self.places:
            told = [f"{written(path)}: {what}" for path, what in problems]
            return DocumentError(self.name, [(None, sentence) for sentence in told])
        placed = sorted((self.place(path), what) for path, what in problems)
        return DocumentError(self.name, [*placed])


def written(path: Path) -> str:
    """`path` as people write it: items[2].title."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).lstrip(".") or "the document"


def read(text: str, *, name: str, lenient: bool = False) -> Document:
    """The document in `text`; raises `DocumentError`.

    `lenient` takes what YAML forbids and webMUSHRA's own parser reads: plain scalars that contain `": "`.
    """
    if len(text) > MAX_BYTES:
        raise DocumentError(
            name, [(None, f"expected at most {MAX_BYTES} characters, found {len(text)}")]
        )
    while True:
        try:
            return _built(text, name)
        except _NotYaml as error:
            mended = _colon_quoted(text, error) if lenient else None
            if mended is None or mended == text:
                raise DocumentError(name, [(error.place, error.sentence)]) from error
            text = mended


def decoded(raw: bytes, *, name: str) -> str:
    """`raw` as text; raises `DocumentError` where it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = (raw.count(b"\n", 0, error.start) + 1, 1)
        raise DocumentError(
            name, [(place, f"expected UTF-8 text, found the byte 0x{raw[error.start]:02x}")]
        ) from error


# an open mapping or list: what it holds, its path, and in a mapping the key that waits for its value
@dataclass
class _Open:
    holder: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None


def _built(text: str, name: str) -> Document:
    places: dict[Path, Place] = {(): (1, 1)}
    stack: list[_Open] = []
    root: list[Any] = []

    def put(value: Any, event: yaml.Event) -> Path:
        if not stack:
            if root:
                raise _NotYaml(_of(event), "expected one document, found a second")
            root.append(value)
            path: Path = ()
        else:
            path = _into(stack[-1], value, event)
        places[path] = _of(event)
        return path

    for event in _events(text):
        match event:
            case yaml.ScalarEvent():
                top = stack[-1] if stack else None
                if top and isinstance(top.holder, dict) and top.key is None:
                    top.key = _key(event, top.holder)
                else:
                    put(_scalar(event), event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                if stack and isinstance(stack[-1].holder, dict) and stack[-1].key is None:
                    raise _NotYaml(
                        _of(event), "expected a name as a key, found a list or a mapping"
                    )
                if len(stack) >= MAX_DEPTH:
                    raise _NotYaml(_of(event), f"expected at most {MAX_DEPTH} levels, found more")
                holder: dict[str, Any] | list[Any] = (
                    {} if isinstance(event, yaml.MappingStartEvent) else []
                )
                stack.append(_Open(holder, put(holder, event)))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                stack.pop()
    if not root:
        raise _NotYaml((1, 1), "expected a document, found nothing")
    return Document(name, root[0], places)


def _into(top: _Open, value: Any, event: yaml.Event) -> Path:
    if isinstance(top.holder, list):
        top.holder.append(value)
        return (*top.path, len(top.holder) - 1)
    assert top.key is not None
    key, top.key = top.key, None
    top.holder[key] = value
    return (*top.path, key)


def _events(text: str) -> Iterator[yaml.Event]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _NotYaml(_of(event), "expected plain data, found an anchor or alias (& or *)")
            if "\0" in getattr(event, "value", ""):
                raise _NotYaml(_of(event), "expected text, found the character '\\x00'")
            if (tag := getattr(event, "tag", None)) and tag != "!":
                raise _NotYaml(_of(event), f"expected plain data, found the tag {tag}")
            yield event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _NotYaml(place, f"expected YAML or JSON, found that {error.problem}") from error
    except yaml.reader.ReaderError as error:
        place = (text.count("\n", 0, error.position) + 1, 1)
        raise _NotYaml(place, f"expected text, found the character {error.character!r}") from error


def _of(event: yaml.Event) -> Place:
    assert event.start_mark  # every event of a text has one
    return event.start_mark.line + 1, event.start_mark.column + 1


def _key(event: yaml.ScalarEvent, holder: dict[str, Any]) -> str:
    if event.value in holder:
        raise _NotYaml(_of(event), f"expected each key once, found {event.value!r} again")
    return event.value


def _scalar(event: yaml.ScalarEvent) -> Any:
    if not event.implicit[0]:  # quoted, or a block
        return event.value
    if len(event.value) > _MAX_DIGITS and _INTEGER.fullmatch(event.value):
        raise _NotYaml(_of(event), f"expected a number, found one of {len(event.value)} digits")
    return plain_scalar(event.value)


def plain_scalar(text: str) -> Any:
    """What `text` without quotes means in YAML 1.2's core schema."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if found := _INFINITE.fullmatch(text):
        return float(f"{found[1]}inf")
    return float("nan") if _NAN.fullmatch(text) else text


# a key with a plain scalar behind it, in a list or not: `    - content: Listen: both`
_PLAIN = re.compile(r"(?P<indent> *(?:- +)*)(?P<key>[\w-]+: +)(?P<value>[^\s'\"|>\[{&*!%#@`].*)")


def _colon_quoted(text: str, error: _NotYaml) -> str | None:
    """`text` with the plain scalar around the place of `error` in quotes; None where there is none."""
    lines = text.split("\n")
    for number in range(min(error.place[0], len(lines))):
        found = _PLAIN.fullmatch(lines[number].rstrip("\r"))
        if found and (end := _end_of_scalar(lines, number, len(found["indent"]))) >= error.place[0]:
            break
    else:
        return None
    scalar = "\n".join([found["value"], *lines[number + 1 : end]]).rstrip()
    quoted = found["indent"] + found["key"] + "'" + scalar.replace("'", "''") + "'"
    return "\n".join([*lines[:number], quoted, *lines[end:]])


def _end_of_scalar(lines: list[str], first: int, indent: int) -> int:
    """The line after the plain scalar that begins in line `first` behind a key indented by `indent`."""
    end = first + 1
    while end < len(lines) and lines[end].strip() and _indent(lines[end]) > indent:
        end += 1
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
