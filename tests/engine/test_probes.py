"""Probes read what theory says of systems that can be written down: series of Chebyshev, Fourier and Bessel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.polynomial import chebyshev, polynomial
from scipy import signal, special

from models_registry.engine.probes import analysis, kinds, stimuli
from models_registry.engine.probes.kinds import ProbeError, kind

RATE = 44_100


def read(name, system, rate=RATE, settle=0.0, **settings):
    course = kind(name).course(settings, rate, settle)
    return course.read(system(course.stimulus))


def db(ratio):
    return 20 * math.log10(ratio)


CUBIC = [0.0, 1.0, 0.2, -0.3]


def bent(x):
    return polynomial.polyval(x, CUBIC)


def harmonics_of(level):
    """Amplitudes of the harmonics of a polynomial of a cosine: its coefficients in Chebyshev polynomials of x / a."""
    a = stimuli.amplitude(level)
    return np.abs(chebyshev.poly2cheb([c * a**n for n, c in enumerate(CUBIC)]))


@pytest.mark.parametrize("level", [-12.0, -3.0])
def test_a_polynomials_harmonics_are_its_chebyshev_coefficients(level):
    found = read("sine", bent, level=level).values
    constant, first, second, third = harmonics_of(level)
    assert found["gain"] == pytest.approx(db(first) - level, abs=1e-6)
    assert found["distortion"] == pytest.approx(db(math.hypot(second, third) / first), abs=1e-6)
    assert found["offset"] == pytest.approx(db(constant), abs=1e-6)
    assert found["aliasing"] < -150


def test_the_harmonics_of_tanh_are_its_fourier_integrals():
    drive = 4.0
    found = read("sine", lambda x: np.tanh(drive * x), level=0.0, frequency=200).curve
    theta = (np.arange(4_096) + 0.5) * 2 * np.pi / 4_096
    wave = np.tanh(drive * np.sin(theta))
    series = [abs(np.mean(wave * np.exp(-1j * n * theta))) * 2 for n in range(1, 6)]
    # the odd ones; the even ones are nothing
    levels = found.lines["level"]
    assert levels[1] == pytest.approx(db(series[2] / series[0]), abs=0.01)
    assert levels[3] == pytest.approx(db(series[4] / series[0]), abs=0.01)
    assert levels[0] < -140


def test_what_a_naive_clipper_folds_back_has_the_level_of_the_harmonics_above_half_the_rate():
    """A hard clipper's harmonics (Fourier series of the clipped sine) beyond half the rate, all folded."""
    rate, frequency, ceiling = 16_000, 1_500.0, 0.5
    span = stimuli.span_of(rate, 0.4)
    place = stimuli.line(frequency, rate, span)
    phi = math.asin(ceiling)
    orders = np.arange(3, 4_001, 2)
    series = np.abs(
        2 / np.pi * (
            np.sin((orders - 1) * phi) / (orders - 1) - np.sin((orders + 1) * phi) / (orders + 1)
            + 2 * ceiling * np.cos(orders * phi) / orders
        )
    )  # fmt: skip
    first = 2 / np.pi * (phi - math.sin(2 * phi) / 2 + 2 * ceiling * math.cos(phi))
    folded = orders * place > span / 2
    found = read(
        "sine", lambda x: np.clip(x, -ceiling, ceiling), rate, level=0.0, frequency=frequency
    ).values
    assert found["aliasing"] == pytest.approx(
        db(math.sqrt(np.sum(series[folded] ** 2)) / first), abs=0.05
    )
    assert found["distortion"] == pytest.approx(
        db(math.sqrt(np.sum(series[~folded] ** 2)) / first), abs=0.02
    )


def test_a_sweep_tells_the_harmonics_of_a_polynomial_apart():
    level = -3.0
    found = read("sweep", bent, level=level, settle=0.01).curve
    _, first, second, third = harmonics_of(level) / stimuli.amplitude(level)
    x = np.array(found.x)
    middle = (x > 100) & (x < 4_000)
    for name, wanted in (
        ("response", first),
        ("second harmonic", second),
        ("third harmonic", third),
    ):
        line = np.array(found.lines[name], dtype=float)[middle]
        assert line == pytest.approx(db(wanted), abs=0.15)
    # a harmonic above the sweep cannot be seen
    assert found.lines["third harmonic"][-1] is None


def test_a_sweeps_residue_is_what_a_cubic_folds_back():
    """The third harmonic is above half the rate for the share of the sweep's time in which f > rate / 6."""
    level, rate = 0.0, 16_000
    found = read("sweep", lambda x: x + 0.3 * x**3, rate, level=level, settle=0.01).values
    share = 1 - math.log(rate / 6 / 20) / math.log(0.475 * rate / 20)
    wanted = db(0.075 / 1.225) + 10 * math.log10(share)
    # at least: some of it lies under the orders, and the end of the sweep is faded
    assert wanted - 4 < found["residue"] < wanted + 0.5
    clean = read("sweep", lambda x: x, rate, level=level, settle=0.01).values
    assert clean["residue"] < -60
    assert clean["distortion"] < -90


