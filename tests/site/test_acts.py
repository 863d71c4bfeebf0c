"""No page, operation, command or job changes something without it being known what the record says of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from django.utils.module_loading import autodiscover_modules

from models_registry import jobs
from tests.site import acts
from tests.site.addresses import API, PAGES

ROOT = Path(__file__).parents[2]
APPS = ("listening", "metrics", "models_registry")
GUIDE = ROOT / "listening" / "guide" / "4-reviewers.md"
# where the act is a name, the acts that it stands for
NAMED = {
    "listening/joining.py": {"member-leave", "member-remove"},
    "listening/models/campaign.py": {"pause", "resume"},
    "listening/models/session.py": {"exclude", "include"},
    "models_registry/standing.py": {"nominate", "approve", "renew", "reject", "retire"},
}
SENTENCE = ": "


def recorded() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `audit.record`, by file."""
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text("utf-8")
            if "audit.record(" in text:
                for node in ast.walk(ast.parse(text)):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
                        yield path.relative_to(ROOT).as_posix(), node


def words_of(node: ast.expr) -> set[str]:
    found = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
    return {one for one in found if isinstance(one, str)}


def written() -> set[str]:
    """Every act that the code writes."""
    found: set[str] = set()
    for name, call in recorded():
        act = call.args[0]
        if isinstance(act, ast.IfExp):
            found |= words_of(act.body) | words_of(act.orelse)
        else:
            found |= words_of(act)
        found |= NAMED.get(name, set())
    return found


def told(table: dict[str, str]) -> set[str]:
    """The acts of a table."""
    return {act for one in table.values() if SENTENCE not in one for act in one.split()}


def test_every_page_that_takes_a_form_says_what_it_writes():
    assert {name for name, page in PAGES.items() if page.post or page.put} == set(acts.PAGES)


def test_every_operation_that_changes_something_says_what_it_writes():
    assert {path for method, path in API if method != "get"} == set(acts.API)


def test_every_command_says_what_it_writes():
    found = {
        path.stem
        for app in APPS
        for path in (ROOT / app / "management" / "commands").glob("*.py")
        if path.stem != "__init__"
    }
    assert found == set(acts.COMMANDS)


def test_every_job_says_what_it_writes():
    autodiscover_modules("tasks")
    ours = {kind for kind, handler in jobs.HANDLERS.items() if handler.__module__.startswith(APPS)}
    assert ours == set(acts.JOBS)


def test_what_is_said_to_be_written_is():
    for table in (acts.PAGES, acts.API, acts.COMMANDS, acts.JOBS):
        assert told(table) - written() == set()


def test_every_act_names_who_did_it_and_stands_in_the_guide():
    guide = GUIDE.read_text("utf-8")
    for name, call in recorded():
        assert {"actor"} <= {one.arg for one in call.keywords}, f"{name}: line {call.lineno}"
    assert {act for act in written() if f"`{act}`" not in guide} == set()
