"""A submission to a benchmark: a zip of what a system made of each item, with a manifest. Pure.

`submission.schema.json` says what `manifest.json` holds. Outputs are named by the SHA-256 of the item's input.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from listening.exchange import schemas
from listening.exchange.documents import Document, decoded
from listening.exchange.errors import ExchangeError

FORMAT = "earwitness-submission/1"
MANIFEST = "manifest.json"
MAX_MANIFEST = 1 << 20
README = """What each system in the benchmark {benchmark} is given: inputs/, named by the SHA-256 of their samples.

Run your system on each. Write what comes out as WAV or FLAC, of the same rate, channels and length, fill in
manifest.json, and pack it with the outputs into one zip. The outputs it names lie beside it.
"""


@cache
def schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of a submission's manifest."""
    return json.loads(Path(__file__).with_name("submission.schema.json").read_text("utf-8"))


def manifest(raw: bytes, *, name: str) -> dict[str, Any]:
    """The manifest in `raw`; raises `DocumentError` with every problem, `ExchangeError` for a later format."""
    try:
        data = json.loads(decoded(raw, name=name))
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"{name}: expected JSON, found {error}") from error
    refuse_later(data, FORMAT, name=name)
    if found := schemas.problems(data, schema()):
        raise Document(name, data).error(found)
    return data


def refuse_later(data: Any, known: str, *, name: str) -> None:
    """Raises `ExchangeError` where `data` says that it is of a later version of the format `known` (kind/N)."""
    kind, _, newest = known.partition("/")
    said = data.get("format") if isinstance(data, dict) else None
    if not isinstance(said, str) or not said.startswith(f"{kind}/"):
        return
    version = said.removeprefix(f"{kind}/")
    if version.isdecimal() and len(version) < 10 and int(version) > int(newest):
        raise ExchangeError(
            f"{name}: expected {known}, found {said}, which a newer Earwitness wrote: update this one to read it"
        )


def template(benchmark: str, sha256: str, inputs: list[str]) -> dict[str, Any]:
    """A manifest to fill in, for the items whose inputs have these hashes."""
    return {
        "format": FORMAT,
        "benchmark": benchmark,
        "sha256": sha256,
        "team": "",
        "system": "",
        "licence": "",
        "description": "",
        "outputs": {one: f"outputs/{one}.wav" for one in inputs},
    }
