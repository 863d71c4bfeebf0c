"""Parts of a chain taken away: what changes is what would be without them, and shares follow Shapley's axioms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from models_registry.engine import Chain, EngineError, ablation, shapley
from models_registry.engine.ablation import Clip, ablated, effects, outputs
from models_registry.engine.shapley import shares
from tests.engine.cast import awake, followed, noise, spec

RATE = 16_000


def chain_of(*blocks, rate=RATE, adapters=()):
    named = [{"id": f"b{n}", **block} for n, block in enumerate(blocks, 1)]
    return Chain.from_spec(
        {"version": 1, "rate": rate, "blocks": named, "adapters": list(adapters)}
    ).double()


def gain(level):
    return {"kind": "gain", "params": {"level": level}}


def clip(seed=0, frames=4_000, level=0.2):
    return Clip(torch.from_numpy(noise(1, frames, seed=seed, level=level)))


EQ = {"kind": "biquad", "params": {"frequency": 900, "gain": 9}}
DRIVE = {"kind": "clipper", "params": {"drive": 18}}
LATE = {"kind": "limiter", "params": {"drive": 12}}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_block_that_is_removed_is_as_if_it_had_not_been_there(place):
    blocks = [EQ, DRIVE, LATE]
    chain = chain_of(*blocks)
    with ablated(chain, {f"b{place + 1}": "removed"}):
        (found,) = outputs(chain, [clip()])
    without = chain_of(*(block for n, block in enumerate(blocks) if n != place))
    (wanted,) = outputs(without, [clip()])
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


def test_a_block_at_its_defaults_is_the_block_without_what_it_learned():
    chain = chain_of(EQ, DRIVE)
    with ablated(chain, {"b2": "default"}):
        (found,) = outputs(chain, [clip()])
    (wanted,) = outputs(chain_of(EQ, {"kind": "clipper"}), [clip()])
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)


def test_a_curve_made_linear_is_its_slope_at_nothing():
    """tanh has the slope 1 there, so that what is left is the drive of 18 dB."""
    chain = chain_of({"kind": "clipper", "params": {"drive": 18}, "options": {"aliasing": "none"}})
    with ablated(chain, {"b1": "linear"}):
        (found,) = outputs(chain, [clip()])
    torch.testing.assert_close(
        found, clip().signal.double() * 10 ** (18 / 20), rtol=1e-4, atol=1e-6
    )


def test_a_compressor_made_linear_leaves_its_makeup_gain():
    chain = chain_of({"kind": "compressor", "params": {"threshold": -40, "makeup": 6}})
    with ablated(chain, {"b1": "linear"}):
        (found,) = outputs(chain, [clip()])
    torch.testing.assert_close(found, clip().signal.double() * 10 ** (6 / 20), rtol=1e-6, atol=0)


def test_an_adapter_that_is_removed_moves_nothing():
    chain = awake(Chain.from_spec(followed())).double()
    with ablated(chain, {"adapter 1": "removed"}):
        (found,) = outputs(chain, [clip()])
    (wanted,) = outputs(Chain.from_spec(spec()).double(), [clip()])
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)


def test_the_chain_is_whole_again_afterwards_whatever_happened():
    chain = awake(Chain.from_spec(followed())).double()
    (before,) = outputs(chain, [clip()])
    blocks = dict(chain.blocks)
    with (
        pytest.raises(ZeroDivisionError),
        ablated(chain, {"drive": "linear", "adapter 1": "removed"}),
    ):
        raise ZeroDivisionError
    assert chain.blocks == blocks
    torch.testing.assert_close(outputs(chain, [clip()])[0], before, rtol=0, atol=0)


def test_effects_are_said_in_decibels_of_the_whole_output():
    """A gain of −6 dB removed: the difference is (1 − g)/g of the output, the level 6 dB more."""
    level = -6.0
    g = 10 ** (level / 20)
    (removed, default) = effects(chain_of(gain(level)), [clip(), clip(1)])
    assert (removed.parts, removed.treatment) == (("b1",), "removed")
    assert removed.difference_db == pytest.approx(20 * math.log10((1 - g) / g), abs=1e-9)
    assert removed.level_db == pytest.approx(6.0, abs=1e-9)
    assert removed.loss is None
    assert default.difference_db == pytest.approx(removed.difference_db, abs=1e-6)


def test_where_targets_are_known_the_loss_says_whether_a_part_did_good():
    chain = chain_of(gain(-6), gain(0.5))
    signal = clip().signal
    target = signal.double() * 10 ** (-6 / 20)
    found = {one.parts: one for one in effects(chain, [Clip(signal, target)], pairs=True)
             if one.treatment == "removed"}  # fmt: skip
    assert (found["b1",].loss or 0) > 0.5
    # without the half decibel too much the target is met
    stray = (10 ** (0.5 / 20) - 1) ** 2
    assert found["b2",].loss == pytest.approx(-stray, rel=1e-6)
    assert ("b1", "b2") in found


def test_what_does_nothing_changes_nothing():
    found = effects(chain_of(EQ, gain(0)), [clip()])
    assert [one.difference_db for one in found if one.parts == ("b2",)] == [-math.inf] * 2


def test_shares_of_two_gains_are_shapleys():
    """Two players: the mean of what each adds first and what it adds last (Shapley 1953), on y = a b x."""
    a, b = 10 ** (-6 / 20), 10 ** (-2 / 20)

    def worth(active):
        return 1 - (active - a * b) ** 2 / (1 - a * b) ** 2

    first = (worth(a) + worth(a * b) - worth(b)) / 2
    found = {one.part: one.share for one in shares(chain_of(gain(-6), gain(-2)), [clip()])}
    assert found == pytest.approx({"b1": first, "b2": 1 - first}, rel=1e-9)


def test_shares_follow_the_axioms():
    """Efficiency, symmetry and the dummy's nothing."""
    chain = chain_of(gain(-4), EQ, gain(0), gain(-4))
    found = {one.part: one for one in shares(chain, [clip(n) for n in range(3)])}
    assert sum(one.share for one in found.values()) == pytest.approx(1, abs=1e-12)
    assert found["b1"].share == pytest.approx(found["b4"].share, rel=1e-9)
    assert found["b3"].share == pytest.approx(0, abs=1e-12)
    assert found["b2"].low < found["b2"].share < found["b2"].high
    assert found["b2"].n == 3