def test_a_sweeps_response_is_scipys_of_the_filter():
    sections = signal.butter(2, [300, 3_000], "band", fs=RATE, output="sos")
    found = read("sweep", lambda x: signal.sosfilt(sections, x), settle=0.05).curve
    x = np.array(found.x)
    wanted = 20 * np.log10(np.abs(signal.sosfreqz(sections, x, fs=RATE)[1]))
    seen = (x > 60) & (x < 12_000)
    assert np.array(found.lines["response"])[seen] == pytest.approx(wanted[seen], abs=0.2)


def test_intermodulation_of_a_square_is_in_closed_form():
    """y = x + c x²: side tones of c a b each at high ± low, and a difference tone of c a b."""
    c = 0.1
    system = lambda x: x + c * x**2  # noqa: E731
    found = read("modulation-distortion", system, level=0.0, ratio=12).values
    low = 1 / (1 + stimuli.amplitude(-12))
    assert found["distortion"] == pytest.approx(db(math.sqrt(2) * c * low), abs=1e-4)
    ccif = read("difference-distortion", system, level=0.0).values
    # two tones of 1/2: the difference tone c/4 over their sum of 1
    assert ccif["second"] == pytest.approx(db(c / 4), abs=1e-4)
    assert ccif["third"] < -140


def test_difference_tones_of_third_order_are_in_closed_form():
    """y = x + c x³ with tones of a: 2 f₁ − f₂ has 3/4 c a³; the tones themselves a + 9/4 c a³."""
    c, a = 0.1, 0.5
    found = read("difference-distortion", lambda x: x + c * x**3, level=0.0).values
    wanted = 2 * 0.75 * c * a**3 / (2 * (a + 2.25 * c * a**3))
    assert found["third"] == pytest.approx(db(wanted), abs=1e-4)


def test_between_many_tones_lies_the_noise_that_was_added():
    course = kind("multitone").course({}, RATE, 0.0)
    noise = stimuli.noise(-60, course.stimulus.size, 3)
    found = course.read(course.stimulus + noise).values["distortion"]
    assert found == pytest.approx(
        db(analysis.effective(noise) / analysis.effective(course.stimulus)), abs=0.1
    )
    assert np.abs(course.stimulus).max() == pytest.approx(stimuli.amplitude(-12), rel=1e-9)


def test_a_chirp_is_scipys_and_reads_the_spread_of_a_shelf():
    made = stimuli.chirp(100, 7_500, 2.0, 0.0, RATE)
    inside = slice(round(0.02 * RATE), -round(0.02 * RATE))
    time = np.arange(made.size) / RATE
    np.testing.assert_allclose(
        made[inside], signal.chirp(time, 100, 2.0, 7_500, phi=-90)[inside], atol=1e-12
    )
    # one pole and one zero, 12 dB between the ends
    shelf = ([1.0, -0.9], [1.0, -0.6])
    found = read("chirp", lambda x: signal.lfilter(*shelf, x)).values
    grid = np.linspace(120, 6_250, 500)
    level = 20 * np.log10(np.abs(signal.freqz(*shelf, grid, fs=RATE)[1]))
    assert found["spread"] == pytest.approx(np.diff(np.percentile(level, [5, 95]))[0], abs=0.3)
    assert found["unlike"] < -40


def test_the_unlike_part_of_a_chirp_is_the_noise_beside_it():
    course = kind("chirp").course({}, RATE, 0.0)
    noise = stimuli.noise(-32, course.stimulus.size, 1)
    found = course.read(course.stimulus + noise).values["unlike"]
    band = signal.sosfiltfilt(
        signal.butter(4, [120, 6_250], "band", fs=RATE, output="sos"), noise + course.stimulus
    )
    tone = signal.sosfiltfilt(
        signal.butter(4, [120, 6_250], "band", fs=RATE, output="sos"), course.stimulus
    )
    wanted = db(analysis.effective(band - tone) / analysis.effective(band))
    assert found == pytest.approx(wanted, abs=1.0)


def test_an_exponential_rings_for_its_reverberation_time():
    """T20 of ISO 3382-1, from Schroeder's integral: a noise that falls by 60 dB in 0.6 s."""
    frames = np.arange(RATE)
    tail = np.random.default_rng(0).standard_normal(RATE) * 10 ** (-3 * frames / (0.6 * RATE))
    found = read("impulse", lambda x: signal.oaconvolve(x, tail)[: x.size], settle=0.6).values
    assert found["decay"] == pytest.approx(0.6, rel=0.05)
    assert found["early"] == analysis.FLOOR
    assert found["level"] == pytest.approx(db(math.sqrt(np.sum(tail**2))), abs=0.01)


