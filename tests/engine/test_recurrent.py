"""The gated recurrent unit: torch's own, in value, memory and gradient, at every size and precision."""

from __future__ import annotations

import pytest
import torch

from models_registry.engine import recurrent


def network(features, units, layers, dtype):
    torch.manual_seed(1)
    return torch.nn.GRU(features, units, layers, batch_first=True).to(dtype)


@pytest.mark.parametrize(
    ("dtype", "error"), [(torch.float64, 1e-13), (torch.float32, 2e-6)], ids=["double", "single"]
)
@pytest.mark.parametrize("rows", [1, 4, 7])
def test_it_is_torchs_own_in_value_memory_and_gradient(dtype, error, rows):
    # an odd number of units, and rows that do not divide by four
    own = network(5, 9, 2, dtype)
    x = 2 * torch.randn(rows, 40, 5, dtype=dtype)
    memory = torch.randn(2, rows, 9, dtype=dtype)
    weights = torch.randn(rows, 40, 9, dtype=dtype)
    found = []
    for run in (own, lambda *given: recurrent.gru(own, *given)):
        heard, before = x.clone().requires_grad_(), memory.clone().requires_grad_()
        output, after = run(heard, before)
        loss = (weights * output).sum() + (after * after).sum()
        gradients = torch.autograd.grad(loss, [heard, before, *own.parameters()])
        found.append([output, after, *gradients])
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=error * theirs.abs().max().item(), rtol=0)


def test_the_gradient_is_the_slope():
    own = network(3, 4, 1, torch.float64)
    x = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    memory = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *given: recurrent.gru(own, *given), (x, memory))


def test_gates_that_are_shut_or_open_stay_finite():
    own = network(2, 3, 1, torch.float32)
    x = torch.tensor([1e6, -1e6]).expand(1, 5, 2).clone().requires_grad_()
    output, _ = recurrent.gru(own, x, None)
    torch.testing.assert_close(output, own(x)[0], atol=1e-6, rtol=0)
    output.sum().backward()
    assert x.grad.isfinite().all()


def test_without_numba_torch_runs_it(monkeypatch):
    own = network(3, 4, 2, torch.float64)
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    compiled = recurrent.gru(own, x, None)
    monkeypatch.setattr(recurrent, "njit", None)
    for theirs, ours in zip(recurrent.gru(own, x, None), compiled, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-14, rtol=0)
