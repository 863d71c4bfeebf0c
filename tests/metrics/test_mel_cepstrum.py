"""Mel-cepstral distortion: another program's figure and closed forms."""

import numpy as np
import pytest

from metrics import mel_cepstrum
from metrics.mel_cepstrum import mel_cepstral_distortion
from models_registry.audio import read

RATE = 16_000
NOISE = 0.1 * np.random.default_rng(0).standard_normal((1, RATE))


def test_a_published_pair_scores_as_in_mel_cepstral_distance(shared):
    """mel-cepstral-distance 0.0.4 with its defaults (20 bands, c1 to c13), not aligned: 10.468320779579182.

    Its unit is Kubichek's, cosine sums of log10 of the power; one is 10·√2/20 dB for 20 bands.
    """
    folder = shared / "data" / "audio" / "pesq_reference_pair"
    clean, noisy = (read(folder / f).samples for f in ("speech.wav", "speech_bab_0dB.wav"))
    assert mel_cepstral_distortion(clean, noisy, RATE) == pytest.approx(
        10.468320779579182 * 10 * np.sqrt(2) / 20, rel=1e-7
    )


def test_with_every_coefficient_it_is_the_spread_of_the_bands_difference(monkeypatch):
    """Parseval: the distortion of c1 to c19 is the standard deviation over the 20 bands of their difference in dB."""
    monkeypatch.setattr(mel_cepstrum, "COEFFICIENTS", slice(1, None))
    frames = NOISE[0, :5120].reshape(10, 512)
    other = frames + 0.5 * frames[::-1]
    spread = []
    for x, y in zip(frames, other, strict=True):
        bands = [
            mel_cepstrum.FILTERS @ np.abs(np.fft.rfft(f * np.hanning(512))) ** 2 for f in (x, y)
        ]
        spread.append(np.std(10 * np.log10(bands[0] / bands[1])))
    apart = mel_cepstrum._cepstrum(frames) - mel_cepstrum._cepstrum(other)
    measured = 10 / np.log(10) * np.sqrt(2 * np.sum(apart**2, axis=1))
    assert measured == pytest.approx(spread, rel=1e-9)


@pytest.mark.parametrize("gain", [0.1, -1.0, 3.0])
def test_level_and_polarity_do_not_count(gain):
    assert mel_cepstral_distortion(NOISE, gain * NOISE, RATE) == pytest.approx(0, abs=1e-6)


def test_more_noise_is_further_away():
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)[None]
    distances = [mel_cepstral_distortion(tone, tone + g * NOISE, RATE) for g in (0, 0.01, 0.1, 1)]
    assert distances == sorted(distances)
    assert distances[0] == 0


def test_the_memory_that_is_used_does_not_show(monkeypatch):
    whole = mel_cepstral_distortion(NOISE, np.roll(NOISE, 100), RATE)
    monkeypatch.setattr(mel_cepstrum, "BLOCK", 7)
    assert mel_cepstral_distortion(NOISE, np.roll(NOISE, 100), RATE) == pytest.approx(
        whole, rel=1e-12
    )
