"""A campaign's document as fields to fill in, and fields as a document: the editor's other face.

Fields hold text, as a form sends it, so that what is not yet right can be shown again as it was typed. What they are
follows from the method's defaults and from the keys of the plan's parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from listening.exchange import documents
from listening.exchange.campaign_document import Data, dump
from listening.exchange.errors import ExchangeError
from listening.headphones import TESTS
from listening.methods import Method
from listening.models import Campaign
from listening.plan import ON_FAIL, is_required, part_keys, part_names
from listening.scheme import KEYS, ORDERS

LONG = {"text", "break_text", "instructions"}
CHOICES = {"on_fail": ON_FAIL, "test": tuple(TESTS), "order": ORDERS}
FLAGS = (("", "as usual"), ("yes", "yes"), ("no", "no"))
# the campaign's own settings, with their labels
SETTINGS = {
    "title": "Title",
    "instructions": "Instructions",
    "language": "Language",
    "translations": "Translations",
    "screening": "Screening",
    "repetitions": "Repetitions",
    "quota": "Listeners wanted",
    "groups": "Quotas of groups",
    "opens": "Opens at",
    "closes": "Closes at",
    "once_per_browser": "One session per browser",
    "seed": "Seed",
}
MAX_PARTS = 200
# where a key alone says too little
LABELS = {
    "items": "Items",
    "systems": "Systems of an item that each listener hears",
    "repeats": "Pages that come once more",
    "blocks": "Blocks of items",
    "hold_hours": "Hours for which a place is held",
    "rest_min": "Least rest, in minutes",
    "break_rest_min": "Least rest in breaks, in minutes",
    "break_blocks": "Breaks between blocks",
    "expires_min": "Expires after minutes",
}


@dataclass
class Field:
    """One value as a form shows it; `kind` is line, long, number, choice, flag or data (YAML)."""

    key: str
    label: str
    kind: str
    text: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    # in a form: settings-…, options-…, part-0-…
    name: str = ""

    @property
    def rows(self) -> int:
        return min(14, max(3, self.text.count("\n") + 2))

    def value(self) -> Any:
        """What the text means; None where it says nothing. Raises `ExchangeError`."""
        text = self.text.replace("\r\n", "\n").strip()
        if not text:
            return None
        if self.kind == "flag":
            return text == "yes"
        if self.kind == "number":
            return documents.plain_scalar(text)
        if self.kind == "data":
            return documents.read(text, name=self.label).data
        return text


@dataclass
class Face:
    """All fields of a draft: its settings, its method's options, its design, its plan part by part."""

    settings: list[Field]
    options: list[Field]
    design: list[Field]
    parts: list[tuple[str, list[Field]]]
    defaults: Mapping[str, Any]

    def change(self, act: str) -> bool:
        """Move a part (`up-2`, `down-2`), `remove-2`, or add one (`add-break`); False for anything else."""
        if (name := act.removeprefix("add-")) in part_names() and len(self.parts) < MAX_PARTS:
            end = len(self.parts) - (bool(self.parts) and self.parts[-1][0] == "finish")
            self.parts.insert(end, (name, _part_fields(name, {})))
            return True
        found = re.fullmatch(r"(up|down|remove)-(\d{1,4})", act)
        if not found or int(found[2]) >= len(self.parts):
            return False
        place = int(found[2])
        part = self.parts.pop(place)
        if found[1] != "remove":
            self.parts.insert(max(0, place + (1 if found[1] == "down" else -1)), part)
        return True

    def data(self, base: Data) -> tuple[Data, list[str]]:
        """`base` with what the fields say, and what in them cannot be read."""
        problems: list[str] = []
        said = _values(self.settings, problems, "")
        data = {key: value for key, value in base.items() if key not in SETTINGS} | said
        data["options"] = self._options(base.get("options", {}), problems)
        design = _values(self.design, problems, "design, ")
        data |= {"design": design} if design or "design" in base else {}
        data["plan"] = [
            {"part": name, **_values(fields, problems, f"part {place} ({name}), ")}
            for place, (name, fields) in enumerate(self.parts, start=1)
        ]
        return data, problems

    def _options(self, base: Data, problems: list[str]) -> Data:
        """What the options say where it differs from the method's defaults, or was said before."""
        said = _values(self.options, problems, "options, ")
        for name, default in self.defaults.items():
            if name not in said:
                said[name] = type(default)() if isinstance(default, (list, dict)) else default
        return {
            key: value for key, value in said.items() if key in base or value != self.defaults[key]
        }

    def numbered(self) -> Face:
        """The same with names for a form."""
        named = {"settings": self.settings, "options": self.options, "design": self.design}
        for start, fields in named.items():
            for one in fields:
                one.name = f"{start}-{one.key}"
        for place, (_, fields) in enumerate(self.parts):
            for one in fields:
                one.name = f"part-{place}-{one.key}"
        return self


