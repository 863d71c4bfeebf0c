"""Parameters that a specification holds still, keeps within tighter ranges or ties to others."""

from __future__ import annotations

import pytest
import torch

from models_registry.engine import Chain, SpecError

PEAK = {"id": "peak", "kind": "biquad", "options": {"shape": "peak"}}
OTHER = {"id": "other", "kind": "biquad", "options": {"shape": "peak"}}


def built(*blocks):
    return Chain.from_spec({"version": 1, "rate": 48_000, "blocks": list(blocks)})


def test_a_frozen_parameter_is_kept_with_the_weights_and_not_learned(tmp_path):
    chain = built(PEAK | {"frozen": ["q"], "params": {"q": 2}})
    assert set(dict(chain.named_parameters())) == {"peak/frequency", "peak/gain"}
    chain.save(tmp_path / "weights.safetensors")
    again = Chain.from_spec(chain.spec()).load(tmp_path / "weights.safetensors")
    assert again.readings()["peak.q"].value == pytest.approx(2)
    assert again.spec_hash == chain.spec_hash


def test_a_bounded_parameter_stays_within_its_bounds_and_starts_inside():
    chain = built(PEAK | {"bounds": {"frequency": [2_000, 4_000]}})
    reading = chain.readings()["peak.frequency"]
    # the kind's default of 1 kHz is outside, so it starts in the geometric middle
    assert reading.value == pytest.approx((2_000 * 4_000) ** 0.5)
    with torch.no_grad():
        getattr(chain, "peak/frequency").fill_(50)
    assert chain.readings()["peak.frequency"].value == pytest.approx(4_000)


def test_tied_parameters_move_together_and_share_their_gradient():
    chain = built(PEAK, OTHER | {"tied": {"gain": "peak.gain"}})
    with torch.no_grad():
        getattr(chain, "peak/gain").fill_(1)
    values = chain.readings()
    assert values["other.gain"].value == values["peak.gain"].value
    assert "other/gain" not in dict(chain.named_parameters())
    alone = built(PEAK, OTHER)
    with torch.no_grad():
        for name in ("peak/gain", "other/gain"):
            getattr(alone, name).fill_(1)
    signal = torch.randn(1, 1, 100, dtype=torch.float64)
    for one in (chain, alone):
        one(signal)[0].square().sum().backward()
    # what two would get on their own, together
    parts = [getattr(alone, name).grad.item() for name in ("peak/gain", "other/gain")]
    assert getattr(chain, "peak/gain").grad.item() == pytest.approx(sum(parts), rel=1e-9)
    assert Chain.from_spec(chain.spec()).spec() == chain.spec()


def test_a_tied_parameter_may_say_where_the_other_begins():
    given = {"gain": 5}
    chain = built(
        PEAK | {"params": given}, OTHER | {"tied": {"gain": "peak.gain"}, "params": given}
    )
    assert chain.readings()["other.gain"].value == pytest.approx(5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"frozen": ["w"]}, "frozen: found the unknown key 'w'"),
        ({"frozen": "q"}, "expected a list of different names, found 'q'"),
        ({"frozen": ["q", "q"]}, "expected a list of different names, found ['q', 'q']"),
        (
            {"bounds": {"gain": [6, -6]}},
            "other.gain bounds: expected bounds in rising order within -24 to 24 dB",
        ),
        ({"bounds": {"gain": [0, 10**400]}}, "other.gain bounds: expected two numbers"),
        ({"bounds": {"gain": [-99, 0]}}, "found -99 to 0"),
        ({"bounds": {"gain": 3}}, "expected two numbers, found 3"),
        ({"bounds": {"gain": [-6, 6]}, "params": {"gain": 9}}, "expected -6 to 6 dB, found 9 dB"),
        ({"tied": {"gain": "peak.gian"}}, "did you mean 'peak.gain'"),
        (
            {"tied": {"gain": "other.gain"}},
            "expected to be tied to a parameter with a value of its own",
        ),
        ({"tied": {"gain": "peak.q"}}, "of the same range"),
        (
            {"tied": {"gain": "peak.gain"}, "params": {"gain": 5}},
            "other.gain: expected to begin where 'peak.gain' does",
        ),
    ],
)
def test_what_cannot_be_held_is_refused(changes, sentence):
    with pytest.raises(SpecError) as caught:
        built(PEAK, OTHER | changes)
    assert sentence in str(caught.value)
