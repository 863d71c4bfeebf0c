"""Blocks and adapters joined: built from a specification, run over a signal, read back in units.

    chain = Chain.from_spec(spec)
    output, state = chain(signal)                # (batch, channels, frames); pass `state` on to continue
    chain.readings()["drive.drive"].value        # decibels

A chain is its specification (what it is made of and where it starts) and its weights (what it has learned); the two
hashes together name a model.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from models_registry.engine import spec as specification
from models_registry.engine import weights
from models_registry.engine.adapters import Adapter
from models_registry.engine.blocks import (
    BandBlock,
    Block,
    LinearBlock,
    ReactingBlock,
    RoomBlock,
    Settled,
    ShapingBlock,
    SoundBlock,
)
from models_registry.engine.contract import EngineError, Parameter
from models_registry.engine.relevance import given

# Start values at the very end of a range would sit where the squashing function is flat and never learn.
MARGIN = 1e-4


@dataclass(frozen=True)
class Reading:
    """A parameter's value now (a tuple for a curve), with its declaration and how far an adapter moves it."""

    parameter: Parameter
    value: float | tuple[float, ...]
    authority: float | None = None


@dataclass
class ChainState:
    """What a chain carries from one stretch of signal to the next, by block id and adapter number; `delays` are the
    ends of branches that wait for slower ones, by the parallel's id and the branch's number."""

    blocks: dict[str, Any]
    adapters: list[Any]
    delays: dict[tuple[str, int], Tensor] = field(default_factory=dict)
    # without gradients the values that no adapter moves stay what they were in the first stretch, by block id
    values: dict[str, Settled] = field(default_factory=dict)
    # what the adapters added in this stretch, by target
    moves: dict[str, Tensor] = field(default_factory=dict)


