"""The disturbance that gains are trained to lessen: it ranks mixtures as PESQ does, and adds P.862's asymmetry."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry import noises
from models_registry.audio import Audio
from models_registry.engine.blocks import SpectralGains
from models_registry.engine.disturbance import CEILING, disturbance
from models_registry.instruments import voice

RATE = 16_000
BLOCK = SpectralGains(RATE, {"bands": 64, "window": 32})


def power(signal):
    return BLOCK.spectra(torch.from_numpy(np.atleast_2d(signal))).abs().square()


def of(found, wanted):
    return disturbance(found, wanted, weights=BLOCK.weights, centres=BLOCK.centres, rate=RATE)


@pytest.fixture(scope="module")
def spoken():
    one = voice(3.0, RATE, np.random.default_rng(3), pitch=120.0)
    return 0.3 * one / np.abs(one).max()


def test_mixtures_are_ranked_as_pesq_ranks_them(spoken):
    """The package `pesq`, ITU-T P.862.2."""
    pytest.importorskip("pesq")
    from metrics.scoring import score

    quality, disturbed = [], []
    for n, kind in enumerate(("white", "pink", "machine", "babble")):
        noise = noises.NOISES[kind](3.0, RATE, np.random.default_rng(n))[: spoken.size]
        for ratio in (0, 10, 20, 30):
            scale = np.sqrt(np.mean(spoken**2) / np.mean(noise**2)) * 10 ** (-ratio / 20)
            noisy = spoken + scale * noise
            clean, degraded = (Audio(one[None].astype(np.float32), RATE) for one in (spoken, noisy))
            quality.append(score(clean, degraded, ("pesq-wb",), isolate=False)[0].value or 0.0)
            disturbed.append(of(power(noisy), power(spoken)).item())
    assert np.corrcoef(quality, disturbed)[0, 1] < -0.9


def test_nothing_disturbs_where_nothing_differs_and_all_stays_below_the_ceiling(spoken):
    clean = power(spoken)
    assert of(clean, clean).item() < 0.05 * CEILING
    assert of(1e6 * clean, clean).item() <= CEILING + 1e-3


def test_what_is_added_disturbs_more_than_what_is_left_out(spoken):
    clean = power(spoken)
    assert of(10 * clean, clean).item() > of(clean / 10, clean).item() > 0.2 * CEILING


def test_how_loud_both_are_does_not_matter(spoken):
    clean, noisy = power(spoken), power(spoken) + 1e-4
    assert of(100 * noisy, 100 * clean).item() == pytest.approx(of(noisy, clean).item(), rel=1e-4)


def test_the_slope_is_right_and_finite_even_where_nothing_differs(spoken):
    clean = power(spoken)[:, 20:24]
    found = (1.7 * clean).requires_grad_()
    assert torch.autograd.gradcheck(lambda one: of(1e-6 + one, clean), (found,), atol=1e-3)
    same = clean.clone().requires_grad_()
    of(same, clean).sum().backward()
    assert same.grad.isfinite().all()
