"""The stages of PEAQ's ear, one by one: the Recommendation's figures, and those of GstPEAQ's own unit test.

GstPEAQ (src/testpeaq.c) feeds each stage a made-up input and lists all 109 bands; every twelfth is held here, to the
0.005 % that it allows itself.
"""

import numpy as np
import pytest

from metrics import peaq
from metrics.peaq import ear_model as ear
from metrics.peaq import movs, patterns

TWELFTH = slice(None, None, 12)


def as_gstpeaq(figures):
    return pytest.approx(np.array(figures), rel=5e-5, abs=5e-6)


def sine(frequency, level, seconds=2.0):
    """A sine (1, samples) at a sound pressure level in dB."""
    amplitude = 10 ** ((level - ear.FULL_SCALE_DB_SPL) / 20)
    return (
        amplitude * np.sin(2 * np.pi * frequency * np.arange(seconds * ear.RATE) / ear.RATE)[None]
    )


def steps_and_ramp():
    """Two frames: −1, then 0, then 1; and a ramp from −1 to 1. As (1 signal, 1 channel, 2 frames, samples)."""
    position = np.arange(ear.FRAME) - 1024
    return np.stack([np.sign(position), position / 1024])[None, None]


def test_bands_are_those_of_the_recommendations_table():
    assert ear.EDGES[[0, 1, 2, 50, 100, 108, 109]] == pytest.approx(
        [80.0, 103.445, 127.023, 2143.227, 13061.229, 17385.420, 18000.0], abs=3e-3
    )
    assert ear.CENTRES[[0, 1, 2, 50, 107, 108]] == pytest.approx(
        [91.708, 115.216, 138.870, 2183.564, 17077.504, 17690.045], abs=3e-3
    )


def test_each_bin_between_the_limits_belongs_to_bands_once():
    frequency = np.arange(1025) * ear.RATE / ear.FRAME
    inside = (frequency > 95) & (frequency < 17_980)
    assert ear.WEIGHTS[inside].sum(1) == pytest.approx(1.0)
    assert ear.WEIGHTS[(frequency < 65) | (frequency > 18_015)].sum() == 0


def test_a_full_scale_sine_shows_its_calibrated_level():
    """2.1.3: the largest bin of a full-scale sine of 1019.5 Hz is at the playback level, 92 dB SPL if not told."""
    frames = sine(1019.5, 92)[:, None, : ear.FRAME]
    assert 10 * np.log10(ear.spectra(frames).max()) == pytest.approx(92, abs=1e-4)
    assert 10 * np.log10(ear.spectra(frames, 100.0).max()) == pytest.approx(100, abs=1e-4)


def test_spectra_and_the_outer_ear_are_as_in_gstpeaq():
    spectrum = ear.spectra(steps_and_ramp())[0, 0, 1]
    assert np.sqrt(spectrum[:6]) == as_gstpeaq(
        [45.753615, 22360.651865, 4986.494394, 1246.108826, 498.382618, 249.176501]
    )
    assert np.sqrt(spectrum * ear.EAR_GAIN)[:6] == as_gstpeaq(
        [0.0, 141.467357, 272.377031, 152.374914, 93.913964, 61.709413]
    )


def test_excitation_is_as_in_gstpeaq_before_and_after_smearing():
    power = ear.grouped(ear.spectra(steps_and_ramp()) * ear.EAR_GAIN)
    unsmeared = ear.excitation(power)
    assert unsmeared[0, 0, 1, TWELFTH] == as_gstpeaq(
        [4444.479818, 36.897706, 2.448974, 1.406543, 1.231065]
        + [1.152737, 1.103854, 1.072386, 1.050802, 1.037901]
    )
    assert ear.smeared(unsmeared)[0, 0, 1, TWELFTH] == as_gstpeaq(
        [1471383.154403, 1939180.266427, 824866.151709, 435953.597901, 352763.857065]
        + [494492.510166, 158671.031052, 35112.016971, 5762.520315, 56.833883]
    )


