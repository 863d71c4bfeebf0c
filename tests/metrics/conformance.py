"""The conformance table of the guide: what each metric gives for signals whose value somebody else has published.

Run: `python -m tests.metrics.conformance` writes the table anew; test_conformance.py fails when it is not current.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from metrics import catalogue
from metrics.contract import Signal
from models_registry.audio import read
from tests.conftest import SHARED
from tests.metrics import sounds, test_fluctuation, test_roughness, test_sharpness

PAGE = Path(__file__).resolve().parents[2] / "listening" / "guide" / "6-metrics.md"
RATE = 48_000
# dBFS, of a pause
NOTHING = -np.inf
Signals = Callable[[], tuple[tuple[Signal, ...], int]]

HEADING = (
    "| Metric | Case | Witness | Published | Deviation | Tolerance |\n|---|---|---|---|---|---|\n"
)


@dataclass(frozen=True)
class Claim:
    """That `metric` of `signals` is `expected` (in its unit) to within `tolerance`, as `witness` says."""

    metric: str
    case: str
    witness: str
    expected: float
    tolerance: float
    signals: Signals

    def deviation(self) -> float:
        signals, rate = self.signals()
        return catalogue.get(self.metric).function(*signals, rate) - self.expected


def sine(*parts: tuple[float, float], hz: float = 1_000.0) -> Signal:
    """A sine of (level in dBFS, seconds) after one another, (1, frames)."""
    amplitude = np.concatenate(
        [np.full(round(seconds * RATE), 10 ** (level / 20)) for level, seconds in parts]
    )
    return (amplitude * np.sin(2 * np.pi * hz / RATE * np.arange(len(amplitude))))[None]


def tone(*parts: tuple[float, float]) -> Signals:
    """The same in both channels of stereo."""
    return lambda: ((np.tile(sine(*parts), (2, 1)),), RATE)


def front_and_back() -> tuple[tuple[Signal, ...], int]:
    """Five channels of Tech 3341's case 6."""
    levels = (-28.0, -28.0, -24.0, -30.0, -30.0)
    return (np.concatenate([sine((level, 20.0)) for level in levels]),), RATE


def burst(offset: int) -> Signals:
    """A period of fs/4 at full scale in a tone of fs/6 at half, made at 4 fs and thinned from one of four samples."""
    hum = 0.5 * np.sin(2 * np.pi * np.arange(12 * 2_000) / 24)
    fine = np.concatenate([hum, np.sin(2 * np.pi * np.arange(16) / 16), hum])
    ramp = np.minimum(np.arange(len(fine)) / (0.04 * RATE), 1)
    return lambda: (((fine * ramp * ramp[::-1])[None, offset::4],), RATE)


def sound(build: Callable[[], Signal]) -> Signals:
    """A sound of the psychoacoustic literature."""
    return lambda: ((build(),), RATE)


def faded(divisor: int, amplitude: float, degrees: float) -> Signals:
    """One second of a sine at a fraction of the sample rate, with fades of 10 ms."""

    def build() -> tuple[tuple[Signal, ...], int]:
        wave = amplitude * np.sin(2 * np.pi * np.arange(RATE) / divisor + np.radians(degrees))
        ramp = np.minimum(np.arange(RATE) / (0.01 * RATE), 1)
        return ((wave * ramp * ramp[::-1])[None],), RATE

    return build


def files(*names: str) -> Signals:
    """Files of the published data."""

    def build() -> tuple[tuple[Signal, ...], int]:
        recordings = [read(SHARED / "data" / name) for name in names]
        return tuple(r.samples.astype(np.float64) for r in recordings), recordings[0].rate

    return build


def claims() -> Iterator[Claim]:
    yield from level()
    yield from speech()
    yield from music()
    yield from loudness()
    yield from sensations()


