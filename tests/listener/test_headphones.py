"""The clips of the headphone screening measure as their authors describe them, by scipy's estimators."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import signal
from scipy.stats import binom

from listening import headphones
from listening.headphones import RATE, TESTS, ClipError, clip

SECOND, STEP = RATE, round(1.5 * RATE)


def intervals(name: str, *, seed: str = "seed") -> list[np.ndarray]:
    samples = clip(name, seed=seed).samples.astype(float)
    assert samples.shape == (2, 2 * STEP + SECOND)
    for place in (1, 2):
        assert not samples[:, place * STEP - STEP + SECOND : place * STEP].any()
    return [samples[:, place * STEP : place * STEP + SECOND] for place in range(3)]


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def test_the_quiet_tone_of_woods_is_six_decibels_down_and_the_foil_in_antiphase():
    """Woods et al. 2017: 200 Hz, 1000 ms, target −6 dB and diotic, foil 180° between the ears."""
    for variant in headphones.TESTS["woods"].draw("a seed"):
        target, foil = (int(place) - 1 for place in variant.split("-"))
        tones = intervals(f"woods/{variant}")
        (standard,) = {0, 1, 2} - {target, foil}
        for ear in (0, 1):
            frequencies, power = signal.periodogram(tones[standard][ear], RATE)
            assert frequencies[power.argmax()] == 200
            assert 20 * np.log10(rms(tones[target][ear]) / rms(tones[standard][ear])) == (
                pytest.approx(-6, abs=1e-3)
            )
        correlations = [np.corrcoef(tone)[0, 1] for tone in tones]
        expected = [-1.0 if place == foil else 1.0 for place in range(3)]
        assert correlations == pytest.approx(expected, abs=1e-6)
        # what meets in the air in front of two loudspeakers: nothing is left of the foil
        assert rms(tones[foil].sum(axis=0)) < 1e-6
        assert rms(tones[target].sum(axis=0)) > 0.1


def test_a_tone_of_woods_rises_over_100_ms():
    tone = intervals("woods/1-2")[2][0]
    envelope = np.abs(signal.hilbert(tone))
    # raised cosine: half the level in the middle of the ramp, within the ripple of a 200 Hz envelope
    assert envelope[round(0.05 * RATE)] == pytest.approx(0.25, abs=0.02)
    assert envelope[round(0.3 * RATE)] == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_pitch_of_huggins_is_a_turned_phase_around_600_hz_in_one_ear_only(place):
    """Milne et al. 2021: 180° within ±6 % of 600 Hz; every other noise is the same in both ears."""
    noises = intervals(f"huggins/{place}")
    for number, (left, right) in enumerate(noises, start=1):
        if number != place:
            np.testing.assert_array_equal(left, right)
            continue
        frequencies, cross = signal.csd(left, right, RATE, nperseg=9600)
        phase = np.abs(np.degrees(np.angle(cross)))
        inside = np.abs(frequencies - 600) <= 0.05 * 600
        outside = (np.abs(frequencies - 600) >= 0.08 * 600) & (frequencies > 100)
        assert phase[inside].min() > 170
        assert phase[outside & (frequencies < 20_000)].max() < 10
        # one ear alone is as white as any other noise
        assert rms(left) == pytest.approx(rms(right), rel=1e-3)


@pytest.mark.parametrize("place", [1, 2])
def test_the_quieter_noise_is_ten_decibels_down_under_the_same_voice(place):
    """P.808's environment test: pairs of 40 dB against 50 dB SNR; the noise is what is between the partials."""
    samples = clip(f"noise/{place}", seed="seed").samples.astype(float)
    np.testing.assert_array_equal(*samples)
    levels = []
    for start in (0, STEP):
        spectrum = np.abs(np.fft.rfft(samples[0, start : start + SECOND] * np.hanning(SECOND))) ** 2
        hertz = np.arange(len(spectrum))
        voiced = (np.abs(hertz % 120 - 60) >= 54) & (hertz < 3720) & (hertz > 60)
        between = (hertz > 4000) & (hertz < 24_000)
        noise = spectrum[between].mean() * len(spectrum)
        levels.append(10 * np.log10(spectrum[voiced].sum() / noise))
    expected = [50.0, 40.0] if place == 1 else [40.0, 50.0]
    assert levels == pytest.approx(expected, abs=0.5)


def test_huggins_noise_is_new_for_every_seed_and_the_same_for_one():
    first, again, other = (clip("huggins/1", seed=seed).samples for seed in ("a", "a", "b"))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first[0], other[0])[0, 1]) < 0.02


def test_the_left_and_right_of_the_check_are_the_left_and_right_channel():
    for variant, heard in (("left", [True, False]), ("right", [False, True]), ("both", [True] * 2)):
        samples = clip(f"channels/{variant}", seed="any").samples
        assert [bool(channel.any()) for channel in samples] == heard


def test_the_tones_of_the_sum_are_so_many_in_either_ear_and_never_in_both_at_once():
    """P.808's stereo question: what one ear hears alone is never the sum. Counted on scipy's envelope."""
    for variant in ("2-1", "5-4", "5-1", "8-4"):
        total, left = (int(number) for number in variant.split("-"))
        samples = clip(f"sum/{variant}", seed="seed").samples.astype(float)
        envelopes = np.abs(signal.hilbert(samples)) > 0.1
        found = [int((np.diff(one.astype(int)) == -1).sum()) for one in envelopes]
        assert found == [left, total - left]
        assert not envelopes.all(axis=0).any()
        assert samples.shape[1] == round(3.2 * RATE)
    drawn = Counter(one for seed in range(400) for one in TESTS["sum"].draw(str(seed)))
    assert len(drawn) == 16
    assert {one.partition("-")[0] for one in drawn} == set(TESTS["sum"].answers)


def test_chance_passes_as_rarely_as_published():
    """1.8 % and 0.14 % in the comparison of the two screenings by Milne et al. 2021."""
    chances = {
        name: binom.sf(test.pass_mark - 1, test.trials, 1 / len(test.answers))
        for name, test in TESTS.items()
    }
    assert round(100 * chances["woods"], 1) == 1.8
    assert round(100 * chances["huggins"], 2) == 0.14
    assert (TESTS["woods"].pass_mark, TESTS["woods"].trials) == (5, 6)
    assert (TESTS["huggins"].pass_mark, TESTS["huggins"].trials) == (6, 6)


def test_every_order_of_woods_comes_once_and_other_draws_are_fair():
    assert len(set(TESTS["woods"].draw("seed"))) == 6
    for name in ("huggins", "channels"):
        test = TESTS[name]
        drawn = Counter(one for seed in range(500) for one in test.draw(str(seed)))
        assert set(drawn) == set(test.answers)
        expected = 500 * test.trials / 3
        # five standard deviations of a binomial count
        assert max(abs(count - expected) for count in drawn.values()) < 5 * np.sqrt(
            expected * 2 / 3
        )


@pytest.mark.parametrize("name", ["woods", "woods/4-1", "beats/1", ""])
def test_an_unknown_clip_is_refused(name):
    with pytest.raises(ClipError, match="expected test/variant"):
        clip(name, seed="seed")
