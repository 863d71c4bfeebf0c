"""Ratings are read from both layouts, or refused whole with every problem and its line."""

from __future__ import annotations

import re

import pytest

from listening.exchange.errors import ExchangeError
from listening.exchange.ratings import parse

TIDY = b'''listener,item,condition,rating,file
alice,song,Reference,100,song/ref.wav
alice,song,codec,61.5,song/codec.wav
bob,song,Reference,98,song/ref.wav
bob,song,codec,40,song/codec.wav
bob,"talk, ""loud""",codec,0,
'''
LISTS = b"""signal,condition,ratings,participant_ids,file
song,Reference,"[100, 98]","[1, 2]",song/ref.wav
song,codec,"[61.5, 40.0]","[1, 2]",song/codec.wav
talk,codec,[0],[2.0],
"""


def problems(content, **options):
    with pytest.raises(ExchangeError) as refusal:
        parse(content, campaign="c", name="ratings.csv", **options)
    message = str(refusal.value)
    assert "\n" not in message
    assert message.startswith("ratings.csv: ")
    return message.removeprefix("ratings.csv: ")


def tidy_problem(*lines):
    return problems(b"\n".join([b"listener,item,condition,rating", *lines]))


def list_problem(*lines):
    return problems(b"\n".join([b"signal,condition,ratings,participant_ids", *lines]))


def test_a_tidy_file_becomes_a_tidy_frame():
    read = parse(TIDY, campaign="demo")
    assert read.layout == "tidy"
    frame = read.ratings
    assert frame["rating"].tolist() == [100, 61.5, 98, 40, 0]
    assert frame["file"].tolist() == ["song/ref.wav", "song/codec.wav"] * 2 + [""]
    assert frame["item"].iloc[-1] == 'talk, "loud"'
    assert frame["trial"].tolist() == [1, 1, 1, 1, 2]
    assert frame["role"].tolist()[:2] == ["reference", "system"]
    assert set(frame["campaign"]) == {"demo"}
    assert not frame["simulated"].any()


def test_lists_in_cells_become_the_same_frame():
    read = parse(LISTS, campaign="demo")
    assert read.layout == "lists"
    columns = ["listener", "item", "condition", "rating", "file"]
    assert read.ratings[columns].values.tolist() == [
        ["1", "song", "Reference", 100, "song/ref.wav"],
        ["2", "song", "Reference", 98, "song/ref.wav"],
        ["1", "song", "codec", 61.5, "song/codec.wav"],
        ["2", "song", "codec", 40, "song/codec.wav"],
        ["2", "talk", "codec", 0, ""],
    ]


def test_the_published_neural_codec_file_is_read_whole(codec_folder):
    read = parse(codec_folder / "ratings_formated.csv", campaign="codec")
    frame = read.ratings
    assert len(frame) == 1512
    assert (frame["listener"].nunique(), frame["item"].nunique()) == (21, 16)
    # its README: 112 stimuli of 7 codecs; every file of a rated stimulus is there
    systems = frame[frame["role"] == "system"]
    assert len(systems.drop_duplicates(["item", "condition"])) == 112
    files = frame.loc[frame["file"] != "", "file"].unique()
    assert len(files) == 128
    # the recordings lie there losslessly packed under the same names
    audio = [(codec_folder / "audio" / file).with_suffix(".flac") for file in files]
    assert all(file.is_file() for file in audio)
    assert read.roles["Reference"] == "reference"
    # a low-pass, but not declared to be the one at 7 kHz
    assert read.roles["Anchor"] == "anchor"
    assert read.notes == (
        "condition 'Reference' is taken, by its name, for the hidden reference",
        "condition 'Anchor' is taken, by its name, for an anchor of unknown kind",
        "no condition is the 7 kHz anchor",
    )


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("ref", "reference"),
        ("Hidden Reference", "reference"),
        ("hidden_ref", "reference"),
        ("anchor35", "anchor35"),
        ("Anchor 3.5 kHz", "anchor35"),
        ("LP35", "anchor35"),
        ("low", "anchor35"),
        ("anchor70", "anchor70"),
        ("7 kHz anchor", "anchor70"),
        ("mid", "anchor70"),
        ("LP7.0", "anchor70"),
        ("ANCHOR", "anchor"),
        ("my reference codec", "system"),
    ],
)
def test_roles_are_inferred_from_usual_names_only(name, role):
    content = f"listener,item,condition,rating\na,i,{name},50\n".encode()
    assert parse(content, campaign="c").roles == {name: role}


