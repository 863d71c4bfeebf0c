"""What the cards promise is shown by every kind of block, and a broken promise is found out; suites refuse nonsense."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.engine import Chain, probes
from models_registry.engine.blocks import BLOCKS, SoundBlock
from models_registry.engine.contract import Expectation, SpecError
from models_registry.engine.probes.kinds import ProbeError
from models_registry.engine.probes.running import promises, tried
from models_registry.engine.probes.suite import Probe, parsed

from .cast import BRIEF

RATE = 16_000
SHORT = (
    Probe("silence", "silence", {"seconds": 0.2}),
    Probe("tones", "multitone", {"high": 7_000}),
    Probe("levels", "levels", {"softest": -60, "step": 20}),
    Probe("impulse", "impulse"),
)
QUIET = [kind for kind, block in BLOCKS.items() if not issubclass(block, SoundBlock)]


# a second and more of work each, to say of few parameters what the others say
SLOW = {"graphic-equaliser", "ear-weighting"}


def alone(kind, rate=RATE, **params):
    return alone_with(kind, params, rate=rate)


def alone_with(kind, params, *, rate=RATE):
    block = {"id": "b", "kind": kind, "options": BRIEF.get(kind, {}), "params": params}
    return Chain.from_spec({"version": 1, "rate": rate, "blocks": [block]}).double()


@pytest.mark.parametrize("kind", QUIET)
def test_every_kind_of_block_keeps_its_promises(kind):
    found = promises(alone(kind), "b", SHORT)
    assert len(found) == len(BLOCKS[kind].card.expected) > 0
    assert [one for one in found if not one.holds] == []


@pytest.mark.parametrize("kind", [kind for kind in QUIET if kind not in SLOW])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind_of_block_keeps_its_promises_wherever_its_parameters_are(kind, seed):
    """ "Whatever its parameters": single ones are drawn from their ranges, all but the outermost twentieths."""
    draw = np.random.default_rng([seed, *kind.encode()])
    block = alone(kind).blocks["b"]
    drawn = {
        name: float(one.physical(draw.uniform(0.05, 0.95)))
        for name, one in block.parameters.items()
        if one.size == 1
    }
    found = promises(alone_with(kind, drawn), "b", SHORT)
    assert [(one, drawn) for one in found if not one.holds] == []


def test_a_follower_is_read_when_it_is_at_rest():
    """An expander of a slow release that was read too soon seemed to turn down what got louder."""
    slow = {"threshold": -40, "ratio": 30, "range": 31, "attack": 30, "release": 600}
    found = promises(alone("expander", **slow), "b", SHORT)
    assert [one for one in found if not one.holds] == []


def test_a_promise_that_is_broken_is_found_out():
    card = BLOCKS["gain"].card
    object.__setattr__(card, "expected", (Expectation("impulse", "level", least=3),))
    try:
        (found,) = promises(alone("gain", level=-6), "b", SHORT)
    finally:
        from models_registry.engine.blocks.promises import LINEAR

        object.__setattr__(card, "expected", LINEAR)
    assert found.value == pytest.approx(-6, abs=1e-6)
    assert not found.holds


def test_the_whole_chain_is_read_without_its_delay():
    chain = alone("limiter", rate=44_100)
    found = tried(chain, Probe("impulse", "impulse", {"level": -40}))
    assert found.finding.values["peak"] == pytest.approx(0, abs=0.1)


def test_what_a_rate_cannot_hold_is_said_and_not_read():
    found = tried(alone("gain"), Probe("high", "sine", {"frequency": 12_000}))
    assert found.finding is None
    assert "up to 7840 Hz at 16000 Hz" in found.reason


def test_an_expectation_has_a_bound():
    with pytest.raises(SpecError, match="expected a bound for level"):
        Expectation("silence", "level")


def test_the_shipped_suites_can_be_read():
    for name in probes.suite.shipped():
        found = probes.suite.load(name)
        assert {one.kind for one in found.probes} == set(probes.names())
        assert found.sha256 == probes.suite.load(name).sha256


SINE = {"name": "a", "kind": "sine"}
JUDGED = {"si-sdr": {"limit": 0, "tolerance": 1}}
LADDER = {"name": "l", "damage": "level", "at": [0, -10], "judged": JUDGED}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "expected names and values, found list"),
        ({}, "expected 1 to 200 probes and ladders, found 0"),
        ({"probes": [SINE, SINE]}, "expected names that differ, found 'a' twice"),
        ({"probes": [{"name": "a", "kind": "sinus"}]}, "found 'sinus'"),
        ({"probes": [{**SINE, "pitch": 1}]}, "probe 1: expected settings of frequency"),
        ({"probes": [{**SINE, "level": "loud"}]}, "level: expected a number, found 'loud'"),
        ({"probes": [{**SINE, "tolerances": {"hum": 1}}]}, "found 'hum'"),
        ({"ladders": [{**LADDER, "damage": "fire"}]}, "expected a damage of .*, found 'fire'"),
        ({"ladders": [{**LADDER, "source": "pitch"}]}, "either a damage or a source"),
        ({"ladders": [{**LADDER, "at": [0]}]}, "at least two degrees, found 1"),
        ({"ladders": [{**LADDER, "at": [0, 99]}]}, "expected -80 to 20 dB, found 99"),
        ({"ladders": [{**LADDER, "sources": ["kazoo"]}]}, "found 'kazoo'"),
        ({"ladders": [{**LADDER, "judged": {}}]}, "expected a metric to be judged by"),
        ({"ladders": [{**LADDER, "judged": {"si-sdr": {"limit": 1}}}]}, "tolerance: expected a number"),
    ],
)  # fmt: skip
def test_a_suite_that_cannot_be_understood_says_where(data, sentence):
    with pytest.raises(ProbeError, match=sentence):
        parsed(data, name="mine")
