"""What lists of models ask of a card: the YAML front matter of a model card on the Hugging Face Hub.

Keys and their values are those of https://huggingface.co/docs/hub/model-cards; a result of the `model-index` is one
number with its task, its data and its metric.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from listening.cards.card import ModelCard

LIBRARY = "earwitness"
TASK = "audio-to-audio"
TASK_NAME = "Audio to Audio"
TAGS = ("audio", "audio-to-audio", "interpretable", "ddsp", "earwitness")
# licences that the Hub knows by these names, as of its documentation; any other is `other` with a name of its own
KNOWN_LICENCES = """
apache-2.0 mit openrail bigscience-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause
bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0
cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0
cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0
eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl
openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl unknown other
"""
LICENCES = frozenset(KNOWN_LICENCES.split())


def metadata(card: ModelCard) -> dict[str, Any]:
    """The front matter as plain data."""
    found: dict[str, Any] = {
        **_licence(str(card.front.get("licence", ""))),
        "library_name": LIBRARY,
        "pipeline_tag": TASK,
        "tags": list(dict.fromkeys([*TAGS, *card.front["kinds"]])),
    }
    if card.results:
        found["model-index"] = [
            {"name": card.front["name"], "results": [_result(one) for one in card.results]}
        ]
    return found


def _licence(stated: str) -> dict[str, str]:
    name = stated.strip().lower()
    if not name:
        return {"license": "unknown"}
    if name in LICENCES:
        return {"license": name}
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", name).strip("-")}


def _result(one: Any) -> dict[str, Any]:
    name = f"{one.title} ({one.method})" if one.method else one.title
    return {
        "task": {"type": TASK, "name": TASK_NAME},
        "dataset": {
            "type": re.sub(r"[^a-z0-9]+", "-", one.data.lower()).strip("-"),
            "name": one.data,
        },
        "metrics": [{"type": one.metric, "value": one.value, "name": name}],
    }


def front_matter(card: ModelCard) -> str:
    """The YAML block that a Markdown card begins with."""
    text = yaml.safe_dump(metadata(card), sort_keys=False, allow_unicode=True, width=1_000)
    return f"---\n{text}---\n"
