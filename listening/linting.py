"""What a campaign's author should know before anybody listens: errors that keep it from opening, and warnings.

Every finding says what was expected, what was found and what to do; one that can be mended by a click names the act
(listening/mending.py). What sounds are like is measured once (listening/measuring.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, Literal

from listening import measuring
from listening.balance import round_of
from listening.measuring import Ear, Heard, Lie
from listening.methods.base import UNLIKE
from listening.models import Campaign, Condition, Stimulus, Trial
from listening.plan import items_only_trained, part_named
from listening.scheme import Scheme
from listening.translating import untranslated
from models_registry.models import Signal

Severity = Literal["error", "warning"]
Role = Condition.Role

# BS.1534-3, 4.2.3: preferably not longer
LONGEST_S = 12.0
# BS.1534-3, 7.3: about one and a half times as many items as systems, and no fewer than five
ITEMS_PER_SYSTEM, FEWEST_ITEMS = 1.5, 5
# differences of level are heard as differences of quality; half of this is what EBU Tech 3341's meters may differ by
LOUDNESS_SPREAD_LU = 1.0
DC_PERCENT = 0.1
SILENT_END_S = 0.5
LAG_MS = 1.0


@dataclass(frozen=True)
class Finding:
    """One thing to know: its kind, where, what was expected and found, what to do, and what mends it."""

    code: str
    severity: Severity
    where: str
    found: str
    advice: str = ""
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def findings(campaign: Campaign) -> list[Finding]:
    """Errors first; every sound is read and measured, which takes seconds the first time."""
    errors = [_of_launch(problem) for problem in campaign.problems()]
    return [*errors, *_design(campaign), *_sounds(campaign)]


def _of_launch(problem: str) -> Finding:
    """What keeps a campaign from opening."""
    if UNLIKE in problem:
        advice = "Have them made alike by a click, or send files of one format."
        return Finding("launch", "error", "", problem, advice, "format")
    return Finding("launch", "error", "", problem)


def warnings(campaign: Campaign) -> list[Finding]:
    return [found for found in findings(campaign) if found.severity == "warning"]


# the design


def _design(campaign: Campaign) -> Iterator[Finding]:
    systems = campaign.conditions.filter(role=Role.SYSTEM).count()
    trained = items_only_trained(campaign.plan)
    items = campaign.trials.exclude(item__in=trained).count()
    wanted = max(FEWEST_ITEMS, ceil(ITEMS_PER_SYSTEM * systems))
    if items < wanted:
        yield Finding(
            "few-items",
            "warning",
            "",
            f"expected {wanted} items or more for {systems} systems, found {items}",
            "Results will hold for these items alone; add programme material that shows what the systems do.",
        )
    yield from _balance(campaign)
    yield from _rests(campaign)
    for code, words in campaign.translations.items():
        if missing := untranslated(campaign.texts, words):
            yield Finding(
                "translation",
                "warning",
                code,
                f"expected every text in {code}, found {len(missing)} without: {missing[0][:60]!r}"
                + (" and others" if len(missing) > 1 else ""),
                "Listeners in that language read them as they stand.",
            )
    if not part_named(campaign.plan, "consent"):
        yield Finding(
            "consent",
            "warning",
            "",
            "expected a part of consent in the plan, found none",
            "Say what is stored and for how long, and let people agree to it.",
            "consent",
        )
    if not part_named(campaign.plan, "training"):
        yield Finding(
            "training",
            "warning",
            "",
            "expected training before the ratings, found none",
            "Let listeners meet the whole range of quality first: the first answers are the least steady ones.",
            "training",
        )


def _rests(campaign: Campaign) -> Iterator[Finding]:
    """Breaks so long that whoever rests loses their place."""
    if campaign.design_problems() or not (campaign.design or campaign.groups):
        return
    keys = ("rest_min", "break_rest_min")
    longest = max((part[key] for part in campaign.plan for key in keys if key in part), default=0)
    held = Scheme.of(campaign.design).hold_hours
    if longest >= 60 * held:
        yield Finding(
            "rest",
            "warning",
            "",
            f"expected rests shorter than the {held:g} h for which a place is held, found {longest / 60:g} h",
            "Whoever rests would lose their place in the design: raise its hold_hours.",
        )


def _balance(campaign: Campaign) -> Iterator[Finding]:
    """Numbers of listeners at which the design is not even, and quotas that cannot all be filled."""
    wanted = campaign.quota
    whole = 1 if not campaign.design or campaign.design_problems() else round_of(campaign)
    if wanted and whole > 1 and wanted % whole:
        below = wanted - wanted % whole
        yield Finding(
            "balance",
            "warning",
            "",
            f"expected a multiple of {whole} listeners, after which the design is even, found {wanted}",
            f"Ask for {' or '.join(str(n) for n in (below, below + whole) if n)}, or look at Who hears what for how "
            "uneven it is.",
        )
    of_groups = sum(campaign.group_quotas.values())
    if wanted and of_groups > wanted:
        yield Finding(
            "group-quotas",
            "warning",
            "",
            f"expected quotas of groups within the {wanted} listeners wanted, found {of_groups} together",
            "The campaign takes nobody new once it has all the listeners it wants: raise that number.",
        )


# the sounds


def _sounds(campaign: Campaign) -> Iterator[Finding]:
    ear = Ear(campaign)
    references: dict[str, str] = {}
    for trial in measuring.trials(campaign):
        against, stimuli = measuring.pairs(trial)
        yield from _same_sounds(trial, stimuli)
        if against is None:
            continue
        if against.sha256 in references:
            yield Finding(
                "item-twice",
                "warning",
                trial.item,
                f"expected each item once, found the sound of {references[against.sha256]!r} again",
                "Take one of them out, or use repetitions.",
            )
        references.setdefault(against.sha256, trial.item)
        yield from _of_trial(trial, stimuli, against, ear)


def _same_sounds(trial: Trial, stimuli: list[Stimulus]) -> Iterator[Finding]:
    by_hash: dict[str, list[str]] = defaultdict(list)
    for stimulus in stimuli:
        assert stimulus.signal
        by_hash[stimulus.signal.sha256].append(stimulus.condition.name)
    for names in by_hash.values():
        if len(names) > 1:
            yield Finding(
                "identical",
                "warning",
                trial.item,
                f"expected different sounds, found the same under {' and '.join(names)}",
                "Check that the right files were chosen.",
            )


def _of_trial(
    trial: Trial, stimuli: list[Stimulus], against: Signal, ear: Ear
) -> Iterator[Finding]:
    loudnesses = {}
    for stimulus in stimuli:
        assert stimulus.signal
        where = f"{trial.item} · {stimulus.condition.name}"
        try:
            measuring.check_file(stimulus.signal)
            heard = ear.heard(stimulus.signal)
            lie = ear.lie(stimulus.signal, against)
        except measuring.UNREADABLE as error:
            yield Finding(
                "unreadable",
                "error",
                where,
                f"expected a sound that can be read, found {_why(error)}",
                "Add it again.",
            )
            continue
        yield from _of_sound(where, heard)
        yield from _of_pair(where, lie)
        anchor = stimulus.condition.role not in (Role.SYSTEM, Role.REFERENCE)
        if heard.loudness_lufs is not None and not anchor:
            loudnesses[stimulus.condition.name] = heard.loudness_lufs
    if against.duration > LONGEST_S:
        yield Finding(
            "long",
            "warning",
            trial.item,
            f"expected {LONGEST_S:g} s or less (BS.1534-3), found {against.duration:.1f} s",
            "Cut it to the passage that shows the differences, or justify the length in the report.",
        )
    yield from _spread(trial.item, loudnesses)


def _why(error: Exception) -> str:
    """What is wrong with a file, without its place on this machine."""
    return (error.strerror or "none") if isinstance(error, OSError) else str(error)


def _of_sound(where: str, heard: Heard) -> Iterator[Finding]:
    if heard.dc_percent >= DC_PERCENT:
        found = f"expected no offset, found {heard.dc_percent:.2g} % of full scale"
        yield Finding(
            "offset", "warning", where, found, "Remove it: it clicks at every switch.", "offset"
        )
    if heard.clipped_percent > 0:
        found = (
            f"expected no clipping, found {heard.clipped_percent:.2g} % of samples at full scale"
        )
        yield Finding(
            "clipping",
            "warning",
            where,
            found,
            "Render it again at a lower level, if the system did not clip it.",
        )
    ends = {"start": heard.silent_start_s, "end": heard.silent_end_s}
    for end, seconds in ends.items():
        if seconds > SILENT_END_S:
            found = f"expected sound within {SILENT_END_S:g} s, found {seconds:.2f} s of silence at the {end}"
            yield Finding("silence", "warning", where, found, "Cut all sounds of the item alike.")


def _of_pair(where: str, lie: Lie) -> Iterator[Finding]:
    if abs(lie.lag_ms) > LAG_MS:
        late = "late" if lie.lag_ms > 0 else "early"
        found = f"expected it under the reference, found it {abs(lie.lag_ms):.2f} ms {late}"
        yield Finding(
            "lag", "warning", where, found, "Move it: a jump at each switch tells it apart.", "lag"
        )
    if lie.inverted:
        found = "expected the reference's polarity, found it inverted"
        yield Finding(
            "polarity",
            "warning",
            where,
            found,
            "Turn it over, if the system is not meant to.",
            "polarity",
        )


def _spread(item: str, loudnesses: dict[str, float]) -> Iterator[Finding]:
    if len(loudnesses) < 2:
        return
    quiet, loud = (
        min(loudnesses, key=loudnesses.__getitem__),
        max(loudnesses, key=loudnesses.__getitem__),
    )
    spread = loudnesses[loud] - loudnesses[quiet]
    if spread > LOUDNESS_SPREAD_LU:
        yield Finding(
            "loudness",
            "warning",
            item,
            f"expected conditions within {LOUDNESS_SPREAD_LU:g} LU, found {spread:.1f} LU from {quiet} to {loud}",
            "Align their loudness, unless the level is what the systems differ in.",
            "loudness",
        )


def summary(found: list[Finding]) -> dict[str, Any]:
    """How many of each kind, for the record of a launch."""
    return dict(Counter(finding.code for finding in found if finding.severity == "warning"))
