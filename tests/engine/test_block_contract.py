"""A block that cannot say what it is for, or in which ranges, does not register."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from models_registry.engine.blocks import BLOCKS, Gain, register
from models_registry.engine.contract import Card, Parameter, Port, SpecError


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr("models_registry.engine.blocks.base.BLOCKS", dict(BLOCKS))


def test_a_block_without_a_card_is_refused(registry):
    with pytest.raises(SpecError, match="expected a kind and a card"):
        register(type("Bare", (Gain,), {"kind": "bare", "card": None}))


def test_a_block_without_ranges_is_refused(registry):
    with pytest.raises(SpecError, match="expected parameters with ranges"):
        register(
            type("Empty", (Gain,), {"kind": "empty", "declare": classmethod(lambda c, rate: ())})
        )


def test_a_kind_registers_once(registry):
    with pytest.raises(SpecError, match="'gain' already registered"):
        register(type("Again", (Gain,), {}))


SAID = [field.name for field in dataclasses.fields(Card) if field.name != "expected"]


@pytest.mark.parametrize("field", SAID)
def test_every_field_of_a_card_must_say_something(field):
    with pytest.raises(SpecError, match=field.replace("_", " ")):
        Card(**(dataclasses.asdict(Gain.card) | {field: ""}))


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [(1, 1, "linear"), (2, 1, "dB"), (0, 1, "log"), (0, math.inf, "linear")],
)
def test_a_range_must_be_a_range(low, high, scale):
    with pytest.raises(SpecError, match="expected a finite range"):
        Parameter("x", "", low, high, scale, 1, "meaning")


def test_a_default_lies_within_the_range():
    with pytest.raises(SpecError, match="expected 0 to 1 V, found 2 V"):
        Parameter("x", "V", 0, 1, "linear", 2, "meaning")


def test_declarations_are_hashable_and_frozen():
    parameter = Gain.declare(48_000)[0]
    assert len({parameter, *Gain.declare(48_000), Gain.card, Port()}) == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(parameter, "low", 0)  # noqa: B010


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_controls_and_values_are_each_others_inverse(kind, rate):
    for parameter in BLOCKS[kind].declare(rate):
        for control in (0.0, 0.3, 1.0):
            value = parameter.physical(torch.tensor(control, dtype=torch.float64)).item()
            slack = 1e-9 * abs(parameter.high)
            assert parameter.low - slack <= value <= parameter.high + slack
            assert float(parameter.control(value)) == pytest.approx(control, abs=1e-12)


def test_scales_place_their_middle_as_they_say():
    # geometric mean on a log scale, arithmetic mean elsewhere
    assert Parameter("f", "Hz", 20, 20_000, "log", 100, "m").physical(0.5) == pytest.approx(
        632.4555
    )
    assert Parameter("g", "dB", -24, 24, "dB", 0, "m").physical(0.5) == 0
