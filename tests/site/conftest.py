"""The standing cast: alice and bob are researchers, a visitor is nobody; there are two campaigns and a model."""

from __future__ import annotations

import pytest
from django.test import Client

from listening.models import Stimulus
from listening.rehearsal import FOLLOWED_METRIC, rehearse
from metrics import catalogue
from metrics.models import Score
from models_registry.models import AudioModel, Job, ModelVersion, Rendering, TrainingRun
from tests.factories import abx_campaign, account, mushra_campaign, stored_tone

CHAIN = {
    "version": 1,
    "rate": 44_100,
    "blocks": [
        {"id": "pre", "kind": "equaliser", "params": {"low_gain": -6}},
        {"id": "drive", "kind": "waveshaper", "params": {"drive": 47.9}},
    ],
    "adapters": [
        {"kind": "follower", "targets": {"drive.bias": 0.2}, "hop": 64, "hidden": 2},
    ],
}
HISTORY = [
    {"step": 0, "loss": 0.7, "esr": 0.6, "stft": 1.0, "validation_esr": 0.8},
    {"step": 50, "loss": 0.2, "esr": 0.1, "stft": 0.9, "validation_esr": 0.3, "gradient_norm": 1.0},
]


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def alice(db):
    return account("alice")


@pytest.fixture
def bob(db):
    return account("bob")


@pytest.fixture
def researcher(alice):
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def anonymous():
    return Client()


def scored(campaign):
    """Scores such that one metric follows the conditions as it should, and one runs against them."""
    stimuli = Stimulus.objects.filter(trial__campaign=campaign).select_related("trial", "condition")
    for number, stimulus in enumerate(stimuli):
        distance = {"system one": 1.0, "system two": 3.0}.get(stimulus.condition.name, 2.0)
        values = {FOLLOWED_METRIC: distance + number / 100, "si-sdr": 10 * distance + number / 10}
        for metric, value in values.items():
            # campaigns here share their tones
            Score.objects.get_or_create(
                metric=metric,
                metric_version=catalogue.get(metric).version,
                signal=stimulus.signal,
                reference=stimulus.trial.reference,
                defaults={"value": value, "unit": catalogue.get(metric).unit, "status": "ok"},
            )


def no_progress(share, message):
    pass


@pytest.fixture
def rated(db):
    """A MUSHRA campaign with scores and ten simulated listeners, of whom the rule excludes some."""
    campaign = mushra_campaign(items=2)
    scored(campaign)
    rehearse(campaign, listeners=10, seed=3, actor="alice", progress=no_progress)
    return campaign


@pytest.fixture
def told_apart(db):
    """An ABX campaign with scores and simulated listeners."""
    campaign = abx_campaign(items=2, repetitions=4)
    scored(campaign)
    rehearse(campaign, listeners=5, seed=3, actor="alice", progress=no_progress)
    return campaign


@pytest.fixture
def version(db, tmp_path):
    """A registered version with a training behind it and one rendering."""
    engine = pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")
    chain = engine.Chain.from_spec(CHAIN)
    chain.save(tmp_path / "weights.safetensors")
    model = AudioModel.objects.create(name="overdrive", title="An overdrive", purpose="a test")
    run = TrainingRun.objects.create(
        model=model,
        recipe={"name": "overdrive", "loss": {"esr": 1, "stft": 0.1}},
        seed=7,
        reason="the treble was dull",
        environment={"torch": "2"},
        history=HISTORY,
        job=Job.objects.create(kind="train", state=Job.State.DONE, progress=1),
    )
    made = ModelVersion.objects.register(
        model,
        chain=chain.spec(),
        weights=(tmp_path / "weights.safetensors").read_bytes(),
        card={"purpose": "to be tested", "readings": [{"name": "pre.low_gain"}]},
        reason="the treble was dull",
        run=run,
    )
    Rendering.objects.create(version=made, input=stored_tone(200), output=stored_tone(300))
    return made


@pytest.fixture
def waiting(settings):
    """How many folders wait to be made campaigns of."""
    return lambda: len(list((settings.MEDIA_ROOT / "intake").glob("*")))
