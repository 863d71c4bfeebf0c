"""The conformance table of the guide: what each metric gives for signals whose value somebody else has published.

Run: `python -m tests.metrics.conformance` writes the table anew; test_conformance.py fails when it is not current.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metrics import catalogue
from metrics.contract import Signal
from models_registry.audio import read
from tests.conftest import SHARED

PAGE = Path(__file__).resolve().parents[2] / "listening" / "guide" / "6-metrics.md"
RATE = 48_000
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


def tone(*parts: tuple[float, float], hz: float = 1_000.0, channels: int = 2) -> Signals:
    """A sine of (level in dBFS, seconds) after one another."""

    def build() -> tuple[tuple[Signal, ...], int]:
        amplitude = np.concatenate(
            [np.full(round(seconds * RATE), 10 ** (level / 20)) for level, seconds in parts]
        )
        wave = amplitude * np.sin(2 * np.pi * hz / RATE * np.arange(len(amplitude)))
        return (np.tile(wave, (channels, 1)),), RATE

    return build


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
    stepped = [(-20.0, 0.18), (-30.0, 0.22)] * 25
    yield Claim("max-momentary-loudness", "case 12", "EBU Tech 3341", -23.0, 0.1, tone(*stepped))
    peaks = {"case 15": (4, 0.5, 0.0), "case 16": (4, 0.5, 45.0), "case 17": (6, 0.5, 60.0)}
    peaks |= {"case 18": (8, 0.5, 67.5), "case 19": (4, 1.41, 45.0)}
    for case, wave in peaks.items():
        expected = 3.0 if case == "case 19" else -6.0
        # +0.2 and −0.4 dB are allowed
        yield Claim("true-peak", case, "EBU Tech 3341", expected, 0.2, faded(*wave))
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
        yield Claim("2f-model", name, "seabass-2f 0.1.0", values["mms_2f"], 3.0, pair)


def loudness() -> Iterator[Claim]:
    folder = "conformance/iso532-1"
    published = json.loads((SHARED / "data" / folder / "expected.json").read_text())
    for number in ("2", "3", "4", "5"):
        expected = published["N_stationary_sone"][number]
        signal = files(f"{folder}/signal{int(number):02}.flac")
        case = f"signal {number}"
        yield Claim("zwicker-n", case, "ISO 532-1, Annex B", expected, 0.05 * expected, signal)
    for number in ("6", "10", "14", "20"):
        expected = published["Nmax_time_varying_sone"][number]
        signal = files(f"{folder}/signal{int(number):02}.flac")
        case = f"signal {number}"
        yield Claim("zwicker-nmax", case, "ISO 532-1, Annex B", expected, 0.05 * expected, signal)


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
    """Return the guide's page with its table, which is the last thing on it, made anew."""
    text, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    return text + HEADING + "\n".join(row(*measured) for measured in deviations) + "\n"


def main() -> None:
    PAGE.write_text(page([(claim, claim.deviation()) for claim in claims()]), encoding="utf-8")


if __name__ == "__main__":
    main()
