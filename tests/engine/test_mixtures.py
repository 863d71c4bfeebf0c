"""Mixtures made while training: as loud as asked, never twice the same, never of what the test is made of."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch

from models_registry import noises
from models_registry.audio import Audio, AudioError, write
from models_registry.engine import Chain, EngineError, Recipe, train
from models_registry.engine.blocks import SpectralGains
from models_registry.engine.masks import band_gain_distance, bin_gain_distance, masked
from models_registry.engine.mixtures import Variety, mixed, mixtures

from .cast import noise, spec

RATE = 16_000


def recipe(**changes):
    return Recipe.load("denoise", {"data.seconds": "3", "training.segment": "8000", **changes})


def data(**changes):
    made = recipe(**changes)
    return mixtures(made.data, rate=RATE, segment=8_000, seed=0)


@pytest.mark.parametrize("ratio", [-5.0, 12.0])
def test_the_ratio_is_that_of_the_energies(ratio):
    clean, other = noise(1, 20_000)[0], noise(1, 20_000, seed=1)[0]
    clips = mixed([clean], [other], 4, 5_000, (ratio, ratio), np.random.default_rng(0))
    added = clips.dry - clips.wet
    found = 10 * torch.log10(clips.wet.square().mean(-1) / added.square().mean(-1))
    assert found.flatten().tolist() == pytest.approx([ratio] * 4, abs=1e-3)
    assert clips.dry.abs().max() <= 10 ** (-3 / 20) + 1e-6


def test_a_step_follows_from_the_seed_and_differs_from_every_other():
    made = data()
    one, same, other = (made.batch(size=3, seed=5, step=step) for step in (7, 7, 8))
    assert torch.equal(one.dry, same.dry)
    assert not torch.equal(one.dry, other.dry)
    assert one.dry.shape == (3, 1, 8_000)


def test_variety_changes_what_is_learned_from_and_never_the_test():
    plain = {"data.colour": "0", "data.second": "0"}
    made, varied = data(**plain), data(**{"data.colour": "0.3", "data.second": "1"})
    assert torch.equal(made.test.dry, varied.test.dry)
    one, same = (varied.batch(size=3, seed=5, step=7) for _ in range(2))
    assert torch.equal(one.dry, same.dry)
    assert not torch.allclose(one.wet, made.batch(size=3, seed=5, step=7).wet)
    ratios = 10 * torch.log10(one.wet.square().mean(-1) / (one.dry - one.wet).square().mean(-1))
    assert ((ratios > -3.01) & (ratios < 18.01)).all()


def test_a_colour_is_a_filter_of_second_order():
    """White noise in a filter's colour: linear prediction finds two poles' worth of it and two zeros'."""
    flat = noise(1, 40_000)[0]
    clips = mixed(
        [flat], [flat], 1, 40_000, (0, 0), np.random.default_rng(3), Variety(colour=0.375)
    )
    drawn = np.random.default_rng(3)
    drawn.choice(1, p=[1.0]), drawn.integers(1)
    b, a = drawn.uniform(-0.375, 0.375, (2, 2))
    heard = scipy.signal.lfilter([1, *b], [1, *a], flat)
    same = np.corrcoef(heard, clips.wet[0, 0].numpy())[0, 1]
    assert same == pytest.approx(1, abs=1e-6)


def test_a_recording_is_heard_again_at_another_speed(tmp_path):
    tone = np.sin(2 * np.pi * 500 * np.arange(20_000) / RATE)
    path = folder(tmp_path / "clean", *[0.3 * tone] * 2)
    made = data(**{"data.clean": path, "data.speed": "0.2"})
    assert len(made.clean) == 2
    other = made.clean[1]
    peak = np.abs(np.fft.rfft(other * np.hanning(other.size), 2**18)).argmax() * RATE / 2**18
    assert peak != pytest.approx(500, rel=1e-3)
    assert peak == pytest.approx(500 * 20_000 / other.size, rel=2e-3)
    assert 0.8 <= peak / 500 <= 1.2


def folder(path, *sounds):
    path.mkdir()
    for n, sound in enumerate(sounds):
        write(path / f"take{n}.wav", Audio(np.atleast_2d(sound).astype(np.float32), RATE))
    return str(path)


