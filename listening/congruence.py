"""How far a registered version agrees with hearing: its bands, its error, its features, and what it lets be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from listening.ablating import material
from listening.analysis.plain import plain
from models_registry.extra import engine
from models_registry.models import ModelVersion
from models_registry.studying import Found, Told, chain_of, part_of, sounds_of, study

ALONE, BEHIND = "the ear alone", "the ear behind the chain"


@study(
    "congruence",
    title="Congruence with hearing",
    purpose="How far its bands, its error and its features agree with the ear, and which differences it lets be told.",
    settings={"signals": [], "sensitivity": True},
)
def congruence(version: ModelVersion, settings: Found, told: Told) -> Found:
    """Layout of bands, masked share of the error, alignment of features, and just-noticeable differences and masking
    curves where `sensitivity` is asked for; a sentence for each that this version has no answer to.

    Raises `EngineError`, `AudioError`.
    """
    room = engine()
    chain = chain_of(version).double().eval()
    clips, said, _ = material(version, sounds_of(settings["signals"]))
    remarks: list[str] = []
    most = 0.15 if settings["sensitivity"] else 1.0
    told(0.0, "bands")
    layouts = room.congruence.layouts(chain)
    if not layouts:
        remarks.append(
            "No part divides the spectrum into four bands or more, so there is no layout to hold against the ear's."
        )
    found: Found = {
        "version": str(version),
        "sha256": version.sha256,
        "material": said,
        "full_scale": room.congruence.FULL_SCALE,
        "layouts": [{**asdict(one), "width_in_erb": one.width_in_erb} for one in layouts],
        "masking": _masking(chain, clips, remarks, told),
        "similarities": _similarities(chain, clips, remarks, part_of(told, 0.05, most)),
        "listeners": [],
        "textbook": None,
    }
    if settings["sensitivity"]:
        found |= _listeners(chain, remarks, part_of(told, most, 1.0))
    return dict(plain({**found, "remarks": remarks}))


def _masking(chain: Any, clips: Sequence[Any], remarks: list[str], told: Told) -> Found | None:
    room = engine()
    told(0.02, "the error beside the masked threshold")
    wanted = [one for one in clips if one.target is not None]
    if not wanted:
        remarks.append(
            "These sounds have no targets, so there is no error whose masked share could be told: ask on the recipe's "
            "test clips."
        )
        return None
    try:
        outputs = room.ablation.outputs(chain, wanted)
        pairs = [(out, one.target.double()) for out, one in zip(outputs, wanted, strict=True)]
        return asdict(room.congruence.masking(pairs, rate=chain.rate))
    except room.EngineError as error:
        remarks.append(f"The masked share of the error is not told: {error}.")
        return None


def _similarities(chain: Any, clips: Sequence[Any], remarks: list[str], told: Told) -> list[Found]:
    """For each adapter that listens, how alike its hidden units are to each of the ear's patterns of what it hears."""
    room = engine()
    found = []
    if not chain.adapters:
        remarks.append(
            "The chain has no adapters, so there are no features to hold against the ear."
        )
    for number, adapter in enumerate(chain.adapters, start=1):
        part = f"adapter {number}"
        patterns = room.congruence.PATTERNS
        for place, (name, pattern) in enumerate(patterns.items()):
            share = (number - 1 + place / len(patterns)) / len(chain.adapters)
            told(share, f"{part} beside the ear's {name}")
            try:
                features = []
                for one in clips:
                    chain.under(one.condition)
                    units = room.congruence.features(adapter, one.signal.double(), rate=chain.rate)
                    features.append(units)
                if any(one is None for one in features):
                    remarks.append(
                        f"{part.capitalize()} ({adapter.kind}) hears no signal, so it has no features of a sound."
                    )
                    break
                ears = [pattern(one.signal, rate=chain.rate) for one in clips]
                alike = room.congruence.similarity(features, ears)
                found.append({"part": part, "kind": adapter.kind, "pattern": name, **asdict(alike)})
            except room.EngineError as error:
                remarks.append(f"{part.capitalize()} beside the ear's {name}: {error}.")
    chain.under(None)
    return found


def _listeners(chain: Any, remarks: list[str], told: Told) -> Found:
    """Thresholds and masking curve of the ear alone, of the same ear behind the chain, and of each adapter's features,
    with the internal noise by which each was calibrated."""
    room = engine()
    sense = room.congruence
    ear = sense.EarAlone(chain.rate)
    noise = sense.calibrated(ear, chain.rate)
    asked = [(ALONE, ear, noise), (BEHIND, sense.behind(chain, ear), noise)]
    for number, adapter in enumerate(chain.adapters, start=1):
        # one that hears no signal has been named among the features
        if not adapter.listens:
            continue
        listener = sense.features_of(adapter)
        try:
            asked.append((f"adapter {number}", listener, sense.calibrated(listener, chain.rate)))
        except room.EngineError as error:
            remarks.append(f"Adapter {number} ({adapter.kind}) is no listener: {error}.")
    found, textbook = [], None
    for place, (name, listener, noise) in enumerate(asked):
        within = part_of(told, place / len(asked), (place + 1) / len(asked))
        try:
            thresholds = sense.thresholds(
                listener,
                rate=chain.rate,
                noise=noise,
                progress=_as(name, part_of(within, 0.0, 0.7)),
            )
            curve = sense.masking_curve(
                listener,
                rate=chain.rate,
                noise=noise,
                progress=_as(name, part_of(within, 0.7, 1.0)),
            )
        except room.EngineError as error:
            remarks.append(f"{name.capitalize()} was not tested: {error}.")
            continue
        textbook = {"frequencies": curve.frequencies, "levels": curve.textbook}
        found.append(
            {
                "name": name,
                "noise": noise,
                "thresholds": [asdict(one) for one in thresholds],
                "curve": asdict(curve),
            }
        )
    return {"listeners": found, "textbook": textbook}


def _as(name: str, told: Told) -> Told:
    return lambda share, message: told(share, f"{name}: {message}")
