"""Every metric says what it is; a wrong name is answered with the right one."""

import inspect

import pytest

from metrics import catalogue
from metrics.catalogue import Direction, MetricError, UnknownMetric
from models_registry.audio import MAX_DURATION_S, MAX_RATE, MIN_RATE

METRICS = catalogue.all()
REQUIRED = {
    "pesq-wb",
    "pesq-nb",
    "stoi",
    "estoi",
    "si-sdr",
    "sdr",
    "snr",
    "esr",
    "lsd",
    "mr-stft",
    "integrated-loudness",
    "true-peak",
    "zwicker-n",
    "zwicker-nmax",
    "zwicker-n5",
}


def test_the_metrics_that_a_listening_lab_expects_are_there():
    assert {metric.name for metric in METRICS} >= REQUIRED


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_fully_documented(metric):
    for text in (metric.title, metric.unit, metric.standard, metric.citation, metric.licence):
        assert text.strip() == text != ""
    assert metric.description.endswith(".")
    assert metric.version[0].isdigit()
    assert len(metric.name) <= 60  # a slug, and what the database holds
    assert metric.name == metric.name.lower().replace("_", "-").replace(" ", "-")
    assert metric.direction in Direction
    assert MIN_RATE <= metric.min_rate <= MAX_RATE
    assert 0 < metric.min_duration < metric.max_duration <= MAX_DURATION_S
    assert all(MIN_RATE <= rate <= MAX_RATE for rate in metric.rates)
    assert metric.calibration or metric.unit != "sone"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_signature_tells_whether_a_reference_is_needed(metric):
    expected = ["reference", "degraded", "rate"] if metric.needs_reference else ["signal", "rate"]
    assert list(inspect.signature(metric.function).parameters) == expected


def test_pesq_says_which_corrigendum_and_which_library_it_follows():
    metric = catalogue.get("pesq-wb")
    assert "before Corrigendum 2" in metric.title
    assert "pesq 0.0." in metric.version


def test_an_unknown_name_is_answered_with_its_neighbours():
    with pytest.raises(UnknownMetric, match=r"'pesq_wb'.*did you mean pesq-wb"):
        catalogue.get("pesq_wb")
    with pytest.raises(MetricError, match=r"'xyzzy'; known are .*stoi"):
        catalogue.get("xyzzy")


def test_a_name_can_be_declared_only_once():
    taken = catalogue.get("snr")
    fields = {f: getattr(taken, f) for f in taken.__dataclass_fields__ if f != "function"}
    with pytest.raises(ValueError, match="'snr' is declared twice"):
        catalogue.metric(**fields)(lambda reference, degraded, rate: 0.0)
    assert catalogue.get("snr") is taken


def test_another_distribution_adds_its_metrics_by_an_entry_point(monkeypatch):
    """As importlib.metadata gives them: named in the group `earwitness.metrics`, loaded on the first look."""
    taken = catalogue.get("snr")
    fields = {f: getattr(taken, f) for f in taken.__dataclass_fields__ if f != "function"}

    class Plugin:
        def load(self):
            catalogue.metric(**fields | {"name": "plugin-snr"})(taken.function)

    installed = {"earwitness.metrics": [Plugin()]}
    monkeypatch.setattr(catalogue, "entry_points", lambda group: installed[group])
    monkeypatch.setattr(catalogue, "_declared", dict(catalogue._declared))
    catalogue._load.cache_clear()
    assert catalogue.get("plugin-snr").name == "plugin-snr"
