"""`counterfactual` of a registered version: answers in units with their sounds, and refusals."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening.analysis.prediction import predictor
from listening.computed import correlation_of
from listening.counterfactuals import asked, changeable
from listening.rehearsal import FOLLOWED_METRIC
from metrics.scoring import score
from models_registry import audio, jobs
from models_registry.models import Job, ModelVersion, Signal, Study
from models_registry.properties import NAMES
from models_registry.studying import StudyError
from tests.factories import stored_tone, tone

room = pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")


@pytest.fixture
def answered(capsys):
    def run(*arguments):
        capsys.readouterr()
        call_command("counterfactual", *map(str, arguments))
        return capsys.readouterr().out

    return run


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "sound.wav"
    audio.write(path, tone(300, level=0.4, duration=0.25))
    return path


@pytest.fixture
def volume(version, tmp_path):
    """A version that is a gain of 0 dB."""
    blocks = [{"id": "volume", "kind": "gain", "params": {"level": 0}}]
    chain = room.Chain.from_spec({"version": 1, "rate": 16_000, "blocks": blocks})
    chain.save(tmp_path / "volume.safetensors")
    return ModelVersion.objects.register(
        version.model,
        chain=chain.spec(),
        weights=(tmp_path / "volume.safetensors").read_bytes(),
        card={},
        reason="to be turned",
    )


def test_a_measure_crosses_its_target_and_both_sides_can_be_heard(version, sound, answered):
    out = answered(
        "overdrive@1", sound, "--target", "esr>=0.05", "--reference", "output", "--change", "level",
        "--answers", "2", "--format", "json",
    )  # fmt: skip
    found = json.loads(out)
    assert (found["target"]["name"], found["target"]["value"]) == ("esr", 0.05)
    assert found["before"] == pytest.approx(0, abs=1e-9)
    assert found["answers"]
    for answer in found["answers"]:
        assert answer["score"] >= 0.05
        assert Signal.objects.get(sha256=answer["sound"]).frames > 0
    assert Signal.objects.filter(sha256=found["sound"]).exists()


def test_a_gain_that_halves_the_amplitude_is_found_in_decibels(volume, sound, answered):
    """An error of a quarter of the energy: half or one and a half times the amplitude, −6.02 or +3.52 dB."""
    out = answered(
        volume, sound, "--target", "esr>=0.25", "--change", "volume.level",
        "--answers", "2", "--sparse", "--format", "json",
    )  # fmt: skip
    steps = sorted(
        one["changes"][0]["after"] - one["changes"][0]["before"]
        for one in json.loads(out)["answers"]
    )
    assert steps == pytest.approx([-6.02, 3.52], abs=0.02)


def test_the_level_of_the_sound_that_goes_in_can_be_what_changes(version, sound, answered):
    out = answered(
        "overdrive@1", sound, "--target", "esr>=0.5", "--reference", "output", "--change", "level,noise",
        "--answers", "1", "--sparse",
    )  # fmt: skip
    assert "esr ≥ 0.5: is 0" in out
    assert "dB" in out
    assert "% of its range" in out


def test_a_rating_that_a_campaign_predicts_crosses_its_target(volume, rated, sound, answered):
    """The rating of what comes out is what the campaign's mapping makes of its score."""
    correlation, _ = correlation_of(rated)
    assert correlation is not None
    predicted = predictor(correlation.points, metric=FOLLOWED_METRIC)
    best, worst = sorted((predicted(predicted.low), predicted(predicted.high)), reverse=True)
    wanted = round((best + worst) / 2, 1)
    found = json.loads(
        answered(
            volume, sound, "--target", f"rating:{rated.slug}:{FOLLOWED_METRIC}<={wanted}",
            "--reference", "output", "--change", "volume.level", "--answers", "1", "--format", "json",
        )
    )  # fmt: skip
    assert found["before"] == pytest.approx(best, abs=0.01)
    (answer,) = found["answers"]
    assert answer["score"] <= wanted
    as_it_is, changed = (
        Signal.objects.get(sha256=one).audio() for one in (found["sound"], answer["sound"])
    )
    (heard,) = score(as_it_is, changed, [FOLLOWED_METRIC])
    assert heard.value is not None
    assert predicted(heard.value) == pytest.approx(answer["score"], abs=0.05)
    assert predicted.said in found["trust"]
    assert rated.slug in found["trust"]