def test_the_last_fifth_of_the_files_is_kept_for_the_test(tmp_path):
    # each file is one constant, so that a clip says which file it came from
    sounds = [np.full(9_000, 0.01 * (n + 1)) for n in range(10)]
    made = data(**{"data.clean": folder(tmp_path / "clean", *sounds), "data.speed": "0"})
    assert len(made.clean) == 8
    alone = mixtures(
        recipe(**{"data.clean": folder(tmp_path / "one", np.arange(60_000) / 60_000)}).data,
        rate=RATE, segment=8_000, seed=0,
    )  # fmt: skip
    assert alone.clean[0].max() == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize(
    ("sounds", "sentence"),
    [
        ((noise(9_000), np.zeros(9_000)), "take1.wav: expected an audible signal, found silence"),
        ((noise(9_000), noise(700)), "take1.wav: expected at least 8000 frames"),
        ((noise(9_000),), "expected several files, or one of at least 40000 frames"),
        ((noise(9_000), np.full(9_000, np.nan)), "9000 NaN"),
    ],
)
def test_recordings_that_cannot_serve_are_refused(tmp_path, sounds, sentence):
    import soundfile

    where = tmp_path / "bad"
    where.mkdir()
    for n, sound in enumerate(sounds):
        soundfile.write(where / f"take{n}.wav", sound, RATE, subtype="FLOAT")
    with pytest.raises(AudioError) as caught:
        data(**{"data.noise": str(where)})
    assert sentence in str(caught.value)


def test_mostly_silence_is_refused():
    quiet = np.zeros(100_000, np.float32)
    quiet[:10] = 1
    with pytest.raises(AudioError, match="found only silence in 50 draws"):
        mixed([quiet], [noise(1, 9_000)[0]], 1, 5_000, (0, 0), np.random.default_rng(0))


