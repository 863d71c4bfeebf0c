"""Integrated gradients, gradient times input and SmoothGrad: held to captum's own, to closed forms, to completeness."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients

from models_registry.engine import EngineError
from models_registry.engine.explain import explain, of_parameters

from .cast import asked, bent, chain, moved

SLOPES = ("integrated-gradients", "gradient-input", "smoothgrad")


def samples(question, method):
    """What each sample makes."""
    found = explain(question, method).samples
    assert found is not None
    return found


@pytest.mark.parametrize("text", ["energy", "energy:500-2000@0.1-0.3"])
def test_integrated_gradients_add_up_to_what_the_signal_makes_over_silence(text):
    question = asked(bent(), text)
    found = explain(question, "integrated-gradients")
    assert found.error == pytest.approx(0, abs=1e-4)
    assert found.total == pytest.approx(found.value - found.silent, rel=1e-4)
    # the same parts by sample, by bin and by tile
    assert found.samples is not None
    assert found.parts is not None
    assert found.samples.sum() == pytest.approx(found.total)
    assert found.parts.sum().item() == pytest.approx(found.total)
    assert found.tiles.sum() == pytest.approx(found.total)


def test_slopes_times_the_signal_are_captums_attributions():
    question = asked(bent())
    signal = question.signal[None].clone().requires_grad_()
    theirs = InputXGradient(question).attribute(signal)[0].detach()
    np.testing.assert_allclose(samples(question, "gradient-input"), theirs, rtol=1e-10)
    theirs = IntegratedGradients(question).attribute(signal, n_steps=50)[0].detach()
    np.testing.assert_allclose(
        samples(question, "integrated-gradients"), theirs, rtol=1e-8, atol=1e-12
    )


def test_parts_by_bin_are_captums_where_the_spectra_are_the_input():
    # integrated gradients see the exact transform before the chain as a layer like any other
    question = asked(bent(), seconds=0.2)
    plane = question.plane
    spectra = torch.view_as_real(plane.spectra(question.signal))[None]

    def through_spectra(rows):
        return question(plane.signal(torch.view_as_complex(rows.contiguous())))

    theirs = IntegratedGradients(through_spectra).attribute(
        spectra, n_steps=50, internal_batch_size=5
    )
    ours = explain(question, "integrated-gradients").parts
    assert ours is not None
    np.testing.assert_allclose(ours, theirs[0].sum((0, -1)).detach(), atol=1e-9)


def test_for_a_gain_every_method_gives_its_closed_form():
    # 6.02 dB: the energy of each sample is four times its square; its slope times it is twice that
    question = asked(chain(("gain", {"level": 20 * np.log10(2)})))
    square = question.signal.square().numpy()
    for method, factor in (("integrated-gradients", 4), ("relevance", 4), ("gradient-input", 8)):
        np.testing.assert_allclose(samples(question, method), factor * square, rtol=1e-5)
    # the noise that SmoothGrad adds leaves 1/√25 of a tenth of the signal's effective value
    rough = samples(question, "smoothgrad") - 8 * square
    expected = 8 * np.sqrt(square) * 0.1 * np.sqrt(square.mean()) / 5
    assert np.sqrt((rough**2).mean()) == pytest.approx(np.sqrt((expected**2).mean()), rel=0.1)


@pytest.mark.parametrize("kind", ["mlp", "gru", "tcn", "hyper", "follower"])
def test_a_move_is_explained_through_its_adapter(kind):
    question = asked(moved(kind), "move:gain.level")
    found = explain(question, "integrated-gradients")
    # log energies bend sharply near silence: fifty steps are coarse there, and more of them nearer
    patient = explain(question, "integrated-gradients", patient=True)
    assert found.steps == 50 <= (patient.steps or 0)
    assert (patient.error or 0) <= max(0.01, found.error or 0)
    assert found.error == pytest.approx(
        abs(found.total - found.value + found.silent) / abs(found.value - found.silent)
    )
    assert found.error == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("method", SLOPES)
def test_a_sound_that_the_chain_makes_by_itself_has_no_slope(method):
    question = asked(chain(("exciter", {}), ("gain", {})))
    with pytest.raises(EngineError, match="in a way that has a slope, found none"):
        explain(question, method)


def test_parameters_add_up_to_what_training_changed():
    made = bent()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.5
    question = asked(made, seconds=0.2)
    found = of_parameters(question, "integrated-gradients")
    assert found.error == pytest.approx(0, abs=1e-3)
    assert sum(one.part for one in found.parts) == pytest.approx(
        found.value - found.start, rel=1e-3
    )
    assert {one.parameter for one in found.parts} == set(made.starts)


def test_a_gain_in_decibels_makes_what_it_should():
    made = chain(("gain", {"level": 0}))
    with torch.no_grad():
        made.get_parameter("gain/level").add_(0.2)
    question = asked(made)
    (row,) = of_parameters(question, "integrated-gradients").parts
    reading = made.readings()["gain.level"]
    assert (row.start, row.value) == pytest.approx((0, reading.value), abs=1e-4)
    energy = question.signal.square().sum().item()
    assert row.part == pytest.approx(energy * (10 ** (reading.value / 10) - 1), rel=1e-4)
    # gradient times input: d/dL of 10^(L/10), times the way
    (row,) = of_parameters(question, "gradient-input").parts
    slope = energy * np.log(10) / 10 * 10 ** (reading.value / 10)
    assert row.part == pytest.approx(slope * reading.value, rel=1e-3)
    # a single parameter put back is all there is
    (row,) = of_parameters(question, "occlusion").parts
    assert row.part == pytest.approx(energy * (10 ** (reading.value / 10) - 1), rel=1e-4)


def test_relevance_is_of_the_signal_alone():
    with pytest.raises(EngineError, match="of the signal alone"):
        of_parameters(asked(bent(), seconds=0.2), "relevance")
