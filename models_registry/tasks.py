"""Background jobs of the ground floor; importing the module registers its handlers."""

from __future__ import annotations

from models_registry import training
from models_registry.jobs import Lease, Stopped, handles
from models_registry.models import ModelVersion, Signal
from models_registry.rendering import render

__all__ = ["render_signals", "training"]


@handles("render")
def render_signals(lease: Lease) -> str:
    """Arguments: version (`model@N`), signals (their hashes), actor. What is rendered already is left as it is."""
    arguments = lease.job.arguments
    version = ModelVersion.objects.named(arguments["version"])
    hashes = arguments["signals"]
    for number, sha256 in enumerate(hashes):
        if lease.should_stop():
            raise Stopped(f"stopped after {number} of {len(hashes)} renderings; run again to go on")
        source = Signal.objects.get(sha256=sha256)
        lease.report(number / len(hashes), f"{version} of {source.title}")
        render(version, source, actor=arguments.get("actor", "worker"))
    return f"{len(hashes)} signals by {version}"