class Chain(nn.Module):
    """Blocks in series and in parallel whose parameters are learned; make it with `Chain.from_spec`."""

    def __init__(self, spec: dict[str, Any], blocks: list[tuple[str, Block]]) -> None:
        super().__init__()
        self._spec = spec
        self.blocks = dict(blocks)
        self.rate: int = spec["rate"]
        # the controls (0 to 1) at which what is learned begins
        self.starts: dict[str, Tensor] = {}
        self._listener: Callable[[str, Tensor], None] | None = None
        begins: dict[str, float] = {}
        for entry in specification.leaves(spec["blocks"]):
            for parameter in self.blocks[entry["id"]].parameters.values():
                if parameter.tied_to:
                    continue
                control = parameter.control(entry["params"][parameter.name])
                inside = torch.logit(torch.from_numpy(control).clamp(MARGIN, 1 - MARGIN))
                name = f"{entry['id']}/{parameter.name}"
                if parameter.size == 1:
                    begins[f"{entry['id']}.{parameter.name}"] = torch.sigmoid(inside).item()
                if parameter.frozen:
                    self.register_buffer(name, inside)
                else:
                    self.register_parameter(name, nn.Parameter(inside))
                    self.starts[f"{entry['id']}.{parameter.name}"] = torch.sigmoid(inside)
        self.adapters = nn.ModuleList(
            specification.adapter(entry, self.blocks, self.rate, begins)
            for entry in spec["adapters"]
        )

    @classmethod
    def from_spec(cls, spec: object) -> Chain:
        """Build the chain that `spec` describes; raises `SpecError`. Adapters draw from torch's generator."""
        return cls(*specification.complete(spec))

    def spec(self) -> dict[str, Any]:
        """The canonical specification: every starting value written out."""
        return copy.deepcopy(self._spec)

    @property
    def spec_hash(self) -> str:
        """SHA-256 (hex) of the canonical specification."""
        return specification.digest(self._spec)

    @property
    def latency(self) -> int:
        """Samples by which the output lags behind the input."""
        return specification.latency(self._spec["blocks"], self.blocks)

    def latencies(self) -> dict[str, int]:
        """Samples by which what leaves each block lags behind the chain's input, by block id."""
        return self._latencies(self._spec["blocks"], 0)

    def _latencies(self, entries: list[dict[str, Any]], late: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in entries:
            for branch in entry.get("branches", ()):
                found |= self._latencies(branch, late)
            late += specification.latency([entry], self.blocks)
            if "branches" not in entry:
                found[entry["id"]] = late
        return found

    def controls(self, block_id: str) -> dict[str, Tensor]:
        """The controls (0 to 1) of one block, by parameter name, with what adapters add to any signal under the
        condition, without what they add to this one."""
        parameters = self.blocks[block_id].parameters.values()
        found = {
            parameter.name: torch.sigmoid(
                getattr(
                    self, (parameter.tied_to or f"{block_id}.{parameter.name}").replace(".", "/")
                )
            )
            for parameter in parameters
        }
        for adapter in self.adapters:
            for path, offset in adapter.still().items():  # type: ignore[operator]
                name, _, key = path.partition(".")
                if name == block_id:
                    found[key] = (found[key] + offset).clamp(0, 1)
        return found

    @property
    def conditions(self) -> tuple[str, ...]:
        """The devices, rooms or speakers that the chain knows by name."""
        return tuple(dict.fromkeys(name for adapter in self.adapters for name in adapter.names))  # type: ignore[union-attr]

    def under(self, condition: str | None) -> Chain:
        """This chain, from now on as `condition`, one of `conditions`; None: as none in particular."""
        if condition is not None and condition not in self.conditions:
            raise EngineError(
                f"expected a condition that the chain knows, found '{condition}'; "
                f"{specification.nearest(condition, self.conditions)}"
            )
        for adapter in self.adapters:
            assert isinstance(adapter, Adapter)
            known = condition in adapter.names
            adapter.condition = adapter.names.index(condition) if known else None
        return self

    def values(self, block_id: str) -> dict[str, Tensor]:
        """The physical values of one block, by parameter name, without adapters."""
        return self._block(block_id, Block).physical(self.controls(block_id))

    def forward(self, signal: Tensor, state: ChainState | None = None) -> tuple[Tensor, ChainState]:
        """Process `signal` (batch, channels, frames) at the chain's rate, going on from `state`."""
        state = state or ChainState({}, [None] * len(self.adapters))
        following = ChainState({}, [])
        moves: dict[str, Tensor] = {}
        for adapter, before in zip(self.adapters, state.adapters, strict=True):
            offsets, after = adapter(signal, before)
            moves |= {path: given(offset) for path, offset in offsets.items()}
            following.adapters.append(after)
        following.moves = moves
        return self._series(self._spec["blocks"], signal, moves, state, following), following

    def aligned(self, signal: Tensor) -> tuple[Tensor, ChainState]:
        """`signal` processed from its beginning, with the latency taken out; and the state after it."""
        late = self.latency
        output, after = self(torch.nn.functional.pad(signal, (0, late)) if late else signal)
        return output[..., late:], after

    def _series(
        self,
        entries: list[dict[str, Any]],
        signal: Tensor,
        moves: dict[str, Tensor],
        state: ChainState,
        following: ChainState,
    ) -> Tensor:
        for entry in entries:
            name = entry["id"]
            if entry["kind"] == specification.PARALLEL:
                slowest = specification.latency([entry], self.blocks)
                ends = []
                for number, branch in enumerate(entry["branches"]):
                    end = self._series(branch, signal, moves, state, following)
                    if wait := slowest - specification.latency(branch, self.blocks):
                        past = state.delays.get(
                            (name, number), end.new_zeros(*end.shape[:-1], wait)
                        )
                        heard = torch.cat([past, end], dim=-1)
                        end = heard[..., : end.shape[-1]]
                        following.delays[name, number] = heard[..., -wait:].detach()
                    ends.append(end)
                signal = sum(ends[1:], start=ends[0])
                continue
            values = self._moved(name, signal, moves, state, following)
            signal, following.blocks[name] = self.blocks[name].process(
                signal, values, state.blocks.get(name)
            )
            if self._listener is not None:
                self._listener(name, signal)
        return signal

    def _moved(
        self,
        name: str,
        signal: Tensor,
        moves: dict[str, Tensor],
        state: ChainState,
        following: ChainState,
    ) -> dict[str, Tensor]:
        """The physical values of one block for `signal`, with what the adapters add."""
        still = not torch.is_grad_enabled()
        if still and name in state.values:
            following.values[name] = state.values[name]
            return state.values[name]
        controls = self.controls(name)
        moved = [key for key in controls if f"{name}.{key}" in moves]
        for key in moved:
            offset = moves[f"{name}.{key}"]
            controls[key] = (controls[key].to(signal.dtype) + offset).clamp(0, 1)
        values = self.blocks[name].physical(controls)
        if still and not moved:
            following.values[name] = values = Settled(values)
        return values

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """What is learned, by block id and by "adapter 1", "adapter 2" …; groups that learn nothing are left out."""
        found: dict[str, list[nn.Parameter]] = {}
        for key, parameter in self.named_parameters():
            first, _, rest = key.partition("." if key.startswith("adapters.") else "/")
            name = f"adapter {int(rest.partition('.')[0]) + 1}" if first == "adapters" else first
            found.setdefault(name, []).append(parameter)
        return found

    def stems(self, signal: Tensor) -> dict[str, Tensor]:
        """What comes out of each block for `signal` (batch, channels, frames), by block id, latency not taken out."""
        found: dict[str, Tensor] = {}
        with torch.no_grad(), self.overheard(found.__setitem__):
            self(signal)
        return found

    @contextmanager
    def overheard(self, listener: Callable[[str, Tensor], None]) -> Iterator[None]:
        """Tell `listener` what leaves each block, by its id, whoever runs the chain."""
        self._listener = listener
        try:
            yield
        finally:
            self._listener = None

    def described(self, block_id: str) -> str:
        """A block's id, kind and values in words, for a sentence about what went wrong in it."""
        values = [
            f"{name} {value.item():.4g} {self.blocks[block_id].parameters[name].unit}".strip()
            for name, value in self.values(block_id).items()
            if value.dim() == 0
        ]
        return f"'{block_id}' ({', '.join([self.blocks[block_id].kind, *values])})"

    def readings(self) -> dict[str, Reading]:
        """Every parameter in its unit, by `block id.parameter`."""
        authority = {
            path: share
            for entry in self._spec["adapters"]
            for path, share in entry["targets"].items()
        }
        found = {}
        for name, block in self.blocks.items():
            for key, value in self.values(name).items():
                numbers = value.detach().tolist()
                found[f"{name}.{key}"] = Reading(
                    block.parameters[key],
                    tuple(numbers) if isinstance(numbers, list) else numbers,
                    authority.get(f"{name}.{key}"),
                )
        return found

    def _block(self, block_id: str, kind: Any) -> Any:
        block = self.blocks.get(block_id)
        if not isinstance(block, kind):
            fitting = [name for name, one in self.blocks.items() if isinstance(one, kind)]
            raise EngineError(
                f"expected the id of a {kind.__name__}, found '{block_id}'; "
                f"{specification.nearest(block_id, fitting)}"
            )
        return block

    def response(self, block_id: str, frequencies: ArrayLike) -> NDArray[np.complex128]:
        """Complex response of the linear block `block_id` at `frequencies` (Hz, finite)."""
        block = self._block(block_id, LinearBlock)
        grid = torch.from_numpy(np.asarray(frequencies, dtype=np.float64))
        if not grid.isfinite().all():
            raise EngineError("expected finite frequencies in Hz, found NaN or infinite ones")
        with torch.no_grad():
            return block.response(self.values(block_id), grid).numpy()

    def curve(self, block_id: str, levels: ArrayLike) -> NDArray[np.float64]:
        """Output level of the nonlinear block `block_id` for each input level (full scale = 1)."""
        block = self._block(block_id, ShapingBlock)
        grid = torch.from_numpy(np.asarray(levels, dtype=np.float64))
        with torch.no_grad():
            return block.curve(self.values(block_id), grid).numpy()

    def profile(self, block_id: str) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Centre frequencies (Hz) of the bands of `block_id` and, by name, what holds in each, in dB."""
        block = self._block(block_id, BandBlock)
        with torch.no_grad():
            centres, levels = block.profile(self.values(block_id))
        return centres.numpy(), {name: level.numpy() for name, level in levels.items()}

    def sound(self, block_id: str, frames: int) -> NDArray[np.float64]:
        """The first samples (frames,) that `block_id` makes of silence."""
        block = self._block(block_id, SoundBlock)
        with torch.no_grad():
            return block.sound(self.values(block_id), frames).numpy()

    def passed(self, block_id: str, samples: ArrayLike) -> NDArray[np.float64]:
        """What comes out (channels, frames) where `samples` (frames,) go into every channel of `block_id`."""
        block = self._block(block_id, Block)
        given = torch.from_numpy(np.asarray(samples, dtype=np.float64))
        signal = given.expand(1, block.inlet.channels or 1, -1)
        with torch.no_grad():
            return block.process(signal, self.values(block_id), None)[0][0].numpy()

    def decay(self, block_id: str) -> NDArray[np.float64]:
        """The impulse response (frames,) of the room `block_id` until it has fallen by 60 dB, of at most 4 s."""
        block = self._block(block_id, RoomBlock)
        with torch.no_grad():
            return block.decay(self.values(block_id)).numpy()

    def reaction(self, block_id: str, levels: ArrayLike) -> NDArray[np.float64]:
        """The gain (frames,) in dB of `block_id` while a square wave of 1 kHz has `levels` (frames,) in dB."""
        block = self._block(block_id, ReactingBlock)
        course = torch.from_numpy(np.asarray(levels, dtype=np.float64))
        with torch.no_grad():
            return block.reaction(self.values(block_id), course).numpy()

    def pole_radius(self) -> float:
        """The largest pole's distance from the origin over all blocks; always below 1."""
        with torch.no_grad():
            return max(block.pole_radius(self.values(name)) for name, block in self.blocks.items())

    def tail(self) -> float:
        """Seconds after the input's end until the output has fallen by 60 dB, at most."""
        with torch.no_grad():
            return self._tail(self._spec["blocks"])

    def _tail(self, entries: list[dict[str, Any]]) -> float:
        return sum(
            max(self._tail(branch) for branch in entry["branches"])
            if entry["kind"] == specification.PARALLEL
            else self.blocks[entry["id"]].tail(self.values(entry["id"]))
            for entry in entries
        )

    def offsets(self, signal: Tensor) -> dict[str, Tensor]:
        """What the adapters add to each target for `signal`, in fractions of its range, per sample or step."""
        with torch.no_grad():
            return self.moves(signal)

    def moves(self, signal: Tensor) -> dict[str, Tensor]:
        """`offsets`, differentiable in what the adapters learned."""
        found: dict[str, Tensor] = {}
        for adapter in self.adapters:
            found |= adapter(signal, None)[0]
        return found

    def save(self, path: str | Path) -> None:
        """Write the weights as safetensors, marked with the specification's hash."""
        weights.save(self, path)

    def load(self, path: str | Path) -> Chain:
        """Take over the weights in `path`; raises `EngineError` if they belong to another specification."""
        weights.load(self, path)
        return self
