"""Background jobs of the ground floor; importing the module registers its handlers."""

from __future__ import annotations

import time

from models_registry import adopting, searching, training
from models_registry.jobs import Lease, Stopped, handles
from models_registry.models import Signal
from models_registry.rendering import render_many

__all__ = ["adopting", "render_signals", "searching", "training"]


@handles("render")
def render_signals(lease: Lease) -> str:
    """Arguments: versions (`model@N` or `model@N:condition`), signals (their hashes), actor. What is rendered already
    is left as it is."""
    arguments = lease.job.arguments
    names, hashes = arguments["versions"], arguments["signals"]
    known = {one.sha256: one for one in Signal.objects.filter(sha256__in=hashes)}
    whole, began = len(names) * len(hashes), time.monotonic()

    def told(number: int, what: str) -> None:
        if lease.should_stop():
            raise Stopped(f"stopped after {number} of {whole} renderings; run again to go on")
        left = (time.monotonic() - began) * (whole - number) / number if number else None
        rest = "" if left is None else f", {left:.0f} s left"
        lease.report(number / whole, f"{number + 1} of {whole}: {what}{rest}")

    signals = [known[sha256] for sha256 in hashes]
    done = list(render_many(names, signals, actor=arguments.get("actor", "worker"), told=told))
    return f"{len(done)} rendering{'' if len(done) == 1 else 's'}: {len(hashes)} signal(s) by {', '.join(names)}"
