"""Digits in noise: the signal-to-noise ratio at which half of all spoken digit triplets are understood. Pure.

Three different digits are spoken in noise that has their own long-term spectrum; the listener types what was heard, and
a triplet counts as understood when all three are right. The ratio falls by 2 dB after an understood triplet and rises
by 2 dB after any other (1 up, 1 down), which settles where half are understood (H. Levitt, "Transformed up-down methods
in psychoacoustics", J Acoust Soc Am 49, 467–477, 1971). Twenty-four triplets, the first at 0 dB; the speech reception
threshold is the mean ratio of the fifth to the twenty-fifth, which is not presented but follows from the last answer
(C. Smits, S. T. Goverts, J. M. Festen, "The digits-in-noise test: assessing auditory speech recognition abilities in
noise", J Acoust Soc Am 133, 1693–1706, 2013).

Ratios are of root mean squares, in dB; a threshold depends on the voice and its recordings, so that values of one set
of recordings compare with each other and not with those of another. Synthetic voices are for trying out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from listening.design import shuffled
from listening.speech import SpeechError, speech
from models_registry.audio import Audio, AudioError, mono, read, resample

TRIALS, FIRST_COUNTED = 24, 5
START_DB, STEP_DB = 0.0, 2.0
# beyond these nothing is learned: speech alone, or noise alone
LOWEST_DB, HIGHEST_DB = -30.0, 20.0
DIGITS = "0123456789"
# a triplet has three different ones, and should not be guessed from a few
LEAST_DIGITS = 6
RATE = 48_000
NOISE_RMS = 10 ** (-32 / 20)
LEAD_S, GAP_S = 0.5, 0.15
# of the recordings' beginning and end, quieter than this below the peak is no speech
SILENCE_DB = -45.0
LONGEST_S = 2.0


class DigitsError(ValueError):
    """Recordings or answers that make no such test; the message says what was expected and found."""


def triplets(digits: str, *, seed: str) -> list[str]:
    """`TRIALS` triplets of different ones of `digits`, none like the one before."""
    found: list[str] = []
    for trial in range(TRIALS):
        drawn = "".join(shuffled(digits, seed=f"{seed}/{trial}")[:3])
        again = found and drawn == found[-1]
        found.append(drawn[::-1] if again else drawn)
    return found


def next_ratio(ratio: float, *, understood: bool) -> float:
    """dB, of the triplet after one at `ratio`."""
    moved = ratio - STEP_DB if understood else ratio + STEP_DB
    return min(max(moved, LOWEST_DB), HIGHEST_DB)


def threshold(understood: Sequence[bool]) -> float:
    """The speech reception threshold in dB, from whether each triplet in turn was understood."""
    if len(understood) != TRIALS:
        raise DigitsError(f"expected answers to {TRIALS} triplets, found {len(understood)}")
    ratios = [START_DB]
    for one in understood:
        ratios.append(next_ratio(ratios[-1], understood=one))
    return float(np.mean(ratios[FIRST_COUNTED - 1 :]))


def recordings(folder: Path) -> dict[str, Audio]:
    """The digits recorded in `folder`, one file each named by its digit (0.wav … 9.wav), as mono at 48 kHz.

    Some may be left out, as words of two syllables often are. Raises `DigitsError`.
    """
    if not folder.is_dir():
        raise DigitsError(f"expected a folder of recorded digits, found none at {folder}")
    found: dict[str, Audio] = {}
    for path in sorted(folder.iterdir()):
        if path.stem not in DIGITS or len(path.stem) != 1 or not path.is_file():
            continue
        if path.stem in found:
            raise DigitsError(f"{folder}: expected one recording of {path.stem}, found several")
        try:
            found[path.stem] = spoken(read(path), name=path.name)
        except AudioError as error:
            raise DigitsError(str(error)) from error
    if len(found) < LEAST_DIGITS:
        raise DigitsError(
            f"{folder}: expected recordings of at least {LEAST_DIGITS} digits, named 0.wav … 9.wav, "
            f"found {', '.join(found) or 'none'}"
        )
    return levelled(found)


def spoken(sound: Audio, *, name: str) -> Audio:
    """The speech in a recording, without the silence around it, as mono at 48 kHz; raises `DigitsError`."""
    samples = resample(mono(sound), RATE).samples
    loud = np.flatnonzero(np.abs(samples[0]) > np.abs(samples).max() * 10 ** (SILENCE_DB / 20))
    if not loud.size:
        raise DigitsError(f"{name}: expected a spoken digit, found silence")
    cut = samples[:, loud[0] : loud[-1] + 1]
    if cut.shape[1] > LONGEST_S * RATE:
        raise DigitsError(
            f"{name}: expected one digit of up to {LONGEST_S:g} s, found {cut.shape[1] / RATE:.1f} s"
        )
    return Audio(cut, RATE)


def levelled(found: Mapping[str, Audio]) -> dict[str, Audio]:
    """All at the same root mean square, that of the noise."""
    return {
        digit: Audio(
            (sound.samples * (NOISE_RMS / np.sqrt(np.mean(sound.samples**2)))).astype(np.float32),
            RATE,
        )
        for digit, sound in found.items()
    }


def triplet(voice: Mapping[str, Audio], digits: str, *, ratio: float, seed: str) -> Audio:
    """The `digits` spoken by `voice` in noise, `ratio` dB above it; the same seed gives the same noise.

    Every triplet of a voice lasts equally long, so that its length says nothing.
    """
    room = max(sound.frames for sound in voice.values())
    lead, gap = round(LEAD_S * RATE), round(GAP_S * RATE)
    frames = 2 * lead + 3 * room + 2 * gap
    mixed = noise(voice, frames, seed=seed)
    for place, digit in enumerate(digits):
        start = lead + place * (room + gap)
        speech = voice[digit].samples[0].astype(float) * 10 ** (ratio / 20)
        mixed[start : start + speech.size] += speech
    # a high ratio may not clip: then both are turned down alike
    peak = np.abs(mixed).max()
    return Audio((mixed / max(peak, 1.0))[None].astype(np.float32), RATE)


def noise(voice: Mapping[str, Audio], frames: int, *, seed: str) -> np.ndarray:
    """Gaussian noise with the mean power spectrum of the voice's digits, at `NOISE_RMS`."""
    spectra = [np.fft.rfft(sound.samples[0], frames) for sound in voice.values()]
    power = np.mean(np.abs(spectra) ** 2, axis=0)
    smooth = np.convolve(power, np.hanning(129) / np.hanning(129).sum(), mode="same")
    rng = np.random.default_rng(list(seed.encode()))
    spectrum = np.sqrt(smooth) * np.fft.rfft(rng.standard_normal(frames))
    found = np.fft.irfft(spectrum, frames)
    return found * (NOISE_RMS / np.sqrt(np.mean(found**2)))


def synthetic(language: str) -> dict[str, Audio]:
    """The ten digits by espeak-ng's voice for `language`, where it is installed; raises `DigitsError`."""
    try:
        said = {digit: speech(digit, language=language) for digit in DIGITS}
    except SpeechError as error:
        raise DigitsError(str(error)) from error
    return levelled({d: spoken(sound, name=f"espeak-ng's {d}") for d, sound in said.items()})
