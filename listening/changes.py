"""What changed from a version's parent to the version: parts, learned values, recipe, results, sound."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from listening import score_tables
from listening.cards.heard import ratings_of
from listening.learned import LearnedValue, learned_values, shown
from listening.score_tables import Comparison
from listening.understanding import badges
from models_registry.extra import EngineMissing, engine
from models_registry.models import ModelVersion, Rendering, Signal

# in hundredths of the range: less is how a number is rounded
SMALLEST = 0.05


@dataclass(frozen=True)
class Moved:
    """A parameter that both versions have: its values, and by how much of its range (%) it moved, of a curve the point
    that moved most; None for curves of different lengths."""

    name: str
    before: str
    after: str
    unit: str
    share: float | None

    @property
    def way(self) -> str:
        return (
            ""
            if self.share is None
            else f"{abs(self.share):.1f} % {'up' if self.share > 0 else 'down'}"
        )


@dataclass(frozen=True)
class Pair:
    """One item as the parent and as the version render it; None where it does not yet."""

    input: Signal
    condition: str
    parent: Rendering | None
    child: Rendering | None

    @property
    def complete(self) -> bool:
        return self.parent is not None and self.child is not None

    def blind(self, seed: int) -> list[tuple[str, Rendering, str]]:
        """Letter, rendering and whose it is, in an order that follows from the seed and the item."""
        assert self.parent is not None
        assert self.child is not None
        both = [(self.parent, str(self.parent.version)), (self.child, str(self.child.version))]
        if Random(f"{seed} {self.input.sha256} {self.condition}").random() < 0.5:
            both.reverse()
        return [(letter, *one) for letter, one in zip("AB", both, strict=True)]


def chain_changes(parent: ModelVersion, child: ModelVersion) -> tuple[list[str], str]:
    """A sentence for each part that came, went or moved, and each start that changed; or none and the reason."""
    try:
        return list(engine().differences(parent.chain, child.chain)), ""
    except EngineMissing as error:
        return [], str(error)
    except ValueError as error:
        return [], f"The chains cannot be compared: {error}"


def moved_values(parent: ModelVersion, child: ModelVersion) -> tuple[list[Moved], int, str]:
    """What training moved, most of its range first; how many stayed; or none and the reason."""
    (before, problem), (after, other) = learned_values(parent), learned_values(child)
    if problem or other:
        return [], 0, problem or other
    old = {f"{block.name}.{one.name}": one for block in before for one in block.values}
    new = {f"{block.name}.{one.name}": one for block in after for one in block.values}
    both = [_moved(name, old[name], new[name]) for name in new if name in old]
    found = [one for one in both if one.share is None or abs(one.share) >= SMALLEST]
    found = [one for one in found if one.share is not None] + [
        one for one in found if one.share is None
    ]
    found.sort(key=lambda one: -abs(one.share) if one.share is not None else 0.0)
    return found, len(both) - len(found), ""


def _moved(name: str, old: LearnedValue, new: LearnedValue) -> Moved:
    # of two ranges neither is the measure: each place is told in its version's own
    if len(old.places) != len(new.places):
        return Moved(name, old.value, new.value, new.unit, None)
    apart = [after - before for before, after in zip(old.places, new.places, strict=True)]
    return Moved(name, old.value, new.value, new.unit, max(apart, key=abs))


def recipe_changes(parent: ModelVersion, child: ModelVersion) -> list[tuple[str, str, str]]:
    """Each setting of the training that differs (its chain is told elsewhere): its path, before, after."""
    before, after = (dict(_settings(one)) for one in (parent, child))
    return [
        (path, before.get(path, "–"), after.get(path, "–"))
        for path in dict.fromkeys([*before, *after])
        if before.get(path) != after.get(path)
    ]


def _settings(version: ModelVersion) -> Iterator[tuple[str, str]]:
    if version.run is None:
        return
    yield "seed", str(version.run.seed)
    yield from _flat({k: v for k, v in version.run.recipe.items() if k not in ("chain", "title")})


def _flat(settings: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{path}{name}", said


def judged(parent: ModelVersion, child: ModelVersion) -> list[tuple[str, str, str]]:
    """The measures on test clips: name, the parent's, the version's."""
    before, after = (one.card.get("validation") or {} for one in (parent, child))
    return [
        (name.replace("_", " "), _number(before.get(name)), _number(after.get(name)))
        for name in dict.fromkeys([*before, *after])
    ]


def _number(value: Any) -> str:
    return shown(value) if isinstance(value, int | float) else "–"


def validated(parent: ModelVersion, child: ModelVersion) -> list[tuple[ModelVersion, Any, str]]:
    """The newest validation of each that has one, with its verdict."""
    found = badges([parent, child], "validation")
    return [(one, *found[one.pk]) for one in (parent, child) if one.pk in found]


def scored(parent: ModelVersion, child: ModelVersion) -> list[Comparison]:
    """The two versions metric by metric, over the items of which both were scored."""
    pairs = [*score_tables.of_version(parent), *score_tables.of_version(child)]
    names = score_tables.scored_metrics(pairs)
    rows = score_tables.with_scores(pairs, names)
    return score_tables.compared(rows, str(parent), str(child), names)


def rated(parent: ModelVersion, child: ModelVersion) -> list[dict[str, Any]]:
    """What listeners said of either in campaigns that held both."""
    told = {one: list(ratings_of(one)) for one in (parent, child)}
    shared = {row["slug"] for row in told[parent]} & {row["slug"] for row in told[child]}
    return [
        {**row, "version": str(one)}
        for one in (parent, child)
        for row in told[one]
        if row["slug"] in shared
    ]


def heard(parent: ModelVersion, child: ModelVersion) -> list[Pair]:
    """Every item that either rendered, those that both did first."""
    renderings = Rendering.objects.filter(version__in=[parent, child])
    found: dict[tuple[int, str], dict[int, Rendering]] = {}
    for one in renderings.select_related("version__model", "input", "output"):
        found.setdefault((one.input_id, one.condition), {})[one.version_id] = one
    pairs = [
        Pair(next(iter(both.values())).input, condition, both.get(parent.pk), both.get(child.pk))
        for (_, condition), both in found.items()
        # a device that one of them does not know cannot be rendered by it
        if not condition or condition in {*parent.knows} & {*child.knows}
    ]
    return sorted(pairs, key=lambda one: (not one.complete, one.input.title, one.condition))
