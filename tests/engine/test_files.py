"""Files through chains: the same samples as in memory, nothing half-written, many at once, measured as they go."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from metrics.loudness import integrated_loudness, true_peak
from models_registry.audio import AudioError
from models_registry.engine import Chain, Task, render, render_file, render_files
from models_registry.engine.metering import Meter

from .cast import noise, spec

RATE = 44_100


@pytest.fixture
def chain():
    return Chain.from_spec(spec())


@pytest.fixture
def dry(tmp_path):
    path = tmp_path / "dry.wav"
    soundfile.write(path, noise(2, 100_000).T, RATE, subtype="FLOAT")
    return path


def test_a_file_gets_the_samples_that_memory_gets(chain, dry, tmp_path):
    render_file(chain, dry, tmp_path / "wet.wav")
    wet, rate = soundfile.read(tmp_path / "wet.wav", dtype="float32", always_2d=True)
    assert rate == RATE
    np.testing.assert_array_equal(wet.T, render(chain, noise(2, 100_000), RATE))


def test_stems_lie_beside_the_output(chain, dry, tmp_path):
    render_file(chain, dry, tmp_path / "wet.wav", stems=True)
    names = {"dry.wav", "wet.wav", *(f"wet.{block}.wav" for block in chain.blocks)}
    assert {path.name for path in tmp_path.iterdir()} == names
    # the last block's stem is the output
    last, _ = soundfile.read(tmp_path / "wet.level.wav", dtype="float32")
    wet, _ = soundfile.read(tmp_path / "wet.wav", dtype="float32")
    np.testing.assert_array_equal(last, wet)


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (np.where(np.arange(90_000) == 70_000, np.nan, 0.1), "NaN or infinity at sample 70000"),
        (np.zeros(1_000), "found silence"),
        (np.zeros(0), "found 1 of 0"),
    ],
)
def test_a_refused_file_leaves_nothing_behind(chain, samples, sentence, tmp_path):
    soundfile.write(tmp_path / "dry.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=sentence):
        render_file(chain, tmp_path / "dry.wav", tmp_path / "wet.wav", stems=True)
    assert [path.name for path in tmp_path.iterdir()] == ["dry.wav"]


def test_what_is_no_sound_file_is_refused(chain, tmp_path):
    (tmp_path / "dry.wav").write_text("hello")
    with pytest.raises(AudioError, match="expected an audio file"):
        render_file(chain, tmp_path / "dry.wav", tmp_path / "wet.wav")


def test_many_at_once_are_as_one_by_one(chain, dry, tmp_path):
    chain.save(tmp_path / "w.safetensors")
    tasks = [
        Task(chain.spec(), tmp_path / "w.safetensors", dry, tmp_path / f"wet{n}.wav")
        for n in (1, 2)
    ]
    heard = []
    reports = render_files(tasks, jobs=2, told=lambda number, task, report: heard.append(number))
    assert heard == [1, 2]
    assert reports == [render_file(chain, dry, tmp_path / "alone.wav")] * 2
    wet = [(tmp_path / name).read_bytes() for name in ("wet1.wav", "wet2.wav", "alone.wav")]
    assert wet[0][100:] == wet[1][100:] == wet[2][100:]


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("piece", [1, 4_801, 10**6])
def test_the_meter_reads_what_the_metrics_read(rate, piece):
    if piece == 1 and rate > 44_100:
        pytest.skip("sample by sample once is enough")
    frames = 3_000 if piece == 1 else 2 * rate
    # loud and soft, so that the gates have something to do
    signal = noise(2, frames).astype(np.float64) * np.where(
        np.arange(frames) < frames // 2, 1, 0.05
    )
    meter = Meter(2, rate)
    for start in range(0, frames, piece):
        meter.add(signal[:, start : start + piece])
    report = meter.report()
    # held to EBU Tech 3341's signals in their own tests
    assert report.true_peak == pytest.approx(true_peak(signal, rate), abs=0.02)
    if piece == 1:
        assert report.loudness is None
    elif rate == 48_000:
        assert report.loudness == pytest.approx(integrated_loudness(signal, rate), abs=0.01)


def test_the_meter_reads_a_full_scale_sine_as_the_standard_says():
    # BS.1770-5, annex 1: 997 Hz at 0 dBFS in one channel reads -3.01 LKFS
    meter = Meter(1, 48_000)
    meter.add(np.sin(2 * np.pi * 997 * np.arange(96_000) / 48_000)[None] + 0.0)
    report = meter.report()
    assert report.loudness == pytest.approx(-3.01, abs=0.02)
    assert report.true_peak == pytest.approx(0, abs=0.05)
    assert report.offset < 1e-4
