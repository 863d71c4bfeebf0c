"""What a browser tells of a visit to a page, and what in it a researcher should know. Pure.

A visit is one time that a page was open:

    open_s, hidden_s   seconds it was open, and out of sight (another tab, a locked screen)
    device_rate        Hz, of the output device; other than the sounds' own, the device resampled them
    latency_s          from the page to the ear, as the browser estimates it
    drop_outs          how often the sound clock fell behind: heard as gaps
    heard              seconds heard of each sound, by its label
    ended              labels of the sounds whose end was heard
    volume             changes as [seconds since opening, dB]
    failed             labels of the sounds that could not be loaded, also where another try could; left out where none

It comes from a machine we do not know: every value is checked, and none of it enters a rating.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

KEYS = ("open_s", "hidden_s", "device_rate", "latency_s", "drop_outs", "heard", "ended", "volume")
# what visits say only where there is something to say
IF_ANY = ("failed",)
MAX_SOUNDS, MAX_CHANGES, MAX_LABEL = 20, 50, 20
# a day: whoever leaves a page open for longer has left it
MAX_S = 86_400.0

# what is flagged, unless a campaign declares other limits
LIMITS: Mapping[str, float | bool] = {
    # BS.1534-3 allows no loop under half a second: less of a sound was not listened to
    "heard_s": 0.5,
    # a glance at another window is no absence
    "hidden_s": 5.0,
    "drop_outs": 0,
    "resampled": True,
    # above this, wireless headphones or worse: pictures and sounds no longer agree
    "latency_s": 0.25,
    # BS.1534-3, 8.2: individual adjustment of the level
    "volume_db": 4.0,
    "failed": 0,
}

Visit = Mapping[str, Any]


class TelemetryError(ValueError):
    """What no browser of ours would tell; the message says what was expected and found."""


def checked_visit(body: Any) -> dict[str, Any]:
    """`body`, if it is a visit; raises `TelemetryError`."""
    if not isinstance(body, dict) or set(body) - set(IF_ANY) != set(KEYS):
        found = ", ".join(sorted(map(str, body))) if isinstance(body, dict) else repr(body)[:80]
        raise TelemetryError(f"expected {', '.join(KEYS)}, found {found or 'nothing'}")
    for key in ("open_s", "hidden_s", "latency_s"):
        _number(key, body[key], MAX_S)
    _number("device_rate", body["device_rate"], 1e6)
    _number("drop_outs", body["drop_outs"], 1e6)
    heard, ended, volume = body["heard"], body["ended"], body["volume"]
    if not isinstance(heard, dict) or len(heard) > MAX_SOUNDS:
        raise TelemetryError(f"expected heard as seconds of up to {MAX_SOUNDS} sounds")
    for label, seconds in heard.items():
        _label(label)
        _number(f"heard of {label}", seconds, MAX_S)
    if not isinstance(ended, list) or len(ended) > MAX_SOUNDS:
        raise TelemetryError(f"expected ended as up to {MAX_SOUNDS} labels")
    failed = body.get("failed", [])
    if not isinstance(failed, list) or len(failed) > MAX_SOUNDS:
        raise TelemetryError(f"expected failed as up to {MAX_SOUNDS} labels")
    for label in [*ended, *failed]:
        _label(label)
    if not isinstance(volume, list) or len(volume) > MAX_CHANGES:
        raise TelemetryError(f"expected up to {MAX_CHANGES} changes of volume")
    for change in volume:
        if not isinstance(change, list) or len(change) != 2:
            raise TelemetryError(f"expected a change of volume as [seconds, dB], found {change!r}")
        _number("the time of a change of volume", change[0], MAX_S)
        _number("a volume in dB", change[1], 0, least=-60)
    return body


def _number(what: str, value: Any, most: float, *, least: float = 0) -> None:
    if type(value) not in (int, float) or not (math.isfinite(value) and least <= value <= most):
        raise TelemetryError(f"expected {what} from {least:g} to {most:g}, found {value!r}")


def _label(label: Any) -> None:
    if not isinstance(label, str) or not 0 < len(label) <= MAX_LABEL:
        raise TelemetryError(f"expected the label of a sound, found {label!r}")


def heard(visits: Iterable[Visit]) -> dict[str, float]:
    """Seconds heard of each sound, over all visits to its page."""
    total: dict[str, float] = {}
    for visit in visits:
        for label, seconds in visit["heard"].items():
            total[label] = total.get(label, 0.0) + seconds
    return total


def ended(visits: Iterable[Visit]) -> set[str]:
    """The sounds whose end was heard, in any visit."""
    return {label for visit in visits for label in visit["ended"]}


def failed(visits: Iterable[Visit]) -> set[str]:
    """The sounds that could not be loaded in some visit."""
    return {label for visit in visits for label in visit.get("failed", ())}


def flags(
    visits: Sequence[Visit],
    *,
    labels: Iterable[str],
    rate: int,
    level_db: float | None,
    limits: Mapping[str, float | bool] = LIMITS,
) -> list[str]:
    """What a researcher should know of a page with these sounds at `rate`, heard from `level_db` on.

    `limits` holds of `LIMITS` what is to be said, each beyond the limit given: a sound heard for less than `heard_s`,
    more than `hidden_s` out of sight, more than so many `drop_outs`, at all `resampled`, more than `latency_s`, a
    volume more than `volume_db` from where it was, or more sounds than `failed` that could not be loaded at once.
    """
    seconds, found = heard(visits), []
    least = limits.get("heard_s", 0)
    if unheard := [label for label in labels if seconds.get(label, 0) < least]:
        found.append(f"heard for less than {least:g} s: {', '.join(unheard)}")
    if (hidden := sum(visit["hidden_s"] for visit in visits)) > limits.get("hidden_s", math.inf):
        found.append(f"out of sight for {hidden:.0f} s")
    if (missed := sum(visit["drop_outs"] for visit in visits)) > limits.get("drop_outs", math.inf):
        found.append(f"{missed:g} drop-out{'s' if missed > 1 else ''}")
    others = {visit["device_rate"] for visit in visits} - {0, rate}
    if others and limits.get("resampled"):
        rates = ", ".join(f"{other:g} Hz" for other in sorted(others))
        found.append(f"resampled by the device to {rates}")
    latency = max((visit["latency_s"] for visit in visits), default=0)
    if latency > limits.get("latency_s", math.inf):
        found.append(f"{1000 * latency:.0f} ms from page to ear")
    most = limits.get("volume_db", math.inf)
    volumes = [db for visit in visits for _, db in visit["volume"]]
    if level_db is not None and any(abs(db - level_db) > most for db in volumes):
        found.append(f"volume changed by more than {most:g} dB")
    lost = failed(visits)
    if len(lost) > limits.get("failed", math.inf):
        found.append(f"not loaded at the first try: {', '.join(sorted(lost))}")
    return found
