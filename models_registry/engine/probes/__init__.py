"""Synthetic probes with known truth: what goes in is known to the last sample, so that what comes out says what the
model did. Kinds of probe (kinds.py and its neighbours) are put together to suites (suite.py), which are data."""

from models_registry.engine.probes import suite
from models_registry.engine.probes.jobs import Answer, Asked, Model, Task, answers, tasks_of
from models_registry.engine.probes.kinds import ProbeError, kind, names
from models_registry.engine.probes.rungs import (
    Place,
    Truth,
    degrees_of,
    places_of,
    truth_of,
    unit_of,
)
from models_registry.engine.probes.running import Kept, Tried
from models_registry.engine.probes.suite import Probe, Suite

__all__ = [
    "Answer",
    "Asked",
    "Kept",
    "Model",
    "Place",
    "Probe",
    "ProbeError",
    "Suite",
    "Task",
    "Tried",
    "Truth",
    "answers",
    "degrees_of",
    "kind",
    "names",
    "places_of",
    "suite",
    "tasks_of",
    "truth_of",
    "unit_of",
]
