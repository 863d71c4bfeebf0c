"""Short-time spectra against scipy's STFT, formulas of the literature written out, and what the windows guarantee."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy import signal as sp

from models_registry.engine import Chain, render
from models_registry.engine.auditory import band_weights
from models_registry.engine.blocks import (
    BLOCKS,
    DeepFilter,
    HarmonicFilter,
    SpectralGains,
    SpectralGate,
    Wiener,
)
from models_registry.engine.contract import SpecError

from .cast import noise, random_values, spec

RATE = 16_000


def tensor(value):
    return torch.as_tensor(value, dtype=torch.float64)


def at_defaults(block):
    return {
        name: tensor(p.default) if isinstance(p.default, tuple) else tensor([p.default] * p.size)
        for name, p in block.parameters.items()
    }


@settings(max_examples=25, deadline=None)
@given(
    rate=st.sampled_from([8_000, 16_000, 44_100, 48_000, 96_000]),
    window=st.integers(1, 40),
    overlap=st.integers(2, 8),
    frames=st.integers(1, 5_000),
    kind=st.sampled_from(["spectral-gains", "deep-filter"]),
)
def test_what_is_left_alone_comes_back_exactly(rate, window, overlap, frames, kind):
    block = BLOCKS[kind](rate, {"window": window, "overlap": overlap, "bands": 5})
    x = torch.from_numpy(noise(2, 1, frames)).double()
    late = torch.nn.functional.pad(x, (0, block.outlet.latency))
    y, _ = block.process(late, at_defaults(block), None)
    assert (y[..., block.outlet.latency :] - x).abs().max() < 1e-13


@pytest.mark.parametrize("overlap", [2, 4])
def test_levels_act_on_scipys_short_time_spectra(overlap):
    block = SpectralGains(RATE, {"bands": 12, "overlap": overlap})
    values = random_values(block)
    x = noise(4_000).astype(np.float64)
    window = np.sqrt(sp.windows.hann(block.size, sym=False))
    # an overlap of m halves the sum of squared windows m times over two
    stft = sp.ShortTimeFFT(window, block.hop, RATE, dual_win=window * 2 / overlap)
    gains = 10 ** (values["gains"].numpy() / 20) @ band_weights(RATE, block.size, 12).numpy()
    expected = stft.istft(stft.stft(x) * gains[:, None], k1=x.size)
    late = torch.nn.functional.pad(torch.from_numpy(x)[None, None], (0, block.size - 1))
    found = block.process(late, values, None)[0].ravel()[block.size - 1 :]
    # scipy centres its frames; with an even overlap both grids hold the sample 0
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_levels_heard_ahead_act_on_the_frames_before_them():
    plain, ahead = (SpectralGains(RATE, {"bands": 6, "ahead": n}) for n in (0, 3))
    x = torch.from_numpy(noise(1, 1, 3_000)).double()
    steps, late = 3_000 // plain.hop, 3 * plain.hop
    track = torch.from_numpy(noise(1, 1, steps, 6, level=20)).double()
    now = torch.cat([track[:, :, 3:], track[:, :, :3]], dim=2)
    wanted, _ = plain.process(x, {"gains": now}, None)
    found, _ = ahead.process(x, {"gains": track}, None)
    assert ahead.outlet.latency == plain.outlet.latency + late
    torch.testing.assert_close(found[..., late:], wanted[..., :-late], atol=1e-12, rtol=0)
    assert not found[..., :late].any()
    parts, state, begun = [], None, 0
    for frames in (1, 700, 160, 2_139):
        first, last = begun // plain.hop, (begun + frames) // plain.hop
        values = {"gains": track[:, :, first:last]}
        part, state = ahead.process(x[..., begun : begun + frames], values, state)
        parts.append(part)
        begun += frames
    torch.testing.assert_close(torch.cat(parts, -1), found, atol=1e-12, rtol=0)


def test_levels_may_change_from_frame_to_frame():
    block = SpectralGains(RATE, {"bands": 6})
    x = torch.from_numpy(noise(2, 2, 3_000)).double()
    steps = 3_000 // block.hop
    track = torch.zeros(2, 2, steps, 6, dtype=torch.float64)
    still, _ = block.process(x, {"gains": track}, None)
    np.testing.assert_array_equal(still, block.process(x, {"gains": track[0, 0, 0]}, None)[0])
    # frames before the tenth are down by 60 dB, those behind untouched
    track[:, :, :10] = -60
    moved, _ = block.process(x, {"gains": track}, None)
    change = block.size - 1 + 10 * block.hop - block.size
    np.testing.assert_allclose(
        moved[..., : change - block.hop], 1e-3 * still[..., : change - block.hop], atol=1e-12
    )
    settled = change + block.size
    np.testing.assert_allclose(moved[..., settled:], still[..., settled:], atol=1e-12)
    # divided, each stretch brings the values of the frames that end in it
    first, state = block.process(x[..., :1_000], {"gains": track[:, :, : 1_000 // block.hop]}, None)
    rest, _ = block.process(x[..., 1_000:], {"gains": track[:, :, 1_000 // block.hop :]}, state)
    np.testing.assert_allclose(torch.cat([first, rest], -1), moved, atol=1e-13)


def test_frame_by_frame_levels_pass_gradcheck():
    block = SpectralGains(8_000, {"bands": 3, "window": 1})
    x = torch.from_numpy(noise(1, 2, 24)).double()
    track = (-20 + 20 * torch.from_numpy(noise(1, 2, 24 // block.hop, 3)).double()).requires_grad_()
    assert torch.autograd.gradcheck(lambda g: block.process(x, {"gains": g}, None)[0], [track])


def test_an_adapter_that_speaks_once_per_sample_does_not_move_what_changes_once_per_frame():
    blocks = [{"id": "m", "kind": "spectral-gains"}]
    follower = {"kind": "follower", "targets": {"m.gains": 0.2}}
    with pytest.raises(SpecError, match="expected a time-varying parameter, found 'm.gains'"):
        Chain.from_spec(spec(blocks=blocks, adapters=[follower]))


def test_a_single_real_tap_is_a_level_and_a_later_one_a_delay_by_a_hop():
    block = DeepFilter(RATE, {"bands": 2, "order": 3})
    x = torch.from_numpy(noise(1, 1, 4_000)).double()
    zero = torch.zeros(6, dtype=torch.float64)
    taps = zero.clone()
    taps[4:] = 0.5
    found, _ = block.process(x, {"real": taps, "imaginary": zero}, None)
    lag = block.outlet.latency + 2 * block.hop
    # two hops later, whole frames add up as they did
    np.testing.assert_allclose(found[..., lag:], 0.5 * x[..., : 4_000 - lag], atol=1e-13)


def test_above_the_highest_band_of_a_deep_filter_nothing_is_filtered():
    block = DeepFilter(RATE, {"bands": 4, "order": 2, "highest": 2_000})
    zero = torch.zeros(8, dtype=torch.float64)
    time = torch.arange(8_000, dtype=torch.float64) / RATE
    low, high = (torch.sin(2 * torch.pi * f * time)[None, None] for f in (1_000, 4_000))
    found, _ = block.process(low + high, {"real": zero, "imaginary": zero}, None)
    late = block.outlet.latency
    np.testing.assert_allclose(found[..., 2_000:], high[..., 2_000 - late : -late], atol=1e-3)
    assert block.centres[-1].item() == pytest.approx(2_000)


def test_a_steady_tone_has_the_gain_of_the_profile():
    block = DeepFilter(RATE, {"bands": 8, "order": 4})
    values = random_values(block, 1)
    # all bands alike, so that the tone's bins are
    values = {n: v.reshape(4, 8)[:, :1].expand(4, 8).flatten() for n, v in values.items()}
    centres, profile = block.profile(values)
    time = torch.arange(RATE // 2, dtype=torch.float64) / RATE
    for band in (3, 6):
        tone = torch.sin(2 * torch.pi * centres[band] * time)[None, None]
        y = block.process(tone, values, None)[0].ravel()[2_000:]
        level = 10 * np.log10(2 * y.square().mean().item())
        assert level == pytest.approx(profile["gain of a steady tone"][band].item(), abs=0.05)


def test_band_powers_are_mean_squares():
    block = SpectralGate(RATE)
    x = noise(RATE, level=0.1).astype(np.float64)
    spectra = torch.fft.rfft(torch.from_numpy(x).unfold(0, block.size, block.hop) * block.window)
    total = block.band_power(spectra[None]).sum(-1).mean().item()
    assert total == pytest.approx(np.mean(x**2), rel=0.03)


def gate_values(block, **changes):
    values = {"threshold": 10.0, "knee": 3.0, "range": 20.0, "attack": 1.0, "release": 1.0}
    return {n: tensor(v) for n, v in (values | changes).items()} | {
        "noise": torch.full((block.options["bands"],), -60.0, dtype=torch.float64)
    }


def test_a_gate_lets_loud_bands_through_and_turns_soft_ones_down():
    block = SpectralGate(RATE)
    time = np.arange(RATE) / RATE
    loud = np.sin(2 * np.pi * 500 * time)
    soft = 1e-3 * np.sin(2 * np.pi * 4_000 * time)
    x = tensor(loud + soft)[None, None]
    y = block.process(x, gate_values(block), None)[0].ravel()[2 * block.size :].numpy()
    spectrum = np.abs(np.fft.rfft(y * np.hanning(y.size)))
    at = np.fft.rfftfreq(y.size, 1 / RATE)
    high = spectrum[at > 3_000].max() / spectrum.max()
    # the soft tone, 60 dB below, is at the noise in its bands: 20 dB more come off
    assert 20 * np.log10(high) == pytest.approx(-80, abs=0.5)


def test_a_gate_opens_and_closes_with_its_time_constants():
    block = SpectralGate(RATE, {"bands": 4, "window": 4})
    values = gate_values(block, attack=20.0, release=80.0)
    burst = np.where(np.arange(2 * RATE) < RATE, 1.0, 1e-3) * noise(2 * RATE, seed=3)
    spectra = torch.fft.rfft(tensor(burst).unfold(0, block.size, block.hop) * block.window)[None]
    shaped, _ = block.shaped(spectra, values, None)
    reduction = -20 * torch.log10((shaped / spectra).abs()[0, :, 8]).numpy()
    edge = RATE // block.hop
    after = edge + round(0.08 * RATE / block.hop)
    assert reduction[edge - 5] == pytest.approx(0, abs=0.2)
    assert reduction[after] == pytest.approx(20 * (1 - np.exp(-1)), abs=1)


@pytest.mark.parametrize("rule", ["wiener", "log-spectral"])
def test_gains_are_ephraim_and_malahs_written_out(rule):
    block = Wiener(RATE, {"bands": 5, "rule": rule})
    values = {"noise": tensor([-30.0] * 5), "memory": tensor(0.9), "floor": tensor(-40.0)}
    x = noise(6_000, level=0.1, seed=2).astype(np.float64)
    spectra = torch.fft.rfft(tensor(x).unfold(0, block.size, block.hop) * block.window)[None]
    gamma = block.band_power(spectra)[0].numpy() / 1e-3
    expected, before = [], np.zeros(5)
    for frame in gamma:
        xi = np.maximum(0.9 * before + 0.1 * np.maximum(frame - 1, 0), 1e-4)
        gain = xi / (1 + xi)
        if rule == "log-spectral":
            tails = [integrate.quad(lambda t: np.exp(-t) / t, v, np.inf)[0] for v in gain * frame]
            gain = np.minimum(gain * np.exp(np.array(tails) / 2), 1)
        before = gain**2 * frame
        expected.append(0.01 + 0.99 * gain)
    shaped, _ = block.shaped(spectra, values, None)
    weighed = np.array(expected) @ block.weights.numpy()
    np.testing.assert_allclose((shaped / spectra)[0].abs().numpy(), weighed, atol=1e-7)


def test_a_wiener_gain_takes_noise_from_a_tone():
    block = Wiener(RATE)
    time = np.arange(2 * RATE) / RATE
    clean = 0.3 * np.sin(2 * np.pi * 440 * time)
    hiss = noise(2 * RATE, level=0.03, seed=1).astype(np.float64)
    spectra = torch.fft.rfft(tensor(hiss).unfold(0, block.size, block.hop) * block.window)[None]
    level = 10 * torch.log10(block.band_power(spectra).mean((0, 1)) + 1e-12)
    values = {"noise": level, "memory": tensor(0.98), "floor": tensor(-25.0)}
    late = block.outlet.latency
    y = block.process(tensor(clean + hiss)[None, None], values, None)[0].ravel().numpy()[late:]
    error = y[RATE:] - clean[RATE : 2 * RATE - late]
    assert 10 * np.log10(np.mean(hiss**2) / np.mean(error**2)) > 8


@pytest.mark.parametrize(("periods", "sides"), [(1, "both"), (3, "both"), (2, "before")])
def test_harmonics_pass_and_noise_between_them_falls(periods, sides):
    block = HarmonicFilter(RATE, {"periods": periods, "sides": sides})
    # 160 Hz: a period of exactly 100 samples
    values = {"frequency": tensor(160.0), "strength": tensor(1.0)}
    harmonic = tensor([160.0, 320, 1_600, 4_800])
    np.testing.assert_allclose(block.response(values, harmonic).abs(), 1, atol=1e-12)
    # a Hann average of white noise keeps the sum of its squared weights (any frequency above the cubic's loss)
    x = noise(4 * RATE).astype(np.float64)
    y = block.process(tensor(x)[None, None], values, None)[0].ravel().numpy()[RATE:]
    kept = sum(w**2 for w in block.weights.values())
    assert np.mean(y**2) / np.mean(x**2) == pytest.approx(kept, rel=0.05)
    assert kept < 0.55


def test_no_strength_is_the_signal_itself_and_the_filter_may_glide():
    blocks = [{"id": "h", "kind": "harmonic-filter", "params": {"strength": 0}}]
    chain = Chain.from_spec(spec(blocks=blocks))
    x = noise(2, 6_000)
    # a control starts a ten-thousandth inside its range
    np.testing.assert_allclose(render(chain, x, 44_100, block_size=999), x, atol=2e-4)
    block = HarmonicFilter(RATE)
    phase = np.cumsum(np.linspace(150, 300, 2 * RATE)) / RATE
    glide = tensor(np.sin(2 * np.pi * phase))[None, None]
    late = block.outlet.latency
    frequency = torch.nn.functional.pad(
        tensor(np.linspace(150, 300, 2 * RATE))[None, None], (late, 0), mode="replicate"
    )[..., : 2 * RATE]
    values = {"frequency": frequency, "strength": tensor(0.5)}
    y = block.process(glide, values, None)[0]
    error = (y[..., 2 * late :] - glide[..., late:-late]).square().mean().item() / 0.5
    assert 10 * np.log10(error) < -25


@pytest.mark.parametrize("sides", ["both", "before"])
def test_a_harmonic_filter_passes_gradcheck_once_it_answers(sides):
    block = HarmonicFilter(8_000, {"sides": sides})
    signal = torch.from_numpy(noise(1, 1, 350)).double().requires_grad_()
    given = [tensor(430.0).requires_grad_(), tensor(0.6).requires_grad_()]
    track = (430 + 20 * torch.from_numpy(noise(1, 1, 350, seed=1)).double()).requires_grad_()

    def output(x, frequency, strength):
        values = {"frequency": frequency, "strength": strength}
        return block.process(x, values, None)[0]

    assert output(signal, *given)[..., 200:].abs().min() > 0
    assert torch.autograd.gradcheck(output, [signal, *given], fast_mode=True)
    assert torch.autograd.gradcheck(output, [signal, track, given[1]], fast_mode=True)
