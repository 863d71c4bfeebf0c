"""PESQ and STOI: the libraries' published figures, and what they do at the edges."""

import inspect

import numpy as np
import pytest
from pystoi import stoi as pystoi

from metrics.contract import MetricError, Status
from metrics.scoring import score
from metrics.speech import estoi, pesq_nb, pesq_wb, stoi
from models_registry.audio import Audio, read


@pytest.fixture(scope="module")
def pair(shared):
    folder = shared / "data" / "audio" / "pesq_reference_pair"
    clean, noisy = read(folder / "speech.wav"), read(folder / "speech_bab_0dB.wav")
    return clean.samples, noisy.samples, clean.rate


def test_pesq_gives_the_figures_of_its_own_test_suite(pair):
    """github.com/ludlows/PESQ publishes both for this pair of recordings."""
    assert pesq_wb(*pair) == pytest.approx(1.0832337141036987, rel=1e-12)
    assert pesq_nb(*pair) == pytest.approx(1.6072081327438354, rel=1e-12)


def test_pesq_of_a_copy_is_the_highest_that_its_mapping_gives(pair):
    """P.862.2 and P.862.1: 0.999 + 4 / (1 + exp(−1.3669·4.5 + 3.8224)) and (−1.4945·4.5 + 4.6607)."""
    clean, _, rate = pair
    assert pesq_wb(clean, clean, rate) == pytest.approx(
        0.999 + 4 / (1 + np.exp(3.8224 - 1.3669 * 4.5)), abs=1e-4
    )
    assert pesq_nb(clean, clean, rate) == pytest.approx(
        0.999 + 4 / (1 + np.exp(4.6607 - 1.4945 * 4.5)), abs=1e-4
    )


@pytest.mark.parametrize("period", [0.41, 0.45, 0.5, 0.65])
def test_pesq_of_as_many_utterances_as_its_limit_of_20_s_can_hold(period):
    """60 s of them end the process of the library, which has room for 50."""
    time = np.arange(20 * 16_000) / 16_000
    bursts = (
        0.1 * np.random.default_rng(0).standard_normal(time.size) * (time % period < 0.5 * period)
    )
    clean = Audio(bursts[None].astype(np.float32), 16_000)
    for result in score(clean, clean, ["pesq-wb", "pesq-nb"]):
        assert result.status is Status.OK
        assert result.value == pytest.approx(
            {"pesq-wb": 4.6439, "pesq-nb": 4.5486}[result.metric], abs=1e-4
        )


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide:RuntimeWarning")
def test_pesq_without_the_contract_still_refuses_silence(pair):
    """The library raises its own error for a silent reference, and a bare ValueError for a silent degraded signal."""
    clean, _, rate = pair
    silence = np.zeros_like(clean)
    for reference, degraded in ((silence, clean), (clean, silence), (silence, silence)):
        with pytest.raises(MetricError, match="expected speech in both signals"):
            inspect.unwrap(pesq_wb)(reference, degraded, rate)


def test_stoi_is_the_librarys_with_the_reference_first(pair):
    """pystoi, called directly; the other order gives another figure."""
    clean, noisy, rate = pair
    assert stoi(*pair) == pytest.approx(pystoi(clean[0], noisy[0], rate), rel=1e-6)
    assert estoi(*pair) == pytest.approx(pystoi(clean[0], noisy[0], rate, extended=True), rel=1e-6)
    assert stoi(*pair) != pytest.approx(pystoi(noisy[0], clean[0], rate), abs=1e-3)


def test_stoi_of_a_copy_is_one(pair):
    clean, _, rate = pair
    assert stoi(clean, clean, rate) == pytest.approx(1, abs=1e-9)
    assert estoi(clean, clean, rate) == pytest.approx(1, abs=1e-9)


def test_stoi_has_no_value_for_a_word_in_a_long_pause():
    """The library answers 1e-5 when fewer than 30 frames are left without the silent ones: no score of anything."""
    word = np.zeros((1, 32_000))
    word[0, 8_000:10_000] = np.random.default_rng(0).standard_normal(2_000) * 0.1
    for measure in (stoi, estoi):
        with pytest.raises(MetricError, match="at least 30 frames") as refusal:
            measure(word, word, 16_000)
        assert refusal.value.status is Status.TOO_SHORT


@pytest.mark.parametrize("measure", [pesq_wb, pesq_nb, stoi, estoi])
def test_more_noise_scores_lower(pair, measure):
    clean, _, rate = pair
    hiss = np.random.default_rng(0).standard_normal(clean.shape) * np.sqrt(np.mean(clean**2))
    scores = [measure(clean, clean + level * hiss, rate) for level in (0.01, 0.1, 1.0)]
    assert scores == sorted(scores, reverse=True)
