"""What the pages of a pair draw: levels held to scipy's, words to the data, and every figure drawn from its traces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from listening import pairs
from listening.drawing import rendered
from listening.pairs import FIGURES, Pair, as_frame, laid, spectrogram
from metrics.contract import MetricError
from models_registry.audio import Audio

RATE = 48_000


def sound(frequency=1000.0, *, level=1.0, seconds=1.5, channels=1):
    times = np.arange(round(seconds * RATE)) / RATE
    one = level * np.sin(2 * np.pi * frequency * times)
    return Audio(np.tile(one.astype(np.float32), (channels, 1)), RATE)


@pytest.fixture(scope="module")
def pair():
    noise = np.random.default_rng(2).standard_normal((1, round(1.5 * RATE))).astype(np.float32)
    clean = Audio(0.2 * sound().samples + 0.02 * noise, RATE)
    return Pair(Audio(clean.samples + 0.005 * noise[:, ::-1], RATE), clean)


def test_a_full_scale_sine_is_0_db_in_its_band_and_every_channel_counts_alike():
    # 1000 Hz lies on a line of the transform but not of the window: within its scalloping, 1.42 dB
    for channels in (1, 2):
        trace = spectrogram(sound(channels=channels), title="x")
        middle = trace.values[:, trace.values.shape[1] // 2]
        band = int(np.argmax(middle))
        assert trace.bands is not None
        assert trace.bands[band] == pytest.approx(1000, rel=0.03)
        assert -1.43 <= middle[band] <= 0.01


def test_levels_are_those_of_scipy_s_spectrogram():
    noise = np.random.default_rng(0).standard_normal(RATE, np.float32)
    trace = spectrogram(Audio(noise[None], RATE), title="x")
    size = round(pairs.WINDOW_S * RATE)
    frequency, times, power = signal.spectrogram(
        noise.astype(float),
        RATE,
        window="hann",
        nperseg=size,
        noverlap=size - size // 4,
        nfft=max(2048, size),
        detrend=False,
        scaling="spectrum",
    )
    assert trace.bands is not None
    # scipy's one-sided spectrum holds the power of a sine, a half at full scale
    level = 10 * np.log10(2 * power)
    top = np.sqrt(trace.bands[-2] * trace.bands[-1])
    ours = trace.values[-1]
    theirs = level[frequency >= top].max(axis=0)
    for moment in (0.25, 0.5, 0.75):
        near = ours[np.argmin(np.abs(trace.times - moment))]
        assert near == pytest.approx(theirs[np.argmin(np.abs(times - moment))], abs=1.5)
    assert np.median(ours) == pytest.approx(np.median(theirs), abs=0.2)


def test_signals_are_laid_over_each_other_or_refused():
    short, long = sound(), sound(seconds=2.0)
    with pytest.raises(MetricError, match="expected 96000 frames as in the reference, found 72000"):
        laid(short, long)
    with pytest.raises(MetricError, match="expected a reference"):
        _ = Pair(short).difference
    assert laid(short, long, align=True).difference.frames == 72_000


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_and_told_from_the_data_it_gives_away(pair, name):
    figure = FIGURES[name]
    found = figure.compute(pair)
    assert rendered(figure.draw(found), "svg").startswith(b"<?xml")
    words = figure.say(found)
    assert words.endswith(".")
    assert "nan" not in words
    frame = as_frame(found)
    assert set(frame["quantity"]) == set(found)
    assert len(frame) == sum(trace.values.size for trace in found.values())


def test_an_exact_copy_is_drawn_as_well(pair):
    copy = Pair(pair.degraded, pair.degraded)
    for figure in FIGURES.values():
        found = figure.compute(copy)
        assert rendered(figure.draw(found), "svg")
        assert "nan" not in figure.say(found)
    words = FIGURES["masking"].say(FIGURES["masking"].compute(copy))
    assert "in 0.0 % of moments" in words


def test_words_of_the_spectrogram_name_the_loudest_band():
    found = FIGURES["spectrograms"].compute(Pair(sound(3000.0)))
    assert "degraded −0 dB at 3.1 kHz" in FIGURES["spectrograms"].say(found)