def test_declared_roles_stand_above_names():
    read = parse(TIDY, campaign="c", roles={"codec": "anchor70"})
    assert read.roles == {"Reference": "reference", "codec": "anchor70"}
    assert read.notes == ("condition 'Reference' is taken, by its name, for the hidden reference",)
    assert "found one for other" in problems(TIDY, roles={"other": "system"})
    assert "found best" in problems(TIDY, roles={"codec": "best"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a table of ratings, found an empty file"),
        (b" \r\n\n", "expected a table of ratings, found an empty file"),
        (b"listener,item,condition,rating\n", "expected rows below the heading, found none"),
        (
            b"listener,item,condition\na,i,c\n",
            "expected the columns listener,item,condition,rating or "
            "signal,condition,ratings,participant_ids, found listener,item,condition "
            "(missing: rating)",
        ),
        (
            b"signal,condition,ratings\ns,c,[1]\n",
            "expected the columns listener,item,condition,rating or "
            "signal,condition,ratings,participant_ids, found signal,condition,ratings "
            "(missing: participant_ids)",
        ),
        (b"listener,item,item,rating\n", "expected each column once, found listener,"),
        (b"listener,item\ncaf\xe9,i\n", "expected UTF-8 text, found the byte 0xe9 in line 2"),
        (b"\x00\x01\x02RIFF", "expected text, found a zero byte (not a CSV file?)"),
    ],
)
def test_a_file_that_is_no_table_of_ratings_is_refused(content, message):
    assert problems(content).startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"a,i,c,140", "line 2: expected a rating from 0 to 100, found '140'"),
        (b"a,i,c,good", "line 2: expected a rating from 0 to 100, found 'good'"),
        (b"a,i,c,nan", "line 2: expected a rating from 0 to 100, found 'nan'"),
        (b"a,i,c,-1", "line 2: expected a rating from 0 to 100, found '-1'"),
        (b"a,i,c,", "line 2: expected a rating from 0 to 100, found ''"),
        (b",i,c,5", "line 2: expected a listener, found an empty cell"),
        (b"a,i,c,5,6", "line 2: expected 4 cells, found 5"),
        (b'a,i,"c,5', "line 2: expected CSV, found unexpected end of data"),
        (
            b"a,i,c,5\nb,i,c,5\n\na,i,c,7",
            "line 5: expected one rating per listener, item and condition, "
            "found listener 'a' again for i · c (first in line 2)",
        ),
    ],
)
def test_a_bad_row_is_named_by_its_line(line, message):
    assert tidy_problem(line) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b's,c,"[1, 2]",[1]', "line 2: expected as many ratings as participant_ids, found 2 and 1"),
        (b"s,c,41,[1]", "line 2: expected a list such as [1, 2] in ratings, found '41'"),
        (
            b's,c,[1],"{""a"": 1}"',
            "line 2: expected a list such as [1, 2] in participant_ids, found '{\"a\": 1}'",
        ),
        (b"s,c,[NaN],[1]", "line 2: expected a rating from 0 to 100, found nan"),
        (b's,c,"[true]",[1]', "line 2: expected a rating from 0 to 100, found True"),
        (b"s,c,[1],[null]", "line 2: expected a listener, found an empty cell"),
        (
            b's,c,"[1, 2]","[7, 7.0]"',
            "line 2: expected one rating per listener, item and condition, "
            "found listener '7' again for s · c (first in line 2)",
        ),
        (b"s,c," + b"[" * 9000 + b",[1]", "line 2: expected a list such as [1, 2] in ratings"),
    ],
)
def test_bad_lists_are_named_by_their_line(line, message):
    assert list_problem(line).startswith(message)


def test_two_files_for_one_stimulus_are_refused():
    content = b"listener,item,condition,rating,file\na,i,c,3,x.wav\nb,i,c,3,y.wav\n"
    assert "line 3: expected one file per stimulus, found 'y.wav' and 'x.wav'" in problems(content)


def test_all_problems_are_counted_and_the_first_are_shown():
    message = tidy_problem(*[b"a,i%d,c,%d" % (n, n) for n in range(95, 115)])
    assert re.findall(r"line (\d+)", message) == ["8", "9", "10", "11", "12"]
    assert message.endswith("; and 9 more problems (14 in all)")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(
        ExchangeError, match="no.csv: expected a file that can be read, found No such"
    ):
        parse(tmp_path / "no.csv", campaign="c")


def test_a_byte_order_mark_and_crlf_are_no_problem():
    assert len(parse(b"\xef\xbb\xbf" + TIDY.replace(b"\n", b"\r\n"), campaign="c").ratings) == 5
