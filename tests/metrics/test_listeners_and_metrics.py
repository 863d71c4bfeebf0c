"""Real codecs, real listeners: what four metrics of speech are worth where codecs do not keep the waveform."""

import ast

import numpy as np
import pandas as pd
import pytest

from metrics.scoring import Pair, score_pairs
from models_registry.audio import read

# published.json in the data set's folder, computed there with another resampler.
PEARSON = {"pesq-wb": -0.105, "stoi": -0.143, "estoi": -0.086, "si-sdr": -0.230}


def test_item_level_correlations_of_112_codec_recordings(shared):
    """Mean ratings after screening against scores of mono, equally long recordings at 24 kHz."""
    folder = shared / "data" / "ratings" / "mushra_neural_codec"
    table = pd.read_csv(folder / "ratings_formated_filtered.csv")
    systems = table[~table["condition"].isin(["Reference", "Anchor"])]
    files = systems["file"].str.removesuffix(".wav")
    rated = dict(zip(files, systems["ratings"].map(ast.literal_eval).map(np.mean), strict=True))
    assert len(rated) == 112

    def pairs():
        for name in rated:
            yield Pair(
                name,
                read(folder / "audio" / name.split("/")[0] / "ref.flac"),
                read(folder / "audio" / f"{name}.flac"),
            )

    scored = dict(score_pairs(pairs(), PEARSON))
    means = [rated[name] for name in scored]
    for number, (metric, published) in enumerate(PEARSON.items()):
        values = [results[number].value for results in scored.values()]
        assert np.corrcoef(values, means)[0, 1] == pytest.approx(published, abs=0.003), metric
