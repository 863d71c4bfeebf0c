"""Audio files and arrays.

Conventions: samples are float32 arrays shaped (channels, frames) with full scale at -1…1; rates are in Hz;
levels are in dB relative to full scale (dBFS), where 1.0 is 0 dB.
"""

from __future__ import annotations

import hashlib
import math
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]

# A listening test plays seconds, a training set minutes; beyond this it is a mistaken or hostile file.
MAX_DURATION_S = 30 * 60
# Enough for 22.2 surround; libsndfile itself would allocate for 1024.
MAX_CHANNELS = 24
MIN_RATE, MAX_RATE = 8_000, 192_000
# Quieter than the last bit of 16-bit audio is not a signal that anyone can rate.
SILENCE_PEAK = 2.0**-16


class AudioError(ValueError):
    """A file or array that cannot be used as audio; the message says what was expected and found."""


@dataclass(frozen=True)
class Audio:
    """A signal in memory: `samples` (channels, frames) in −1…1 at `rate` Hz."""

    samples: Samples
    rate: int

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.rate


def checked(samples: NDArray[np.floating], rate: int, *, name: str = "the signal") -> Audio:
    """Return `samples` (channels, frames) as `Audio`, or raise `AudioError` naming what is wrong with them."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            f"{name}: expected a sample rate of {MIN_RATE} to {MAX_RATE} Hz, found {rate} Hz"
        )
    samples = np.asarray(samples)
    if samples.ndim != 2:
        raise AudioError(
            f"{name}: expected an array shaped (channels, frames), found {samples.ndim} dimension(s)"
        )
    if not np.issubdtype(samples.dtype, np.floating):
        raise AudioError(
            f"{name}: expected floating-point samples, full scale 1, found {samples.dtype} (16-bit samples are divided "
            "by 32768)"
        )
    channels, frames = samples.shape
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"{name}: expected 1 to {MAX_CHANNELS} channels, found {channels}")
    if frames == 0:
        raise AudioError(f"{name}: expected audio, found no samples (an empty file)")
    if frames > MAX_DURATION_S * rate:
        raise AudioError(
            f"{name}: expected at most {MAX_DURATION_S // 60} minutes, found {frames / rate / 60:.1f}"
        )
    if not np.isfinite(samples).all():
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise AudioError(f"{name}: expected finite samples, found {bad} NaN or infinite")
    if float(np.abs(samples).max()) < SILENCE_PEAK:
        raise AudioError(f"{name}: expected an audible signal, found silence (peak below −96 dBFS)")
    return Audio(np.ascontiguousarray(samples, dtype=np.float32), int(rate))


def read(
    source: str | Path | BinaryIO,
    *,
    name: str | None = None,
    max_duration: float = MAX_DURATION_S,
    max_bytes: float = math.inf,
) -> Audio:
    """Read any file libsndfile knows (WAV, FLAC, OGG, MP3, AIFF, …).

    Length, channel count and the size of the samples (32 bits each) are checked from the header, before anything is
    allocated.
    Raises `AudioError` for a missing, broken, empty, silent, non-finite, too long or too wide file.
    """
    name = name or str(source)
    if isinstance(source, (str, Path)) and not Path(source).is_file():
        raise AudioError(f"{name}: expected an audio file, found no such file")
    _check_riff_size(source, name)
    try:
        with soundfile.SoundFile(source) as file:
            if file.channels > MAX_CHANNELS:
                raise AudioError(
                    f"{name}: expected 1 to {MAX_CHANNELS} channels, found {file.channels}"
                )
            if file.frames > max_duration * file.samplerate:
                raise AudioError(
                    f"{name}: expected at most {max_duration / 60:g} minutes, "
                    f"found {file.frames / file.samplerate / 60:.1f}"
                )
            if (size := 4 * file.frames * file.channels) > max_bytes:
                raise AudioError(
                    f"{name}: expected at most {max_bytes / 1e6:g} MB of samples, found {size / 1e6:.0f} MB"
                )
            declared, rate = file.frames, file.samplerate
            samples = file.read(dtype="float32", always_2d=True).T
    except (soundfile.LibsndfileError, TypeError) as error:
        raise AudioError(
            f"{name}: expected an audio file (WAV, FLAC, OGG, MP3, AIFF), found one that does not decode"
        ) from error
    if samples.shape[1] != declared:
        raise AudioError(
            f"{name}: its header declares {declared} frames, found {samples.shape[1]} (a broken file)"
        )
    return checked(samples, rate, name=name)


def excerpt(
    source: str | Path | BinaryIO,
    *,
    start: float,
    seconds: float,
    most: float,
    name: str | None = None,
) -> Audio:
    """Read `seconds` from `start` on (0 seconds: to the end), and nothing else of the file.

    Raises `AudioError` where `read` does, for a start behind the end, and for more than `most` seconds.
    """
    name = name or str(source)
    if isinstance(source, (str, Path)) and not Path(source).is_file():
        raise AudioError(f"{name}: expected an audio file, found no such file")
    _check_riff_size(source, name)
    try:
        with soundfile.SoundFile(source) as file:
            first, rate = round(start * file.samplerate), file.samplerate
            if not 0 <= first < file.frames:
                raise AudioError(
                    f"{name}: expected a start before its end at {file.frames / rate:.1f} s, found {start:g} s"
                )
            count = min(file.frames - first, round(seconds * rate) or file.frames)
            if count > most * rate:
                raise AudioError(
                    f"{name}: expected at most {most:.3g} s, found {count / rate:.1f} s: "
                    f"cut it, as by --start {start:g} --seconds {most:.3g}"
                )
            file.seek(first)
            samples = file.read(count, dtype="float32", always_2d=True).T
    except (soundfile.LibsndfileError, TypeError) as error:
        raise AudioError(
            f"{name}: expected an audio file (WAV, FLAC, OGG, MP3, AIFF), found one that does not decode"
        ) from error
    return checked(samples, rate, name=name)


def duration_of(path: str | Path) -> float:
    """Seconds, by the file's header; raises `AudioError` for what is no audio file."""
    try:
        found = soundfile.info(str(path))
    except (soundfile.LibsndfileError, TypeError) as error:
        raise AudioError(
            f"{path}: expected an audio file (WAV, FLAC, OGG, MP3, AIFF), found one that does not decode"
        ) from error
    return float(found.frames / found.samplerate)


