"""Controllers: bounded, causal, the same in any division of the signal, and different for each condition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine import Chain, EngineError, SpecError
from models_registry.engine.adapters import ADAPTERS
from models_registry.engine.auditory import band_weights, centres

from .cast import awake, noise

RATE = 16_000
BY_FRAME = [
    {
        "id": "b",
        "kind": "spectral-gains",
        "options": {"bands": 16, "window": 32},
        "params": {"gains": -10},
    }
]
BY_SAMPLE = [{"id": "g", "kind": "gain", "params": {"level": -6}}]
KINDS = ("mlp", "gru", "tcn", "hyper")


def chain(blocks, **entry):
    target = "b.gains" if blocks is BY_FRAME else "g.level"
    entry = {"targets": {target: 0.3}, "hidden": 8, "bands": 12} | entry
    torch.manual_seed(0)
    return Chain.from_spec(
        {"version": 1, "rate": RATE, "blocks": blocks, "adapters": [entry]}
    ).double()


def signal(frames=8_000):
    return torch.from_numpy(noise(1, 2, frames)).double()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blocks", [BY_FRAME, BY_SAMPLE], ids=["by frame", "by sample"])
@pytest.mark.parametrize("smoothing", [0, 40])
def test_the_output_does_not_depend_on_how_the_signal_is_divided(kind, blocks, smoothing):
    levels = {"levels": "both" if blocks is BY_FRAME else "relative"}
    relative = levels if kind == "gru" and smoothing else {}
    made = awake(chain(blocks, kind=kind, smoothing=smoothing, **relative))
    x = signal()
    with torch.no_grad():
        whole, _ = made(x)
        parts, state, start = [], None, 0
        for length in (1, 255, 300, 1, 3_000, 4_443):
            part, state = made(x[..., start : start + length], state)
            parts.append(part)
            start += length
    torch.testing.assert_close(torch.cat(parts, -1), whole, atol=1e-12, rtol=0)
    assert whole.std() > 0


def test_relative_levels_say_the_same_of_soft_and_loud():
    made = awake(chain(BY_FRAME, kind="gru", levels="relative"))
    x = signal()
    for factor in (0.5, 5.0):
        moved = made.offsets(factor * x)["b.gains"]
        torch.testing.assert_close(moved, made.offsets(x)["b.gains"], atol=2e-3, rtol=0)
    absolute = awake(chain(BY_FRAME, kind="gru"))
    assert not torch.allclose(
        absolute.offsets(0.1 * x)["b.gains"], absolute.offsets(x)["b.gains"], atol=1e-3
    )


def test_with_both_levels_half_of_what_is_heard_is_deaf_to_how_the_sound_is_coloured():
    made = awake(chain(BY_FRAME, kind="gru", levels="both"))
    heard = made.adapters[0]
    levels = torch.rand(2, 40, 12, generator=torch.Generator().manual_seed(1)).double()
    colour = torch.linspace(-0.5, 0.5, 12).double()
    (flat, _), (tilted, _) = (
        heard._relative(one, (None, None)) for one in (levels, levels + colour)
    )
    assert flat.shape == (2, 40, 24)
    torch.testing.assert_close(tilted[..., 12:], flat[..., 12:])
    torch.testing.assert_close(tilted[..., :12], flat[..., :12] + 4 * colour)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_silent_at_the_start_and_bounded_always(kind):
    made = chain(BY_FRAME, kind=kind)
    x = 30 * signal()
    assert made.offsets(x)["b.gains"].abs().max() == 0
    torch.nn.init.constant_(made.get_parameter("adapters.0.head.bias"), 1e6)
    assert made.offsets(x)["b.gains"].max().item() == pytest.approx(0.3)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_to_come_is_not_heard(kind):
    made = awake(chain(BY_SAMPLE, kind=kind))
    x = signal()
    other = x.clone()
    other[..., 5_000:] = 0
    one, two = (made.offsets(signal)["g.level"] for signal in (x, other))
    assert torch.equal(one[..., :5_000], two[..., :5_000])
    assert not torch.equal(one, two)


def test_a_tone_is_heard_in_the_band_it_lies_in():
    made = chain(BY_SAMPLE, kind="mlp", bands=20)
    tone = np.sin(2 * np.pi * 1_000 * np.arange(8_000) / RATE)
    features = made.adapters[0].features(torch.from_numpy(tone)[None])
    from models_registry.engine.auditory import centres

    nearest = (centres(RATE, 20) - 1_000).abs().argmin()
    assert features[0, 5].argmax() == nearest


def test_a_network_is_told_which_bands_repeat_with_a_voices_period():
    adapter = chain(BY_FRAME, kind="gru", bands=20, voicing=8).adapters[0]
    pulses = np.zeros(8_000)
    pulses[::100] = 1
    breath = noise(8_000, seed=2).astype(np.float64)
    voiced, unvoiced = (
        adapter.features(torch.from_numpy(one)[None])[0] for one in (pulses, breath)
    )
    assert voiced.shape[1] == 28
    assert voiced[2:, 20:].min() > 0.7
    assert unvoiced[2:, 20:].mean(0).abs().max() < 0.4
    louder = adapter.features(torch.from_numpy(10 * pulses)[None])[0]
    torch.testing.assert_close(louder[2:, 20:], voiced[2:, 20:], rtol=0, atol=1e-4)


def heard_by(hears, sound, bands=12, hop=256):
    """The features (steps, bands) of an adapter that `hears`, undone: power over silence, 80 dB below full scale."""
    made = chain(BY_SAMPLE, kind="mlp", bands=bands, hop=hop, hears=hears)
    features = made.adapters[0].features(sound[None])[0]
    if hears == "loudness":
        return ((features + 1) * (0.5 * 1e8**0.23) + 1) ** (1 / 0.23) - 1
    return 10 ** (4 * (features - 1) + 8) - 1


def test_excitation_is_energy_behind_the_ear_spread_as_schroeder_says():
    x = noise(6_000, seed=4).astype(np.float64)
    # numpy's spectra; BS.1387-2 eq. 7; Zwicker and Terhardt's Bark (1980); Schroeder, Atal and Hall (1979)
    window = sp.windows.hann(512, sym=False)
    frames = np.lib.stride_tricks.sliding_window_view(x, 512)[::256] * window
    power = np.abs(np.fft.rfft(frames)) ** 2 / (window**2).sum() / 512
    khz = np.fft.rfftfreq(512, 1 / RATE)[1:] / 1_000
    ear = -2.184 * khz**-0.8 + 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) - 1e-3 * khz**3.6
    behind = power * np.append(0, 10 ** (ear / 10))
    bands = behind @ band_weights(RATE, 512, 12).numpy().T
    f = centres(RATE, 12).numpy()
    bark = 13 * np.arctan(0.76e-3 * f) + 3.5 * np.arctan((f / 7_500) ** 2)
    away = bark[:, None] - bark + 0.474
    expected = bands @ (10 ** ((15.81 + 7.5 * away - 17.5 * np.sqrt(1 + away**2)) / 10)).T
    sound = torch.from_numpy(x)
    for hears in ("excitation", "loudness"):
        np.testing.assert_allclose(heard_by(hears, sound), expected / 1e-8, rtol=1e-6)
    assert not np.allclose(heard_by("energy", sound), expected / 1e-8, rtol=0.1)


def test_loudness_grows_by_its_power_of_what_is_loud():
    made = chain(BY_SAMPLE, kind="mlp", hears="loudness")
    loud = torch.from_numpy(noise(1, 4_000, level=0.1)).double()
    # 10 dB more is 10^0.23 times as loud (Zwicker and Fastl 2007, eq. 8.4), but for what is taken off for silence
    soft, louder = (
        (made.adapters[0].features(x) + 1) * (0.5 * 1e8**0.23) + 1 for x in (loud, loud * 10**0.5)
    )
    torch.testing.assert_close(louder / soft, torch.full_like(soft, 10**0.23), rtol=0.01, atol=0)


def test_what_is_heard_names_another_model_only_where_it_is_given():
    assert "hears" not in chain(BY_SAMPLE, kind="gru").spec()["adapters"][0]
    told = chain(BY_SAMPLE, kind="gru", hears="loudness").spec()["adapters"][0]
    assert told["hears"] == "loudness"


def test_smoothing_holds_what_is_moved_to_its_time_constant():
    made = chain(BY_FRAME, kind="mlp", smoothing=100)
    torch.nn.init.constant_(made.get_parameter("adapters.0.head.bias"), 1e6)
    track = made.offsets(signal(16_000))["b.gains"][0, 0, :, 0].numpy()
    steps = np.arange(1, track.size + 1) * 256 / RATE
    assert track == pytest.approx(0.3 * (1 - np.exp(-steps / 0.1)), rel=1e-6)


def test_each_condition_has_its_own_scale_and_shift():
    made = awake(chain(BY_SAMPLE, kind="gru", names=["hall", "studio"]))
    x = signal()
    assert made.conditions == ("hall", "studio")
    with torch.no_grad():
        made.get_parameter("adapters.0.shift")[1] = 0.5
        plain, hall, studio = (made.under(name)(x)[0] for name in (None, "hall", "studio"))
    assert torch.equal(plain, hall)
    assert not torch.allclose(hall, studio)
    with pytest.raises(EngineError, match="did you mean 'studio'"):
        made.under("studoi")


def test_an_embedding_moves_what_is_read_and_heard_alike():
    blocks = [{"id": "g", "kind": "gain"}, {"id": "e", "kind": "equaliser"}]
    entry = {
        "kind": "embedding",
        "targets": {"g.level": 0.2, "e.low_gain": 0.2},
        "names": ["a", "b"],
        "size": 3,
    }
    spec = {"version": 1, "rate": RATE, "blocks": blocks, "adapters": [entry]}
    torch.manual_seed(0)
    made = Chain.from_spec(spec)
    with torch.no_grad():
        made.get_parameter("adapters.0.points")[1] = torch.tensor([3.0, -2.0, 1.0])
    x = torch.from_numpy(noise(1, 1, 500)).double()
    alone = made.under("a")(x)[0]
    assert torch.equal(alone, made.under(None)(x)[0])
    moved = made.under("b")(x)[0]
    assert not torch.allclose(moved, alone)
    values = {path: reading.value for path, reading in made.readings().items()}
    set_so = [
        {"id": "g", "kind": "gain", "params": {"level": values["g.level"]}},
        {"id": "e", "kind": "equaliser", "params": {"low_gain": values["e.low_gain"]}},
    ]
    by_hand = Chain.from_spec({"version": 1, "rate": RATE, "blocks": set_so})(x)[0]
    torch.testing.assert_close(moved, by_hand)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"targets": {"b.gains": 0.3, "g.level": 0.3}}, "move equally often"),
        ({"names": ["a", "a"]}, "expected different names"),
        ({"hidden": 0}, "adapter 1 hidden: expected 1 to 512, found 0"),
        ({"kind": "follower", "hidden": 3, "bands": 3}, "unknown key 'bands'"),
    ],
)
def test_what_cannot_be_built_is_refused(entry, sentence):
    base = {"kind": "gru", "targets": {"g.level": 0.3}}
    with pytest.raises(SpecError) as caught:
        Chain.from_spec(
            {
                "version": 1,
                "rate": RATE,
                "blocks": [*BY_FRAME, *BY_SAMPLE],
                "adapters": [base | entry],
            }
        )
    assert sentence in str(caught.value)


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
def test_every_adapter_has_a_card(kind):
    assert ADAPTERS[kind].card.purpose