def level() -> Iterator[Claim]:
    tech3341 = {
        "case 1": [(-23.0, 20.0)],
        "case 2": [(-33.0, 20.0)],
        "case 3": [(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)],
        "case 4": [(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)],
        "case 5": [(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)],
    }
    for case, parts in tech3341.items():
        expected = -33.0 if case == "case 2" else -23.0
        yield Claim("integrated-loudness", case, "EBU Tech 3341", expected, 0.1, tone(*parts))
    stepped = [(-20.0, 1.34), (-30.0, 1.66)] * 5
    yield Claim("max-short-term-loudness", "case 9", "EBU Tech 3341", -23.0, 0.1, tone(*stepped))
    yield Claim("integrated-loudness", "case 6", "EBU Tech 3341", -23.0, 0.1, front_and_back)
    for n in (0, 10, 19):
        short, moment = (NOTHING, n * 0.15), (NOTHING, n * 0.02)
        for metric, number, level, segments in (
            ("max-short-term-loudness", 10, -23.0, (short, (-23.0, 3.0), (NOTHING, 1.0))),
            ("max-short-term-loudness", 11, n - 38.0, (short, (n - 38.0, 3.0), (NOTHING, 1.0))),
            ("max-momentary-loudness", 13, -23.0, (moment, (-23.0, 0.4), (NOTHING, 1.0))),
            ("max-momentary-loudness", 14, n - 38.0, (moment, (n - 38.0, 0.4), (NOTHING, 1.0))),
        ):
            case = f"case {number}, part {n + 1}"
            yield Claim(metric, case, "EBU Tech 3341", level, 0.1, tone(*segments))
    stepped = [(-20.0, 0.18), (-30.0, 0.22)] * 25
    yield Claim("max-momentary-loudness", "case 12", "EBU Tech 3341", -23.0, 0.1, tone(*stepped))
    peaks = {"case 15": (4, 0.5, 0.0), "case 16": (4, 0.5, 45.0), "case 17": (6, 0.5, 60.0)}
    peaks |= {"case 18": (8, 0.5, 67.5), "case 19": (4, 1.41, 45.0)}
    for case, wave in peaks.items():
        expected = 3.0 if case == "case 19" else -6.0
        # +0.2 and −0.4 dB are allowed
        yield Claim("true-peak", case, "EBU Tech 3341", expected, 0.2, faded(*wave))
    for offset in range(4):
        case = f"case {20 + offset}"
        # +0.2 and −0.4 dB are allowed
        yield Claim("true-peak", case, "EBU Tech 3341", 0.0, 0.4, burst(offset))
    for case, levels, expected in (
        ("case 1", (-20, -30), 10),
        ("case 2", (-20, -15), 5),
        ("case 3", (-40, -20), 20),
        ("case 4", (-50, -35, -20, -35, -50), 15),
    ):
        signals = tone(*[(float(level), 20.0) for level in levels])
        yield Claim("loudness-range", case, "EBU Tech 3342", expected, 1.0, signals)


def speech() -> Iterator[Claim]:
    folder = "audio/pesq_reference_pair"
    pair = files(f"{folder}/speech.wav", f"{folder}/speech_bab_0dB.wav")
    case = "speech in babble"
    for metric, witness, expected in (
        ("pesq-wb", "the tests of github.com/ludlows/PESQ", 1.0832337141036987),
        ("pesq-nb", "the tests of github.com/ludlows/PESQ", 1.6072081327438354),
        ("segmental-snr", "pysepm-evo 0.1.1", -4.038664584070841),
        ("fw-segmental-snr", "pysepm-evo 0.1.1", 3.3554001065825747),
        ("llr", "pysepm-evo 0.1.1", 0.9592598938641901),
        ("wss", "pysepm-evo 0.1.1", 52.65786610835307),
        ("cepstral-distance", "pysepm-evo 0.1.1", 6.388916397199876),
        ("mcd", "mel-cepstral-distance 0.0.4", 7.402220610876486),
    ):
        yield Claim(metric, case, witness, expected, 1e-6, pair)
    noisy = files(f"{folder}/speech_bab_0dB.wav")
    for metric, expected in (
        ("spectral-centroid", 1324.6999683461486),
        ("spectral-bandwidth", 1546.1476948925547),
        ("spectral-rolloff", 1570.4397394136809),
        ("spectral-flatness", 0.024253697345552043),
    ):
        yield Claim(metric, case, "librosa 0.11.0", expected, 1e-6, noisy)


