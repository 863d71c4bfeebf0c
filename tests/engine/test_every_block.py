"""What every block promises, whatever it does: its options, its carried state, its response, its tail."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine import Chain, SpecError
from models_registry.engine.blocks import BLOCKS, LinearBlock, SoundBlock
from models_registry.engine.blocks.cascade import SHAPES

from .cast import BACKENDS, noise, random_values, spec

RATE = 44_100
VARIANTS = [
    *((kind, {}) for kind in BLOCKS),
    *(("biquad", {"shape": shape}) for shape in SHAPES),
    ("crossover", {"bands": 2}),
    ("crossover", {"bands": 5}),
    ("fir", {"taps": 1}),
    ("fir", {"taps": 700}),
    ("graphic-equaliser", {"phase": "linear", "taps": 401}),
    ("delay", {"longest": 2}),
    ("echo", {"longest": 3}),
    ("compressor", {"link": "together"}),
    ("expander", {"link": "together"}),
    ("limiter", {"lookahead": 1}),
    ("clipper", {"shape": "soft"}),
    ("clipper", {"shape": "hard"}),
    ("clipper", {"aliasing": "none"}),
    ("reverb", {"length": 50}),
    ("spectral-gains", {"bands": 7, "window": 3, "overlap": 4}),
    ("deep-filter", {"bands": 4, "highest": 2_000}),
    ("wiener", {"rule": "log-spectral", "overlap": 3}),
    ("harmonic-filter", {"sides": "before", "periods": 3}),
    ("wavetable", {"points": 8}),
    ("chorus", {"longest": 2}),
    ("waveshaper", {"oversampling": "2x"}),
    ("clipper", {"aliasing": "4x"}),
    ("wiener-hammerstein", {"oversampling": "2x"}),
    ("compressor", {"sidechain": "high-pass"}),
    ("expander", {"sidechain": "band-pass", "link": "together"}),
    ("filter-bank", {"scale": "octave", "taps": 333}),
]
# a block that has no compiled loop is the same on every backend
LOOPS = [(kind, options) for kind, options in VARIANTS if hasattr(BLOCKS[kind], "backend")]
LINEAR = [(kind, options) for kind, options in VARIANTS if issubclass(BLOCKS[kind], LinearBlock)]


def heard_by(block, rows, channels, frames, **more):
    """Noise with as many channels as `block` takes."""
    return torch.from_numpy(noise(rows, block.inlet.channels or channels, frames, **more))


def made(kind, options, rate=RATE):
    return BLOCKS[kind](rate, options)


def in_parts(block, signal, values, sizes):
    state, parts = None, []
    for part in signal.split(sizes, dim=-1):
        output, state = block.process(part, values, state)
        parts.append(output)
    return torch.cat(parts, -1)


@pytest.mark.parametrize(
    ("kind", "options", "backend"),
    [
        (*variant, backend)
        for variant in VARIANTS
        for backend in (BACKENDS if variant in LOOPS else BACKENDS[:1])
    ],
)
def test_the_result_does_not_depend_on_the_division_into_blocks(
    kind, options, backend, monkeypatch
):
    monkeypatch.setattr(BLOCKS[kind], "backend", backend, raising=False)
    block = made(kind, options)
    values = random_values(block, 2)
    signal = heard_by(block, 2, 2, 3_000).double()
    whole, _ = block.process(signal, values, None)
    parts = in_parts(block, signal, values, [1, 1, 998, 63, 1_937])
    assert (parts - whole).abs().max() <= 1e-12 * max(1, whole.abs().max())


@pytest.mark.parametrize(("kind", "options"), LOOPS)
def test_both_backends_give_the_same_numbers(kind, options, monkeypatch):
    if len(BACKENDS) < 2:
        pytest.skip("numba is not installed")
    signal = heard_by(made(kind, options), 2, 1, 2_000).double().requires_grad_()
    found = []
    for backend in BACKENDS:
        monkeypatch.setattr(BLOCKS[kind], "backend", backend, raising=False)
        block = made(kind, options)
        values = {name: v.requires_grad_() for name, v in random_values(block, 3).items()}
        output, _ = block.process(signal, values, None)
        wanted = [signal, *values.values()]
        grads = torch.autograd.grad(output.square().sum(), wanted, allow_unused=True)
        found.append([output, *(g for g in grads if g is not None)])
    for one, other in zip(*found, strict=True):
        scale = max(1, one.abs().max().item())
        # a level's slope is as steep as the sample is small, and rounding with it
        assert (one - other).abs().max() <= 1e-9 * scale


@pytest.mark.parametrize(("kind", "options"), VARIANTS)
def test_float32_is_close_to_float64_and_keeps_its_type(kind, options):
    block = made(kind, options)
    values = random_values(block, 2)
    signal = heard_by(block, 1, 1, 4_000)
    exact, _ = block.process(signal.double(), values, None)
    short, _ = block.process(signal, values, None)
    assert short.dtype == torch.float32
    # -100 dB
    assert (short - exact).square().sum() < 1e-10 * exact.square().sum()


SILENT = [(kind, options) for kind, options in VARIANTS if not issubclass(BLOCKS[kind], SoundBlock)]


@pytest.mark.parametrize(("kind", "options"), SILENT)
def test_silence_stays_silence(kind, options):
    block = made(kind, options)
    output, _ = block.process(0 * heard_by(block, 1, 1, 500), random_values(block), None)
    assert not output.any()


@pytest.mark.parametrize(("kind", "options"), LINEAR)
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_the_analytic_response_is_the_spectrum_of_the_impulse_response(kind, options, rate):
    block = made(kind, options, rate)
    # gentle values, so that the impulse response is over within the transform
    values = block.physical(
        {
            name: torch.full((p.size,) if p.size > 1 else (), 0.45).double()
            + 0.1 * torch.rand(p.size if p.size > 1 else (), generator=draw(1)).double()
            for name, p in block.parameters.items()
        }
    )
    impulse = torch.zeros(1, 1, 2**17, dtype=torch.float64)
    impulse[..., 0] = 1
    measured = np.fft.rfft(block.process(impulse, values, None)[0].numpy().ravel())[::331]
    frequencies = np.fft.rfftfreq(2**17, 1 / rate)[::331]
    analytic = block.response(values, torch.from_numpy(frequencies)).numpy()
    np.testing.assert_allclose(analytic, measured, atol=1e-9 * np.abs(measured).max())


def draw(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("kind", "options"), LINEAR)
def test_the_tail_is_when_the_impulse_response_has_fallen_by_60_db(kind, options):
    block = made(kind, options)
    values = random_values(block, 5)
    assert 0 <= block.pole_radius(values) < 1
    impulse = torch.zeros(1, 1, 4 * RATE, dtype=torch.float64)
    impulse[..., 0] = 1
    response = block.process(impulse, values, None)[0].ravel()
    rest = response[int(block.tail(values) * RATE) + 1 :]
    # what multiple poles and zeros add to an exponential is within a factor of 30
    assert rest.numel() == 0 or rest.abs().max() <= 0.03 * response.abs().max()


@pytest.mark.parametrize(("kind", "options"), VARIANTS)
def test_range_ends_stay_finite_in_output_and_gradient(kind, options):
    block = made(kind, options)
    for end in (0.0, 1.0):
        controls = {
            name: torch.full((p.size,) if p.size > 1 else (), end).double().requires_grad_()
            for name, p in block.parameters.items()
        }
        signal = heard_by(block, 1, 1, 2_000, level=10).requires_grad_()
        output, _ = block.process(signal, block.physical(controls), None)
        output.square().mean().backward()
        assert output.isfinite().all()
        # what sounds by itself does not hear its input
        assert signal.grad is None or signal.grad.isfinite().all()
        assert all(c.grad is None or c.grad.isfinite().all() for c in controls.values())


def entry(**changes):
    return spec(blocks=[{"id": "one", "kind": "biquad"} | changes])


def test_an_option_is_part_of_the_models_identity_and_its_default_is_written_out():
    chain = Chain.from_spec(entry())
    assert chain.spec()["blocks"][0]["options"] == {"shape": "peak"}
    assert chain.spec_hash == Chain.from_spec(entry(options={"shape": "peak"})).spec_hash
    assert chain.spec_hash != Chain.from_spec(entry(options={"shape": "notch"})).spec_hash
    assert Chain.from_spec(chain.spec()).spec() == chain.spec()


def test_a_block_without_options_has_none_in_its_specification():
    blocks = Chain.from_spec(spec()).spec()["blocks"]
    assert all(sorted(block) == ["id", "kind", "params"] for block in blocks)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (entry(options={"shpae": "peak"}), "unknown key 'shpae'; did you mean 'shape'?"),
        (entry(options={"shape": "peek"}), "one.shape: expected low-pass or high-pass or"),
        (entry(options={"shape": "notch"}, params={"gain": 3}), "unknown key 'gain'"),
        (entry(options=[]), "block 'one' options: expected an object"),
        (entry(kind="fir", options={"taps": 0}), "one.taps: expected 1 to 8192, found 0"),
        (entry(kind="fir", options={"taps": 2.0}), "one.taps: expected a whole number, found 2.0"),
        (entry(kind="gain", options={"taps": 2}), "unknown key 'taps'; known: none"),
    ],
)
def test_a_wrong_option_is_refused_with_a_sentence(changed, sentence):
    with pytest.raises(SpecError) as caught:
        Chain.from_spec(changed)
    assert sentence in str(caught.value)