def test_random_orders_come_to_the_exact_shares(monkeypatch):
    chain, clips = chain_of(EQ, DRIVE, gain(-9), LATE), [clip(n) for n in range(2)]
    exact = {one.part: one.share for one in shares(chain, clips)}
    monkeypatch.setattr(shapley, "EXACT_UP_TO", 2)
    sampled = {one.part: one.share for one in shares(chain, clips, seed=1)}
    assert sum(sampled.values()) == pytest.approx(1, abs=1e-12)
    assert sampled == pytest.approx(exact, abs=0.1)


def test_one_clip_has_no_interval():
    (one,) = shares(chain_of(gain(-6)), [clip()])
    assert one.share == 1
    assert np.isnan([one.low, one.high]).all()


MILD = (
    ("biquad", {"frequency": (300, 3_000), "gain": (-0.5, 0.5)}),
    ("gain", {"level": (-0.3, 0.3)}),
    ("compressor", {"threshold": (-20, -10), "ratio": (1.0, 1.05)}),
    ("asymmetric-clipper", {"drive": (-24, -24), "bias": (0, 0)}),
)
STRONG = (
    ("biquad", {"frequency": (300, 3_000), "gain": (10, 18)}),
    ("gain", {"level": (-12, -6)}),
    ("compressor", {"threshold": (-50, -40), "ratio": (6, 12)}),
    ("echo", {"time": (20, 60), "level": (0.8, 1.2)}),
)


def test_the_known_cause_is_found_in_a_hundred_chains():
    """One block in each chain does nearly all of the work; it has the largest share in at least 95 of 100."""
    draw, right = np.random.default_rng(7), 0
    for number in range(100):
        chosen = [MILD[n] for n in draw.permutation(3)]
        cause = STRONG[number % len(STRONG)]
        place = int(draw.integers(0, 4))
        chosen.insert(place, cause)
        blocks = [
            {"kind": kind, "params": {k: float(draw.uniform(*v)) for k, v in ranges.items()}}
            for kind, ranges in chosen
        ]
        found = shares(chain_of(*blocks), [clip(number, frames=1_200)])
        right += found[0].part == f"b{place + 1}"
    assert right >= 95


def test_a_chain_that_never_had_a_part_is_the_specification_without_it():
    described = Chain.from_spec(followed()).spec()
    bare = ablation.without(described, "drive")
    assert [block["id"] for block in bare["blocks"]] == ["pre", "post", "level"]
    # the adapter moved nothing else
    assert bare["adapters"] == []
    assert ablation.without(described, "adapter 1")["adapters"] == []
    assert [block["id"] for block in described["blocks"]] == ["pre", "drive", "post", "level"]
    branched = chain_of({"kind": "parallel", "branches": [[], [{"id": "in", **DRIVE}]]}, EQ).spec()
    assert ablation.without(branched, "in")["blocks"][0]["branches"] == [[], []]
    with pytest.raises(EngineError, match="nothing would be left"):
        ablation.without(chain_of(EQ).spec(), "b1")


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda chain: ablated(chain, {"b9": "removed"}).__enter__(), "found 'b9'"),
        (lambda chain: ablated(chain, {"b1": "linear"}).__enter__(), "removed, default, found"),
        (lambda chain: effects(chain, []), "at least one signal"),
        (lambda chain: effects(chain, [Clip(torch.zeros(1, 100))]), "512 samples or more"),
        (lambda chain: effects(chain, [Clip(torch.zeros(1, 4_000))]), "found silence"),
        (lambda chain: shares(chain, [Clip(torch.zeros(1, 4_000))]), "leaves it as it is"),
    ],
)
def test_what_cannot_be_ablated_gets_a_sentence(act, sentence):
    with pytest.raises(EngineError, match=sentence):
        act(chain_of(gain(0)))


def test_the_interval_of_a_difference_is_that_of_the_bootstrap():
    """scipy's, which draws whole clips, of the same ratio of sums."""
    draw = np.random.default_rng(4)
    wholes = draw.uniform(1, 3, 80)
    parts = 0.1 * wholes * draw.lognormal(0, 0.4, 80)
    value, low, high = ablation.ratio_db(parts, wholes)
    assert value == pytest.approx(10 * np.log10(parts.sum() / wholes.sum()))
    theirs = stats.bootstrap(
        (parts, wholes),
        lambda p, w, axis: 10 * np.log10(p.sum(axis) / w.sum(axis)),
        paired=True,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.1 * (high - low))


def test_one_clip_and_no_difference_have_no_interval():
    assert np.isnan(ablation.ratio_db(np.ones(1), np.ones(1))[1:]).all()
    assert ablation.ratio_db(np.zeros(3), np.ones(3))[0] == -math.inf
