"""Trapping clips, after ITU-T P.808: a clip that begins like any other, and then says which answer to give. Pure.

Who listens gives that answer; who does not gives any. The instruction is a laboratory's own recording, or espeak-ng's
where that is installed; it comes at the level of the clip, after a short pause and with a fade between.
"""

from __future__ import annotations

import numpy as np

from models_registry.audio import Audio, mono, resample

START_S, PAUSE_S, FADE_S = 1.5, 0.25, 0.05


class TrapError(ValueError):
    """Sounds that make no trapping clip; the message says what was expected and found."""


def trap(clip: Audio, instruction: Audio, *, start_s: float = START_S) -> Audio:
    """The first `start_s` seconds of `clip`, and then `instruction`, in the clip's rate and channels."""
    frames = round(start_s * clip.rate)
    if clip.frames < frames:
        raise TrapError(f"expected a clip of {start_s:g} s or more, found {clip.duration:.2f} s")
    beginning = clip.samples[:, :frames].astype(float)
    spoken = resample(mono(instruction), clip.rate).samples.astype(float)
    levels = [float(np.sqrt(np.mean(samples**2))) for samples in (beginning, spoken)]
    if min(levels) == 0:
        raise TrapError("expected sound in the clip's beginning and the instruction, found silence")
    fade = round(FADE_S * clip.rate)
    beginning[:, -fade:] *= (1 + np.cos(np.pi * (np.arange(fade) + 0.5) / fade)) / 2
    pause = np.zeros((clip.channels, round(PAUSE_S * clip.rate)))
    said = np.tile(spoken * levels[0] / levels[1], (clip.channels, 1))
    joined = np.concatenate([beginning, pause, said], axis=1)
    # quiet programme and a peaky voice: turned down alike rather than clipped
    return Audio((joined / max(1.0, np.abs(joined).max())).astype(np.float32), clip.rate)
