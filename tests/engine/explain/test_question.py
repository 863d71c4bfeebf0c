"""What can be asked, and how bad questions are answered: in a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.engine import Chain, EngineError
from models_registry.engine.explain import Question, explain, target
from models_registry.engine.losses import error_to_signal
from tests.engine.cast import followed, noise

from .cast import RATE, asked, bent, chain, moved, sine


def test_energy_in_a_region_is_that_of_the_region():
    made = chain(("gain", {"level": 0}))
    samples = sine(500, 1) + sine(2_000, 1)
    whole, low, high, late = (
        Question.about(made, samples, target(text, made)).worth(
            Question.about(made, samples, target(text, made)).signal[None]
        )[0]
        for text in ("energy", "energy:0-1000", "energy:1000-4000", "energy@0.5-1")
    )
    half = np.square(sine(500, 1)).sum()
    assert whole == pytest.approx(2 * half, rel=1e-4)
    assert low == pytest.approx(half, rel=1e-3)
    assert high == pytest.approx(half, rel=1e-3)
    assert late == pytest.approx(half, rel=0.05)


def test_a_loss_is_the_losses_own():
    made = chain(("gain", {"level": 6}))
    reference = noise(1, 4_000, seed=2)
    question = asked(made, "loss:esr", reference=reference)
    output = 10 ** (6 / 20) * question.signal
    wanted = error_to_signal(output, question.target.reference)
    assert question.worth(question.signal[None])[0] == pytest.approx(wanted.item(), rel=1e-5)


def test_a_move_is_told_from_what_the_adapter_adds():
    made = moved("mlp")
    question = asked(made, "move:gain.level")
    (move,) = made.double().offsets(question.signal[None]).values()
    assert question.worth(question.signal[None])[0] == pytest.approx(move.mean().item())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loudest", r"expected energy\[:LOW-HIGH\]"),
        ("energy:low", "such as energy:2000-8000@0.5-1"),
        ("energy:2000-1000", "end after they begin"),
        ("energy:5000-9000", "below 4000 Hz"),
        ("loss:mse", r"expected loss:esr\|l1"),
        ("loss:esr", "told against a reference: expected one, found none"),
        ("move:gain.pan", "that an adapter moves"),
        ("move:gain.level:2", "gain.level is one number"),
    ],
)
def test_what_is_no_target_is_refused(text, message):
    with pytest.raises(EngineError, match=message):
        target(text, moved("mlp"))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (noise(1, 500), "expected 1024 samples"),
        (noise(1, 21 * RATE), "expected at most 20 s, found 21.0 s: choose where to begin"),
        (np.full((1, RATE), 0.5), "expected a signal that changes, found a constant"),
        (np.zeros((1, RATE)), "expected a signal that changes, found a constant"),
        (np.full((1, RATE), np.nan), "expected finite samples"),
    ],
)
def test_a_signal_that_nothing_can_be_told_of_is_refused(samples, message):
    made = bent()
    with pytest.raises(EngineError, match=message):
        Question.about(made, samples, target("energy", made))


def test_a_number_that_is_nought_is_refused():
    # an adapter that is silent moves nothing
    made = Chain.from_spec(followed())
    with pytest.raises(EngineError, match="found 0: there is nothing to explain"):
        asked(made, "move:drive.bias")


def test_a_reference_of_another_length_is_refused():
    with pytest.raises(EngineError, match=r"expected a reference of \(1, 4000\)"):
        asked(bent(), "loss:esr", reference=noise(1, 3_000))


def test_an_unknown_method_is_refused():
    with pytest.raises(EngineError, match="expected one of integrated-gradients"):
        explain(asked(bent(), seconds=0.2), "guess")
