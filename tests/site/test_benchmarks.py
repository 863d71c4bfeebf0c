"""Benchmarks: frozen, entered, submitted to, and compared on a page that says what each number means."""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile

from listening import benchmarking, freezing, leaderboards, submissions
from listening.cards.gathering import card_of
from listening.exchange.errors import ExchangeError
from listening.freezing import BenchmarkError
from listening.models import Benchmark, BenchmarkEntry, BenchmarkOutput
from listening.rehearsal import FOLLOWED_METRIC, rehearse
from listening.submissions import SubmissionError
from listening.unpacking import IntakeError
from metrics import catalogue
from metrics.models import Score
from models_registry import jobs
from models_registry.extra import engine
from models_registry.models import AuditEvent, Job, Signal
from tests.factories import here, mushra_campaign, stored_tone

# one metric that is quick, and no study that has to be waited for
RULES = {"metrics": ["si-sdr", "lsd"], "ranked_by": "si-sdr", "studies": []}


def a_benchmark(slug="tones", *, items=3, **rules) -> Benchmark:
    """Tones that go in, and the same tones a little softer as what ideally comes out."""
    pairs = [
        (
            f"tone {n}",
            stored_tone(400 + 50 * n, duration=0.5),
            stored_tone(400 + 50 * n, level=0.25, duration=0.5),
        )
        for n in range(items)
    ]
    return freezing.freeze(
        slug,
        title="Tones",
        purpose="whether a system leaves a tone a tone",
        items=pairs,
        rules={**RULES, **rules},
        project=here(),
        actor="alice",
    )


def worked(entry: BenchmarkEntry) -> BenchmarkEntry:
    assert jobs.work_here(entry.job, lambda share, message: None) is None
    entry.refresh_from_db()
    return entry


def in_hand(kind, arguments, *, project):
    return jobs.hold(kind, arguments, project=project)


def outputs_of(benchmark, *, noise=0.01, seed=0):
    """What a system might make of each item: the ideal and some noise, as samples by the input's hash."""
    draw = np.random.default_rng(seed)
    found = {}
    for item in benchmark.items.select_related("input", "reference"):
        ideal = item.reference.audio().samples
        found[item.input.sha256] = (ideal + noise * draw.standard_normal(ideal.shape)).T
    return found


