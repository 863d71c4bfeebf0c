"""Audio as it leaves for a listener: 24-bit PCM WAV, of one size for all stimuli of a page.

Every slot gets TPDF dither of its own at the 24th bit (RMS −144 dBFS, inaudible), as any requantisation should. So not
even the bytes of the hidden reference are those of the reference, nor the bytes of X those of A or B.
"""

from __future__ import annotations

import io
import uuid

import numpy as np
import soundfile

from models_registry.audio import Audio

FULL_SCALE = 2**23


def stimulus_wav(audio: Audio, *, token: uuid.UUID) -> bytes:
    """`audio` as 24-bit PCM WAV; the same token gives the same bytes, so that ranges of it fit together."""
    dither = np.random.default_rng(token.int)
    shape = audio.samples.T.shape
    # two uniform draws of one step each: triangular, ±1 step
    noise = dither.random(shape) - dither.random(shape)
    steps = np.rint(audio.samples.T * float(FULL_SCALE) + noise)
    samples = np.clip(steps, -FULL_SCALE, FULL_SCALE - 1).astype(np.int32)
    buffer = io.BytesIO()
    # libsndfile takes the upper 24 of 32 bits
    soundfile.write(buffer, samples << 8, audio.rate, subtype="PCM_24", format="WAV")
    return buffer.getvalue()
