"""What of a chain would have to be otherwise: in units, by derivatives, and known causes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from models_registry.engine import Chain, EngineError
from models_registry.engine.ablation import Clip, outputs
from models_registry.engine.counterfactual import (
    SAME_DB,
    Variation,
    apart_db,
    dips,
    handles,
    measured,
    scored,
    sloped,
)
from models_registry.engine.crossing import Target, cross
from tests.engine.cast import awake, followed, noise, spec

RATE = 16_000
FAULTY: dict[str, Any] = {
    "version": 1,
    "rate": RATE,
    "blocks": [
        {"id": "tone", "kind": "biquad", "params": {"frequency": 900, "gain": 3}},
        {"id": "drive", "kind": "clipper", "params": {"drive": 18}},
        {"id": "level", "kind": "gain", "params": {"level": -6}},
    ],
}


def right(**params):
    """The faulty chain with other values, by block."""
    blocks = [
        one | {"params": one["params"] | params.get(one["id"], {})} for one in FAULTY["blocks"]
    ]
    return Chain.from_spec(FAULTY | {"blocks": blocks}).double()


def clips(target_of, count=1):
    dry = [torch.from_numpy(noise(1, 4_000, seed=n)) for n in range(count)]
    wet = outputs(target_of, [Clip(one) for one in dry])
    return [Clip(one, other) for one, other in zip(dry, wet, strict=True)]


def test_all_that_a_chain_learns_may_be_changed_and_stands_where_it_was_put():
    chain = right()
    found = {one.name: one for one in handles(chain)}
    assert {"drive.drive", "tone.gain", "tone.frequency", "level.level"} <= set(found)
    drive = found["drive.drive"]
    assert drive.physical(drive.start) == pytest.approx(18, abs=1e-3)
    assert drive.parameter.unit == "dB"


def test_a_block_stands_for_all_of_its_parameters_and_a_curve_for_its_numbers():
    chain = Chain.from_spec(spec())
    assert {one.name.partition(".")[0] for one in handles(chain, ["drive"])} == {"drive"}
    curves = [one.name for one in handles(chain, ["drive"]) if "[" in one.name]
    assert [one.name for one in handles(chain, curves[:1])] == curves[:1]
    assert len(handles(chain, [curves[0].partition("[")[0]])) == len(curves)
    assert not [one for one in handles(chain) if "[" in one.name]


def test_what_is_held_still_is_changed_only_where_it_is_named():
    blocks = [FAULTY["blocks"][0] | {"frozen": ["gain"]}, *FAULTY["blocks"][1:]]
    chain = Chain.from_spec(FAULTY | {"blocks": blocks})
    assert "tone.gain" not in {one.name for one in handles(chain)}
    assert [one.name for one in handles(chain, ["tone.gain"])] == ["tone.gain"]


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(EngineError, match=r"found 'drive.driv'; did you mean 'drive.drive'\?"):
        handles(right(), ["drive.driv"])


def test_a_chain_with_its_numbers_elsewhere_sounds_as_one_that_was_built_so():
    chain, elsewhere = right(), right(drive={"drive": 6})
    (handle,) = handles(chain, ["drive.drive"])
    place = handle.parameter.control(6.0)[None]
    (found,) = Variation(chain, [handle]).outputs(place, [Clip(clips(chain)[0].signal)])
    (wanted,) = outputs(elsewhere, [Clip(clips(chain)[0].signal)])
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("measure", ["esr", "spectral"])
def test_derivatives_are_the_limits_of_differences(measure):
    chain = awake(Chain.from_spec(followed())).double()
    tried = clips(Chain.from_spec(spec()).double(), count=2)
    moved = handles(chain, ["drive.drive", "drive.bias", "level"])
    variation = Variation(chain, moved)
    place = np.array([one.start for one in moved])
    value, slope = sloped(variation, tried, measure)(place)
    score = scored(variation, tried, measured(tried, measure, rate=chain.rate))
    assert value == pytest.approx(score(place), rel=1e-9)
    for n in range(len(moved)):
        step = 1e-5 * np.eye(len(moved))[n]
        difference = (score(place + step) - score(place - step)) / 2e-5
        assert slope[n] == pytest.approx(difference, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize(
    "fault", [{"drive": {"drive": 0}}, {"tone": {"gain": -9}}, {"level": {"level": 2}}]
)
def test_the_parameter_that_was_moved_is_the_sparse_answer_and_its_value_the_right_one(fault):
    """The target is the sound of a chain that differs in one parameter alone."""
    ((block, values),) = fault.items()
    ((parameter, value),) = values.items()
    chain, tried = right(), clips(right(**fault))
    moved = handles(chain, ["drive.drive", "tone.gain", "level.level"])
    variation = Variation(chain, moved)
    found = cross(
        scored(variation, tried, measured(tried, "esr", rate=RATE)), moved, Target(1e-4, above=False),
        slope=sloped(variation, tried, "esr"), answers=1, sparse=True,
    )  # fmt: skip
    (change,) = found.answers[0].changes
    assert change.name == f"{block}.{parameter}"
    assert change.after == pytest.approx(value, abs=1.5)


def test_the_time_of_an_echo_is_found_to_the_sample():
    """An error says nothing between the right time and a sample beside it."""
    blocks: list[dict[str, Any]] = [
        {"id": "curve", "kind": "clipper", "params": {"drive": 6}},
        {"id": "wall", "kind": "echo", "params": {"time": 20, "feedback": 0.4, "level": 0.7}},
    ]
    late = [blocks[0], blocks[1] | {"params": blocks[1]["params"] | {"time": 43.21}}]
    chain = Chain.from_spec(FAULTY | {"blocks": blocks}).double()
    tried = clips(Chain.from_spec(FAULTY | {"blocks": late}).double(), count=2)
    moved = handles(chain)
    variation = Variation(chain, moved)
    score = scored(variation, tried, measured(tried, "esr", rate=RATE))
    found = cross(
        score, moved, Target(1e-3, above=False), slope=sloped(variation, tried, "esr"),
        dips=dips(chain, moved, tried), answers=1, sparse=True,
    )  # fmt: skip
    (change,) = found.answers[0].changes
    assert change.name == "wall.time"
    assert change.after == pytest.approx(43.21, abs=0.1 * 1_000 / RATE)


def test_numbers_that_do_each_other_s_work_are_both_answers_and_make_the_same_sound():
    """A gain before a curve and the curve's drive: dB for dB."""
    blocks: list[dict[str, Any]] = [
        {"id": "push", "kind": "gain", "params": {"level": 0}},
        {"id": "curve", "kind": "clipper", "params": {"drive": 12}},
        {"id": "level", "kind": "gain", "params": {"level": 0}},
    ]
    chain = Chain.from_spec(FAULTY | {"blocks": blocks}).double()
    right = [blocks[0] | {"params": {"level": -5}}, *blocks[1:]]
    tried = clips(Chain.from_spec(FAULTY | {"blocks": right}).double())
    moved = handles(chain, ["push.level", "curve.drive", "level.level"])
    variation = Variation(chain, moved)
    found = cross(
        scored(variation, tried, measured(tried, "esr", rate=RATE)), moved, Target(1e-3, above=False),
        slope=sloped(variation, tried, "esr"), answers=2, sparse=True,
    )  # fmt: skip
    named = [[one.name for one in answer.changes] for answer in found.answers]
    assert sorted(named) == [["curve.drive"], ["push.level"]]
    as_it_is, one, other = (
        variation.outputs(np.array(place), tried)
        for place in ([one.start for one in moved], *(answer.place for answer in found.answers))
    )
    assert apart_db(as_it_is, one, other) < SAME_DB
    elsewhere = variation.outputs(np.array([one.start for one in moved]) + [0, 0, -0.05], tried)
    assert apart_db(as_it_is, one, elsewhere) > SAME_DB
    assert apart_db(as_it_is, one, one) == -np.inf


def test_a_loss_without_what_should_come_out_is_refused():
    chain = right()
    with pytest.raises(EngineError, match="name a reference"):
        measured([Clip(clips(chain)[0].signal)], "esr", rate=RATE)


def test_too_many_numbers_are_refused():
    blocks = [{"id": f"eq{n}", "kind": "equaliser"} for n in range(10)]
    chain = Chain.from_spec(FAULTY | {"blocks": blocks})
    assert sum(len(block.parameters) for block in chain.blocks.values()) > 96
    with pytest.raises(EngineError, match="name the parameters or blocks that matter"):
        handles(chain)
