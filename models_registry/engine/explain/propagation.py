"""Layer-wise relevance propagation: the number handed back block by block, with a ledger of what each passes on.

Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation, 2015,
in the relevance mode of the engine (see relevance.py and rules.py): what arrives at a block is what its input is given
and what it makes by itself. What adapters do to parameters is taken as given where the output is explained (the signal
takes all); where a move is explained, relevance goes through the adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from models_registry.engine.blocks import Block, SoundBlock
from models_registry.engine.chain import Chain
from models_registry.engine.explain.question import Question, unreached
from models_registry.engine.relevance import own, owned, relevance

MEASURE, ADAPTERS = "the target itself", "adapters"


@dataclass(frozen=True)
class Entry:
    """What arrives at a part of the chain from behind, what it passes on to its input, and what it `absorbs`: biases,
    sounds of its own, a reference. All in the target's unit; what is left over is lost."""

    part: str
    arrives: float
    passes: float
    absorbs: float

    @property
    def lost(self) -> float:
        return self.arrives - self.passes - self.absorbs


@dataclass(frozen=True)
class Propagated:
    """The `slope` (channels, frames) that times the signal is its relevance, and the ledger from the target on.

    `error` is what was lost over the number, `absorbed` the share that no sample has made.
    """

    slope: Tensor
    ledger: tuple[Entry, ...]
    error: float
    absorbed: float


def propagated(question: Question) -> Propagated:
    """Relevance of each sample for the number; raises `EngineError` for a number without a gradient."""
    question.differentiable()
    target, chain = question.target, question.chain
    given = question.signal[None].clone().requires_grad_()
    question.listen(1)
    with relevance(), torch.enable_grad(), owned() as biases:
        heard = question.front(given) if question.front else given
        with _watched(chain, biases) as watched:
            told = question.heard(heard)
        number = target.value(*told).sum().item()
        start = target.parts(*told)
        if not start.requires_grad:
            raise unreached(target)
        leaves = [given, *biases]
        for one in watched:
            leaves += [one.given, one.made]
        found = torch.autograd.grad(start, leaves, allow_unused=True)
        # an adapter that hears a pitch has biases of its own but no way to the signal
        if target.of_moves and found[0] is None:
            raise unreached(target)
        slopes = [
            torch.zeros_like(leaf) if slope is None else slope
            for leaf, slope in zip(leaves, found, strict=True)
        ]
    worth = [(leaf * slope).sum().item() for leaf, slope in zip(leaves, slopes, strict=True)]
    of_biases, of_blocks = worth[1 : 1 + len(biases)], worth[1 + len(biases) :]
    ledger = [Entry(MEASURE, number, start.item(), number - start.item())]
    if target.of_moves:
        ledger.append(Entry(ADAPTERS, start.item(), worth[0], sum(of_biases)))
    else:
        for place, one in reversed(list(enumerate(watched))):
            passes, arrives = of_blocks[2 * place : 2 * place + 2]
            absorbs = sum(of_biases[one.before : one.after])
            ledger.append(Entry(one.name, arrives, passes, absorbs))
    taken = sum(entry.absorbs for entry in ledger)
    lost = abs(number - worth[0] - taken)
    lost = max(lost, sum(abs(entry.lost) for entry in ledger))
    return Propagated(slopes[0][0], tuple(ledger), lost / abs(number), taken / number)


@dataclass
class _Seen:
    """A block's input and output, and which of the chain's own parts came while it ran."""

    name: str
    given: Tensor
    made: Tensor
    before: int
    after: int


@contextmanager
def _watched(chain: Chain, counted: list[Tensor]) -> Iterator[list[_Seen]]:
    """What goes through each block of `chain` within this context, while own parts are `counted`."""
    blocks = dict(chain.blocks)
    seen: list[_Seen] = []
    try:
        for name, block in blocks.items():
            chain.blocks[name] = cast(Block, _Watch(name, block, seen, counted))
        yield seen
    finally:
        chain.blocks.update(blocks)


class _Watch:
    """A block under observation; in all else it is the block."""

    def __init__(self, name: str, block: Block, seen: list[_Seen], counted: list[Tensor]) -> None:
        self.name, self.block, self.seen, self.counted = name, block, seen, counted

    def __getattr__(self, name: str) -> Any:
        return getattr(self.block, name)

    def process(
        self, signal: Tensor, values: Mapping[str, Tensor], state: Any
    ) -> tuple[Tensor, Any]:
        before = len(self.counted)
        # branches share a signal: each is to have its own part of the relevance
        given = signal.view_as(signal)
        output, after = self.block.process(given, values, state)
        if isinstance(self.block, SoundBlock):
            with torch.no_grad():
                alone, _ = self.block.process(torch.zeros_like(signal), values, state)
            output = output - alone + own(alone)
        self.seen.append(_Seen(self.name, given, output, before, len(self.counted)))
        return output, after
