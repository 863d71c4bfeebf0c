"""Occlusion is captum's ablation of bins by tile, and needs no gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation

from models_registry.engine import EngineError
from models_registry.engine.explain import METHODS, OCCLUSION, Plane, Scored, explain, grid_of

from .cast import asked, bent, chain


def test_tiles_are_taken_out_as_captum_takes_out_features():
    question = asked(bent())
    tiles = question.tiles(bands=4, steps=3)
    plane = question.plane
    spectra = torch.view_as_real(plane.spectra(question.signal))[None]
    features = tiles.spread(np.arange(tiles.count).reshape(tiles.shape)).long()

    def through_spectra(rows):
        return question(plane.signal(torch.view_as_complex(rows.contiguous())))

    theirs = FeatureAblation(through_spectra).attribute(
        spectra, feature_mask=features[None, None, ..., None]
    )[0, 0, ..., 0]
    ours = tiles.spread(explain(question, OCCLUSION, tiles=tiles).tiles)
    np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-7, atol=1e-9)


def test_the_longer_a_sound_the_fewer_tiles_are_tried():
    """Each tile is one rendering of the whole sound."""
    rendered = {s: s * grid_of(OCCLUSION, Plane(16_000, 16_000 * s)).count for s in (1, 2, 4)}
    assert max(rendered.values()) <= 650
    assert grid_of(OCCLUSION, Plane(16_000, 16_000 * 20)).count >= 90
    assert grid_of("relevance", Plane(16_000, 16_000 * 20)).count >= 350


def test_some_tiles_alone_are_as_among_all():
    question = asked(bent())
    tiles = question.tiles(bands=4, steps=3)
    only = np.array([1, 6, 7, 11])
    whole = explain(question, OCCLUSION, tiles=tiles).tiles.ravel()
    some = explain(question, OCCLUSION, tiles=tiles, only=only).tiles.ravel()
    np.testing.assert_array_equal(some[only], whole[only])
    assert not np.delete(some, only).any()


def test_a_number_without_a_gradient_is_explained_by_occlusion_alone():
    question = asked(chain(("gain", {})))
    question.target = Scored("largest sample", lambda samples: float(np.abs(samples).max()))
    assert explain(question, OCCLUSION).tiles.max() > 0
    for method in METHODS:
        if method != OCCLUSION:
            with pytest.raises(EngineError, match="explain it by occlusion"):
                explain(question, method)
