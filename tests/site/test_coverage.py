"""Nothing without its explanation: blocks, metrics, methods, studies, settings, commands and pages.

What is new fails here until its card, its help or its place in the guide is written.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import reverse

import listening.settings
from listening.help import PLACES, place_of
from listening.kinds import FAMILIES, kinds
from listening.methods import methods
from listening.understanding import FACES
from listening.views.guide import FOLDER, pages
from metrics import catalogue
from models_registry import studying
from tests.site.addresses import PAGES
from tests.site.html import Page

OURS = ("listening", "metrics", "models_registry")
GUIDE = {
    file.stem.partition("-")[2]: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")
}


def table_rows(text):
    return [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]


def test_every_kind_of_block_has_a_family_and_its_row_in_the_guide():
    pytest.importorskip("torch", reason="needs the extra 'engine'")
    rows = {
        row[0].strip(): set(re.findall(r"`([a-z-]+)`", row[1]))
        for row in table_rows(GUIDE["model-builders"])
    }
    known = kinds().values()
    for family in FAMILIES:
        there = {one.name for one in known if one.family == family}
        # a row may name a block's options too
        assert there <= rows[family], family
    adapters = {one.name for one in known if not one.is_block}
    assert sorted(name for name in adapters if f"`{name}`" not in GUIDE["model-builders"]) == []


def test_every_kind_of_block_and_every_parameter_says_what_it_is():
    pytest.importorskip("torch", reason="needs the extra 'engine'")
    for one in kinds().values():
        card = one.card
        said = (
            card.purpose,
            card.rationale,
            card.assumptions,
            card.expected_ranges,
            card.failure_modes,
        )
        assert all(len(text.split()) > 2 for text in said), one.name
        assert all(card.references), one.name
        for parameter in (*one.parameters, *one.choices):
            assert parameter.meaning, f"{one.name}.{parameter.name}"


def test_every_metric_says_what_it_measures_and_by_whom():
    for metric in catalogue.all():
        assert len(metric.description.split()) > 3, metric.name
        assert metric.standard or metric.citation, metric.name
        assert metric.licence, metric.name
        assert metric.version, metric.name


def test_every_method_has_its_row_in_the_guide_and_a_line_about_itself():
    for name, method in methods().items():
        assert f"| `{name}` |" in GUIDE["methods"], name
        assert method.title, name
        assert importlib.import_module(type(method).__module__).__doc__, name


def test_every_kind_of_study_has_a_face_a_purpose_and_its_heading_in_the_guide():
    told = GUIDE["understanding"].lower()
    for name, kind in studying.kinds().items():
        assert kind.purpose, name
        assert name in FACES, name
        assert re.search(rf"^## .*{re.escape(name.removesuffix('s'))}", told, re.M), name


def settings_read():
    """Every variable of the environment that our code reads, and Django reads from the settings."""
    text = Path(listening.settings.__file__).read_text(encoding="utf-8")
    asked = (
        r"""(?:environ(?:\.get|\.setdefault)?[\[(]|env_flag\(|env_count\()\s*["']([A-Z_]+)["']"""
    )
    return set(re.findall(asked, text)) | ({"DATABASE_URL"} if "dj_database_url" in text else set())


def test_every_setting_has_its_row_in_the_guide():
    rows = table_rows(GUIDE["operators"])
    explained = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row[0])}
    assert settings_read() >= {"EARWITNESS_HOME", "SECRET_KEY", "UPLOAD_MB"}
    assert settings_read() - explained == set()


def our_commands():
    return {name for name, app in get_commands().items() if app in OURS}


def test_every_command_has_help_and_stands_in_the_guide():
    assert len(our_commands()) > 40
    told = "\n".join(GUIDE.values())
    assert (
        sorted(name for name in our_commands() if not re.search(rf"manage\.py {name}\b", told))
        == []
    )
    for name in our_commands():
        command = load_command_class(get_commands()[name], name)
        assert command.help, name
        parser = command.create_parser("manage.py", name)
        own = [one for one in parser._actions if one.dest not in ("help", "version", "verbosity")]
        silent = [one.dest for one in own if one.option_strings and not one.help]
        assert silent == [], f"{name}: options without help"


def test_every_address_has_its_place_in_the_guide():
    assert sorted(name for name in PAGES if place_of(name) is None) == []


def test_every_place_in_the_guide_is_there():
    headings = {
        f"{name}#{heading}"
        for name, page in pages().items()
        for heading in re.findall(r'id="([^"]+)"', str(page.html))
    }
    assert sorted(set(PLACES.values()) - headings - set(pages())) == []


def test_a_page_leads_to_what_the_guide_says_of_it(researcher, version):
    page = Page(researcher.get(reverse("version-card", args=["overdrive", 1])))
    assert reverse("guide-page", args=["reviewers"]) + "#model-cards" in page.links


def test_every_package_and_module_of_ours_opens_with_a_docstring():
    for package in OURS:
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if ".migrations" in module.name or ".external" in module.name:
                continue
            spec = importlib.util.find_spec(module.name)
            text = Path(str(spec.origin)).read_text(encoding="utf-8").lstrip()
            assert not text or text.startswith('"""'), module.name
