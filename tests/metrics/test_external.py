"""Other people's models: their published figures, and refusals where they would answer rubbish or end the process."""

import sys

import numpy as np
import pytest

from metrics import catalogue
from metrics.contract import MetricError, Status
from metrics.scoring import score
from models_registry.audio import Audio, read

NAMES = {
    "pesq_c2": ["pesq-wb-c2"],
    "mos": ["dnsmos-ovrl", "dnsmos-sig", "dnsmos-bak", "dnsmos-p808", "plcmos"],
    "visqol": ["visqol-audio", "visqol-speech"],
    "zimtohrli": ["zimtohrli"],
}


def metric(name):
    extra = next(extra for extra, names in NAMES.items() if name in names)
    if name not in {m.name for m in catalogue.all()}:
        pytest.skip(f"the extra {extra!r} is not installed")
    return catalogue.get(name)


@pytest.fixture(scope="module")
def speech(shared):
    folder = shared / "data" / "audio" / "pesq_reference_pair"
    return [read(folder / name) for name in ("speech.wav", "speech_bab_0dB.wav")]


def pair(shared, name):
    folder = shared / "data" / "conformance" / "peaq_visqol_pairs"
    return [read(folder / f"{name}_{which}.flac") for which in ("reference", "degraded")]


def measured(name, *signals):
    return metric(name).function(*(s.samples for s in signals), signals[0].rate)


def test_every_extra_declares_its_metrics_where_it_is_installed():
    known = {m.name for m in catalogue.all()}
    assert {*catalogue.EXTRAS, *catalogue.BY_HAND} == set(NAMES)
    for extra, names in NAMES.items():
        there = not catalogue.missing(extra)
        assert (set(names) <= known) is there
        assert bool(set(names) & known) is there


def test_what_is_not_installed_is_not_imported():
    for extra in NAMES:
        if NAMES[extra][0] not in {m.name for m in catalogue.all()}:
            assert f"metrics.external.{extra}" not in sys.modules


@pytest.mark.parametrize(
    ("name", "noisy", "clean"),
    [
        ("dnsmos-ovrl", 1.085, 3.249),
        ("dnsmos-sig", 1.203, 3.554),
        ("dnsmos-bak", 1.174, 4.053),
        ("dnsmos-p808", 2.576, 3.960),
    ],
)
def test_dnsmos_is_the_librarys(speech, name, noisy, clean):
    """speechmos 0.0.1.1 run apart from this project on the same recordings, which it heard repeated otherwise."""
    assert measured(name, speech[0]) == pytest.approx(clean, abs=0.07)
    assert measured(name, speech[1]) == pytest.approx(noisy, abs=0.07)


def test_pesq_after_corrigendum_2_is_the_librarys(speech):
    """The tests of github.com/audiolabs/PESQ; before the corrigendum it is 1.0832."""
    assert measured("pesq-wb-c2", *speech) == pytest.approx(1.5128041505813599, abs=1e-6)
    assert "after Corrigendum 2" in metric("pesq-wb-c2").title


def test_a_library_that_is_installed_but_broken_costs_its_own_metrics_only(monkeypatch):
    def broken(name):
        raise ImportError("numpy.core.multiarray failed to import")

    monkeypatch.setattr(catalogue, "import_module", broken)
    with pytest.warns(UserWarning, match="expected pesqc2 to load, found: numpy.core"):
        catalogue._load_extra("pesq_c2")


def test_plcmos_draws_the_same_raters_each_time_and_nobody_elses_numbers(speech):
    state = np.random.get_state(legacy=False)["state"]["key"].copy()
    first, second = (measured("plcmos", speech[0]) for _ in range(2))
    assert first == second
    assert first > measured("plcmos", speech[1]) + 1
    assert (np.random.get_state(legacy=False)["state"]["key"] == state).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("castanets", 4.7321013),
        ("strauss_lp35", 1.3888791),
        ("ravel_128k_opus", 4.4651419),
    ],
)
def test_visqol_of_music_is_that_of_googles_own_conformance_test(shared, name, expected):
    """google/visqol, src/include/conformance.h, for those of its pairs that carry no delay.

    The recordings here went through FLAC and were cut to equal length, for which the tolerance is four times theirs.
    """
    assert measured("visqol-audio", *pair(shared, name)) == pytest.approx(expected, abs=4e-4)


def test_visqol_of_speech_is_five_for_a_copy(speech):
    assert measured("visqol-speech", speech[0], speech[0]) == pytest.approx(5, abs=1e-6)
    assert measured("visqol-speech", *speech) < 3


def test_zimtohrli_ranks_codecs_as_visqol_does(shared):
    """Its documentation gives 5 for a copy; no figures of recordings are published."""
    copy, opus, lowpass = (
        measured("zimtohrli", *pair(shared, name))
        for name in ("castanets", "ravel_128k_opus", "strauss_lp35")
    )
    assert copy == pytest.approx(5, abs=1e-3)
    assert copy > opus > lowpass + 1


@pytest.mark.parametrize("name", [name for names in NAMES.values() for name in names])
def test_what_ends_or_fools_the_library_never_reaches_it(name):
    """Silence scores 4.7 of 5 in ViSQOL; short input or NaN aborts Zimtohrli; an empty one never ends in DNSMOS."""
    wanted = metric(name)
    rate = wanted.rates[0]
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 2 * rate))
    signals = {
        Status.SILENT: np.zeros((1, 2 * rate)),
        Status.NON_FINITE: np.where(np.arange(2 * rate) == 99, np.nan, noise),
        Status.TOO_SHORT: noise[:, : rate // 20],
    }
    for status, signal in signals.items():
        with pytest.raises(MetricError) as refusal:
            wanted.function(*[signal] * (1 + wanted.needs_reference), rate)
        assert refusal.value.status is status
    with pytest.raises(MetricError) as refusal:
        wanted.function(*[noise[:, :0]] * (1 + wanted.needs_reference), rate)
    assert refusal.value.status is Status.TOO_SHORT


def test_native_code_runs_in_a_process_of_its_own():
    wanted = metric("zimtohrli")
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 48_000)).astype(np.float32)
    (result,) = score(Audio(noise, 48_000), Audio(noise, 48_000), [wanted.name])
    assert result.value == pytest.approx(5, abs=1e-3)
