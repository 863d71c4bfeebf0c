"""Losses against their published definitions, computed another way (scipy.signal, numpy), and against known cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine import Chain
from models_registry.engine.blocks import Equaliser
from models_registry.engine.contract import EngineError
from models_registry.engine.losses import (
    LOG_FLOOR,
    error_to_signal,
    scale_invariant_error,
    spectral_distance,
)
from models_registry.engine.regularisers import curve_roughness, response_roughness

from .cast import BACKENDS, noise, spec


def magnitudes(x, size):
    # scipy's transform with a periodic Hann window, full frames only, unscaled
    window = sp.windows.hann(size, sym=False)
    transform = sp.ShortTimeFFT(window, size // 4, fs=1, fft_mode="onesided", phase_shift=None)
    first = transform.lower_border_end[1]
    frames = (x.size - size) // (size // 4) + 1
    return np.abs(transform.stft(x, p0=first, p1=first + frames))


@pytest.mark.parametrize("sizes", [[64], [128, 512]])
def test_spectral_distance_is_yamamotos(sizes):
    x, y = (noise(4_096, seed=seed).astype(np.float64) for seed in (1, 2))
    expected = np.float64(0)
    for size in sizes:
        found, wanted = magnitudes(x, size), magnitudes(y, size)
        floor = LOG_FLOOR * wanted.max()
        expected += np.linalg.norm(wanted - found) / np.linalg.norm(wanted)
        expected += np.abs(np.log(found + floor) - np.log(wanted + floor)).mean()
    loss = spectral_distance(torch.from_numpy(x), torch.from_numpy(y), sizes=sizes)
    assert loss.item() == pytest.approx(expected / len(sizes), rel=1e-9)


def test_the_floor_follows_the_target_so_level_does_not_matter():
    x, y = (torch.from_numpy(noise(2_048, seed=seed)).double() for seed in (1, 2))
    one = spectral_distance(x, y, sizes=[256])
    other = spectral_distance(x / 100, y / 100, sizes=[256])
    assert other.item() == pytest.approx(one.item(), rel=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_equal_signals_cost_nothing_and_give_no_nan(backend):
    y = torch.from_numpy(noise(1, 1_000))
    x = y.clone().requires_grad_()
    loss = spectral_distance(x, y, sizes=[128], backend=backend) + error_to_signal(x, y)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_silence_as_an_estimate_gives_a_finite_gradient(backend):
    x = torch.zeros(1, 1_000, requires_grad=True)
    y = torch.from_numpy(noise(1, 1_000))
    loss = spectral_distance(x, y, sizes=[128], backend=backend) + error_to_signal(x, y)
    loss.backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_sample_that_is_not_a_number_makes_a_distance_that_is_none(backend):
    x, y = (torch.from_numpy(noise(1, 1_000, seed=seed)) for seed in (1, 2))
    x[0, 500] = torch.nan
    assert spectral_distance(x, y, sizes=[128], backend=backend).isnan()


def test_signals_of_different_lengths_are_refused_before_any_loop_reads_past_one():
    with pytest.raises(EngineError, match=r"target's shape \(1, 900\), found \(1, 1000\)"):
        spectral_distance(torch.zeros(1, 1_000), torch.zeros(1, 900), sizes=[128])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_spectral_distance_of_float32_is_that_of_float64_to_seven_digits(backend):
    # of as many bins as a batch has, whose sums lose digits where they are added in float32
    x, y = (torch.from_numpy(noise(4, 48_000, seed=seed)) for seed in (1, 2))
    values = [
        spectral_distance(*pair, sizes=[512], floor=0.0, backend=backend).item()
        for pair in ((x, y), (x.double(), y.double()))
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-7)


def test_error_to_signal_has_known_values():
    # nothing leaves all of the target: 1; the polarity inverted leaves twice it: 4; -20 dB of error: 0.01
    y = torch.from_numpy(noise(2, 500))
    assert error_to_signal(torch.zeros_like(y), y).item() == pytest.approx(1)
    assert error_to_signal(-y, y).item() == pytest.approx(4)
    assert error_to_signal(1.1 * y, y).item() == pytest.approx(0.01, rel=1e-4)


def test_response_roughness_is_the_second_difference_of_scipys_response():
    chain = Chain.from_spec(spec())
    grid = np.geomspace(30, 16_000, 128)
    step = np.log2(grid[1] / grid[0])
    expected = 0.0
    for name in ("pre", "post"):
        sections = Equaliser(44_100).sections(chain.values(name)).detach().numpy()
        response = sp.freqz_sos(np.insert(sections, 3, 1.0, axis=1), grid, fs=44_100)[1]
        level = 20 * np.log10(np.abs(response))
        expected += np.mean((np.diff(level, 2) / step**2) ** 2)
    assert response_roughness(chain).item() == pytest.approx(expected, rel=1e-6)


def test_a_flat_chain_is_smooth_and_a_sharper_peak_is_rougher():
    def roughness(**params):
        blocks = [{"id": "e", "kind": "equaliser", "params": params}, {"id": "g", "kind": "gain"}]
        return response_roughness(Chain.from_spec(spec(blocks=blocks))).item()

    assert roughness() == pytest.approx(0, abs=1e-12)
    assert roughness(peak2_gain=6, peak2_q=8) > 10 * roughness(peak2_gain=6, peak2_q=1) > 0


def test_a_straight_curve_is_smooth_and_one_point_out_of_line_costs_its_second_difference():
    chain = Chain.from_spec(spec())
    assert curve_roughness(chain).item() == pytest.approx(0, abs=1e-12)
    curve = np.asarray(chain.readings()["drive.curve"].value).tolist()
    curve[20] += 0.1
    blocks = [{"id": "drive", "kind": "waveshaper", "params": {"curve": curve}}]
    # second differences of a spike h: h, -2h, h
    expected = 6 * 0.1**2 / (len(curve) - 2)
    assert curve_roughness(Chain.from_spec(spec(blocks=blocks))).item() == pytest.approx(
        expected, rel=1e-6
    )


def test_the_scale_invariant_error_is_the_inverse_of_si_sdr():
    from metrics.scoring import score
    from models_registry.audio import Audio

    target, estimate = noise(1, 8_000), noise(1, 8_000) + noise(1, 8_000, seed=1, level=0.05)
    heard = [Audio(one, 8_000) for one in (target, estimate)]
    (result,) = score(heard[0], heard[1], ["si-sdr"], isolate=False)
    # the metric takes the mean away first
    pair = [torch.from_numpy(one - one.mean()).double() for one in (estimate, target)]
    assert -10 * scale_invariant_error(*pair).log10().item() == pytest.approx(
        result.value, abs=1e-3
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [50, 63, 128])
def test_without_a_floor_the_spectral_distance_and_its_gradient_are_those_of_torchs_own_transform(
    size, backend
):
    # whole windows or not, even or odd: torch.stft, and its gradient by autograd
    x, y = (torch.from_numpy(noise(2, 1_111, seed=seed)).double() for seed in (1, 2))
    x.requires_grad_()
    window = torch.hann_window(size, dtype=torch.float64)
    found, wanted = (
        torch.stft(one, size, size // 4, window=window, center=False, return_complex=True).abs()
        for one in (x, y)
    )
    expected = torch.linalg.norm(found - wanted) / torch.linalg.norm(wanted)
    expected = expected + (found.log() - wanted.log()).abs().mean()
    loss = spectral_distance(x, y, sizes=[size], floor=0.0, backend=backend)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    slopes = [torch.autograd.grad(3 * value, x)[0] for value in (loss, expected)]
    torch.testing.assert_close(*slopes, rtol=1e-9, atol=1e-12)
