"""The guide renders, and stays true to the commands it names."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders
from django.core.management import get_commands
from django.urls import reverse

from listening.analysis.frames import METHODS
from listening.methods import methods
from listening.views.guide import FOLDER, pages


@pytest.mark.parametrize("name", pages())
def test_every_page_renders_with_its_title_and_no_markup_left(anonymous, name):
    response = anonymous.get(reverse("guide-page", args=[name]))
    assert response.status_code == 200
    text = response.content.decode()
    assert f"<h1>{pages()[name].title}</h1>" in text
    body = str(pages()[name].html)
    assert "<h2" in body
    assert "**" not in body
    assert "](" not in body


def test_every_picture_is_there_and_said_in_words():
    pictures = [tag for page in pages().values() for tag in re.findall(r"<img[^>]*>", page.html)]
    assert pictures
    for tag in pictures:
        place = re.search(r'src="../../static/([^"]+)"', tag)
        assert place, tag
        assert finders.find(place[1]), tag
        assert re.search(r'alt="[^"]{40,}"', tag), tag


def test_the_index_lists_every_page(anonymous):
    text = anonymous.get(reverse("guide")).content.decode()
    assert len(pages()) == len(list(FOLDER.glob("*.md"))) >= 5
    for page in pages().values():
        assert reverse("guide-page", args=[page.name]) in text


def test_every_command_in_the_guide_exists():
    named = set()
    for file in FOLDER.glob("*.md"):
        named |= set(re.findall(r"manage\.py (\w+)", file.read_text(encoding="utf-8")))
    assert named >= {"demo", "train", "render", "verify"}
    assert named <= set(get_commands())


def test_every_method_and_every_option_of_one_stands_in_the_guide():
    text = (FOLDER / "5-methods.md").read_text(encoding="utf-8")
    rows = {name for name in methods() if f"| `{name}` |" in text}
    assert rows == set(methods())
    named = {name for method in methods().values() for name in method.defaults}
    assert sorted(name for name in named if f"`{name}`" not in text) == []
    readings = {kind.reading for kind in METHODS.values()}
    assert sorted(reading for reading in readings if f"| {reading} |" not in text) == []