@pytest.mark.parametrize("kind", sorted(noises.NOISES))
def test_every_noise_has_the_effective_value_one_and_follows_from_its_seed(kind):
    one, same, other = (
        noises.NOISES[kind](1.0, RATE, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.sqrt(np.mean(one**2)) == pytest.approx(1)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.shape == (RATE,)


def test_pink_noise_has_equal_energy_in_every_octave():
    pink = noises.NOISES["pink"](20.0, RATE, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(pink)) ** 2
    place = np.fft.rfftfreq(pink.size, 1 / RATE)
    octaves = [power[(place >= f) & (place < 2 * f)].sum() for f in (100, 400, 1_600, 3_200)]
    assert 10 * np.log10(octaves) == pytest.approx(10 * np.log10(octaves[0]), abs=0.3)


def test_a_few_seconds_of_training_take_noise_away(tmp_path):
    short = {
        "training.steps": "60",
        "training.validate_every": "60",
        "training.batch": "4",
        "training.learning_rate": "0.01",
    }
    result = train(recipe(**short), seed=0, directory=tmp_path)
    assert result.validation is not None
    noisy = result_of_doing_nothing(recipe(**short))
    assert result.validation < 0.7 * noisy
    assert sum(parameter.numel() for parameter in result.chain.parameters()) < 100_000


def result_of_doing_nothing(made):
    test = mixtures(made.data, rate=RATE, segment=8_000, seed=0).test
    return ((test.dry - test.wet).square().sum() / test.wet.square().sum()).item()


def test_a_band_loss_without_bands_is_refused():
    x = torch.from_numpy(noise(1, 1, 2_000))
    with pytest.raises(EngineError, match="expected a chain with a block of kind 'spectral-gains'"):
        masked(Chain.from_spec(spec()), x, x)


def levels_alone():
    """The denoising chain without anything before its levels, which are said two frames late."""
    made = recipe().chain
    made["blocks"] = [one for one in made["blocks"] if one["id"] == "bands"]
    made["blocks"][0]["options"]["ahead"] = 2
    made["adapters"][0]["targets"] = {"bands.gains": 0.5}
    return made


def behind_a_comb():
    made = levels_alone()
    made["blocks"].insert(0, {"id": "comb", "kind": "pitch-filter", "options": {"window": 32}})
    made["blocks"][1]["options"]["ahead"] = 0
    made["adapters"][0]["targets"]["comb.strength"] = 0.5
    return made


def evenly(level):
    """That chain before training, with all bands at `level` dB."""
    made = levels_alone()
    made["blocks"][0]["params"]["gains"] = [level] * 64
    return Chain.from_spec(made)


def test_nothing_is_lost_where_the_gains_make_the_clean_of_the_noisy():
    x = torch.from_numpy(noise(2, 1, 8_000))
    chain = evenly(20 * np.log10(0.5))
    assert bin_gain_distance(masked(chain, 2 * x, x)).item() == pytest.approx(0, abs=1e-6)
    assert bin_gain_distance(masked(chain, 4 * x, x)).item() > 0.01


def test_levels_played_with_emphasis_are_learned_without():
    noisy, clean = (torch.from_numpy(noise(2, 1, 8_000, seed=seed)) for seed in (1, 2))
    plain = bin_gain_distance(masked(evenly(-8), noisy, clean))
    played = bin_gain_distance(masked(evenly(-10), noisy, clean, emphasis=1.25))
    assert played.item() == pytest.approx(plain.item())
    assert played.item() != pytest.approx(
        bin_gain_distance(masked(evenly(-10), noisy, clean)).item()
    )


@pytest.mark.parametrize("loss", [band_gain_distance, bin_gain_distance])
def test_a_loss_hears_what_a_chain_that_hears_ahead_makes_of_each_frame(loss, monkeypatch):
    """The energies of a sound that is doubled from frame 5 on, made even by levels that say so two frames later."""
    made = levels_alone()
    made["blocks"][0] |= {"options": {"bands": 8, "window": 32, "ahead": 2}, "params": {"gains": 0}}
    chain = Chain.from_spec(made)
    clean = torch.from_numpy(noise(1, 1, 8_000))
    noisy = clean.clone()
    noisy[..., 5 * 256 :] *= 2
    offsets = torch.zeros(1, 1, 8_000 // 256, 8)
    low, high = made["blocks"][0]["bounds"]["gains"]
    offsets[:, :, 7:] = -20 * np.log10(2) / (high - low)
    losses = []
    for late in (0, 1):
        moved = {"bands.gains": offsets.roll(late, 2)}
        monkeypatch.setattr(chain, "moves", lambda _, moved=moved: moved)
        losses.append(loss(masked(chain, noisy, clean)).item())
    assert losses[0] < losses[1]


def test_the_loss_by_bins_is_that_of_scipys_spectra():
    clean, other = noise(1, 1, 8_000).astype(float), noise(1, 1, 8_000, seed=1).astype(float)
    window = np.sqrt(scipy.signal.get_window("hann", 512))
    transform = scipy.signal.ShortTimeFFT(window, 256, RATE)

    def magnitudes(sound):
        late = np.pad(sound[0, 0], (256, 0))
        # the last two frames are heard ahead of levels that never come
        return np.abs(transform.stft(late, p0=1, p1=len(late) // 256))[:, :-2]

    noisy, wanted = magnitudes(clean + other), magnitudes(clean)
    scale = np.sqrt(np.mean(wanted**2))
    found, target = (0.25**0.3 * (noisy / scale) ** 0.3, (wanted / scale) ** 0.3)
    expected = np.mean((found - target) ** 2) / np.mean(target**2)
    pair = (torch.from_numpy(clean + other), torch.from_numpy(clean))
    value = bin_gain_distance(masked(evenly(20 * np.log10(0.25)).double(), *pair)).item()
    assert value == pytest.approx(expected, rel=1e-3)


def test_a_loss_hears_what_the_comb_before_the_levels_makes_of_each_frame():
    """The chain's own comb, heard as a sound and taken to frames again, has the powers that the loss had at once."""
    chain = Chain.from_spec(behind_a_comb()).double()
    time = torch.arange(24_000) / RATE
    voice = sum(torch.sin(2 * np.pi * 140 * k * time + k * k) / k for k in range(1, 30))
    noisy = 0.05 * voice.double()[None, None] + torch.from_numpy(noise(1, 1, 24_000, level=0.02))
    found = masked(chain, noisy, noisy).heard.detach()[0]
    late = chain.blocks["comb"].outlet.latency
    combed = chain.stems(torch.nn.functional.pad(noisy, (0, late)))["comb"][..., late:]
    bands = chain.blocks["bands"]
    assert isinstance(bands, SpectralGains)
    spectra = bands.spectra(combed)[0, : len(found)]
    powers = spectra.real.square() + spectra.imag.square()
    plain = bands.spectra(noisy)[0, : len(found)]
    untouched = plain.real.square() + plain.imag.square()
    inside = slice(4, -4)
    error, change = (
        (one[inside] - powers[inside]).abs().sum() / powers[inside].sum()
        for one in (found, untouched)
    )
    assert error < 0.02
    assert change > 3 * error


@pytest.mark.parametrize(
    "before",
    [
        [{"id": "eq", "kind": "biquad"}],
        [{"id": "comb", "kind": "pitch-filter", "options": {"window": 20}}],
        [{"id": "a", "kind": "gain"}, {"id": "b", "kind": "gain"}],
    ],
)
def test_a_loss_that_could_not_follow_what_comes_before_the_levels_is_refused(before):
    made = levels_alone()
    made["blocks"] = before + made["blocks"]
    x = torch.from_numpy(noise(1, 1, 8_000))
    with pytest.raises(EngineError, match="expected at most one block before 'bands'"):
        masked(Chain.from_spec(made), x, x)
