"""Sounds of an item made comparable. The witnesses: BS.1770's own loudness of a tone, and shifts that were put in."""

from __future__ import annotations

import numpy as np
import pytest

from listening import preparing
from models_registry.audio import Audio, AudioError
from tests.factories import tone

RATE = 48_000


@pytest.fixture
def noise() -> Audio:
    samples = 0.1 * np.random.default_rng(1).standard_normal((2, 2 * RATE))
    return Audio(samples.astype(np.float32), RATE)


def scaled(sound: Audio, gain: float) -> Audio:
    return Audio(sound.samples * np.float32(gain), sound.rate)


def applied(sounds, changes):
    return {
        name: changes[name].sound if name in changes else sound for name, sound in sounds.items()
    }


def test_a_full_scale_tone_is_as_loud_as_the_recommendation_says():
    # BS.1770-5, annex 1: a 0 dBFS sine of 997 Hz in one channel reads −3.01 LKFS
    assert preparing.loudness(tone(997.0, level=1.0, duration=3.0)) == pytest.approx(
        -3.01, abs=0.01
    )


def test_sounds_become_as_loud_as_the_reference(noise):
    sounds = {"": noise, "quiet": scaled(noise, 0.25), "loud": scaled(noise, 2.0)}
    changes = preparing.loudness_aligned(sounds, against="")
    assert "" not in changes
    assert changes["quiet"].done == "+12.04 dB for equal loudness"
    assert changes["loud"].done == "-6.02 dB for equal loudness"
    levels = [preparing.loudness(sound) for sound in applied(sounds, changes).values()]
    assert np.ptp(levels) < 0.01


def test_sounds_become_as_loud_as_a_target(noise):
    sounds = {"": noise, "quiet": scaled(noise, 0.25)}
    changes = preparing.loudness_aligned(sounds, against="", target=-23.0)
    assert [preparing.loudness(change.sound) for change in changes.values()] == pytest.approx(
        [-23, -23], abs=0.01
    )


def test_no_true_peak_rises_above_the_guard_and_all_are_turned_down_alike(noise):
    click = scaled(noise, 0.1)
    click.samples[:, 100] = 0.9
    changes = preparing.loudness_aligned({"": noise, "click": click}, against="", target=-20.0)
    peaks = [preparing._true_peak(change.sound) for change in changes.values()]
    assert max(peaks) == pytest.approx(preparing.MAX_TRUE_PEAK_DBTP, abs=0.05)
    assert np.ptp([preparing.loudness(change.sound) for change in changes.values()]) < 0.01


def test_an_anchor_follows_its_reference(noise):
    sounds = {"": noise, "anchor": scaled(noise, 0.5)}
    changes = preparing.loudness_aligned(sounds, against="", target=-30.0, following={"anchor"})
    assert changes["anchor"].done == changes[""].done


def test_silence_has_no_loudness_to_align():
    with pytest.raises(AudioError, match="loudness cannot be told"):
        preparing.loudness_aligned({"": Audio(np.zeros((1, RATE), np.float32), RATE)}, against="")


@pytest.mark.parametrize("lag", [-480, 37, 1200])
def test_a_sound_is_moved_by_what_it_was_late(noise, lag):
    late = Audio(np.roll(noise.samples, lag, axis=1), RATE)
    change = preparing.time_aligned({"": noise, "late": late}, against="")["late"]
    inner = slice(2000, -2000)
    np.testing.assert_array_equal(change.sound.samples[:, inner], noise.samples[:, inner])
    assert change.done == f"moved by {-1000 * lag / RATE:+.2f} ms"


def test_a_sound_of_something_else_is_left_where_it_is(noise):
    other = Audio(np.random.default_rng(2).standard_normal((2, 2 * RATE)).astype(np.float32), RATE)
    assert preparing.time_aligned({"": noise, "other": other}, against="") == {}


def test_what_is_upside_down_is_turned_over(noise):
    changes = preparing.upright({"": noise, "turned": scaled(noise, -0.5)}, against="")
    assert list(changes) == ["turned"]
    np.testing.assert_array_equal(changes["turned"].sound.samples, noise.samples * np.float32(0.5))


def test_rate_channels_and_length_become_alike(noise):
    sounds = {
        "": noise,
        "mono": tone(440.0, duration=1.5),
        "slow": tone(440.0, duration=3.0, rate=44_100, channels=2),
    }
    changes = preparing.alike(sounds, against="")
    made = applied(sounds, changes)
    assert {(sound.rate, sound.channels, sound.frames) for sound in made.values()} == {
        (RATE, 2, 3 * RATE // 2)
    }
    assert "one channel played on 2" in changes["mono"].done
    assert "resampled from 44100 to 48000 Hz" in changes["slow"].done
    # a tone is where it was: the resampler's own property, seen from outside
    spectrum = np.abs(np.fft.rfft(changes["slow"].sound.samples[0] * np.hanning(made[""].frames)))
    assert np.argmax(spectrum) * RATE / made[""].frames == pytest.approx(440, abs=1)


def test_three_channels_are_not_guessed_into_two(noise):
    with pytest.raises(AudioError, match="mix it down first"):
        preparing.alike(
            {"": noise, "three": Audio(np.ones((3, RATE), np.float32), RATE)}, against=""
        )
    assert preparing.alike({"": noise}, against="") == {}


def test_an_offset_is_taken_out_and_nothing_else(noise):
    shifted = Audio(noise.samples + np.float32(0.05), RATE)
    changes = preparing.without_offset({"": noise, "shifted": shifted}, least=0.01)
    assert list(changes) == ["shifted"]
    assert abs(changes["shifted"].sound.samples.mean()) < 1e-6


def test_silence_at_the_ends_is_measured():
    sound = tone(440.0, duration=1.0)
    padded = Audio(np.pad(sound.samples, ((0, 0), (4800, 9600))), RATE)
    assert preparing.silence_at_ends(padded, below_db=-60.0) == pytest.approx((0.1, 0.2), abs=0.001)
