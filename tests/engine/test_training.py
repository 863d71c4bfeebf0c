"""Training: the error falls, a stopped run resumes to the same bits, and what goes wrong is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models_registry.audio import Audio, AudioError, write
from models_registry.engine import Chain, EngineError, Recipe, render, train, weights_hash
from models_registry.engine.training import CHECKPOINT

from .cast import followed, noise

RATE = 44_100


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Noise through a gain and a tanh, in ten short pairs of files."""
    root = tmp_path_factory.mktemp("pairs")
    for n in range(10):
        dry = noise(1, 3_000, seed=n)
        for folder, samples in (("dry", dry), ("wet", np.tanh(4 * dry) / 2)):
            (root / folder).mkdir(exist_ok=True)
            write(root / folder / f"take{n}.wav", Audio(samples, RATE))
    return root


def recipe(pairs, **overrides):
    content = {
        "name": "short",
        "title": "Short",
        "purpose": "To test.",
        "chain": followed(),
        "data": {
            "source": "pairs",
            "dry": str(pairs / "dry"),
            "wet": str(pairs / "wet"),
            "train": [0, 8],
            "test": [8, 10],
            "skip": 200,
        },
        "loss": {"stft_sizes": [256], "smoothness": 1e-7, "curvature": 0.01},
        "training": {
            "steps": 12,
            "batch": 3,
            "segment": 1_500,
            "checkpoint_every": 5,
            "validate_every": 4,
        },
    }
    return Recipe.from_dict(content, overrides)


def stop_at(step):
    asked = iter(range(10_000))
    return lambda: next(asked) >= step


def weights(result):
    return {name: tensor.clone() for name, tensor in result.chain.state_dict().items()}


