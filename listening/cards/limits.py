"""The part of a card that says what is known to go wrong, from wherever it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from listening.cards.card import Part
from listening.kinds import kind_card
from listening.learned import LearnedBlock
from listening.lessons import kinds_in
from listening.report_sections import Section, Table
from models_registry import statements
from models_registry.models import ModelVersion, Study


def limits(version: ModelVersion, blocks: list[LearnedBlock], studies: Mapping[str, Study]) -> Part:
    """What is known to go wrong, from wherever it is known."""
    told = [{"from": where, "limit": text} for where, text in _limits(version, blocks, studies)]
    table = Table(
        "What is known to go wrong, and from where it is known.",
        ["Known from", "Limit"],
        [[one["from"], one["limit"]] for one in told],
    )
    words = [] if told else ["None is known, which says more of the evidence than of the version."]
    return Part("limits", Section("Known limits", words, [table] if told else []), told)


def _limits(
    version: ModelVersion, blocks: list[LearnedBlock], studies: Mapping[str, Study]
) -> Iterator[tuple[str, str]]:
    if statement := statements.latest(version):
        yield f"its makers ({statement.author})", statement.caveats
    if study := studies.get("validation"):
        for one in study.result["blocks"]:
            if not one["holds"]:
                yield (
                    "validation",
                    f"{one['block']} breaks its promise under {one['probe']}: {one['quantity']} {one['expected']}",
                )
        for sentence in study.result["regressions"]:
            yield "validation", sentence
        for ladder in study.result["ladders"]:
            for metric in ladder["metrics"]:
                if metric["fails"]["sentence"].startswith("fails"):
                    yield (
                        "robustness",
                        f"{ladder['name']}, by {metric['metric']}: {metric['fails']['sentence']}",
                    )
    if version.run:
        for row in version.run.history[-1:]:
            for text in row.get("warnings", []):
                yield "training", text
    for block in blocks:
        for value in block.values:
            if value.at_the_end:
                yield (
                    "learned values",
                    (
                        f"{block.name}.{value.name} is at the end of its range ({value.value} {value.unit}): the "
                        "range is too narrow, or another part is missing."
                    ),
                )
    for kind in kinds_in(version.chain):
        if card := kind_card(kind):
            yield f"the card of {kind}", card.failure_modes