def music() -> Iterator[Claim]:
    folder = "conformance/peaq_visqol_pairs"
    published = json.loads((SHARED / "data" / folder / "expected.json").read_text())["pairs"]
    for case, values in published.items():
        pair = files(f"{folder}/{case}_reference.flac", f"{folder}/{case}_degraded.flac")
        name = case.replace("_", " ")
        yield Claim("peaq-odg", name, "Kabal, PQevalAudio", values["kabal_ODG"], 0.3, pair)
        for metric, variable in (
            ("peaq-modulation-difference", "AvgModDiff1B"),
            ("peaq-adb", "ADBB"),
            ("nmr", "TotalNMRB"),
        ):
            expected = values[variable]
            within = max(0.01 * abs(expected), 1e-6)
            yield Claim(metric, name, "Kabal, PQevalAudio", expected, within, pair)
        yield Claim("2f-model", name, "seabass-2f 0.1.0", values["mms_2f"], 3.0, pair)


def loudness() -> Iterator[Claim]:
    folder = "conformance/iso532-1"
    published = json.loads((SHARED / "data" / folder / "expected.json").read_text())
    for metric, key in (
        ("zwicker-n", "N_stationary_sone"),
        ("zwicker-nmax", "Nmax_time_varying_sone"),
    ):
        for number, expected in published[key].items():
            # Signal 1 is a table of levels, and 15 that of a diffuse field: test_zwicker_loudness.py has both.
            if number in ("1", "15"):
                continue
            signal = files(f"{folder}/signal{int(number):02}.flac")
            case, within = f"signal {number}", max(0.05 * expected, 0.1)
            yield Claim(metric, case, "ISO 532-1, Annex B", expected, within, signal)
    for level, expected in ((20, 0.14), (40, 1.0), (60, 4.1), (80, 15.8)):
        signal = sound(partial(sounds.tone, 1_000, level))
        # the standard's uncertainty, 2.8 phon, is about 20 %
        case, within = f"1 kHz, {level} dB", max(0.2 * expected, 0.01)
        yield Claim("moore-glasberg-n", case, "ISO 532-2, Annex B", expected, within, signal)
    noise = sound(partial(sounds.band_noise, 500, 1_500, 70, 4.0))
    yield Claim("moore-glasberg-n", "500–1500 Hz, 70 dB", "ISO 532-2, Annex B", 14.17, 2.8, noise)