def from_data(data: Data, method: Method) -> Face:
    """The fields of a campaign's document."""
    settings = [_setting(key, data.get(key)) for key in SETTINGS]
    options = [
        _field(key, type(default), method.options[key], flags=FLAGS[1:])
        for key, default in method.defaults.items()
    ]
    parts = [(part["part"], _part_fields(part["part"], part)) for part in data.get("plan", [])]
    design = [_field(key, kind, data.get("design", {}).get(key)) for key, kind in KEYS.items()]
    design[1].label = "Items that each listener hears"
    return Face(settings, options, design, parts, method.defaults).numbered()


def from_form(posted: Mapping[str, str], data: Data, method: Method) -> Face:
    """The fields as they were sent, whatever is in them."""
    face = from_data(data | {"plan": []}, method)
    for place in range(MAX_PARTS):
        name = posted.get(f"part-{place}")
        if name not in part_names():
            break
        face.parts.append((name, _part_fields(name, {})))
    face.numbered()
    every = [*face.settings, *face.options, *face.design]
    every += [*(one for _, fields in face.parts for one in fields)]
    for one in every:
        one.text = posted.get(one.name, "")
    return face


def _setting(key: str, value: Any) -> Field:
    if key in ("groups", "translations", "once_per_browser"):
        found = _field(key, bool if key == "once_per_browser" else dict, value)
        found.label = SETTINGS[key]
        return found
    choices: tuple[tuple[str, str], ...] = ()
    kind = {"instructions": "long", "repetitions": "number", "quota": "number", "seed": "number"}
    if key == "language":
        languages = Campaign._meta.get_field("language").choices or ()
        choices = (("", "as each browser asks"), *((str(a), str(b)) for a, b in languages))
    elif key == "screening":
        choices = tuple((str(a), str(b)) for a, b in Campaign.Screening.choices)
    text = "" if value is None else str(value)
    chosen = "choice" if choices else kind.get(key, "line")
    return Field(key, SETTINGS[key], chosen, text, key == "title", choices)


def _part_fields(name: str, part: Mapping[str, Any]) -> list[Field]:
    return [
        _field(key, kind, part.get(key), required=is_required(name, key))
        for key, kind in part_keys(name).items()
    ]


def _field(
    key: str,
    kind: type | tuple[type, ...],
    value: Any,
    *,
    required: bool = False,
    flags: tuple[tuple[str, str], ...] = FLAGS,
) -> Field:
    label = LABELS.get(key, key.replace("_", " ").capitalize())
    if kind is bool:
        text = "" if value is None else ("yes" if value else "no")
        return Field(key, label, "flag", text, required, flags)
    if kind in (list, dict):
        text = "" if value in (None, [], {}) else dump(value, form="yaml").rstrip()
        return Field(key, label, "data", text, required)
    text = "" if value is None else str(value)
    if key in CHOICES:
        choices = tuple((one, one) for one in CHOICES[key])
        return Field(key, label, "choice", text, required, (("", "as usual"), *choices))
    plain = "long" if key in LONG else "line"
    return Field(key, label, plain if kind is str else "number", text, required)


def _values(fields: list[Field], problems: list[str], where: str) -> Data:
    values = {}
    for one in fields:
        try:
            value = one.value()
        except ExchangeError as error:
            problems += [f"{where}{line}" for line in str(error).splitlines()]
            continue
        if value is not None:
            values[one.key] = value
    return values
