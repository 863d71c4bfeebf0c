"""Specifications: plain data, checked with sentences that help, hashed; weights go with their specification."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models_registry.engine import Chain, EngineError, SpecError, weights_hash
from models_registry.engine.blocks import BLOCKS, Gain, register
from models_registry.engine.contract import Port

from .cast import awake, followed, noise, spec


def refused(changed):
    with pytest.raises(SpecError) as caught:
        Chain.from_spec(changed)
    return str(caught.value)


def with_block(**entry):
    return spec(blocks=[{"id": "one", "kind": "gain"} | entry])


def test_the_specification_survives_json_and_keeps_its_hash():
    chain = Chain.from_spec(followed())
    again = Chain.from_spec(json.loads(json.dumps(chain.spec())))
    assert again.spec() == chain.spec()
    text = json.dumps(chain.spec(), sort_keys=True, separators=(",", ":"))
    assert again.spec_hash == chain.spec_hash == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_left_out_is_the_default_and_6_is_6_0():
    assert Chain.from_spec(with_block()).spec_hash == (
        Chain.from_spec(with_block(params={"level": 0})).spec_hash
    )
    assert Chain.from_spec(with_block(params={"level": 6})).spec_hash == (
        Chain.from_spec(with_block(params={"level": 6.0})).spec_hash
    )
    assert Chain.from_spec(with_block(params={"level": 6})).spec_hash != (
        Chain.from_spec(with_block(params={"level": 7})).spec_hash
    )


def test_readings_give_back_what_the_specification_set_in_units():
    readings = Chain.from_spec(followed()).readings()
    assert readings["pre.peak2_gain"].value == pytest.approx(9)
    assert readings["pre.peak2_gain"].parameter.unit == "dB"
    assert readings["pre.low_frequency"].value == pytest.approx(100)
    assert readings["drive.bias"].authority == 0.2
    assert readings["pre.low_gain"].authority is None
    assert np.size(readings["drive.curve"].value) == readings["drive.curve"].parameter.size


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (with_block(kind="gian"), "unknown kind 'gian'; did you mean 'gain'?"),
        (with_block(kind=None), "unknown kind None"),
        (with_block(params={"levle": 1}), "unknown key 'levle'; did you mean 'level'?"),
        (with_block(params={"level": 90}), "one.level: expected -48 to 48 dB, found 90 dB"),
        (with_block(params={"level": float("nan")}), "expected -48 to 48 dB, found nan"),
        (
            with_block(params={"level": 10**400}),
            "expected -48 to 48 dB, found a number beyond 1e300",
        ),
        (with_block(params={"level": True}), "expected a number in dB, found True"),
        (with_block(params={"level": [1, 2]}), "expected 1 values, found 2"),
        (with_block(kind="waveshaper", params={"curve": [0, 1]}), "expected 65 values, found 2"),
        (with_block(id="A b"), "expected an id of lower-case letters"),
        (with_block(extra=1), "unknown key 'extra'"),
        (spec(blocks=[{"id": "a", "kind": "gain"}] * 2), "found 'a' twice"),
        (spec(blocks=[]), "at least one block"),
        (spec(version=2), "expected version 1, found 2"),
        (spec(rate=4_000), "expected a whole number from 8000 to 192000, found 4000"),
        (spec(rtae=1), "unknown key 'rtae'; did you mean 'rate'?"),
        ([], "expected an object"),
    ],
)
def test_a_wrong_specification_is_refused_with_a_sentence(changed, sentence):
    assert sentence in refused(changed)


@pytest.mark.parametrize(
    ("adapter", "sentence"),
    [
        ({"kind": "folower"}, "did you mean 'follower'?"),
        ({"targets": {}}, "expected targets"),
        ({"targets": {"drive.bais": 0.1}}, "did you mean 'drive.bias'?"),
        ({"targets": {"pre.low_gain": 0.1}}, "expected a time-varying parameter"),
        ({"targets": {"drive.bias": 2}}, "expected an authority"),
        ({"hop": 1}, "adapter 1 hop: expected 16 to 4096, found 1"),
    ],
)
def test_a_wrong_adapter_is_refused_with_a_sentence(adapter, sentence):
    entry = {"kind": "follower", "targets": {"drive.bias": 0.1}} | adapter
    assert sentence in refused(spec(adapters=[entry]))


def test_two_adapters_do_not_move_one_parameter():
    entry = {"kind": "follower", "targets": {"drive.bias": 0.1}}
    assert "'drive.bias' already follows adapter 1" in refused(spec(adapters=[entry, entry]))


@pytest.fixture
def ported(monkeypatch):
    monkeypatch.setattr("models_registry.engine.blocks.base.BLOCKS", BLOCKS)
    made = []

    def make(kind, **ports):
        made.append(kind)
        register(type(kind.title(), (Gain,), {"kind": kind} | ports))

    yield make
    for kind in made:
        del BLOCKS[kind]


def test_ports_that_do_not_meet_are_named_on_both_sides(ported):
    ported("wide", outlet=Port(channels=2))
    ported("narrow", inlet=Port(channels=1))
    blocks = [{"id": "spread", "kind": "wide"}, {"id": "mouth", "kind": "narrow"}]
    sentence = (
        "'spread' (wide) gives 2 channel(s) at 8000 to 192000 Hz, 'mouth' (narrow) takes 1 channel"
    )
    assert sentence in refused(spec(blocks=blocks))
    through = [blocks[0], {"id": "between", "kind": "gain"}, blocks[1]]
    assert "(set by 'spread')" in refused(spec(blocks=through))


def test_a_block_is_not_run_at_a_rate_it_does_not_take(ported):
    ported("telephone", inlet=Port(high_rate=16_000))
    sentence = "block 'line': expected a chain at 8000 to 16000 Hz, found 44100 Hz"
    assert sentence in refused(spec(blocks=[{"id": "line", "kind": "telephone"}]))


def test_weights_come_back_bit_for_bit(tmp_path):
    torch.manual_seed(0)
    chain = awake(Chain.from_spec(followed()))
    chain.save(tmp_path / "w.safetensors")
    torch.manual_seed(1)
    other = Chain.from_spec(followed()).load(tmp_path / "w.safetensors")
    x = torch.from_numpy(noise(1, 1, 3_000))
    assert torch.equal(other(x)[0], chain(x)[0])
    chain.save(tmp_path / "again.safetensors")
    assert weights_hash(tmp_path / "again.safetensors") == weights_hash(tmp_path / "w.safetensors")


def test_weights_of_another_specification_are_refused(tmp_path):
    Chain.from_spec(spec()).save(tmp_path / "w.safetensors")
    with pytest.raises(EngineError, match="expected weights of specification"):
        Chain.from_spec(followed()).load(tmp_path / "w.safetensors")


def test_weights_that_claim_another_specification_are_refused(tmp_path):
    chain = Chain.from_spec(spec())
    claimed = {"spec_hash": chain.spec_hash}
    save_file({"pre/low_gain": torch.zeros(3)}, tmp_path / "w.safetensors", metadata=claimed)
    with pytest.raises(EngineError, match="expected the weights of this chain"):
        chain.load(tmp_path / "w.safetensors")


def test_a_specification_that_contains_itself_is_refused():
    branches: list = [[], []]
    entry = {"id": "again", "kind": "parallel", "branches": branches}
    branches[1].append(entry)
    assert "found 'again' twice" in refused(spec(blocks=[entry]))


def test_branches_within_branches_have_an_end():
    entry: dict = {"id": "level", "kind": "gain"}
    for depth in range(10):
        entry = {"id": f"mix{depth}", "kind": "parallel", "branches": [[], [entry]]}
    sentence = "expected branches within branches at most 8 deep, found more (a cycle in the data?)"
    assert sentence in refused(spec(blocks=[entry]))


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"RIFF")
    for name in ("w.safetensors", "none.safetensors"):
        with pytest.raises(EngineError, match="expected a safetensors file"):
            Chain.from_spec(spec()).load(tmp_path / name)


def test_a_response_is_asked_for_at_finite_frequencies():
    with pytest.raises(EngineError, match="expected finite frequencies in Hz"):
        Chain.from_spec(spec()).response("pre", [20, float("nan")])


def test_pages_read_responses_and_curves_by_block(tmp_path):
    chain = Chain.from_spec(spec())
    # the level of -3 dB, at any frequency
    assert np.abs(chain.response("level", [50, 5_000])) == pytest.approx(10 ** (-3 / 20))
    assert chain.curve("drive", [0.0]) == 0
    assert 0 < chain.pole_radius() < 1
    with pytest.raises(EngineError, match="did you mean 'pre'"):
        chain.response("per", [50])
    with pytest.raises(EngineError, match="expected the id of a ShapingBlock, found 'pre'"):
        chain.curve("pre", [0.0])
