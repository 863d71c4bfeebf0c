"""The terms that a recipe may weigh: each is what its definition says, by scipy or in closed cases, and blind to what
it shall not see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine import Chain, EngineError, Recipe, regularisers
from models_registry.engine import losses as terms
from models_registry.engine.data import Clips, Dataset
from models_registry.engine.objective import Objective

from .cast import awake, followed, noise

RATE = 44_100


def pair(frames=20_000):
    return [torch.from_numpy(noise(2, 1, frames, seed=seed)).double() for seed in (1, 2)]


def filters(*blocks):
    given = [{"id": f"b{n}"} | block for n, block in enumerate(blocks)]
    return Chain.from_spec({"version": 1, "rate": RATE, "blocks": given})


def test_the_absolute_error_is_in_parts_of_the_mean_absolute_target():
    _, y = pair()
    assert terms.absolute_error(torch.zeros_like(y), y).item() == pytest.approx(1, abs=1e-9)
    assert terms.absolute_error(1.25 * y, y).item() == pytest.approx(0.25, abs=1e-9)


def test_the_complex_distance_counts_phase_as_scipys_transform_does():
    x, y = pair(4_096)
    size = 256
    window = sp.windows.hann(size, sym=False)
    spectra = [
        np.abs(
            np.fft.rfft(
                np.lib.stride_tricks.sliding_window_view(one, size, -1)[..., ::64, :] * window
            )
        )
        for one in ((x - y).numpy(), y.numpy())
    ]
    expected = spectra[0].mean() / spectra[1].mean()
    assert terms.complex_distance(x, y, sizes=[size]).item() == pytest.approx(expected, rel=1e-6)
    # the polarity turned round: twice the target, which magnitudes alone would not show
    assert terms.complex_distance(-y, y, sizes=[size]).item() == pytest.approx(2, rel=1e-6)
    assert terms.spectral_distance(-y, y, sizes=[size]).item() == pytest.approx(0, abs=1e-9)


def test_an_offset_is_in_parts_of_the_targets_effective_value():
    _, y = pair()
    effective = y.square().mean().sqrt()
    assert terms.offset(y + 0.1 * effective, y).item() == pytest.approx(0.01, rel=1e-6)
    assert terms.offset(-y, y - y.mean(-1, keepdim=True)).item() < 1e-3


def test_loudness_grows_by_its_power_of_level_and_knows_no_polarity():
    _, y = pair()
    assert terms.loudness_distance(-y, y, rate=RATE).item() == pytest.approx(0, abs=1e-12)
    # 10 dB of energy to the power of 0.23 (Zwicker and Fastl 2007, eq. 8.4), above what silence adds
    found = terms.loudness_distance(y * 10**0.5, y, rate=RATE).item()
    assert found == pytest.approx(10**0.23 - 1, rel=1e-3)


def test_what_a_louder_tone_masks_costs_less_than_what_it_does_not():
    time = torch.arange(RATE, dtype=torch.float64) / RATE

    def tone(frequency, level):
        return 10 ** (level / 20) * torch.sin(2 * np.pi * frequency * time)[None, None]

    masker = tone(1_000, -10)
    near, far, soft = (
        terms.audible_error(masker + tone(*error), masker, rate=RATE).item()
        for error in ((1_100, -45), (4_000, -45), (1_100, -75))
    )
    assert terms.audible_error(masker, masker, rate=RATE).item() == 0
    assert soft < 0.1 * near
    assert near < 0.5 * far


def test_the_distance_of_modulation_is_that_of_depths_and_hardly_of_level():
    time = torch.arange(2 * RATE, dtype=torch.float64) / RATE
    carrier = torch.sin(2 * np.pi * 1_000 * time)[None, None]
    still, deep, deeper = (
        (1 + depth * torch.sin(2 * np.pi * 4 * time)) * carrier for depth in (0.0, 0.2, 0.4)
    )
    found = [terms.modulation_distance(x, deep, rate=RATE).item() for x in (deeper, still)]
    # a sinusoidal one fluctuates by its depth over the root of two, in one octave: twice the depth is as far as none
    assert found == pytest.approx([1, 1], abs=0.1)
    _, y = pair(RATE + 4_096)
    # a louder band spreads further up, and its fluctuation with it (BS.1387-2, 2.1.7)
    assert terms.modulation_distance(3 * y, y, rate=RATE).item() < 0.1
    with pytest.raises(EngineError, match="expected at least 47 frames, found"):
        terms.modulation_distance(deep[..., :20_000], deep[..., :20_000], rate=RATE)


def test_long_term_levels_know_nothing_of_when():
    _, y = pair(40_960)
    # turned round in time every window is another's, in another order
    assert terms.long_term_distance(y.flip(-1), y, rate=RATE).item() < 1e-3
    # 20 dB everywhere: (2 · 10 dB)²
    assert terms.long_term_distance(10 * y, y, rate=RATE).item() == pytest.approx(4, rel=1e-3)


def test_rough_delay_is_the_difference_of_scipys_group_delays():
    params = {"frequency": 1_000, "q": 3}
    chain = filters({"kind": "biquad", "options": {"shape": "all-pass"}, "params": params})
    b0, b1, b2, a1, a2 = chain.blocks["b0"].sections(chain.values("b0")).detach().numpy()[0]
    grid = np.geomspace(30, 16_000, 128)
    delay = 1_000 / RATE * sp.group_delay(([b0, b1, b2], [1, a1, a2]), grid, fs=RATE)[1]
    expected = np.mean(np.diff(delay) ** 2)
    assert regularisers.delay_roughness(chain).item() == pytest.approx(expected, rel=0.01)
    # the same at all frequencies costs nothing
    late = filters({"kind": "fir", "options": {"taps": 9}, "params": {"taps": [0] * 8 + [1]}})
    assert regularisers.delay_roughness(late).item() == pytest.approx(0, abs=1e-9)


def test_sparsity_is_the_mean_way_from_the_start_and_pulls_back():
    chain = filters({"kind": "gain"}, {"kind": "gain", "params": {"level": 24}})
    assert regularisers.departure(chain).item() == 0
    with torch.no_grad():
        # from the middle of −48 to 48 dB to three quarters
        getattr(chain, "b0/level").fill_(float(np.log(3)))
    found = regularisers.departure(chain)
    assert found.item() == pytest.approx(0.25 / 2)
    found.backward()
    assert getattr(chain, "b0/level").grad > 0
    assert getattr(chain, "b1/level").grad == 0


def test_control_rate_and_authority_are_mean_squares_of_what_adapters_add():
    ramp = torch.linspace(0, 0.9, 10, dtype=torch.float64)[None, None]
    moves = {"a.b": ramp, "c.d": torch.full_like(ramp, 0.5)}
    assert regularisers.restlessness(moves).item() == pytest.approx(0.1**2)
    assert regularisers.effort(moves).item() == pytest.approx((ramp**2).mean().item() + 0.25)
    assert regularisers.restlessness({}).item() == regularisers.effort({}).item() == 0


def test_every_term_that_a_recipe_may_weigh_is_logged_alone_and_leads_somewhere():
    """In one sum over a chain with an adapter, beside those that want a network of gains."""
    of_gains = {"band_gain", "bin_gain", "disturbance"}
    weights = {f"loss.{name}": "0.5" for name in terms.OPTIONAL_TERMS if name not in of_gains}
    recipe = Recipe.load(
        "overdrive-adapter", {"training.segment": "45168", "data.skip": "0"} | weights
    )
    rate = 8_000
    x, y = (one[:1].float() for one in pair(rate + 1_000))
    clips = Clips(x, y)
    objective = Objective(recipe.loss, Dataset(clips, clips, rate, 0, True))
    chain = awake(Chain.from_spec(followed() | {"rate": rate}))
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter.add_(0.1)
    found = objective.terms(chain, clips)
    assert set(found) == set(terms.OPTIONAL_TERMS) - of_gains | {
        "esr",
        "stft",
        "smoothness",
        "curvature",
    }
    for name, term in found.items():
        slopes = torch.autograd.grad(
            term, list(chain.parameters()), retain_graph=True, allow_unused=True
        )
        assert any(slope is not None and slope.abs().max() > 0 for slope in slopes), name