def sensations() -> Iterator[Claim]:
    for number in range(0, len(test_sharpness.NARROW), 4):
        low, high = test_sharpness.EDGES[number : number + 2]
        expected = test_sharpness.NARROW[number]
        case, within = f"{low}–{high} Hz", max(0.05 * expected, 0.05)
        signal = sound(partial(test_sharpness.at_4_sone, low, high))
        yield Claim("sharpness", case, "DIN 45692, Table A.2", expected, within, signal)
    for number in range(0, len(test_sharpness.BROAD), 4):
        low, expected = test_sharpness.CENTRES[number], test_sharpness.BROAD[number]
        case, within = f"{low}–10000 Hz", max(0.05 * expected, 0.05)
        signal = sound(partial(test_sharpness.at_4_sone, low, 10_000))
        yield Claim("sharpness", case, "DIN 45692, Table A.3", expected, within, signal)
    listeners = "Zwicker, Fastl, fig. 11.2"
    for modulation, expected in test_roughness.LISTENERS.items():
        case = f"1 kHz, AM {modulation} Hz"
        signal = sound(partial(test_roughness.modulated_tone, 1_000, modulation))
        yield Claim("roughness", case, listeners, expected, 0.17 * expected, signal)
    for carrier, modulation, expected in test_roughness.CARRIERS:
        case = f"{carrier / 1000:g} kHz, AM {modulation} Hz"
        signal = sound(partial(test_roughness.modulated_tone, carrier, modulation))
        yield Claim("roughness", case, listeners, expected, 0.17 * expected, signal)
    for kind, modulation in test_fluctuation.CASES:
        expected = test_fluctuation.LISTENERS[kind][modulation]
        signal = sound(partial(test_fluctuation.SOUNDS[kind], modulation))
        within = test_fluctuation.NOTICEABLE * expected
        case, witness = f"{kind}, {modulation} Hz", "Osses et al. 2016, listeners"
        yield Claim("fluctuation-strength", case, witness, expected, within, signal)
    for kind, values in test_fluctuation.SQAT.items():
        for modulation, expected in values.items():
            signal = sound(partial(test_fluctuation.SOUNDS[kind], modulation))
            within = max(test_fluctuation.AGREEMENT[kind] * expected, test_fluctuation.FAINT[kind])
            case = f"{kind}, {modulation} Hz"
            yield Claim("fluctuation-strength", case, "SQAT", expected, within, signal)
    yield Claim(
        "tonality",
        "1 kHz, 60 dB",
        "Aures 1985, by definition",
        1.0,
        0.005,
        sound(partial(sounds.tone, 1_000, 60, 2.0)),
    )


MODULATIONS = (1, 2, 4, 8, 16, 32)
FLUCTUATING = {
    "AM tone": "tone of 1 kHz, amplitude",
    "AM noise": "broadband noise, power",
    "FM tone": "tone of 1.5 kHz ± 700 Hz, frequency",
}
FLUCTUATION_HEADING = (
    "| What is modulated | " + " | ".join(f"{hz} Hz" for hz in MODULATIONS) + " |\n"
    "|---|" + "---|" * len(MODULATIONS) + "\n"
)


def fluctuation_table() -> str:
    """Return the table of how far the model of fluctuation strength lies from listeners, where it is known to."""
    lines = []
    for kind, name in FLUCTUATING.items():
        ours = [test_fluctuation.modulated(kind, hz) for hz in MODULATIONS]
        listeners = test_fluctuation.LISTENERS[kind].values()
        cells = [f"{mine:.2f} ({theirs:.2f})" for mine, theirs in zip(ours, listeners, strict=True)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return FLUCTUATION_HEADING + "\n".join(lines) + "\n"


def row(claim: Claim, deviation: float) -> str:
    unit = catalogue.get(claim.metric).unit
    cells = (
        f"`{claim.metric}`",
        claim.case,
        claim.witness,
        f"{claim.expected:.5g}".replace("-", "−") + (f" {unit}" if unit != "1" else ""),
        _rounded(deviation),
        _rounded(claim.tolerance, sign=False),
    )
    return f"| {' | '.join(cells)} |"


def _rounded(value: float, *, sign: bool = True) -> str:
    """Return `value` to four places: finer differences belong to the machine."""
    if abs(value) <= 1e-6:
        return "0.000001" if not sign else "0"
    text = f"{value:+.3f}" if sign else f"{value:.3g}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def page(deviations: list[tuple[Claim, float]]) -> str:
    """Return the guide's page with its tables made anew; that of the claims is the last thing on it."""
    text, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    before, _, after = text.partition(FLUCTUATION_HEADING)
    text = before + fluctuation_table() + "\n" + after.partition("\n\n")[2]
    return text + HEADING + "\n".join(row(*measured) for measured in deviations) + "\n"


def main() -> None:
    PAGE.write_text(page([(claim, claim.deviation()) for claim in claims()]), encoding="utf-8")


if __name__ == "__main__":
    main()