def a_zip(benchmark, sounds, *, rate=48_000, names=None, **changes):
    """A submission with these sounds; what is named in `changes` stands in its manifest instead."""
    told = {
        "format": "earwitness-submission/1",
        "benchmark": str(benchmark),
        "sha256": benchmark.sha256,
        "team": "Elsewhere",
        "system": "noisy",
        "licence": "CC BY 4.0",
        "outputs": {one: f"{one[:8]}.wav" for one in sounds},
        **changes,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", json.dumps(told))
        for sha256, samples in sounds.items():
            raw = io.BytesIO()
            soundfile.write(raw, samples, rate, subtype="FLOAT", format="WAV")
            archive.writestr((names or {}).get(sha256, f"{sha256[:8]}.wav"), raw.getvalue())
    buffer.seek(0)
    return buffer


def submitted(benchmark, *, system="noisy", noise=0.01, seed=0) -> BenchmarkEntry:
    source = a_zip(benchmark, outputs_of(benchmark, noise=noise, seed=seed), system=system)
    return worked(
        submissions.submit(benchmark, source, name="sent.zip", actor="alice", begin=in_hand)
    )


def known(cell) -> float:
    assert cell.value is not None
    return cell.value


MEASURED = {
    "parameters": 40,
    "networks": 1,
    "real_time": 0.02,
    "machine": "a machine, one thread",
    "explained": {"share": 0.75, "low": 0.6, "high": 0.9, "n": 3},
    "recovered": {"share": 0.5, "median_error": 0.06, "count": 40, "starts": 2},
}


def that_is_ranked(version) -> Benchmark:
    """A public benchmark with a version in it, whose job is over."""
    benchmark = a_benchmark(items=2)
    job = Job.objects.create(kind="benchmark", state=Job.State.DONE, project=here())
    entry = BenchmarkEntry.objects.create(
        benchmark=benchmark, name=str(version), version=version, measured=MEASURED, job=job
    )
    for item in benchmark.items.all():
        BenchmarkOutput.objects.create(entry=entry, item=item, signal=item.input)
        for name, value in (("si-sdr", 20.0), ("lsd", 1.5)):
            Score.objects.create(
                metric=name,
                metric_version=catalogue.get(name).version,
                signal=item.input,
                reference=item.reference,
                value=value,
                lag_undone=catalogue.get(name).aligned(True),
                status="ok",
            )
    benchmarking.publish(benchmark, shown=True, actor="alice")
    return benchmark


@contextmanager
def nothing_kept():
    before = (BenchmarkEntry.objects.count(), Signal.objects.count(), Job.objects.count())
    events = AuditEvent.objects.count()
    yield
    after = (BenchmarkEntry.objects.count(), Signal.objects.count(), Job.objects.count())
    assert after == before
    assert AuditEvent.objects.count() == events


# freezing


def test_a_benchmark_is_named_by_a_hash_of_its_items_and_rules_and_edited_as_a_new_edition(db):
    first = a_benchmark()
    assert str(first) == "tones@1"
    assert first.content_hash() == first.sha256
    with nothing_kept(), pytest.raises(BenchmarkError, match="found the same items and rules"):
        a_benchmark()
    second = a_benchmark(watts=20.0)
    assert str(second) == "tones@2"
    assert second.sha256 != first.sha256
    assert Benchmark.objects.named("tones") == second
    assert Benchmark.objects.named("tones@1") == first
    assert list(Benchmark.objects.newest()) == [second]
    assert AuditEvent.objects.filter(act="benchmark").count() == 2


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"metrics": []}, "at least one metric"),
        ({"metrics": ["lsd"], "ranked_by": "si-sdr"}, "ranked_by to be one of the metrics lsd"),
        ({"metrics": ["no-such"], "ranked_by": "no-such"}, "no-such"),
        ({"studies": ["horoscope"]}, "studies among ablation, explanation, validation"),
        ({"watts": 0}, "watts from 0"),
        ({"watts": True}, "watts from 0"),
        ({"align": "yes"}, "align to be true or false"),
        ({"metrics": "si-sdr"}, "metrics to be a list of names"),
        ({"reward": 1}, "rules among metrics, .*found reward"),
        ({"campaign": 3}, "campaign to be the settings"),
    ],
)
def test_rules_that_make_no_sense_are_refused(db, rules, said):
    with pytest.raises(ValueError, match=said):
        freezing.checked_rules({**RULES, **rules})


def test_items_have_to_differ_and_references_have_to_fit(db):
    short, long = stored_tone(440, duration=0.5), stored_tone(440, duration=1.0)
    for items, said in (
        ([], "expected 1 to 500 items, found 0"),
        ([("a", long, long), ("b", long, long)], "expected each sound once, found 'b' to be 'a'"),
        ([("a", long, None)], "a: expected a reference, which si-sdr, lsd need"),
        ([("a", long, short)], "a: expected a reference of 48000 Hz, 1 channel and 48000 samples"),
    ):
        with pytest.raises(BenchmarkError, match=said):
            freezing.freeze(
                "b", title="B", purpose="p", items=items, rules=RULES, project=here(), actor="alice"
            )
    assert not Benchmark.objects.exists()


# submissions


