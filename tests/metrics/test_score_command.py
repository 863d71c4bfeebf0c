"""`manage.py score` and `manage.py metrics`: files in, figures out, with no database."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
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
        {key: str(value) for key, value in row.items()}
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
    assert good.stdout.splitlines()[1].split(",")[1] == "true-peak"
    bad = manage("score", *files[:2], "--metrics", "nonsense")
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert bad.stderr.strip().count("\n") == 0


def test_metrics_lists_the_catalogue():
    lines = output("metrics").splitlines()
    assert [line.split()[0] for line in lines] == ["metric", *(m.name for m in catalogue.all())]


def test_metrics_as_json_says_all_that_is_declared():
    rows = {row["name"]: row for row in json.loads(output("metrics", "--format", "json"))}
    assert rows["pesq-wb"]["direction"] == "higher"
    assert rows["pesq-wb"]["needs_reference"] is True
    assert rows["zwicker-n"]["calibration"].startswith("a full-scale sine is 100 dB SPL")
    assert all(row["description"] and "function" not in row for row in rows.values())
