"""The drawing of a chain: serial as ever, branches in one box that says what is in them."""

from __future__ import annotations

from listening.views.diagram import BOX_WIDTH, GAP, diagram


def entry(name, kind="gain"):
    return {"id": name, "kind": kind, "params": {}}


MIX = {
    "id": "mix",
    "kind": "parallel",
    "branches": [[], [entry("pre", "equaliser"), entry("drive", "waveshaper")]],
}


def test_serial_boxes_stand_at_equal_distances():
    drawn = diagram({"blocks": [entry("a"), entry("b"), entry("c")]})
    one, two, three = (block.x for block in drawn.blocks)
    assert two - one == three - two == BOX_WIDTH + GAP


def test_branches_are_one_box_that_says_their_sum():
    drawn = diagram({"blocks": [entry("first"), MIX, entry("level")]})
    first, mix, level = drawn.blocks
    assert mix.kind == "(input) + (pre → drive)"
    assert mix.width > BOX_WIDTH
    assert first.right + GAP == mix.x
    assert mix.right + GAP == level.x


def test_an_adapter_points_at_the_box_of_the_branch_it_moves():
    follower = {"kind": "follower", "targets": {"drive.bias": 0.2}}
    drawn = diagram({"blocks": [MIX, entry("level")], "adapters": [follower]})
    assert drawn.adapters[0].lines == (drawn.blocks[0].centre,)