def test_a_step_overshoots_by_the_damping_of_its_poles():
    """A resonance of damping ζ overshoots by exp(−π ζ / √(1 − ζ²))."""
    zeta, corner = 0.3, 2 * np.pi * 200
    b, a = signal.bilinear([corner**2], [1, 2 * zeta * corner, corner**2], RATE)
    found = read("step", lambda x: signal.lfilter(b, a, x)).values
    overshoot = math.exp(-math.pi * zeta / math.sqrt(1 - zeta**2))
    assert found["peak"] == pytest.approx(db(1 + overshoot), abs=0.01)
    assert found["rest"] == pytest.approx(0, abs=0.01)
    # within 5 % after about 3 / (ζ ω), at most a period sooner or later
    assert found["settling"] == pytest.approx(3_000 / (zeta * corner), abs=5)


def test_a_level_ladder_reads_the_curve_of_a_compressor_that_knows_no_time():
    """Above a threshold of −20 dB a ratio of 4 leaves a quarter of each step: 15 dB off at full scale."""
    frames = stimuli.span_of(RATE, 0.1)

    def compressor(x):
        parts = x.reshape(-1, frames)
        level = 20 * np.log10(np.abs(parts).max(axis=1, keepdims=True))
        return (parts * 10 ** (-0.75 * np.maximum(level + 20, 0) / 20)).ravel()

    found = read("levels", compressor)
    assert found.values["compression"] == pytest.approx(15, abs=0.1)
    assert found.values["fall"] == pytest.approx(3.75, abs=0.05)
    assert found.values["rise"] == pytest.approx(0, abs=0.01)


def test_modulations_are_read_as_deep_as_they_are():
    halved = 0.25 / 0.5
    course = kind("amplitude-modulation").course({"depth": 0.5}, RATE, 0.0)
    weaker = kind("amplitude-modulation").course({"depth": 0.25}, RATE, 0.0)
    assert course.read(weaker.stimulus).values["depth"] == pytest.approx(db(halved), abs=1e-6)
    # Bessel: the carrier of a warbled tone is J₀ of its index
    made = stimuli.warbled(1_000, 5, 30, 0.0, RATE, RATE)
    lines = analysis.lines_of(made)
    assert lines[1_000] == pytest.approx(abs(special.j0(6.0)), abs=1e-6)
    assert lines[1_005] == pytest.approx(abs(special.j1(6.0)), abs=1e-6)
    found = read("frequency-modulation", np.tanh).values
    assert found["deviation"] == pytest.approx(0, abs=0.05)
    assert found["shaking"] < -60


def test_a_cubic_suppresses_the_soft_tone_twice_as_much_as_it_does_the_loud_one():
    """y = x − c x³: the gain of a soft tone is 1 alone and 1 − 3/2 c A² beside a tone of A."""
    c, loud = 0.3, 0.5
    found = read("masking-pair", lambda x: x - c * x**3, loud=db(loud), soft=-80).values
    assert found["alone"] == pytest.approx(0, abs=1e-4)
    assert found["beside"] == pytest.approx(db(1 - 1.5 * c * loud**2), abs=1e-3)


def test_bursts_gates_squares_constants_and_silence_pass_an_identity_as_they_are():
    same = lambda x: x  # noqa: E731
    assert read("burst", same).values == {"gain": 0.0, "quiet": 0.0}
    assert read("gated", same).values["gap"] == analysis.FLOOR
    assert read("square", same).values == {"peak": 0.0, "level": 0.0}
    assert read("constant", lambda x: 0.5 * x).values["gain"] == pytest.approx(db(0.5))
    assert read("silence", lambda x: x + 0.001).values["level"] == pytest.approx(-60)


def test_what_rings_after_a_burst_is_heard_until_it_has_fallen_by_60_db():
    """A one-pole tail of time constant τ has fallen by 60 dB after τ ln 1000."""
    tau = 0.02
    pole = math.exp(-1 / (tau * RATE))
    found = read("burst", lambda x: signal.lfilter([1 - pole], [1, -pole], x), settle=0.2).values
    # the tail begins with one sample of a random walk, some decibels beside its level
    assert found["quiet"] == pytest.approx(1_000 * tau * math.log(1_000), abs=40)


@pytest.mark.parametrize("name", kinds.names())
def test_a_system_that_says_nothing_leaves_nothing_to_tell(name):
    for rate in (16_000, 48_000):
        values = read(name, np.zeros_like, rate).values
        assert all(value is None or math.isfinite(value) for value in values.values())


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("sinus", {}, "expected a kind of probe of .*sine.*, found 'sinus'"),
        ("sine", {"pitch": 3}, "expected settings of frequency, level, seconds, found 'pitch'"),
        ("sine", {"frequency": 9_000}, "up to 7840 Hz at 16000 Hz, found 9000 Hz"),
        ("sine", {"level": "loud"}, "expected a number for level, found 'loud'"),
        ("sweep", {"low": 9_000}, "expected 0 < low < 7600 Hz, found 9000 Hz"),
    ],
)
def test_a_probe_that_cannot_be_made_says_why(name, settings, sentence):
    with pytest.raises(ProbeError, match=sentence):
        kind(name).course(settings, 16_000, 0.0)