def _check_riff_size(source: str | Path | BinaryIO, name: str) -> None:
    """Refuse a WAV file cut short, which libsndfile reads without a word as far as it goes."""
    with open(source, "rb") if isinstance(source, (str, Path)) else nullcontext(source) as file:
        header, found = file.read(8), file.seek(0, 2)
        file.seek(0)
    declared = int.from_bytes(header[4:8], "little")
    # all ones: the size was not known when a stream was written
    if header[:4] == b"RIFF" and declared != 2**32 - 1 and declared + 8 > found:
        raise AudioError(
            f"{name}: its header declares {declared + 8} bytes, found {found} (a broken file)"
        )


def write(path: str | Path, audio: Audio, *, subtype: str = "FLOAT", format: str = "WAV") -> None:
    """Write `audio`; 32-bit float WAV unless told otherwise, so that reading gives the same samples back."""
    soundfile.write(str(path), audio.samples.T, audio.rate, subtype=subtype, format=format)


def content_hash(audio: Audio) -> str:
    """SHA-256 (hex) of the samples and their format: two files that sound the same bit for bit are one signal."""
    digest = hashlib.sha256(
        f"float32 {audio.channels} ch {audio.frames} frames {audio.rate} Hz\n".encode()
    )
    digest.update(np.ascontiguousarray(audio.samples, dtype="<f4").tobytes())
    return digest.hexdigest()


def resample(audio: Audio, rate: int) -> Audio:
    """Return `audio` at `rate` Hz (soxr, very high quality, linear phase, no delay)."""
    if rate == audio.rate:
        return audio
    samples = soxr.resample(audio.samples.T, audio.rate, rate, quality="VHQ")
    return Audio(np.ascontiguousarray(samples.T, dtype=np.float32), rate)


def mono(audio: Audio) -> Audio:
    """Return the mean of all channels as one."""
    if audio.channels == 1:
        return audio
    return Audio(audio.samples.mean(axis=0, keepdims=True, dtype=np.float32), audio.rate)


def peak_db(samples: NDArray[np.floating]) -> float:
    """Sample peak in dBFS; −inf for digital silence."""
    peak = float(np.abs(samples).max(initial=0.0))
    return 20 * float(np.log10(peak)) if peak > 0 else -np.inf
