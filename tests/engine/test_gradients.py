"""Hand-written adjoints equal finite differences (torch.autograd.gradcheck, float64), in signal and parameters."""

from __future__ import annotations

import pytest
import torch

from models_registry.engine import Chain
from models_registry.engine.blocks import BLOCKS
from models_registry.engine.losses import spectral_distance
from models_registry.engine.regularisers import curve_roughness, response_roughness

from .cast import BACKENDS, BRIEF, awake, followed, noise, random_values


# on the compiled loops: that the others' gradients are the same numbers is tested with the blocks
@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("continued", [False, True])
def test_every_block_passes_gradcheck(kind, continued):
    block = BLOCKS[kind](8_000 if kind in BRIEF else 44_100, BRIEF.get(kind))
    values = random_values(block)
    if kind == "quantiser":
        # steps far wider than a finite difference
        values["bits"] = torch.tensor(3.0).double()
    signal = torch.from_numpy(noise(2, 2, 24)).double()
    state = block.process(signal.flip(-1), values, None)[1] if continued else None

    def output(signal, *given):
        return block.process(signal, dict(zip(values, given, strict=True)), state)[0]

    inputs = [signal, *values.values()]
    given = [one.clone().requires_grad_() for one in inputs]
    # a network's energy is a sum over thousands of frequencies: one random projection of it
    assert torch.autograd.gradcheck(output, given, fast_mode=kind == "feedback-network")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("delay", {"time": 0.7}),
        ("echo", {"time": 0.45, "feedback": -0.7, "level": 0.8}),
        ("string", {"frequency": 900.0, "decay": 0.3, "damping": 0.3, "level": 3.0}),
        ("limiter", {"drive": 20.0, "ceiling": -6.0, "release": 3.0}),
    ],
)
def test_blocks_that_answer_late_pass_gradcheck_once_they_answer(
    kind, values, backend, monkeypatch
):
    # at 8 kHz a millisecond is 8 samples, so that 40 samples hold several times and look-aheads
    monkeypatch.setattr(BLOCKS[kind], "backend", backend, raising=False)
    known = {option.name for option in BLOCKS[kind].choices}
    block = BLOCKS[kind](8_000, {name: 1 for name in ("lookahead", "longest") if name in known})
    given = [torch.tensor(v, dtype=torch.float64).requires_grad_() for v in values.values()]
    signal = torch.from_numpy(noise(2, 1, 40)).double().requires_grad_()

    def output(signal, *given):
        return block.process(signal, dict(zip(values, given, strict=True)), None)[0]

    assert output(signal, *given)[..., 20:].abs().min() > 0
    assert torch.autograd.gradcheck(output, [signal, *given])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_time_varying_parameter_passes_gradcheck(backend, monkeypatch):
    monkeypatch.setattr(BLOCKS["waveshaper"], "backend", backend)
    block = BLOCKS["waveshaper"](44_100)
    signal = torch.from_numpy(noise(1, 1, 16)).double()
    bias = torch.from_numpy(noise(1, 1, 16, seed=1)).double().requires_grad_()
    values = random_values(block)
    assert torch.autograd.gradcheck(
        lambda b: block.process(signal, values | {"bias": b}, None)[0], [bias]
    )


def test_a_whole_chain_with_its_adapter_passes_gradcheck():
    torch.manual_seed(0)
    chain = awake(Chain.from_spec(followed())).double()
    signal = torch.from_numpy(noise(1, 1, 200)).double()
    names = [name for name, _ in chain.named_parameters()]

    def output(*given):
        weights = dict(zip(names, given, strict=True))
        return torch.func.functional_call(chain, weights, (signal,))[0]

    # fast mode compares one random projection, since there are hundreds of weights
    weights = [p.detach().clone().requires_grad_() for p in chain.parameters()]
    assert torch.autograd.gradcheck(output, weights, fast_mode=True)


def test_losses_pass_gradcheck():
    estimate = torch.from_numpy(noise(1, 96)).double().requires_grad_()
    target = torch.from_numpy(noise(1, 96, seed=1)).double()
    assert torch.autograd.gradcheck(
        lambda e: spectral_distance(e, target, sizes=[32, 64]), [estimate]
    )
    chain = Chain.from_spec(followed()).double()
    names = [name for name, _ in chain.named_parameters() if "/" in name]
    controls = [chain.get_parameter(name).detach().clone().requires_grad_() for name in names]
    for term in (response_roughness, curve_roughness):

        def value(*given, term=term):
            replaced = Chain.from_spec(followed())
            for name, control in zip(names, given, strict=True):
                delattr(replaced, name)
                setattr(replaced, name, control)
            return term(replaced)

        assert torch.autograd.gradcheck(value, controls, fast_mode=True)