@pytest.fixture(scope="module")
def uninterrupted(pairs, tmp_path_factory):
    return train(recipe(pairs), seed=3, directory=tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("stops", [(1,), (5,), (7, 3), (12,)])
def test_a_stopped_run_resumes_to_the_same_bits(pairs, uninterrupted, tmp_path, stops):
    for step in stops:
        stopped = train(recipe(pairs), seed=3, directory=tmp_path, should_stop=stop_at(step))
        assert stopped.stopped == (step < 12)
    resumed = train(recipe(pairs), seed=3, directory=tmp_path)
    assert not resumed.stopped
    assert resumed.history == uninterrupted.history
    assert weights_hash(resumed.weights) == weights_hash(uninterrupted.weights)
    assert resumed.validation == uninterrupted.validation


def test_a_killed_run_resumes_from_its_last_checkpoint(pairs, uninterrupted, tmp_path):
    asked = iter(range(8))

    def killed():
        if next(asked) == 7:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        train(recipe(pairs), seed=3, directory=tmp_path, should_stop=killed)
    assert torch.load(tmp_path / CHECKPOINT)["step"] == 5
    resumed = train(recipe(pairs), seed=3, directory=tmp_path)
    assert weights_hash(resumed.weights) == weights_hash(uninterrupted.weights)
    assert not list(tmp_path.glob("*.part"))


def test_starting_afresh_ignores_the_checkpoint(pairs, uninterrupted, tmp_path):
    train(recipe(pairs), seed=3, directory=tmp_path, should_stop=stop_at(5))
    again = train(recipe(pairs), seed=3, directory=tmp_path, resume=False)
    assert again.history == uninterrupted.history


def test_no_arithmetic_is_made_coarser_by_who_calls(pairs, uninterrupted, tmp_path):
    heard = noise(1, 2_000, seed=77)
    exact = render(uninterrupted.chain, heard, RATE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = train(recipe(pairs), seed=3, directory=tmp_path)
        assert np.array_equal(render(uninterrupted.chain, heard, RATE), exact)
    assert result.history == uninterrupted.history
    assert weights_hash(result.weights) == weights_hash(uninterrupted.weights)


def test_another_seed_gives_another_run(pairs, uninterrupted, tmp_path):
    other = train(recipe(pairs), seed=4, directory=tmp_path)
    assert other.history[-1]["loss"] != uninterrupted.history[-1]["loss"]


def test_the_error_falls_and_is_reported_beside_the_linear_filter(pairs, tmp_path):
    result = train(recipe(pairs, **{"training.steps": 60}), seed=0, directory=tmp_path)
    first, last = result.history[0], result.history[-1]
    assert last["loss"] < first["loss"] / 3
    assert result.validation is not None
    assert result.baseline is not None
    assert last["validation_esr"] == result.validation < result.baseline
    assert [row["step"] for row in result.history] == list(range(0, 61, 4))
    assert {"loss", "esr", "stft", "smoothness", "curvature", "gradient_norm"} <= last.keys()
    watched = {"monitor.erb_deviation", "monitor.dc_drift", "monitor.range_margin"}
    assert all(watched <= row.keys() for row in result.history)
    assert last["monitor.erb_deviation"] < result.history[0]["monitor.erb_deviation"]
    assert result.environment["weights_kept"] == "last"
    assert (
        result.environment["torch"] == torch.__version__.split("+")[0]
        or result.environment["torch"]
    )


def test_the_weights_on_disk_are_the_chains(uninterrupted):
    read = Chain.from_spec(followed()).load(uninterrupted.weights)
    x = torch.from_numpy(noise(1, 1, 500))
    assert torch.equal(read(x)[0], uninterrupted.chain(x)[0])


def test_progress_goes_from_nothing_to_all(pairs, tmp_path):
    told = []
    train(
        recipe(pairs),
        seed=0,
        directory=tmp_path,
        progress=lambda fraction, message, metrics: told.append((fraction, message, dict(metrics))),
    )
    fractions = [fraction for fraction, _, _ in told]
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)
    assert "step 12 of 12" in told[-1][1]
    assert told[-1][2]["step"] == 12


def test_training_leaves_torchs_threads_and_generator_alone(pairs, tmp_path):
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(recipe(pairs, **{"training.steps": 1}), seed=0, directory=tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_loss_that_is_not_finite_stops_with_the_last_checkpoint_kept(
    pairs, tmp_path, monkeypatch
):
    from models_registry.engine.blocks import Waveshaper

    calls = iter(range(10_000))
    right = Waveshaper.process

    def wrong(self, signal, values, state):
        output, state = right(self, signal, values, state)
        return (output * float("nan") if next(calls) >= 10 else output), state

    monkeypatch.setattr(Waveshaper, "process", wrong)
    with pytest.raises(EngineError, match="found a loss of nan .* first in block 'drive'"):
        train(recipe(pairs), seed=0, directory=tmp_path)
    kept = torch.load(tmp_path / CHECKPOINT)
    assert kept["step"] == 5
    assert all(tensor.isfinite().all() for tensor in kept["chain"].values())


def test_a_gradient_that_is_not_finite_stops_at_the_block_that_made_it(
    pairs, tmp_path, monkeypatch
):
    from models_registry.engine.blocks import Waveshaper

    right = Waveshaper.process

    def wrong(self, signal, values, state):
        output, state = right(self, signal, values, state)
        # nothing, at an infinite slope
        return output + (0 * signal).square().sqrt(), state

    monkeypatch.setattr(Waveshaper, "process", wrong)
    sentence = r"gradient norm of nan \(in pre.*the gradient first in block 'drive' \(waveshaper, drive .* dB"
    with pytest.raises(EngineError, match=sentence):
        train(recipe(pairs), seed=3, directory=tmp_path)
    assert not (tmp_path / CHECKPOINT).exists()


def test_a_checkpoint_of_another_run_is_not_gone_on_from(pairs, uninterrupted):
    with pytest.raises(EngineError, match="with seed 3; use another directory"):
        train(recipe(pairs), seed=4, directory=uninterrupted.weights.parent)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_going_on_with_other_code_is_told(pairs, uninterrupted, tmp_path, monkeypatch):
    train(recipe(pairs), seed=3, directory=tmp_path, should_stop=stop_at(7))
    assert torch.load(tmp_path / CHECKPOINT)["code"] == uninterrupted.environment["code"]
    monkeypatch.setattr("models_registry.engine.checkpoints.code", lambda: "f" * 64)
    resumed = train(recipe(pairs), seed=3, directory=tmp_path)
    told = [sentence for row in resumed.history for sentence in row.get("warnings", [])]
    assert [sentence for sentence in told if "from step 7 with other code" in sentence]
    assert resumed.environment["code"] == "f" * 64
    assert not any("other code" in str(row.get("warnings")) for row in uninterrupted.history)


def test_a_full_disk_at_a_checkpoint_ends_with_a_sentence_and_the_one_before(
    pairs, uninterrupted, tmp_path
):
    asked = iter(range(100))

    def fills_up():
        # after the first checkpoint, at step 5
        if next(asked) == 6:
            (tmp_path / f"{CHECKPOINT}.part").symlink_to("/dev/full")
        return False

    with pytest.raises(EngineError, match="expected room for a checkpoint, found"):
        train(recipe(pairs), seed=3, directory=tmp_path, should_stop=fills_up)
    assert not list(tmp_path.glob("*.part"))
    resumed = train(recipe(pairs), seed=3, directory=tmp_path)
    assert resumed.history == uninterrupted.history
    assert weights_hash(resumed.weights) == weights_hash(uninterrupted.weights)


def test_a_data_set_of_one_silent_file_is_refused(tmp_path):
    for side in ("dry", "wet"):
        (tmp_path / side).mkdir()
        write(tmp_path / side / "take.wav", Audio(np.zeros((1, 3_000), np.float32), RATE))
    lonely = recipe(tmp_path, **{"data.train": None, "data.test": None})
    with pytest.raises(AudioError, match="at least two recordings, one of them for the test"):
        train(lonely, seed=0, directory=tmp_path / "run")
    write(tmp_path / "dry" / "other.wav", Audio(noise(1, 3_000), RATE))
    write(tmp_path / "wet" / "other.wav", Audio(noise(1, 3_000), RATE))
    with pytest.raises(AudioError, match="take.wav: expected an audible signal, found silence"):
        train(lonely, seed=0, directory=tmp_path / "run")


def test_a_data_set_of_constants_is_refused(pairs, tmp_path):
    # without its mean nothing is left of it
    for path in (pairs / "wet").iterdir():
        (tmp_path / "wet").mkdir(exist_ok=True)
        write(tmp_path / "wet" / path.name, Audio(np.full((1, 3_000), 0.5, np.float32), RATE))
    still = recipe(pairs, **{"data.wet": str(tmp_path / "wet")})
    with pytest.raises(AudioError, match="found only silence or a constant"):
        train(still, seed=0, directory=tmp_path / "run")


def test_without_a_directory_or_seed_each_recipe_has_a_place_of_its_own_and_goes_on_there(
    pairs, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    short, other = (recipe(pairs, **{"training.steps": steps}) for steps in (2, 3))
    stopped = train(short, should_stop=stop_at(1))
    assert stopped.stopped
    result = train(short)
    assert result.weights.parent.parent.resolve() == tmp_path / "training"
    assert result.history == train(short, seed=0, directory=tmp_path / "other").history
    assert (
        train(other).weights.parent != result.weights.parent != train(short, seed=1).weights.parent
    )


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True])
def test_a_seed_that_is_no_whole_number_from_0_is_refused(pairs, tmp_path, seed):
    with pytest.raises(EngineError, match="expected a seed of a whole number from 0, found"):
        train(recipe(pairs), seed=seed, directory=tmp_path)


def test_a_directory_that_cannot_be_made_is_said(pairs, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(EngineError, match="taken: expected a directory to train in, found"):
        train(recipe(pairs), directory=tmp_path / "taken")


def test_a_broken_checkpoint_is_refused(pairs, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"half")
    with pytest.raises(EngineError, match="expected a checkpoint, found a broken file"):
        train(recipe(pairs), seed=0, directory=tmp_path)


def replaced(pairs, tmp_path, samples, rate=RATE):
    """The pairs with one wet file replaced."""
    (tmp_path / "wet").mkdir()
    for path in (pairs / "wet").iterdir():
        (tmp_path / "wet" / path.name).write_bytes(path.read_bytes())
    if samples is None:
        (tmp_path / "wet" / "take4.wav").unlink()
    else:
        write(tmp_path / "wet" / "take4.wav", Audio(samples, rate))
    return recipe(pairs, **{"data.wet": str(tmp_path / "wet")})


@pytest.mark.parametrize(
    ("samples", "rate", "sentence"),
    [
        (None, RATE, "found none for 'take4'"),
        (noise(1, 2_999), RATE, "expected 3000 frames as in its dry file, found 2999"),
        (noise(1, 3_000), 48_000, "expected 44100 Hz, the chain's rate, found 48000 Hz"),
        (np.full((1, 3_000), np.nan, np.float32), RATE, "found 3000 NaN"),
        (np.zeros((1, 3_000), np.float32), RATE, "found silence"),
    ],
)
def test_bad_recordings_are_refused(pairs, tmp_path, samples, rate, sentence):
    with pytest.raises(AudioError, match=sentence):
        train(replaced(pairs, tmp_path, samples, rate), seed=0, directory=tmp_path)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"data.dry": "nowhere"}, "data.dry: expected a folder of recordings"),
        ({"data.train": [0, 11]}, "expected a range of files within 0 to 10, found 0 to 11"),
        ({"data.test": [7, 10]}, "no file both in train and in test"),
        ({"training.segment": 4_000}, "expected at least 4000 frames"),
    ],
)
def test_data_that_cannot_serve_are_refused(pairs, tmp_path, overrides, sentence):
    with pytest.raises(AudioError, match=sentence):
        train(recipe(pairs, **overrides), seed=0, directory=tmp_path)
