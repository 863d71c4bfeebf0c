"""A device that a trained chain has not met, from some seconds of its sound: only what sets it apart is learned.

Conventions: clips as in `data`, about 10 s of them; the recording is either of the dry sound itself or of another
programme of the same kind, as only long-term levels are compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from models_registry.audio import Audio, AudioError, mono, resample
from models_registry.engine.blocks import LinearBlock
from models_registry.engine.chain import Chain
from models_registry.engine.contract import EngineError
from models_registry.engine.data import Clips, cut
from models_registry.engine.losses import long_term_distance
from models_registry.engine.regularisers import response_roughness

STEPS, LEARNING_RATE = 120, 0.05
# Holds levels together between which there is no sound; more than in the recipe, since ten seconds say less.
SMOOTHNESS = 1e-5
# as in the recipe: long enough for a bass's bands, and a clip's first part only lets filters settle
SEGMENT, SKIP = 65_536, 4_096
OCTAVES = (63, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)


def clips_of(chain: Chain, dry: Sequence[Audio], wet: Sequence[Audio]) -> Clips:
    """What was played to a device and what it recorded, any number of each, as clips at the chain's rate.

    Recordings of `dry` itself in their order, or of another programme of the same kind. Raises `AudioError` for sound
    that is silent or shorter than a clip.
    """
    sides = []
    for side, sounds in (("dry", dry), ("wet", wet)):
        joined = np.concatenate(
            [resample(mono(sound), chain.rate).samples for sound in sounds], axis=1
        )
        if joined.shape[1] < SEGMENT:
            raise AudioError(
                f"{side}: expected at least {SEGMENT / chain.rate:.1f} s of sound (ten are better), "
                f"found {joined.shape[1] / chain.rate:.1f} s"
            )
        sides.append(cut([(side, joined, joined)], SEGMENT, SKIP).dry)
    first, second = sides
    return Clips(first, second)


def level_difference(chain: Chain, clips: Clips, condition: str | None) -> float:
    """How far long-term levels by band are from the recording's under `condition`, root mean square in dB."""
    with torch.no_grad():
        estimate = chain.under(condition).aligned(clips.dry)[0][..., SKIP:]
        found = long_term_distance(estimate, clips.wet[..., SKIP:], rate=chain.rate)
    chain.under(None)
    # the distance is in (10 dB)²
    return 10 * math.sqrt(found.item())


def adopted(chain: Chain, name: str, clips: Clips, *, skip: int = SKIP) -> Chain:
    """`chain` with one more condition, `name`, whose point is fitted to `clips`; everything else stays as it is.

    Raises `EngineError` for a chain without conditions or one that knows the name, `AudioError` for sound that is
    silent, not finite or shorter than what is skipped.
    """
    if not chain.conditions or name in chain.conditions:
        known = ", ".join(chain.conditions) or "no names"
        raise EngineError(
            f"expected a chain that knows devices by name, and a new name, found '{name}' beside {known}"
        )
    for side, sound in (("dry", clips.dry), ("wet", clips.wet)):
        part = sound[..., skip:]
        if not part.numel() or not part.isfinite().all() or not part.abs().max() > 0:
            raise AudioError(
                f"{side}: expected finite, audible sound of more than {skip} frames, found none"
            )
    grown, points = _grown(chain, name)
    grown.under(name)
    fitted = torch.optim.Adam(points, lr=LEARNING_RATE)
    for step in range(STEPS):
        for group in fitted.param_groups:
            group["lr"] = LEARNING_RATE * (1 + math.cos(math.pi * step / STEPS)) / 2
        fitted.zero_grad()
        estimate = grown.aligned(clips.dry)[0][..., skip:]
        distance = long_term_distance(estimate, clips.wet[..., skip:], rate=grown.rate)
        (distance + SMOOTHNESS * response_roughness(grown)).backward()  # type: ignore[no-untyped-call]
        # the other conditions' rows have no gradient, so Adam leaves them as they are
        fitted.step()
    return grown.under(None)


def _grown(chain: Chain, name: str) -> tuple[Chain, list[torch.nn.Parameter]]:
    """`chain` with room for `name`, which starts at the mean of the others; and what is its own to learn."""
    spec = chain.spec()
    for entry in spec["adapters"]:
        if "names" in entry:
            entry["names"] = [*entry["names"], name]
    with torch.random.fork_rng(devices=[]):
        grown = Chain.from_spec(spec)
    before, own = chain.state_dict(), []
    with torch.no_grad():
        for key, tensor in grown.state_dict().items():
            old = before[key]
            if old.shape != tensor.shape:
                old = torch.cat([old, old.mean(0, keepdim=True)])
                own.append(grown.get_parameter(key))
            tensor.copy_(old)
    return grown, own


def told_apart(chain: Chain) -> dict[str, str]:
    """For each condition what its settings do: a linear block's response in dB by octave, else the settings."""
    heard = [frequency for frequency in OCTAVES if frequency < 0.45 * chain.rate]
    found = {}
    for name in chain.conditions:
        chain.under(name)
        said = []
        for path, reading in chain.readings().items():
            if reading.authority is None:
                continue
            block_id = path.partition(".")[0]
            if isinstance(chain.blocks[block_id], LinearBlock):
                levels = 20 * np.log10(np.abs(chain.response(block_id, heard)))
                said += [
                    f"{at} Hz {level:+.1f} dB" for at, level in zip(heard, levels, strict=True)
                ]
            elif isinstance(reading.value, float):
                said.append(f"{path} {reading.value:.3g} {reading.parameter.unit}".rstrip())
        found[name] = ", ".join(dict.fromkeys(said))
    chain.under(None)
    return found
