"""The overdrive recipe on recordings of a real guitar through a simulated pedal it has never heard.

Data: DataIn and Data100 (gain 1.0) of jatinchowdhury18/KlonCentaur; the figure for the best linear FIR, 0.433, is the
one published with our copy of the data, found there by other code.
"""

from __future__ import annotations

import pytest

from models_registry.engine import Recipe, train


def test_unseen_guitar_is_much_nearer_than_the_best_linear_filter(shared, tmp_path):
    clips = shared / "data" / "audio" / "guitar_dry_wet_klon"
    recipe = Recipe.load(
        "overdrive",
        {
            "data.source": "pairs",
            "data.dry": str(clips / "DataIn"),
            "data.wet": str(clips / "Data100"),
            "data.train": "[0, 200]",
            "data.test": "[200, 240]",
            "data.skip": "8000",
            "training.steps": "250",
        },
    )
    result = train(recipe, seed=0, directory=tmp_path)
    assert result.validation_esr is not None
    assert result.baseline_esr is not None
    print(f"ESR {result.validation_esr:.3f}, best linear FIR {result.baseline_esr:.3f}")
    assert result.baseline_esr == pytest.approx(0.433, abs=0.001)
    assert result.validation_esr <= 0.6 * result.baseline_esr
