"""Layer-wise relevance: nothing is lost from block to block, biases are owned up to, layers do as captum's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn

from models_registry.engine import Chain, EngineError, Recipe, relevance
from models_registry.engine.explain import explain, propagated
from models_registry.engine.relevance import owned
from models_registry.engine.rules import affine, bent, gated
from tests.engine.cast import followed, noise

from .cast import asked, chain, moved
from .cast import bent as bent_chain


@pytest.mark.parametrize("text", ["energy", "energy:300-1500@0.1-0.2"])
def test_nothing_is_lost_on_the_way_through_a_chain(text):
    found = explain(asked(bent_chain(), text), "relevance")
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.absorbed == pytest.approx(0, abs=1e-9)
    assert [entry.part for entry in found.ledger] == [
        "the target itself",
        "gain",
        "clipper",
        "equaliser",
    ]
    for entry in found.ledger:
        assert entry.passes == pytest.approx(found.value)


@pytest.mark.parametrize("name", ["overdrive-adapter", "overdrive-parallel", "compressor"])
def test_nothing_is_lost_in_the_chains_of_the_recipes(name):
    made = Chain.from_spec(Recipe.load(name).chain)
    assert propagated(asked(made, seconds=0.3)).error <= 1e-9


def test_what_a_block_adds_by_itself_is_its_own():
    found = propagated(asked(chain(("exciter", {}), ("gain", {"level": 6}))))
    assert found.error <= 1e-9
    assert found.absorbed == pytest.approx(1)
    (own,) = (entry for entry in found.ledger if entry.part == "exciter")
    assert own.absorbs == pytest.approx(own.arrives)
    assert not found.slope.any()


def test_what_a_shaper_makes_of_silence_is_its_own():
    # bent about a bias, digital silence comes out as a constant: no sample has made it
    made = Chain.from_spec(followed() | {"adapters": []})
    question = asked(made, seconds=0.1)
    question.signal[:, 1_000:] = 0
    found = propagated(question)
    assert found.error <= 1e-9
    (drive,) = (entry for entry in found.ledger if entry.part == "drive")
    assert drive.lost == pytest.approx(0, abs=1e-9 * drive.arrives)


def test_what_the_reference_makes_of_a_loss_is_the_targets_own():
    made = chain(("gain", {"level": 6}))
    question = asked(made, "loss:esr", reference=noise(1, 4_000, seed=5))
    found = propagated(question)
    assert found.error <= 1e-9
    output = 10 ** (6 / 20) * question.signal
    reference = question.target.reference
    # d/dy of Σ(y − r)² / Σr², times y
    share = (2 * output * (output - reference)).sum() / reference.square().sum()
    assert found.ledger[0].passes == pytest.approx(share.item(), rel=1e-5)
    assert (found.slope * question.signal).sum().item() == pytest.approx(share.item(), rel=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "gru", "tcn", "hyper", "follower"])
def test_relevance_goes_through_an_adapter_and_its_biases_are_counted(kind):
    question = asked(moved(kind), "move:gain.level", channels=2)
    found = propagated(question)
    assert found.error <= 1e-9
    assert [entry.part for entry in found.ledger] == ["the target itself", "adapters"]
    # biases and the floor of what is heard take their part, and the samples the rest
    assert abs(found.absorbed) > 0.01
    parts = (found.slope * question.signal).sum().item()
    number = found.ledger[0].arrives
    assert parts == pytest.approx((1 - found.absorbed) * number, abs=1e-9)


def test_layers_pass_relevance_on_as_captums_do():
    torch.manual_seed(0)
    first, second = nn.Linear(7, 5).double(), nn.Linear(5, 1).double()
    network = nn.Sequential(first, nn.Tanh(), second)
    first.rule, second.rule = EpsilonRule(epsilon=0), EpsilonRule(epsilon=0)
    heard = torch.randn(3, 7, dtype=torch.float64)
    theirs = LRP(network).attribute(heard)
    given = heard.clone().requires_grad_()
    with relevance():
        output = affine(second, bent(affine(first, given)))
    (slope,) = torch.autograd.grad(output.sum(), given)
    np.testing.assert_allclose(slope * heard, theirs.detach(), rtol=1e-9)


def test_a_recurrent_layer_is_torchs_and_conserves():
    torch.manual_seed(0)
    network = nn.GRU(3, 4, 2, batch_first=True).double()
    heard, memory = (torch.randn(size, dtype=torch.float64) for size in ((2, 6, 3), (2, 2, 4)))
    with torch.no_grad():
        output, after = network(heard, memory)
    given = heard.clone().requires_grad_()
    with relevance(), owned() as biases:
        mine, end = gated(network, given, None)
        total = mine.sum()
        slope, *by_bias = torch.autograd.grad(total, [given, *biases])
        from_memory, last = gated(network, heard, memory)
    np.testing.assert_allclose(from_memory.detach(), output, atol=1e-12)
    np.testing.assert_allclose(last.detach(), after, atol=1e-12)
    np.testing.assert_allclose(mine.detach(), network(heard)[0].detach(), atol=1e-12)
    taken = sum((one * part).sum().item() for one, part in zip(biases, by_bias, strict=False))
    assert (slope * heard).sum().item() + taken == pytest.approx(total.item(), abs=1e-12)


def test_a_number_without_a_way_to_the_signal_is_refused():
    torch.manual_seed(0)
    made = Chain.from_spec(Recipe.load("resynthesis").chain)
    with pytest.raises(EngineError, match="in a way that has a slope, found none"):
        propagated(asked(made, "move:tone.level", seconds=0.3))
