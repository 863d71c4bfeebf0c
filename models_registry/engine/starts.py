"""Several beginnings: a chain of knobs has valleys, and which of them is deepest shows only after some steps.

Successive halving (Jamieson, Talwalkar, AISTATS 2016): every start takes a few steps, the worse half leaves, and so on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from models_registry.engine.chain import Chain

# Within the ranges' middle part: at the ends the slopes are flat.
LOW, HIGH = 0.2, 0.8


def scattered(chain: Chain, *, seed: int, number: int) -> Chain:
    """`chain` with its free single parameters at random places in their ranges; start 0 stays as it is."""
    if number:
        draw = np.random.default_rng([seed, number])
        with torch.no_grad():
            for key, parameter in chain.named_parameters():
                if parameter.dim() == 0 and not key.startswith("adapters."):
                    parameter.copy_(torch.logit(torch.tensor(draw.uniform(LOW, HIGH))))
    return chain


def race(
    starts: int,
    *,
    make: Callable[[int], Chain],
    advance: Callable[[Chain, torch.optim.Optimizer, int], object],
    judge: Callable[[Chain], float],
    optimiser: Callable[[Chain], torch.optim.Optimizer],
    steps: int,
    told: Callable[[int, int, int], None],
    should_stop: Callable[[], bool],
) -> tuple[Chain, torch.optim.Optimizer] | None:
    """The best of `starts` chains and its optimiser, or None where asked to stop.

    `make(number)` builds a start, `advance(chain, optimiser, step)` takes one step, `judge(chain)` is the smaller the
    better; `told(step, of, left)` hears of every step and how many starts are left.
    """
    runners = [(chain := make(number), optimiser(chain)) for number in range(starts)]
    rounds = max(1, (starts - 1).bit_length())
    whole, done, begun = sum(-(-starts // 2**n) for n in range(rounds)) * steps, 0, 0
    while len(runners) > 1:
        for chain, of in runners:
            for step in range(begun, begun + steps):
                if should_stop():
                    return None
                advance(chain, of, step)
                done += 1
                told(done, whole, len(runners))
        begun += steps
        scores = [judge(chain) for chain, _ in runners]
        # a start whose loss is not a number has lost
        order = np.argsort(np.nan_to_num(scores, nan=np.inf), kind="stable")
        runners = [runners[n] for n in order[: -(-len(runners) // 2)]]
    return runners[0]