def test_adaptation_is_as_in_gstpeaq():
    """Input: excitation 1, 2 … 109 as reference and 109, 108 … 1 as degraded signal, in two frames."""
    rising = np.broadcast_to(np.arange(1.0, 110), (1, 2, 109))
    reference, degraded = patterns.adapted(np.stack([rising, rising[..., ::-1]]))[:, 0]
    assert reference[:, TWELFTH] == as_gstpeaq(
        [
            [0.327362, 8.830209, 19.843226, 31.404262, 39.636757]
            + [32.776813, 25.013155, 16.946137, 8.710609, 1.781147],
            [0.547559, 11.662526, 23.936307, 36.153722, 41.363667]
            + [33.280887, 25.085265, 16.860895, 8.622734, 1.757436],
        ]
    )
    assert degraded[:, TWELFTH] == as_gstpeaq(
        [
            [1.006854, 9.259728, 20.424514, 32.142213, 40.254598]
            + [33.281118, 25.454792, 17.337718, 9.061647, 0.699325],
            [1.583720, 11.723286, 23.882638, 36.109093, 41.099071]
            + [33.180435, 25.110851, 16.988453, 8.840693, 0.680369],
        ]
    )


def test_modulation_is_as_in_gstpeaq():
    """Input: unsmeared excitation 1, 2 … 109 in two frames."""
    rising = np.broadcast_to(np.arange(1.0, 110), (2, 1, 2, 109))
    modulation, mean_loudness = patterns.modulation(rising)
    assert modulation[0, 0, :, TWELFTH] == as_gstpeaq(
        [
            [7.337918, 11.673977, 12.293448, 12.559848, 12.713579]
            + [12.815648, 12.889380, 12.945824, 12.990931, 13.028187],
            [3.653446, 2.957075, 2.148381, 1.673459, 1.379227]
            + [1.192207, 1.072271, 0.995188, 0.945686, 0.914025],
        ]
    )
    assert mean_loudness[0, :, TWELFTH] == as_gstpeaq(
        [
            [0.327362, 1.466259, 2.084751, 2.507537, 2.827499]
            + [3.083522, 3.296180, 3.477954, 3.636986, 3.778796],
            [0.547559, 1.936566, 2.514775, 2.886768, 3.167595]
            + [3.396946, 3.593025, 3.765678, 3.920832, 4.062336],
        ]
    )


def test_the_tone_that_should_have_one_sone_has_as_much_as_others_find():
    """Kabal: with the constants as printed, 1 kHz at 40 dB SPL comes out at 0.584 sone."""
    tone = sine(1000, 40)
    excitation = 10 ** (peaq.basic(tone, tone, ear.RATE).excitation / 10)
    assert patterns.loudness(excitation)[0, 0, -5] == pytest.approx(0.584, abs=5e-4)


@pytest.mark.parametrize("level", [80.0, 100.0])
def test_excitation_falls_slower_upwards_the_louder_the_sound(level, monkeypatch):
    """2.1.7: 27 dB per Bark downwards; upwards 24 dB and 230 Hz/f, less 0.2 dB for each dB of level."""
    monkeypatch.setattr(ear, "INTERNAL_NOISE", 1e-12)
    power = np.zeros((1, 109))
    power[0, 50] = 10 ** (level / 10)
    excitation = 10 * np.log10(ear.excitation(power)[0])
    upwards = 24 + 230 / ear.CENTRES[50] - 0.2 * level
    assert excitation[46] - excitation[42] == pytest.approx(27, abs=0.5)
    assert excitation[54] - excitation[62] == pytest.approx(2 * upwards, abs=0.5)


def test_masking_lies_3_db_below_the_excitation_and_deeper_in_high_bands():
    """Eq. (25): 3 dB up to 12 Bark, then 0.25 dB per Bark: 6.75 dB in the last band."""
    offset = -10 * np.log10(movs.masking_threshold(np.ones(109)))
    assert offset[:49] == pytest.approx(3.0)
    assert offset[108] == pytest.approx(6.75)


def test_masking_lingers_after_a_sound_and_longest_in_low_bands():
    """2.1.8: excitation decays with 8 ms + 22 ms · 100 Hz/f, and follows a louder sound at once."""
    unsmeared = np.ones((1, 60, 109))
    unsmeared[:, :50] = 1e9
    excitation = ear.smeared(unsmeared)[0]
    assert excitation[:50] == pytest.approx(1e9)
    fall = 10 * np.log10(excitation[50] / excitation[51])
    time_constant = 0.008 + 0.022 * 100 / ear.CENTRES
    assert fall == pytest.approx(10 * np.log10(np.e) * (1024 / 48_000) / time_constant, rel=1e-5)
