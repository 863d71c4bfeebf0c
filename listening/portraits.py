"""A block by itself, as it was learned: every figure that can be drawn of it, whatever goes through it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from listening import inspection_figures as draw
from listening.analysis.plain import plain
from listening.inspecting import characteristics
from listening.understanding import Picture
from models_registry.models import ModelVersion
from models_registry.studying import Found, StudyError, chain_of


def portrait(version: ModelVersion, block: str) -> dict[str, Picture]:
    """The figures of `block` in `version`, by name; raises `StudyError` where there is no such block, or no weights."""
    chain = chain_of(version)
    if block not in chain.blocks:
        known = ", ".join(chain.blocks)
        raise StudyError(f"expected a block of {version} ({known}), found {block!r}")
    part = {"name": block, "kind": chain.blocks[block].kind, **characteristics(chain, block)}
    return dict(pictures_of(plain(part)))


def pictures_of(block: Found) -> Iterator[tuple[str, Picture]]:
    """The figures of a block, whatever goes through it (see `listening.inspecting`), by name."""
    name = block["name"]

    def picture(of: str, caption: str, figure: Any, *rest: Any) -> tuple[str, Picture]:
        make: partial[Figure] = partial(figure, block, *rest)
        return of, Picture(alt=f"{name}: {caption}", caption=caption, draw=make)

    if block["response"]:
        late = block["response"]["latency"]
        without = f" without its latency of {late} samples" if late else ""
        yield picture(
            "response", f"Frequency response, phase and group delay{without}.", draw.response
        )
    if block["poles"] or block["zeros"]:
        yield picture("roots", "Poles and zeros in the z plane.", draw.roots)
    if block["curve"]:
        yield picture("curve", "Output against input level.", draw.curve)
    if block["bank"]:
        yield picture("bank", f"The {len(block['bank']['bands'])} bands it divides by.", draw.bank)
    if any(row["seconds"] is not None for row in block["decay"]):
        yield picture("decay", "Reverberation time by octave (T30 or T20).", draw.decay)
    for n, one in enumerate(block["learned"], start=1):
        said = f"{one['name']}: {one['meaning']}, {len(one['values'])} numbers."
        yield picture(f"learned-{n}", said, draw.learned, one)
