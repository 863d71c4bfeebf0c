"""Known damage is as large as it says, stays in place, and follows from its seed."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import signal

from models_registry import noises
from models_registry.audio import Audio, AudioError
from models_registry.degradations import DEGRADATIONS, DISTANCES, MEAN_RUN, PACKET_S, room

RATE = 48_000


def programme(rate=RATE, channels=2, seconds=3.0):
    """Noise with a falling spectrum under a slow envelope: broad enough for any delay to show."""
    rng = np.random.default_rng(4)
    frames = round(seconds * rate)
    falling = signal.lfilter([1.0], [1.0, -0.9], rng.standard_normal((channels, frames)))
    envelope = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * np.arange(frames) / rate)
    sound = falling * envelope
    return Audio((0.3 * sound / np.abs(sound).max()).astype(np.float32), rate)


def ratio_db(clean, damaged):
    error = damaged.samples.astype(float) - clean.samples
    return 10 * np.log10(np.sum(clean.samples.astype(float) ** 2) / np.sum(error**2))


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000, 96_000])
def test_damage_keeps_length_channels_rate_and_place_in_time(name, rate):
    clean = programme(rate, seconds=1.0)
    damaged = DEGRADATIONS[name](clean, DEGRADATIONS[name].usual)
    assert damaged.rate == rate
    assert damaged.samples.shape == clean.samples.shape
    assert damaged.samples.dtype == np.float32
    for was, now in zip(clean.samples, damaged.samples, strict=True):
        lags = signal.correlation_lags(was.size, was.size)
        assert lags[np.argmax(signal.correlate(now, was))] == 0


@pytest.mark.parametrize("bitrate", [8, 16, 24, 32, 48, 64, 128, 320])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_mp3_is_aligned_at_every_bit_rate(bitrate, rate):
    clean = programme(rate, channels=1, seconds=1.0)
    damaged = DEGRADATIONS["mp3"](clean, bitrate)
    lags = signal.correlation_lags(clean.frames, clean.frames)
    correlation = signal.correlate(damaged.samples[0], clean.samples[0])
    assert lags[np.argmax(correlation)] == 0


def test_fewer_bits_are_a_coarser_copy():
    clean = programme()
    ratios = [ratio_db(clean, DEGRADATIONS["mp3"](clean, bits)) for bits in (16, 32, 64, 128, 320)]
    assert ratios == sorted(ratios)
    assert ratios[-1] - ratios[0] > 10


@pytest.mark.parametrize("q", [5.0, 15.0, 35.0])
def test_modulated_noise_has_the_ratio_q_of_p810(q):
    """P.810 defines Q as the ratio of the signal's to the modulated noise's power."""
    assert ratio_db(programme(), DEGRADATIONS["mnru"](programme(), q)) == pytest.approx(q, abs=0.15)


def test_modulated_noise_is_silent_where_the_signal_is():
    clean = programme()
    clean.samples[:, 10_000:20_000] = 0
    damaged = DEGRADATIONS["mnru"](clean, 10)
    assert not damaged.samples[:, 10_000:20_000].any()


def test_shaped_noise_has_the_ratio_and_the_spectrum_of_the_sound():
    clean = programme()
    damaged = DEGRADATIONS["noise"](clean, 6.0)
    assert ratio_db(clean, damaged) == pytest.approx(6.0, abs=0.01)
    noise = damaged.samples.astype(float) - clean.samples
    _, of_noise = signal.welch(noise, nperseg=512)
    _, of_sound = signal.welch(clean.samples.astype(float), nperseg=512)
    level = 10 * np.log10(of_sound / of_noise)[:, 2:-2]
    assert np.abs(level - 6.0).max() < 2.5
    assert np.abs(level - 6.0).mean() < 0.7


def test_packets_are_lost_as_gilberts_model_says():
    """Its share is the stationary one, and the length of a run is geometric with the mean 1/P(lost → kept)."""
    frames = 400 * RATE
    losses = DEGRADATIONS["packet-loss"](Audio(np.ones((1, frames), np.float32), RATE), 10.0)
    lost = losses.samples[0, :: round(PACKET_S * RATE)] == 0
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], lost, [0]]).astype(int))))[::2]
    assert lost.mean() == pytest.approx(0.10, abs=0.012)
    assert runs.mean() == pytest.approx(MEAN_RUN, abs=0.2)
    assert (runs == 1).mean() == pytest.approx(1 / MEAN_RUN, abs=0.06)


def test_no_loss_and_what_is_kept_are_untouched():
    clean = programme()
    np.testing.assert_array_equal(DEGRADATIONS["packet-loss"](clean, 0).samples, clean.samples)
    damaged = DEGRADATIONS["packet-loss"](clean, 20)
    kept = damaged.samples.any(axis=0)
    np.testing.assert_array_equal(damaged.samples[:, kept], clean.samples[:, kept])


@pytest.mark.parametrize("kind", noises.NOISES)
def test_added_noise_has_the_ratio_that_is_asked(kind):
    damaged = DEGRADATIONS[f"{kind}-noise"](programme(), 4.0)
    assert ratio_db(programme(), damaged) == pytest.approx(4.0, abs=0.01)
    noise = damaged.samples.astype(float) - programme().samples
    # one field that both channels hear
    np.testing.assert_allclose(noise[0], noise[1], atol=1e-6)


def schroeders_decay(response, rate):
    """T20 of ISO 3382-1: a line through −5 to −25 dB of the energy still to come (Schroeder 1965)."""
    fall = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] / np.sum(response**2))
    part = (fall <= -5) & (fall >= -25)
    slope, _ = np.polyfit(np.flatnonzero(part) / rate, fall[part], 1)
    return -60 / slope


@pytest.mark.parametrize("decay", [0.3, 0.8, 2.0])
@pytest.mark.parametrize("name", DISTANCES)
def test_a_room_decays_in_its_time_and_lies_below_the_direct_sound(name, decay):
    impulse = Audio(np.eye(1, 3 * RATE, dtype=np.float32), RATE)
    heard = DEGRADATIONS[name](impulse, decay, seed=3).samples[0].astype(float)
    assert heard[0] == 1
    assert -10 * np.log10(np.sum(heard[1:] ** 2)) == pytest.approx(DISTANCES[name], abs=0.01)
    assert schroeders_decay(heard[1:], RATE) == pytest.approx(decay, rel=0.08)


def test_the_two_ears_of_a_room_hear_unlike_reverberation():
    left, right = room(1.0, 0.0, RATE, 2, 0)[:, 1:]
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.05


@pytest.mark.parametrize("above", [0.0, 6.0, 20.0])
def test_a_clipped_sine_keeps_the_fundamental_of_its_fourier_series(above):
    """(2/π)(arcsin c + c √(1 − c²)) of the sine, cut off at c of its peak."""
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 100 * time)
    damaged = DEGRADATIONS["clipping"](Audio(tone[None].astype(np.float32), RATE), above)
    c = 10 ** (-above / 20)
    found = 2 * np.mean(damaged.samples[0] * tone)
    assert found == pytest.approx(2 / np.pi * (np.arcsin(c) + c * np.sqrt(1 - c**2)), rel=1e-5)


@pytest.mark.parametrize("bits", [6, 8, 12])
def test_fewer_bits_add_the_noise_of_dithered_rounding(bits):
    """With triangular dither the error's variance is a quarter of the squared step, whatever the sound."""
    damaged = DEGRADATIONS["bit-depth"](programme(), bits)
    error = damaged.samples.astype(float) - programme().samples
    assert np.mean(error**2) == pytest.approx((2 / 2**bits) ** 2 / 4, rel=0.02)
    assert np.corrcoef(error.ravel(), programme().samples.ravel())[0, 1] == pytest.approx(
        0, abs=0.01
    )


def test_a_level_is_a_factor():
    damaged = DEGRADATIONS["level"](programme(), -20)
    np.testing.assert_allclose(damaged.samples, 0.1 * programme().samples, rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["mnru", "noise", "packet-loss", "babble-noise", "reverb", "bit-depth"]
)
def test_a_seed_names_what_is_random(name):
    kind, clean = DEGRADATIONS[name], programme(seconds=1.0)
    once, again, other = (kind(clean, kind.usual, seed=seed).samples for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_degree_out_of_range_is_refused_with_its_range(name):
    kind = DEGRADATIONS[name]
    said = re.escape(f"to {kind.most:g} {kind.unit} for {kind.title}, found")
    with pytest.raises(AudioError, match=said):
        kind(programme(seconds=0.5), kind.most * 2 + 1)


def test_mp3_refuses_more_than_two_channels():
    with pytest.raises(AudioError, match="one or two channels, found 3"):
        DEGRADATIONS["mp3"](programme(channels=3, seconds=0.5), 64)
