"""Two specifications compared in words: what is said is what changed, and nothing else."""

from __future__ import annotations

import pytest

from models_registry.engine import Chain, SpecError, differences

from .cast import followed, spec

PEAK = {"id": "peak", "kind": "biquad", "params": {"frequency": 800}}
LEVEL = {"id": "level", "kind": "gain"}


def of(*blocks, **more):
    return {"version": 1, "rate": 48_000, "blocks": list(blocks)} | more


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (of(PEAK), of(PEAK | {"params": {}}), ["peak.frequency: 1000 Hz, was 800 Hz"]),
        (of(PEAK), of(PEAK, LEVEL), ["block 'level' (gain) is new"]),
        (of(PEAK, LEVEL), of(PEAK), ["block 'level' (gain) is gone"]),
        (of(PEAK, LEVEL), of(LEVEL, PEAK), ["order: level, peak, was peak, level"]),
        (of(PEAK), of(PEAK, rate=44_100), ["rate: 44100 Hz, was 48000 Hz"]),
        (
            of(LEVEL),
            of(LEVEL | {"kind": "clipper"}),
            ["block 'level': kind clipper, was gain"],
        ),
        (
            of(PEAK),
            of(PEAK | {"options": {"shape": "notch"}}),
            ["peak shape: notch, was peak", "peak.gain is gone"],
        ),
        (of(LEVEL), of(LEVEL | {"frozen": ["level"]}), ["level.level is now frozen"]),
        (of(LEVEL | {"frozen": ["level"]}), of(LEVEL), ["level.level is now free"]),
        (
            of(LEVEL),
            of(LEVEL | {"bounds": {"level": [-6, 6]}}),
            ["level bounds level: -6 to 6, was none"],
        ),
        (
            of(LEVEL, LEVEL | {"id": "other"}),
            of(LEVEL, LEVEL | {"id": "other", "tied": {"level": "level.level"}}),
            ["other tied level: level.level, was none"],
        ),
        (
            of({"id": "f", "kind": "fir", "options": {"taps": 3}}),
            of({"id": "f", "kind": "fir", "options": {"taps": 3}, "params": {"taps": [1, 0, 0.5]}}),
            ["f.taps: 1 of 3 values changed, most number 3: 0.5, was 0"],
        ),
        (
            of(LEVEL, {"id": "mix", "kind": "parallel", "branches": [[], [PEAK]]}),
            of(LEVEL, {"id": "mix", "kind": "parallel", "branches": [[PEAK], []]}),
            ["block 'peak' is now in branch 1 of 'mix', was in branch 2 of 'mix'"],
        ),
        (spec(), followed(), ["adapter 1 (follower) is new"]),
    ],
)
def test_a_change_is_said_in_words(before, after, said):
    assert differences(before, after) == said


def test_an_adapters_authority_and_options_are_compared():
    after = followed()
    after["adapters"][0] = after["adapters"][0] | {"targets": {"drive.bias": 0.3}, "hidden": 8}
    assert differences(followed(), after) == [
        "adapter 1 targets drive.bias: 0.3, was 0.2",
        "adapter 1 targets drive.drive: none, was 0.1",
        "adapter 1 hidden: 8, was 6",
    ]


def test_equal_hashes_are_no_difference():
    written_out = Chain.from_spec(followed()).spec()
    assert differences(followed(), written_out) == []


def test_what_is_no_specification_is_refused():
    with pytest.raises(SpecError, match="expected an object"):
        differences(spec(), [])
