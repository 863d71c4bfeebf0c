"""Reading what libsndfile reads, refusing what nobody can listen to."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from models_registry import audio
from models_registry.audio import Audio, AudioError

RATE = 48_000


def tone(frames=RATE // 10, channels=1, rate=RATE):
    t = np.arange(frames) / rate
    return Audio(np.tile(0.5 * np.sin(2 * np.pi * 440 * t), (channels, 1)).astype(np.float32), rate)


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        (".wav", "FLOAT", 0),
        (".wav", "PCM_16", 2**-15),
        (".wav", "PCM_24", 2**-23),
        (".flac", "PCM_24", 2**-23),
        (".aiff", "PCM_16", 2**-15),
        (".ogg", "VORBIS", 0.05),
    ],
)
def test_every_format_is_read_as_float32_channels_by_frames(tmp_path, suffix, subtype, tolerance):
    sound = tone(channels=2)
    path = tmp_path / f"tone{suffix}"
    soundfile.write(path, sound.samples.T, RATE, subtype=subtype)
    found = audio.read(path)
    assert found.samples.dtype == np.float32
    assert found.samples.shape == sound.samples.shape
    assert np.abs(found.samples - sound.samples).max() <= tolerance


def test_writing_and_reading_gives_the_same_samples_and_hash(tmp_path):
    sound = tone()
    audio.write(tmp_path / "tone.wav", sound)
    found = audio.read(tmp_path / "tone.wav")
    assert np.array_equal(found.samples, sound.samples)
    assert audio.content_hash(found) == audio.content_hash(sound)


def test_the_hash_tells_rate_channels_and_samples_apart():
    sound = tone()
    others = [
        Audio(sound.samples, 44_100),
        Audio(sound.samples.reshape(2, -1), RATE),
        Audio(sound.samples * np.float32(1.0000001), RATE),
    ]
    assert len({audio.content_hash(a) for a in (sound, *others)}) == 4


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((1, RATE)), RATE, "found silence"),
        (np.full((1, 10), np.nan), RATE, "found 10 NaN or infinite"),
        (np.zeros((1, 0)), RATE, "found no samples"),
        (np.ones((200, 10)), RATE, "expected 1 to 24 channels, found 200"),
        (np.ones((1, 10)), 500, "expected a sample rate of 8000 to 192000 Hz, found 500 Hz"),
        (np.ones(10), RATE, "found 1 dimension"),
    ],
)
def test_what_nobody_can_listen_to_is_refused(samples, rate, message):
    with pytest.raises(AudioError, match=message):
        audio.checked(samples, rate)


def test_three_hours_are_refused_from_the_header(tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(8_000 * 60 * 60 * 3, np.int16), 8_000, subtype="PCM_U8")
    with pytest.raises(AudioError, match="at most 30 minutes, found 180.0"):
        audio.read(path)


def test_two_hundred_channels_are_refused_from_the_header(tmp_path):
    soundfile.write(tmp_path / "wide.wav", np.ones((10, 200)), RATE)
    with pytest.raises(AudioError, match="expected 1 to 24 channels, found 200"):
        audio.read(tmp_path / "wide.wav")


@pytest.mark.parametrize("content", [b"", b"not audio at all" * 100, b"RIFF\xff\xff\xff\x7fWAVE"])
def test_a_file_that_is_no_audio_is_refused(tmp_path, content):
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="broken.wav"):
        audio.read(path)


def test_a_file_that_ends_before_its_header_says_is_refused(tmp_path):
    path = tmp_path / "short.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioError, match="short.flac"):
        audio.read(path)


def test_a_wav_file_that_was_cut_short_is_refused(tmp_path):
    """libsndfile would read what is left and say nothing."""
    path = tmp_path / "cut.wav"
    audio.write(path, tone())
    path.write_bytes(path.read_bytes()[:-1_000])
    with pytest.raises(AudioError, match=r"cut.wav: .* declares \d+ bytes, found \d+"):
        audio.read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(AudioError, match="found no such file"):
        audio.read(tmp_path / "nowhere.wav")


def test_resampling_keeps_a_tone_in_place():
    """Witness: the sine's own formula at the new rate; soxr's VHQ has no delay."""
    sound = tone(frames=RATE)
    found = audio.resample(sound, 44_100)
    t = np.arange(found.frames) / 44_100
    middle = slice(4_410, -4_410)
    expected = 0.5 * np.sin(2 * np.pi * 440 * t)
    assert np.abs(found.samples[0, middle] - expected[middle]).max() < 1e-5