def test_sent_outputs_are_kept_scored_and_have_no_model_behind_them(db):
    benchmark = a_benchmark()
    better, worse = (
        submitted(benchmark, system="good", noise=0.001),
        submitted(benchmark, noise=0.1),
    )
    shown = leaderboards.board(benchmark)
    assert [line.entry for line in shown.lines] == [better, worse]
    cells = shown.lines[0].cells
    # the noise is 0.001 of a tone of 0.25/√2 RMS: 20 log10(0.25/√2/0.001)
    assert cells["si-sdr"].value == pytest.approx(44.9, abs=0.3)
    assert (cells["si-sdr"].n, cells["si-sdr"].rank.rank) == (3, 1)
    for name in ("explained", "networks", "recovered", "card", "rungs", "parameters", "energy"):
        assert cells[name].value is None
        assert cells[name].said.startswith("not applicable")
    assert not any(line.front for line in shown.lines)
    event = AuditEvent.objects.filter(act="submit").last()
    assert event.content["team"] == "Elsewhere"
    assert len(event.content["outputs"]) == 3


def doubled(benchmark, sounds):
    with warnings.catch_warnings(action="ignore"):
        return a_zip(benchmark, sounds, names=dict.fromkeys(sounds, "one.wav"))


def wrong(benchmark):
    """What may be wrong with a submission, and what is said of it."""
    sounds = outputs_of(benchmark)
    first, *rest = sounds
    short = {**sounds, first: sounds[first][:100]}
    stereo = {**sounds, first: np.repeat(sounds[first], 2, axis=1)}
    silent = {**sounds, first: 0 * sounds[first]}
    broken = {**sounds, first: np.full_like(sounds[first], np.nan)}
    return {
        "an item is missing": (
            a_zip(benchmark, {one: sounds[one] for one in rest}),
            "tone 0 .*expected an output, found none named",
        ),
        "a file is missing": (
            a_zip(benchmark, sounds, outputs=dict.fromkeys(sounds, "other.wav")),
            "expected the file other.wav, found none in the zip",
        ),
        "another item": (
            a_zip(benchmark, sounds, outputs={**dict.fromkeys(sounds, "a.wav"), "f" * 64: "a.wav"}),
            "expected the hash of an item's input, found another",
        ),
        "length": (a_zip(benchmark, short), "24000 samples, as its input, found .*100 samples"),
        "rate": (a_zip(benchmark, sounds, rate=44_100), "48000 Hz.*found 44100 Hz"),
        "channels": (a_zip(benchmark, stereo), "1 channel .*found .*2 channels"),
        "silence": (a_zip(benchmark, silent), "expected an audible signal, found silence"),
        "NaN": (a_zip(benchmark, broken), "expected finite samples"),
        "another edition": (
            a_zip(benchmark, sounds, sha256="0" * 64),
            "items and rules are its own",
        ),
        "a later format": (
            a_zip(benchmark, sounds, format="earwitness-submission/2"),
            "which a newer Earwitness wrote",
        ),
        "no team": (a_zip(benchmark, sounds, team=""), "team: expected at least 1 characters"),
        "a name twice": (doubled(benchmark, sounds), "expected each name once"),
        "a way out": (
            a_zip(benchmark, sounds, names={first: "../../evil.wav"}),
            "expected names within one folder",
        ),
        "no zip": (io.BytesIO(b"RIFF nothing of the kind"), "expected a zip"),
    }


def test_a_submission_with_a_fault_is_refused_whole(db):
    benchmark = a_benchmark()
    for fault, (source, said) in wrong(benchmark).items():
        with (
            nothing_kept(),
            pytest.raises((SubmissionError, ExchangeError, IntakeError)) as refusal,
        ):
            submissions.submit(benchmark, source, name="sent.zip", actor="alice")
        assert re.search(said, str(refusal.value)), f"{fault}: {refusal.value}"


def test_a_system_enters_once(db):
    benchmark = a_benchmark()
    submitted(benchmark)
    source = a_zip(benchmark, outputs_of(benchmark))
    with nothing_kept(), pytest.raises(SubmissionError, match="give this one another name"):
        submissions.submit(benchmark, source, name="sent.zip", actor="alice")


