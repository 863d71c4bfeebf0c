"""Scores of stored signals: computed once, and kept with all that their values depend on."""

import numpy as np
import pytest

from metrics import catalogue
from metrics.models import Score
from metrics.tasks import score_signals
from models_registry.audio import Audio
from models_registry.models import Signal
from tests.tampering import rewrite

RATE = 48_000
NAMES = ["snr", "zwicker-n", "pesq-wb"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(settings, tmp_path):
    """A signal half as loud as its reference and 60 samples late, and the reference."""
    settings.MEDIA_ROOT = tmp_path
    samples = 0.1 * np.random.default_rng(0).standard_normal((1, RATE // 2)).astype(np.float32)
    reference = Signal.objects.store(Audio(samples, RATE), title="reference")
    late = np.float32(0.5) * np.roll(samples, 60, axis=1)
    return Signal.objects.store(Audio(late, RATE), title="late"), reference


def test_a_score_is_kept_with_its_calibration_and_how_the_signal_lies(pair):
    assert score_signals([pair], NAMES) == 3
    snr, loudness, pesq = (Score.objects.get(metric=name) for name in NAMES)
    assert snr.settings["aligned"] is False
    assert snr.settings["alignment"]["lag"] == 60
    assert snr.settings["alignment"]["gain_db"] == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert loudness.settings == {"calibration": catalogue.get("zwicker-n").calibration}
    assert (pesq.status, pesq.value) == ("too_short", None)
    assert pesq.message == "expected at least 1 s, found 0.5 s"


def test_only_what_is_missing_or_of_another_version_is_computed(pair, monkeypatch):
    score_signals([pair], NAMES)
    assert score_signals([pair], NAMES) == 0
    rewrite(Score.objects.filter(metric="snr"), metric_version="0")
    assert score_signals([pair], NAMES) == 1
    assert set(Score.objects.filter(metric="snr").values_list("metric_version", flat=True)) == {
        "0",
        catalogue.get("snr").version,
    }


def test_an_aligned_score_is_another_one_than_that_of_the_signals_as_they_lie(pair):
    assert score_signals([pair], NAMES) == 3
    assert score_signals([pair], NAMES, align=True) == 2
    assert score_signals([pair], NAMES, align=True) == 0
    as_they_lie, aligned = Score.objects.filter(metric="snr").order_by("lag_undone")
    assert (aligned.lag_undone, aligned.settings["aligned"]) == (True, True)
    # what is left is that the signal is half as loud
    assert aligned.value == pytest.approx(20 * np.log10(2), abs=0.1)
    # 10·log10 1/(1 + ¼): against unrelated noise
    assert as_they_lie.value == pytest.approx(-0.97, abs=0.1)
