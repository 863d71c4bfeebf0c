"""`manage.py score` and `manage.py metrics`: files in, figures out, with no database."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from metrics import catalogue
from models_registry.audio import Audio, read, write

RATE = 16_000
PROJECT = Path(__file__).resolve().parents[2]


def recording(path, *, seconds=2.0, rate=RATE, channels=1, seed=0, gain=0.1):
    samples = gain * np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))
    write(path, Audio(samples.astype(np.float32), rate))
    return str(path)


@pytest.fixture
def files(tmp_path):
    return [recording(tmp_path / f"{name}.wav", seed=seed) for seed, name in enumerate("abc")]


def output(*arguments):
    text = io.StringIO()
    call_command(*arguments, stdout=text)
    return text.getvalue()


def refusal(*arguments):
    """The sentence with which the command ends, when it ends with 2 and has printed nothing."""
    text = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command(*arguments, stdout=text)
    assert error.value.returncode == 2
    assert text.getvalue() == ""
    assert "\n" not in str(error.value)
    return str(error.value)


def test_json_holds_every_file_and_metric_in_order(files):
    rows = json.loads(output("score", *files, "--metrics", "snr,true-peak", "--format", "json"))
    assert [(row["file"], row["metric"]) for row in rows] == [
        (file, name) for file in files[1:] for name in ("snr", "true-peak")
    ]
    reference, degraded = (read(file).samples.astype(float) for file in files[:2])
    by_hand = 10 * np.log10(np.sum(reference**2) / np.sum((degraded - reference) ** 2))
    assert rows[0]["value"] == pytest.approx(by_hand)
    assert rows[0]["unit"] == "dB"
    assert rows[0]["status"] == "ok"


def test_csv_is_the_same_as_json(files):
    options = ("score", *files, "--metrics", "esr,lsd", "--format")
    rows = list(csv.DictReader(io.StringIO(output(*options, "csv"))))
    assert rows == [
        {key: "" if value is None else str(value) for key, value in row.items()}
        for row in json.loads(output(*options, "json"))
    ]


def test_without_names_every_metric_has_a_row(files):
    rows = json.loads(output("score", *files[:2], "--format", "json"))
    assert [row["metric"] for row in rows] == [metric.name for metric in catalogue.all()]


def test_the_table_shows_values_and_says_why_one_is_missing(files):
    lines = output(
        "score", *files[:2], "--metrics", "true-peak,max-short-term-loudness"
    ).splitlines()
    assert lines[0].split() == ["file", "metric", "value", "unit"]
    assert lines[1].split()[1::2] == ["true-peak", "dBTP"]
    assert lines[2].endswith("too_short  expected at least 3 s, found 2 s")


def test_the_published_pair_scores_as_published(shared):
    folder = shared / "data" / "audio" / "pesq_reference_pair"
    pair = (str(folder / "speech.wav"), str(folder / "speech_bab_0dB.wav"))
    (row,) = json.loads(output("score", *pair, "--metrics", "pesq-wb", "--format", "json"))
    assert row["value"] == pytest.approx(1.0832337141036987, rel=1e-12)


def test_an_unknown_metric_is_refused(files):
    assert "found 'stio'; did you mean stoi" in refusal("score", *files, "--metrics", "stio,snr")


def test_files_that_are_no_audio_are_refused(files, tmp_path):
    (tmp_path / "notes.txt").write_text("no audio")
    assert "notes.txt: expected an audio file" in refusal(
        "score", *files, str(tmp_path / "notes.txt")
    )
    assert "found no such file" in refusal("score", str(tmp_path / "missing.wav"), *files)


def test_silent_and_empty_files_are_refused(files, tmp_path):
    silent = recording(tmp_path / "silent.wav", gain=0)
    assert "silent.wav: expected an audible signal, found silence" in refusal(
        "score", *files, silent
    )
    empty = recording(tmp_path / "empty.wav", seconds=0)
    assert "empty.wav: expected audio, found no samples" in refusal("score", *files, empty)


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        ({"seconds": 2.5}, "expected 32000 frames as in the reference, found 40000 frames"),
        ({"rate": 8_000}, "expected 16000 Hz as in the reference, found 8000 Hz"),
        ({"channels": 2}, "expected 1 channel as in the reference, found 2 channels"),
    ],
    ids=["length", "rate", "channels"],
)
def test_a_file_that_does_not_match_its_reference_is_refused(files, tmp_path, difference, sentence):
    other = recording(tmp_path / "other.wav", **difference)
    assert f"other.wav: {sentence}" in refusal("score", *files, other, "--metrics", "snr")


def test_files_of_any_length_are_measured_where_no_reference_is_needed(files, tmp_path):
    longer = recording(tmp_path / "longer.wav", seconds=2.5)
    rows = json.loads(
        output("score", files[0], longer, "--metrics", "true-peak", "--format", "json")
    )
    assert [row["status"] for row in rows] == ["ok"]


def test_the_command_line_needs_no_database_and_ends_with_2_on_bad_input(files, tmp_path):
    """In a home that does not exist yet: no migration has run, and none is asked for."""

    def manage(*arguments):
        return subprocess.run(
            [sys.executable, PROJECT / "manage.py", *arguments],
            env={
                "EARWITNESS_HOME": str(tmp_path / "home"),
                "DATABASE_URL": "sqlite:////nowhere/db",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    good = manage("score", *files[:2], "--metrics", "true-peak", "--format", "csv")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.splitlines()[1].split(",")[2] == "true-peak"
    bad = manage("score", *files[:2], "--metrics", "nonsense")
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert bad.stderr.strip().count("\n") == 0


@pytest.fixture
def folders(tmp_path):
    """References a and b, and what two systems made of them, in folders of their own."""
    for seed, item in enumerate("ab"):
        for folder, gain in (("clean", 0.1), ("out/loud", 0.2), ("out/quiet", 0.05)):
            (tmp_path / folder / "speech").mkdir(parents=True, exist_ok=True)
            recording(tmp_path / folder / "speech" / f"{item}.wav", seed=seed, gain=gain)
    (tmp_path / "out" / "notes.txt").write_text("no audio")
    return tmp_path


def scores(*arguments):
    return json.loads(output("score", *map(str, arguments), "--format", "json"))


def test_files_in_folders_find_the_reference_of_the_same_path(folders):
    rows = scores(folders / "clean", folders / "out" / "loud", "--metrics", "esr")
    assert [(Path(row["reference"]).stem, Path(row["file"]).stem) for row in rows] == [
        ("a", "a"),
        ("b", "b"),
    ]
    assert [row["value"] for row in rows] == pytest.approx([1.0, 1.0], rel=1e-5)  # (1 − 2)²


def test_a_pattern_says_which_reference_belongs_to_a_file(folders):
    pattern = ("--pattern", "{system}/{kind}/{item}={kind}/{item}", "--metrics", "esr")
    rows = scores(folders / "clean", folders / "out", *pattern)
    assert {(row["reference"][-5:], row["file"].split("/")[-3]): row["value"] for row in rows} == {
        ("a.wav", "loud"): pytest.approx(1, rel=1e-5),
        ("b.wav", "loud"): pytest.approx(1, rel=1e-5),
        ("a.wav", "quiet"): pytest.approx(0.25, rel=1e-5),
        ("b.wav", "quiet"): pytest.approx(0.25, rel=1e-5),
    }


def test_a_pattern_tells_references_from_degraded_files_in_one_folder(tmp_path):
    for name, gain in (("a_clean", 0.1), ("a_coded", 0.2), ("b_clean", 0.1), ("b_coded", 0.3)):
        recording(tmp_path / f"{name}.wav", gain=gain)
    rows = scores(tmp_path, tmp_path, "--pattern", "{item}_coded={item}_clean", "--metrics", "esr")
    assert [row["value"] for row in rows] == pytest.approx([1.0, 4.0], rel=1e-5)


def test_one_reference_serves_a_folder(folders):
    rows = scores(folders / "clean/speech/a.wav", folders / "out/quiet", "--metrics", "snr")
    assert [Path(row["file"]).stem for row in rows] == ["a", "b"]
    assert rows[0]["value"] > 6 > rows[1]["value"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["out"], "expected a reference called loud/speech/a, found none"),
        (
            ["out/loud", "--pattern", "x_{item}={item}"],
            "expected files with names like x_{item}, found none",
        ),
        (["out/loud", "--pattern", "{item}"], "expected a pattern DEGRADED=REFERENCE"),
        (["out/loud", "--pattern", "{item}={other}"], "expected a pattern DEGRADED=REFERENCE"),
        (["."], "expected a reference called clean/speech/a"),
    ],
)
def test_files_without_a_reference_are_refused(folders, arguments, sentence):
    folder, *options = arguments
    assert sentence in refusal("score", str(folders / "clean"), str(folders / folder), *options)


def test_a_folder_without_audio_is_refused(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    message = refusal("score", str(folders / "clean"), str(tmp_path / "empty"))
    assert "empty: expected audio files in this folder, found none" in message


def test_a_broken_file_in_a_folder_costs_its_own_rows_only(folders):
    (folders / "out/loud/speech/a.wav").write_text("no audio")
    arguments = [folders / "clean", folders / "out/loud", "--metrics", "snr,true-peak"]
    with pytest.raises(CommandError, match="found unreadable") as error:
        scores(*arguments)
    assert error.value.returncode == 1
    rows = scores(*arguments, "--fail-on", "never")
    assert [row["status"] for row in rows] == ["unreadable", "unreadable", "ok", "ok"]
    assert "a.wav: expected an audio file" in rows[0]["message"]


def test_missing_values_end_the_command_with_1_where_that_is_wanted(files):
    arguments = ("score", *files[:2], "--metrics", "true-peak,max-short-term-loudness")
    assert "too_short" in output(*arguments)
    with pytest.raises(
        CommandError, match="expected a value in every row, found too_short"
    ) as error:
        output(*arguments, "--fail-on", "missing")
    assert error.value.returncode == 1


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_an_interrupted_run_goes_on_where_it_was(folders, suffix, monkeypatch):
    table = folders / f"scores.{suffix}"
    arguments = (str(folders / "clean"), str(folders / "out/loud"), "--metrics", "snr,true-peak")
    assert output("score", *arguments, "--to", str(table)) == ""
    whole = table.read_text()
    assert len(whole.splitlines()) == 4 + (suffix == "csv")
    table.write_text(whole[:-20])  # the last row cut off
    output("score", *arguments, "--to", str(table))
    assert sorted(table.read_text().splitlines()) == sorted(whole.splitlines())
    # All is there: nothing is measured again.
    monkeypatch.setattr("metrics.scoring._score", lambda *_, **__: pytest.fail("measured again"))
    output("score", *arguments, "--to", str(table))
    assert sorted(table.read_text().splitlines()) == sorted(whole.splitlines())


def test_a_parquet_table_holds_what_json_lines_hold_and_goes_on(folders, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    parquet, lines = tmp_path / "scores.parquet", tmp_path / "scores.jsonl"
    arguments = (str(folders / "clean"), str(folders / "out/loud"), "--metrics", "snr,true-peak")
    for table in (lines, parquet):
        output("score", *arguments, "--to", str(table))
    expected, found = (
        frame.sort_values(["file", "metric"], ignore_index=True)
        for frame in (pd.read_json(lines, lines=True), pd.read_parquet(parquet))
    )
    assert list(found) == list(expected)
    assert found["value"].tolist() == pytest.approx(expected["value"].tolist(), nan_ok=True)
    assert found["message"].tolist() == expected["message"].tolist()
    assert sorted(path.name for path in tmp_path.glob("scores*")) == [
        "scores.jsonl",
        "scores.parquet",
    ]
    # All is there: nothing is measured again.
    monkeypatch.setattr("metrics.scoring._score", lambda *_, **__: pytest.fail("measured again"))
    output("score", *arguments, "--to", str(parquet))
    assert len(pd.read_parquet(parquet)) == len(found)


def test_sets_of_metrics_go_by_what_is_measured():
    speech, music = catalogue.chosen("speech"), catalogue.chosen("music")
    own = [m for m in catalogue.all() if not m.extra]
    assert {m.name for m in speech} >= {"pesq-wb", "stoi", "llr", "mcd"}
    assert {m.name for m in music} >= {"peaq-odg", "zwicker-n5", "true-peak"}
    assert sorted(m.name for m in (*speech, *music)) == sorted(m.name for m in own)
    assert [m.name for m in catalogue.chosen("snr, speech,snr")][0] == "snr"
    assert len(catalogue.chosen("snr,speech,stoi")) == 1 + len(speech)


def test_a_sound_that_was_made_anew_is_scored_anew(folders):
    table = folders / "scores.csv"
    arguments = (str(folders / "clean"), str(folders / "out/loud"), "--metrics", "esr")
    output("score", *arguments, "--to", str(table))
    recording(folders / "out/loud/speech/b.wav", seed=1, gain=0.3)
    output("score", *arguments, "--to", str(table))
    rows = [float(row["value"]) for row in csv.DictReader(table.open()) if "b.wav" in row["file"]]
    assert rows == pytest.approx([1.0, 4.0], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("scores.txt", "", "expected a table called .csv, .jsonl or .parquet, found 'scores.txt'"),
        ("scores.csv", "name,age\nbob,7\n", "expected a table of scores, found another table"),
        ("scores.jsonl", "[1]\n", "expected a table of scores, found another table"),
        ("scores.jsonl", "{\n", "expected a table of scores, found"),
        ("nowhere/scores.csv", None, "expected a folder to write to, found none"),
    ],
)
def test_a_file_that_is_no_table_of_scores_is_left_alone(files, tmp_path, name, content, sentence):
    table = tmp_path / name
    if content is not None:
        table.write_text(content)
    assert sentence in refusal("score", *files, "--metrics", "snr", "--to", str(table))
    assert content is None or table.read_text() == content


def test_a_lag_is_reported_and_undone_where_that_is_asked_for(tmp_path):
    samples = 0.1 * np.random.default_rng(0).standard_normal((1, 2 * RATE)).astype(np.float32)
    reference, late = str(tmp_path / "a.wav"), str(tmp_path / "late.wav")
    write(reference, Audio(samples, RATE))
    write(late, Audio(np.pad(0.5 * samples, ((0, 0), (100, 0))), RATE))
    arguments = (reference, late, "--metrics", "snr,loudness-difference,true-peak")
    assert "expected 32000 frames" in refusal("score", *arguments)
    snr, difference, peak = scores(*arguments, "--align")
    assert (snr["lag"], snr["polarity"], snr["aligned"]) == (100, 1, True)
    assert snr["gain_db"] == pytest.approx(20 * np.log10(0.5), abs=1e-6)
    assert snr["value"] == pytest.approx(20 * np.log10(2), abs=1e-4)  # the level is not undone
    assert (difference["status"], difference["aligned"]) == ("ok", False)
    assert (peak["status"], peak["lag"], peak["aligned"]) == ("ok", None, False)


def test_metrics_lists_the_catalogue():
    lines = output("metrics").splitlines()
    assert [line.split()[0] for line in lines] == ["metric", *(m.name for m in catalogue.all())]


def test_metrics_as_json_says_all_that_is_declared():
    rows = {row["name"]: row for row in json.loads(output("metrics", "--format", "json"))}
    assert rows["pesq-wb"]["direction"] == "higher"
    assert rows["pesq-wb"]["needs_reference"] is True
    assert rows["zwicker-n"]["calibration"].startswith("a full-scale sine is 100 dB SPL")
    assert all(row["description"] and "function" not in row for row in rows.values())