def test_none_within_the_ranges_is_an_answer(version, sound, answered):
    out = answered(
        "overdrive@1", sound, "--target", "esr>=1000", "--change", "band", "--reference", "output",
        "--trials", "40",
    )  # fmt: skip
    assert "the nearest was" in out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--target", "esr"], "expected a target such as"),
        (["--target", "esr>=0.1", "--change", "nois"], "expected a parameter or a block"),
        (["--target", "si-sdrr>=1"], "did you mean"),
        (["--target", "esr<=5", "--reference", "output"], "not reached yet"),
        (["--target", "esr<=-1"], "error-to-signal ratio is at least 0.*found -1"),
        (["--target", "stoi>=1.5"], "is at most 1: expected a target that it can reach, found 1.5"),
        (["--target", "esr>=1", "--trials", "0"], "expected at least one trial, found 0"),
        (["--target", "rating:nowhere>=60"], "expected a campaign to predict ratings by"),
        (["--target", "esr>=1", "--answers", "0"], "expected 1 to 6 answers"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(version, sound, answered, options, sentence):
    with pytest.raises(CommandError, match=sentence):
        answered("overdrive@1", sound, *options)


def test_a_metric_that_needs_a_higher_rate_is_refused_in_a_sentence(volume, sound, answered):
    with pytest.raises(CommandError, match="needs 36000 Hz.*found one at 16000 Hz"):
        answered(volume, sound, "--target", "peaq-odg<=-1", "--reference", "output")


def test_a_version_whose_weights_are_gone_is_refused(version, sound, answered):
    version.weights.delete(save=False)
    with pytest.raises(CommandError, match="expected the weights of overdrive@1"):
        answered("overdrive@1", sound, "--target", "esr>=0.1")


@pytest.mark.parametrize(
    ("text", "name", "above", "value"),
    [
        ("si-sdr>=10", "si-sdr", True, 10.0),
        ("esr <= 0.1", "esr", False, 0.1),
        ("rating:night:peaq-odg ≥ −1.5", "rating:night:peaq-odg", True, -1.5),
    ],
)
def test_targets_are_read(text, name, above, value):
    found = asked(text)
    assert (found.name, found.above, found.value) == (name, above, value)


@pytest.mark.parametrize("text", ["", "esr", "esr=1", "esr>=", "esr>=1.2.3"])
def test_other_targets_are_refused(text):
    with pytest.raises(StudyError, match="expected a target such as"):
        asked(text)


def test_the_page_asks_the_worker_answers_and_shows_it(researcher, version):
    signal = stored_tone(330, duration=0.25)
    signal.holders.add(version.project)
    address = reverse("study-ask", args=["overdrive", 1, "counterfactual"])
    page = researcher.get(address).content.decode()
    assert all(f'value="{name}"' in page for name in NAMES)
    asked_for = {
        "signals": [signal.pk], "target": "esr>=0.2", "change": ["level"], "against": "output", "answers": 1,
    }  # fmt: skip
    response = researcher.post(address, asked_for)
    study = Study.objects.get(kind="counterfactual")
    assert response["Location"] == reverse("study", args=[study.pk])
    jobs.run(study.job.pk)
    study.refresh_from_db()
    assert study.job.state == Job.State.DONE, study.job.message
    shown = researcher.get(response["Location"]).content.decode()
    assert "Error-to-signal ratio" in shown
    assert study.result["answers"][0]["sound"] in shown
    figure = researcher.get(reverse("study-figure", args=[study.pk, "changes", "svg"]))
    assert figure.status_code == 200


def test_a_form_says_at_once_what_no_search_would_answer(researcher, version):
    address = reverse("study-ask", args=["overdrive", 1, "counterfactual"])
    for target, sentence in (
        ("esr<=-1", "Error-to-signal ratio is at least 0"),
        ("si-sdrr>=1", "did you mean si-sdr"),
    ):
        response = researcher.post(address, {"target": target, "change": ["level"], "answers": 1})
        assert response.status_code == 422
        assert sentence in response.content.decode()
    sent = {
        "version": "overdrive@1",
        "kind": "counterfactual",
        "settings": {"target": "esr>=0.2", "change": [{"drive": 1}]},
    }
    refused = researcher.post("/api/studies/", sent, content_type="application/json")
    assert refused.status_code == 400
    assert "expected names of what may be changed" in refused.json()["detail"]
    assert not Study.objects.exists()


def test_every_name_that_the_form_offers_is_one_that_the_engine_knows(version):
    chain = version.load()
    for name in changeable(version.chain):
        if name not in NAMES:
            assert room.counterfactual.handles(chain, [name])
