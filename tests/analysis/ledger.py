"""A ledger of the statistics reference set: which of R's figures the tests have held ours to.

The expected trees are handed out with every figure labelled by its path. A figure counts as compared when it enters
`pytest.approx` (or, for counts, names and decisions, when it is read); where a test then fails, the run fails, and
with it whatever the ledger says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class Figure(float):
    """A number of R's that knows where it stands."""

    path: str

    def __new__(cls, value: float, path: str) -> Figure:
        figure = super().__new__(cls, value)
        figure.path = path
        return figure


class Ledger:
    """The figures of each file of `folder`, and those that were compared."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.compared: dict[str, set[str]] = {}

    def read(self, name: str) -> Any:
        """The figures of a file, as they are."""
        return json.loads((self.folder / f"{name}.json").read_text())

    def tree(self, name: str) -> Any:
        """The same, labelled."""
        return labelled(self.read(name), "", self.compared.setdefault(name, set()).add, name)

    def note(self, expected: Any) -> None:
        """Enter every labelled figure of what is compared."""
        if isinstance(expected, Figure):
            name, _, path = expected.path.partition(":")
            self.compared[name].add(path)
        elif isinstance(expected, dict):
            for value in expected.values():
                self.note(value)
        elif isinstance(expected, (list, tuple)):
            for value in expected:
                self.note(value)

    def watch(self, approx: Callable[..., Any]) -> Callable[..., Any]:
        """`approx`, entering what it is given."""

        def noted(expected: Any, *args: Any, **options: Any) -> Any:
            self.note(expected)
            return approx(expected, *args, **options)

        return noted


class _Node:
    """What reads a count, a name or a decision enters it; figures are entered when compared."""

    def read(self, key: Any, value: Any) -> Any:
        if not isinstance(value, (Figure, dict, list)):
            self.enter(f"{self.path}/{key}")  # type: ignore[attr-defined]
        return value


class Branch(_Node, dict[str, Any]):
    path: str
    enter: Callable[[str], None]

    def __getitem__(self, key: str) -> Any:
        return self.read(key, super().__getitem__(key))

    def items(self) -> Any:
        return [(key, self[key]) for key in self]

    def values(self) -> Any:
        return [self[key] for key in self]


class Row(_Node, list[Any]):
    path: str
    enter: Callable[[str], None]

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        return value if isinstance(key, slice) else self.read(key, value)

    def __iter__(self) -> Iterator[Any]:
        return (self[n] for n in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return list(self) == other

    __hash__ = None


def labelled(tree: Any, path: str, enter: Callable[[str], None], name: str) -> Any:
    """`tree` with every number, list and object labelled."""
    if isinstance(tree, dict):
        branch = Branch({k: labelled(v, f"{path}/{k}", enter, name) for k, v in tree.items()})
        branch.path, branch.enter = path, enter
        return branch
    if isinstance(tree, list):
        row = Row(labelled(v, f"{path}/{n}", enter, name) for n, v in enumerate(tree))
        row.path, row.enter = path, enter
        return row
    return Figure(tree, f"{name}:{path}") if isinstance(tree, float) else tree
