"""The overdrive recipe on recordings of a real guitar through a simulated pedal it has never heard.

Data: DataIn and Data100 (gain 1.0) of jatinchowdhury18/KlonCentaur; the figure for the best linear FIR, 0.433, is the
one published with our copy of the data, found there by other code.
"""

from __future__ import annotations

import pytest

from models_registry.engine import Recipe, train


def trained(name, steps, shared, directory):
    clips = shared / "data" / "audio" / "guitar_dry_wet_klon"
    recipe = Recipe.load(
        name,
        {
            "data.source": "pairs",
            "data.dry": str(clips / "DataIn"),
            "data.wet": str(clips / "Data100"),
            "data.train": "[0, 200]",
            "data.test": "[200, 240]",
            "data.skip": "8000",
            "training.steps": steps,
        },
    )
    result = train(recipe, seed=0, directory=directory)
    assert result.validation is not None
    assert result.baseline is not None
    print(f"ESR {result.validation:.3f}, best linear FIR {result.baseline:.3f}")
    assert result.baseline == pytest.approx(0.433, abs=0.001)
    return result


def test_unseen_guitar_is_much_nearer_than_the_best_linear_filter(shared, tmp_path):
    result = trained("overdrive", "160", shared, tmp_path)
    assert result.validation <= 0.6 * result.baseline


def test_a_clean_path_and_a_settling_operating_point_leave_a_quarter_of_that(shared, tmp_path):
    # 0.13 is what a parallel clean path alone leaves; a short training must do clearly better
    result = trained("overdrive-parallel", "150", shared, tmp_path)
    assert result.validation <= 0.08
    # the simulated pedal starts far from its rest and gets there in some 50 ms
    readings = result.chain.readings()
    assert abs(readings["settling.offset"].value) > 5
    assert 35 < readings["settling.time"].value < 75