def test_the_kit_holds_the_inputs_and_a_manifest_to_fill_in(db):
    benchmark = a_benchmark()
    with zipfile.ZipFile(io.BytesIO(submissions.kit(benchmark))) as archive:
        told = json.loads(archive.read("manifest.json"))
        inputs = {name for name in archive.namelist() if name.startswith("inputs/")}
    assert (told["benchmark"], told["sha256"]) == ("tones@1", benchmark.sha256)
    hashes = [item.input.sha256 for item in benchmark.items.all()]
    assert list(told["outputs"]) == hashes
    assert inputs == {f"inputs/{one}.wav" for one in hashes}


# registered versions


@pytest.fixture
def briefly(monkeypatch):
    """Settings are looked for in one step: how well that goes is told elsewhere."""
    room = engine().legibility
    for name, value in {"STARTS": 1, "STEPS": 1, "SECONDS": 0.05}.items():
        monkeypatch.setattr(room, name, value)


def test_a_version_is_rendered_scored_and_measured(version, briefly):
    benchmark = a_benchmark()
    entry = worked(benchmarking.enter(benchmark, "overdrive@1", actor="alice", begin=in_hand))
    cells = leaderboards.board(benchmark).lines[0].cells
    assert cells["si-sdr"].n == 3
    assert 0 < known(cells["explained"]) <= 1
    assert cells["explained"].n == 3
    assert cells["parameters"].value == entry.measured["parameters"] > 0
    assert cells["energy"].value == pytest.approx(15 * known(cells["real_time"]))
    assert cells["recovered"].value is not None or "not measured" in cells["recovered"].said
    assert cells["networks"].said == "not asked by this benchmark"
    there, count = card_of(version).complete
    assert 0 < there < count == cells["card"].n
    assert cells["card"].value == pytest.approx(there / count)
    assert "Validation" in cells["card"].said
    with nothing_kept(), pytest.raises(BenchmarkError, match="has not entered tones@1 yet"):
        benchmarking.enter(benchmark, "overdrive", actor="alice")


def test_questions_to_a_version_are_asked_once(version):
    benchmark = a_benchmark(studies=["ablation"])
    entry = benchmarking.enter(benchmark, "overdrive@1", actor="alice", begin=in_hand)
    study = benchmarking.ask(entry, "ablation", actor="alice")
    assert study.settings["signals"] == [one.input.sha256 for one in benchmark.items.all()]
    assert benchmarking.ask(entry, "ablation", actor="alice") == study
    assert leaderboards.board(benchmark).lines[0].cells["networks"].said == "not measured yet"


def test_people_rate_what_entered_and_the_rating_ranks(db):
    benchmark = a_benchmark(items=2, metrics=["si-sdr", FOLLOWED_METRIC])
    good, bad = submitted(benchmark, system="good", noise=0.001), submitted(benchmark, noise=0.1)
    campaign = benchmarking.draft(benchmark, "tones-heard", owner=None, actor="alice")
    assert set(campaign.conditions.values_list("name", flat=True)) == {
        *("reference", "3.5 kHz anchor", "7 kHz anchor", "good", "noisy")
    }
    assert leaderboards.board(benchmark).heard is None
    campaign.launch(actor="alice")
    rehearse(campaign, listeners=6, seed=1, actor="alice", progress=lambda share, message: None)
    shown = leaderboards.board(benchmark)
    assert shown.ranked_by.name == "rating"
    assert (shown.heard.listeners, shown.heard.simulated) > (0, 0)
    assert shown.ranked_by.title == "Simulated rating"
    assert "not given by people" in shown.notes[0]
    for line in shown.lines:
        cell = line.cells["rating"]
        assert cell.low is not None
        assert cell.high is not None
        assert cell.low < known(cell) < cell.high
        assert cell.n == shown.heard.listeners
    assert {one.entry for one in shown.lines} == {good, bad}
    with pytest.raises(BenchmarkError, match="expected a campaign in which outputs of"):
        benchmarking.link(benchmark, mushra_campaign(slug="else", items=1), actor="alice")
