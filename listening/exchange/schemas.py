"""What in plain data is not as a JSON Schema (2020-12) says, in this project's words. Pure."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from listening.exchange import documents

# JSON Schema's types, in the words of people who write documents
_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


Problems = list[tuple[documents.Path, str]]


def problems(data: Any, schema: dict[str, Any]) -> Problems:
    """Each thing in `data` that the schema does not allow, with its place."""
    return [_told(error) for error in Draft202012Validator(schema).iter_errors(data)]


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
