"""Campaign documents: one schema, every problem with its place, and text that reads as what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from listening.exchange import campaign_document
from listening.exchange.campaign_document import FORMAT, dump, parse
from listening.exchange.documents import DocumentError
from listening.exchange.errors import ExchangeError


def described(**changes):
    return {
        "format": FORMAT,
        "slug": "codecs",
        "title": "Codecs",
        "method": "mushra",
        "conditions": [{"name": "reference", "role": "reference"}, {"name": "A"}],
        "items": [{"title": "guitar", "reference": "guitar.wav", "stimuli": {"A": "a.wav"}}],
        **changes,
    }


def problems(data) -> str:
    with pytest.raises(DocumentError) as refusal:
        parse(dump(data, form="yaml"), name="test.yaml")
    return str(refusal.value)


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(campaign_document.schema())


texts = st.text(min_size=1, max_size=60).filter(lambda text: text.replace("\n", "").isprintable())


@pytest.mark.parametrize("form", campaign_document.FORMATS)
@given(
    title=texts,
    instructions=texts,
    name=st.sampled_from(["yes", "1e3", "0o7", "null", ".5", "-", "a: b", "#"]),
)
def test_what_is_written_reads_the_same(form, title, instructions, name):
    data = described(
        title=title, instructions=instructions, conditions=[{"name": name}], items=[{"title": name}]
    )
    assert parse(dump(data, form=form), name="test").data == data


def test_every_problem_is_told_with_its_place():
    said = problems(described(slug="no spaces", repetitions=0, colour="red"))
    assert "line 2, column 7: expected text like" in said
    assert "expected at least 1, found 0" in said
    assert "found colour" in said


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"conditions": []}, "at least 1 entries"),
        (
            {"conditions": [{"name": "A"}, {"name": "A"}]},
            "expected each condition once, found 'A' again",
        ),
        ({"conditions": [{"name": "A", "role": "boss"}]}, "expected one of reference"),
        ({"items": [{"title": "x"}, {"title": "x"}]}, "expected each item once"),
        (
            {"items": [{"title": "x", "stimuli": {"B": "b.wav"}}]},
            "expected a condition among reference, A, found 'B'",
        ),
        ({"items": [{"title": "x", "stimuli": {"A": 3}}]}, "expected text, found 3"),
        ({"format": "earwitness-campaign/2"}, "expected 'earwitness-campaign/1'"),
        ({"quota": 0}, "at least 1"),
        ({"plan": [{"title": "x"}]}, "expected the key 'part'"),
    ],
)
def test_a_document_that_describes_no_campaign_is_refused(changes, what):
    assert what in problems(described(**changes))


def test_data_that_came_without_a_text_is_refused_by_its_path():
    with pytest.raises(DocumentError, match=r"request: items\[0\].title: expected text, found 3"):
        campaign_document.checked(described(items=[{"title": 3}]), name="request")


def test_ten_thousand_conditions_are_read_and_one_more_refused():
    many = [{"name": f"c{n}"} for n in range(10_000)]
    items = [{"title": "x", "stimuli": {}}]
    assert (
        len(
            campaign_document.checked(described(conditions=many, items=items), name="x")[
                "conditions"
            ]
        )
        == 10_000
    )
    with pytest.raises(DocumentError, match="at most 10000 entries"):
        campaign_document.checked(
            described(conditions=[*many, {"name": "x"}], items=items), name="x"
        )


def test_another_form_is_refused():
    with pytest.raises(ExchangeError, match="yaml, json"):
        dump(described(), form="toml")
