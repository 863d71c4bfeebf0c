"""Tables are written whole or not at all, and read back by others (csv, json, openpyxl) as they were."""

from __future__ import annotations

import csv
import json

import openpyxl
import pandas as pd
import pytest

from listening.analysis.frames import AnalysisError
from listening.analysis.report import analyse
from listening.exchange.errors import ExchangeError
from listening.exchange.tables import write
from listening.simulation import simulate_mushra

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("http://x","y")']


SHEETS = ["ratings", "stimuli", "sessions", "scores", "summary", "screening", "about"]


@pytest.fixture
def ratings():
    stimuli = pd.DataFrame(
        [
            {"item": item, "condition": c, "role": role, "quality": q, "signal": f"{c}-{item}"}
            for item in ("song", 'talk, "loud"')
            for c, role, q in (
                ("ref", "reference", 100),
                ("codec", "system", 60),
                ("plain", "system", 40),
            )
        ]
    )
    return simulate_mushra(stimuli, listeners=3, seed=1, campaign="demo").assign(
        model_version="amp@2", model_hash="abc123"
    )


@pytest.fixture
def scores(ratings):
    stimuli = ratings[["item", "condition", "signal"]].drop_duplicates()
    stoi = stimuli.assign(metric="stoi", value=[0.1 * n for n in range(6)], direction="higher")
    failed = stimuli.assign(metric="pesq_wb", value=None, status="silent", message="silent")
    return pd.concat([stoi, failed])


def rows_of_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_holds_a_row_per_rating_beside_the_scores_of_its_stimulus(tmp_path, ratings, scores):
    path = write(tmp_path / "out.csv", ratings=ratings, scores=scores)
    rows = rows_of_csv(path)
    assert len(rows) == len(ratings) == 18
    by_signal = scores[scores["metric"] == "stoi"].set_index("signal")["value"]
    for row, (_, rating) in zip(rows, ratings.iterrows(), strict=True):
        assert float(row["rating"]) == rating["rating"]
        assert row["item"] == rating["item"]
        assert row["signal"] == rating["signal"]
        assert float(row["stoi"]) == by_signal[rating["signal"]]
        assert row["pesq_wb"] == ""
        assert (row["campaign"], row["simulated"]) == ("demo", "True")
        assert (row["model_version"], row["model_hash"]) == ("amp@2", "abc123")


def test_json_holds_every_table(tmp_path, ratings, scores):
    analysis = analyse(ratings)
    path = write(
        tmp_path / "out.json",
        ratings=ratings,
        scores=scores,
        analysis=analysis,
        about={"seed": "1"},
    )
    tables = json.loads(path.read_text(encoding="utf-8"))
    assert list(tables) == SHEETS
    assert [row["rating"] for row in tables["ratings"]] == ratings["rating"].tolist()
    assert tables["ratings"][0]["pesq_wb"] is None
    assert {row["message"] for row in tables["scores"]} == {"", "silent"}
    assert [row["after_mean"] for row in tables["summary"]] == analysis.summary[
        "after_mean"
    ].tolist()
    assert len(tables["screening"]) == 3
    facts = {row["fact"]: row["value"] for row in tables["about"]}
    assert facts == {
        "campaign": "demo",
        "listeners": "3",
        "simulated listeners": "3",
        "ratings": "18",
        "seed": "1",
    }


def test_xlsx_holds_every_table_as_a_sheet(tmp_path, ratings, scores):
    path = write(tmp_path / "out.xlsx", ratings=ratings, scores=scores, analysis=analyse(ratings))
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == SHEETS
    heading, *rows = book["ratings"].values
    place = heading.index("rating")
    assert [row[place] for row in rows] == ratings["rating"].tolist()
    assert all(row[heading.index("simulated")] is True for row in rows)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_never_becomes_a_formula(tmp_path, ratings, text):
    # OWASP, CSV injection: = + - @ tab and carriage return begin a formula
    ratings.loc[0, "item"] = text
    row = rows_of_csv(write(tmp_path / "out.csv", ratings=ratings))[0]
    assert row["item"] == f"'{text}"
    book = openpyxl.load_workbook(write(tmp_path / "out.xlsx", ratings=ratings))
    heading, *_ = book["ratings"].values
    cell = book["ratings"].cell(row=2, column=heading.index("item") + 1)
    assert cell.data_type == "s"
    assert cell.value == text
    tables = json.loads(write(tmp_path / "out.json", ratings=ratings).read_text())
    assert tables["ratings"][0]["item"] == text


