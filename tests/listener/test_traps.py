"""A trapping clip begins as the clip does, and goes on with the instruction at its level."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from listening.speech import SpeechError, speech
from listening.traps import TrapError, trap
from models_registry.audio import Audio, read, write
from tests.factories import tone


def level(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2))))


def test_it_begins_as_the_clip_and_goes_on_with_the_instruction_at_its_level():
    clip = tone(500, level=0.1, duration=4, channels=2)
    made = trap(clip, tone(900, level=0.9, duration=1, rate=22_050))
    assert (made.channels, made.rate) == (2, clip.rate)
    assert made.duration == pytest.approx(1.5 + 0.25 + 1, abs=0.01)
    kept = round(1.4 * clip.rate)
    np.testing.assert_array_equal(made.samples[:, :kept], clip.samples[:, :kept])
    said = made.samples[:, round(1.8 * clip.rate) : round(2.7 * clip.rate)]
    assert level(said) == pytest.approx(level(clip.samples), abs=0.1)
    spectrum = np.abs(np.fft.rfft(said[0]))
    assert np.argmax(spectrum) * clip.rate / said.shape[1] == pytest.approx(900, abs=2)


def test_what_makes_no_trap_is_refused():
    with pytest.raises(TrapError, match=r"a clip of 1\.5 s or more, found 1\.00 s"):
        trap(tone(500, duration=1), tone(900))
    with pytest.raises(TrapError, match="found silence"):
        trap(tone(500, duration=2), Audio(np.zeros((1, 48_000), dtype=np.float32), 48_000))


def test_the_command_makes_one_of_a_recording_or_says_why_not(tmp_path, capsys):
    clip, spoken, made = (tmp_path / f"{name}.wav" for name in ("clip", "spoken", "made"))
    write(clip, tone(500, duration=2))
    write(spoken, tone(900, duration=1))
    call_command("trap", str(clip), str(made), f"--spoken={spoken}")
    assert "2.75 s" in capsys.readouterr().out
    assert read(made).duration == pytest.approx(2.75)
    with pytest.raises(CommandError, match="expected a clip of"):
        call_command("trap", str(spoken), str(tmp_path / "no.wav"), f"--spoken={spoken}")
    assert not (tmp_path / "no.wav").exists()


def test_espeak_speaks_the_instruction_where_it_is_installed(monkeypatch):
    if shutil.which("espeak-ng") is None:
        pytest.skip("no synthetic voice: apt-get install espeak-ng")
    assert speech("Please answer two", language="en").duration > 0.5
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SpeechError, match="expected espeak-ng for a synthetic voice"):
        speech("Please answer two", language="en")
