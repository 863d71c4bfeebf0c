"""Branches that are added up: against the sum written out by hand, aligned in time, checked where they meet."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine import Chain, SpecError, render
from models_registry.engine.blocks import BLOCKS, Gain, register
from models_registry.engine.contract import Port

from .cast import awake, noise, spec

DRIVE = {"id": "drive", "kind": "waveshaper", "params": {"drive": 20}}
TONE = {"id": "tone", "kind": "equaliser", "params": {"low_gain": 6}}
LEVEL = {"id": "level", "kind": "gain", "params": {"level": -6}}
LATE = {"id": "late", "kind": "sampled-fir", "options": {"points": 30}}


def beside(*branches, before=(), after=(), **changes):
    mix = {"id": "mix", "kind": "parallel", "branches": list(branches)}
    return spec(blocks=[*before, mix, *after], **changes)


def heard(chain, x):
    with torch.no_grad():
        return chain.double()(torch.from_numpy(x).double()[None])[0][0].numpy()


def serial(*blocks):
    return Chain.from_spec(spec(blocks=list(blocks)))


def test_branches_are_added():
    x = noise(2, 2_000)
    both = heard(Chain.from_spec(beside([TONE], [DRIVE, LEVEL])), x)
    expected = heard(serial(TONE), x) + heard(serial(DRIVE, LEVEL), x)
    np.testing.assert_allclose(both, expected, atol=1e-12)


def test_an_empty_branch_is_the_input():
    x = noise(1, 500)
    chain = Chain.from_spec(beside([], [LEVEL]))
    np.testing.assert_allclose(heard(chain, x), x * (1 + 10 ** (-6 / 20)), atol=1e-7)


def test_branches_may_branch():
    x = noise(1, 500)
    inner = {"id": "inner", "kind": "parallel", "branches": [[], [TONE]]}
    chain = Chain.from_spec(beside([LEVEL], [inner], after=[DRIVE]))
    clean = x + heard(serial(TONE), x) + heard(serial(LEVEL), x)
    np.testing.assert_allclose(heard(chain, x), heard(serial(DRIVE), clean), atol=1e-7)


@pytest.mark.parametrize("block_size", [1, 7, 29, 400])
def test_a_fast_branch_waits_for_a_slow_one(block_size):
    # two flat branches, one of them 29 samples late: aligned they double, else they comb
    chain = Chain.from_spec(beside([], [LATE]))
    x = noise(2, 400)
    assert chain.latency == 29
    np.testing.assert_allclose(render(chain, x, 44_100, block_size=block_size), 2 * x, atol=1e-5)


def test_latency_is_the_slowest_branchs():
    slower = LATE | {"id": "slower", "options": {"points": 51}}
    chain = Chain.from_spec(beside([LATE], [slower], after=[LATE | {"id": "last"}]))
    assert chain.latency == 50 + 29


def test_carried_state_continues_in_every_branch():
    torch.manual_seed(0)
    follower = {"kind": "follower", "targets": {"drive.bias": 0.3}, "hop": 64, "hidden": 4}
    data = beside([TONE], [DRIVE, LATE], before=[LEVEL], adapters=[follower])
    chain = awake(Chain.from_spec(data)).double()
    x = torch.from_numpy(noise(1, 2, 2_000)).double()
    with torch.no_grad():
        whole, _ = chain(x)
        state, parts = None, []
        for part in x.split(77, dim=-1):
            output, state = chain(part, state)
            parts.append(output)
    assert (torch.cat(parts, -1) - whole).abs().max() < 1e-12


def test_gradients_reach_every_branch_exactly():
    chain = Chain.from_spec(beside([LEVEL], [DRIVE, TONE])).double()
    signal = torch.from_numpy(noise(1, 1, 60)).double()
    names = [name for name, _ in chain.named_parameters()]
    given = [p.detach().clone().requires_grad_() for p in chain.parameters()]
    assert torch.autograd.gradcheck(
        lambda *w: torch.func.functional_call(chain, dict(zip(names, w, strict=True)), (signal,))[
            0
        ],
        given,
        fast_mode=True,
    )


def test_readings_responses_and_weights_are_by_block_as_ever(tmp_path):
    chain = Chain.from_spec(beside([TONE], [DRIVE, LEVEL]))
    assert chain.readings()["level.level"].value == pytest.approx(-6)
    assert np.abs(chain.response("level", [100])) == pytest.approx(10 ** (-6 / 20))
    assert list(chain.blocks) == ["tone", "drive", "level"]
    chain.save(tmp_path / "w.safetensors")
    other = Chain.from_spec(chain.spec()).load(tmp_path / "w.safetensors")
    x = torch.from_numpy(noise(1, 1, 300))
    assert torch.equal(other(x)[0], chain(x)[0])


def test_stems_are_what_comes_out_of_each_block():
    chain = Chain.from_spec(beside([TONE], [DRIVE, LEVEL])).double()
    x = torch.from_numpy(noise(1, 1, 400)).double()
    stems = chain.stems(x)
    np.testing.assert_allclose(stems["tone"] + stems["level"], chain(x)[0].detach(), atol=1e-12)
    np.testing.assert_allclose(stems["drive"][0], heard(serial(DRIVE), x[0].numpy()), atol=1e-12)


def test_the_tail_is_the_longest_way_through():
    fir = {"id": "a", "kind": "fir", "options": {"taps": 442}}
    longer = {"id": "b", "kind": "fir", "options": {"taps": 883}}
    last = {"id": "c", "kind": "fir", "options": {"taps": 442}}
    chain = Chain.from_spec(beside([fir], [longer], after=[last]))
    assert chain.tail() == pytest.approx(0.02 + 0.01)


def test_the_order_of_branches_and_their_content_are_part_of_the_identity():
    one, other = beside([], [LEVEL]), beside([LEVEL], [])
    assert Chain.from_spec(one).spec_hash != Chain.from_spec(other).spec_hash
    assert Chain.from_spec(Chain.from_spec(one).spec()).spec() == Chain.from_spec(one).spec()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (beside([LEVEL]), "'mix': expected a list of at least two branches, found 1"),
        (beside([], []), "expected at least one block, found only branches"),
        (beside([LEVEL], [LEVEL]), "'mix' branch 2 block 1: expected an id of its own"),
        (beside([], [LEVEL | {"id": "mix"}]), "found 'mix' twice"),
        (
            beside([], [LEVEL], after=[LEVEL]),
            "block 2: expected an id of its own, found 'level' twice",
        ),
        (beside([], "level"), "'mix' branch 2: expected a list of blocks, found 'level'"),
        (beside([], [LEVEL | {"kind": "gian"}]), "did you mean 'gain'?"),
        (
            spec(blocks=[{"id": "m", "kind": "parallel", "branchs": []}]),
            "block 1: found the unknown key 'branchs'; did you mean 'branches'?",
        ),
        (spec(blocks=[{"kind": "parallel", "branches": []}]), "block 1: expected an id"),
    ],
)
def test_wrong_branches_are_refused_with_a_sentence(changed, sentence):
    with pytest.raises(SpecError) as caught:
        Chain.from_spec(changed)
    assert sentence in str(caught.value)


@pytest.fixture
def stereo(monkeypatch):
    monkeypatch.setattr("models_registry.engine.blocks.base.BLOCKS", BLOCKS)
    for kind, port in (("wide", {"outlet": Port(channels=2)}), ("narrow", {"inlet": Port(1)})):
        register(type(kind.title(), (Gain,), {"kind": kind} | port))
    register(type("Triple", (Gain,), {"kind": "triple", "outlet": Port(channels=3)}))
    yield
    for kind in ("wide", "narrow", "triple"):
        del BLOCKS[kind]


@pytest.mark.usefixtures("stereo")
def test_ports_are_checked_into_within_and_behind_branches():
    wide, narrow = {"id": "w", "kind": "wide"}, {"id": "n", "kind": "narrow"}
    cases = {
        "'w' (wide) gives 2 channel(s)": beside([], [narrow], before=[wide]),
        "'mix' (parallel) gives 2 channel(s)": beside([LEVEL], [wide], after=[narrow]),
        "branch 1 of 'mix' gives 2 channel(s), branch 2 gives 3": beside(
            [wide], [{"id": "t", "kind": "triple"}]
        ),
    }
    for sentence, data in cases.items():
        with pytest.raises(SpecError) as caught:
            Chain.from_spec(data)
        assert sentence in str(caught.value)