def test_numbers_are_never_guarded(tmp_path, ratings, scores):
    scores["value"] = -scores["value"].astype(float)
    row = rows_of_csv(write(tmp_path / "out.csv", ratings=ratings, scores=scores))[-1]
    assert float(row["stoi"]) <= 0


def test_control_characters_do_not_break_a_workbook(tmp_path, ratings):
    ratings.loc[0, "item"] = "a\x01b"
    book = openpyxl.load_workbook(write(tmp_path / "out.xlsx", ratings=ratings))
    assert any("a\ufffdb" in row for row in book["ratings"].values)


def test_two_versions_of_a_metric_are_two_columns(tmp_path, ratings, scores):
    stoi = scores[scores["metric"] == "stoi"]
    both = pd.concat([stoi.assign(metric_version="1"), stoi.assign(metric_version="2", value=7.0)])
    row = rows_of_csv(write(tmp_path / "out.csv", ratings=ratings, scores=both))[0]
    assert float(row["stoi 2"]) == 7
    assert float(row["stoi 1"]) < 1


def test_differing_scores_of_one_stimulus_are_refused(tmp_path, ratings, scores):
    scores = scores.assign(reference="own")
    other = pd.concat([scores, scores.head(1).assign(reference="other", value=0.99)])
    with pytest.raises(AnalysisError, match="expected one of stoi per stimulus"):
        write(tmp_path / "out.csv", ratings=ratings, scores=other)


def test_an_unknown_extension_is_refused_and_nothing_is_written(tmp_path, ratings):
    for name, found in (("out.ods", ".ods"), ("out", "none")):
        with pytest.raises(
            ExchangeError, match=rf"{name}: expected a file ending in .csv, .*, found {found}"
        ):
            write(tmp_path / name, ratings=ratings)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(tmp_path, ratings):
    with pytest.raises(
        ExchangeError, match="expected a folder that can be written, found: No such"
    ):
        write(tmp_path / "none" / "out.csv", ratings=ratings)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, ratings, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("listening.exchange.tables.os.replace", full)
    with pytest.raises(ExchangeError, match="No space left on device"):
        write(path, ratings=ratings)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_row_per_stimulus_holds_its_mean_and_every_metric(tmp_path, ratings, scores):
    rows = rows_of_csv(write(tmp_path / "w.csv", ratings=ratings, scores=scores, rows="stimuli"))
    assert len(rows) == 6
    expected = ratings.groupby(["item", "condition"])["rating"].mean()
    stoi = scores[scores["metric"] == "stoi"].set_index("signal")["value"]
    for row in rows:
        assert float(row["mean rating"]) == pytest.approx(expected[row["item"], row["condition"]])
        assert (row["ratings"], row["listeners"], row["pesq_wb"]) == ("3", "3", "")
        assert float(row["stoi"]) == stoi[row["signal"]]


def test_several_scales_are_a_column_each(tmp_path, ratings):
    scales = pd.concat(
        [
            ratings.assign(method="p835", scale=scale, rating=grade)
            for scale, grade in (("SIG", 3), ("BAK", 5))
        ]
    )
    rows = rows_of_csv(write(tmp_path / "s.csv", ratings=scales, rows="stimuli"))
    assert {(row["mean rating SIG"], row["mean rating BAK"]) for row in rows} == {("3.0", "5.0")}


def test_parquet_is_read_back_as_it_was(tmp_path, ratings, scores):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'parquet'")
    path = write(tmp_path / "out.parquet", ratings=ratings, scores=scores)
    back = parquet.read_table(path).to_pandas()
    assert back["rating"].tolist() == ratings["rating"].tolist()
    assert back["item"].tolist() == ratings["item"].tolist()
    assert back["pesq_wb"].isna().all()


def test_latex_escapes_names_and_has_a_line_per_stimulus(tmp_path, ratings):
    named = ratings.assign(condition=ratings["condition"].replace("codec", "50 % of_A & B"))
    text = write(tmp_path / "t.tex", ratings=named, rows="stimuli").read_text()
    assert r"50 \% of\_A \& B" in text
    assert text.count("\\\\") == 7
    assert text.count("{") == text.count("}")


def test_rows_of_something_else_are_refused(tmp_path, ratings):
    with pytest.raises(
        ExchangeError, match="expected rows of ratings, stimuli, sessions, found 'trials'"
    ):
        write(tmp_path / "out.csv", ratings=ratings, rows="trials")
    assert not list(tmp_path.iterdir())
