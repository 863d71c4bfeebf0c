"""Documents are plain data with places. The witness for scalars is YAML 1.2.2, example 10.9 and section 10.3.2."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening.exchange import documents
from listening.exchange.documents import DocumentError


def data(text: str, **options):
    return documents.read(text, name="test.yaml", **options).data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2.2, example 10.9 "Core tag resolution"
        ("null", None),
        ("", None),
        ("true", True),
        ("True", True),
        ("false", False),
        ("FALSE", False),
        ("0", 0),
        ("0o7", 7),
        ("0x3A", 58),
        ("-19", -19),
        ("0.", 0.0),
        ("-0.0", 0.0),
        (".5", 0.5),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("+.INF", math.inf),
        # what YAML 1.1 takes for true, false, a base-60 number and a date
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ('"12"', "12"),
        ("'null'", "null"),
    ],
)
def test_a_scalar_is_what_the_core_schema_says(text, value):
    assert data(f"key: {text}") == {"key": value}


def test_not_a_number_is_one():
    assert math.isnan(data("key: .nan")["key"])


def test_a_value_has_its_line_and_column():
    document = documents.read("a:\n  - b: 1\n    c: [2, 3]\n", name="test.yaml")
    assert document.place(("a", 0, "c", 1)) == (3, 12)
    assert document.place(("a", 0, "absent")) == (2, 5)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text(st.characters(codec="ascii", min_codepoint=32)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc-é", max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_json_is_read_as_json_reads_it(value):
    assert data(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("a: &x [1]\nb: *x", "line 1, column 4", "anchor"),
        ("a: 1\na: 2", "line 2, column 1", "'a' again"),
        ("a: !!python/object:os.system x", "line 1, column 4", "the tag"),
        ("[" * 100, "line 1, column 51", "50 levels"),
        ("a: b: c", "line 1, column 5", "mapping values"),
        ("", "line 1, column 1", "found nothing"),
        ("--- a\n--- b", "line 2, column 5", "a second"),
        ("? [a]\n: b", "line 1, column 3", "a list or a mapping"),
        ("a: " + "9" * 400, "line 1, column 4", "400 digits"),
        ('{"a": [1,2', "line 2", "expected"),
        ("a: \x07", "line 1", "the character"),
    ],
)
def test_what_is_no_plain_document_is_refused_with_its_place(text, place, found):
    with pytest.raises(DocumentError) as refusal:
        data(text)
    assert place in str(refusal.value)
    assert found in str(refusal.value)


def test_a_bomb_of_aliases_is_refused_at_its_first():
    levels = "\n".join(f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, 40))
    with pytest.raises(DocumentError, match="line 1, column 5"):
        data("l0: &l0 [x]\n" + levels)


def test_a_document_that_is_too_long_is_refused():
    with pytest.raises(DocumentError, match="at most 10000000 characters"):
        data("a" * 10_000_001)


def test_bytes_that_are_not_utf8_are_refused_with_their_line():
    with pytest.raises(DocumentError, match="line 2.*0xff"):
        documents.decoded(b"a: 1\nb: \xff", name="test.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("content: Note: read", "Note: read"),
        ("content: it's one: two", "it's one: two"),
        ("content: one\n  two: three\nid: x", "one two: three"),
        ("content: <p>a: b</p>\n  <p>c: d</p>\n", "<p>a: b</p> <p>c: d</p>"),
    ],
)
def test_a_colon_inside_a_plain_scalar_is_text_where_asked_for(text, value):
    assert data(text, lenient=True)["content"] == value
    with pytest.raises(DocumentError):
        data(text)


def test_a_colon_inside_a_list_entry_ends_with_its_scalar():
    text = "- content: Note: read\n  id: x\n- b: c: d"
    assert data(text, lenient=True) == [{"content": "Note: read", "id": "x"}, {"b": "c: d"}]


def test_leniency_mends_nothing_else():
    with pytest.raises(DocumentError, match="expected ',' or"):
        data("a: b: c\nd: [1, 2", lenient=True)
