"""What a test method promises: how a trial becomes a page, what an answer is, and what ratings it gives."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from soundfile import LibsndfileError

from listening.analysis import report
from listening.analysis.report import Analysis
from listening.plan import control_stimuli
from listening.questions import key_problems
from listening.scheme import scheme_problems
from models_registry.audio import peak_db

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise
    from pandas import DataFrame

    from listening.models import Campaign, Condition, Page, Rating, Slot, Stimulus, Trial
    from listening.simulation import Hearer
    from models_registry.models import Signal

# of what is missing, as many as a sentence can still be read with
NAMED = 12
# BS.1534-3, 5.1.2: no loop shorter than this
MIN_EXCERPT_S = 0.5
# A page's stimuli are loaded whole before the first is heard.
MAX_EXCERPT_S = 60.0
# The rates every browser must offer for playback (Web Audio API, "supported sample rates").
MIN_RATE, MAX_RATE = 8_000, 96_000


class UnknownMethod(ValueError):
    """A name that no test method has; the message lists those that exist."""


class AnswerError(ValueError):
    """An answer that the method does not allow; the message says what was expected and found."""


@dataclass(frozen=True)
class PlannedSlot:
    """A slot before it is stored: what the listener sees, and what it plays.

    That is a stimulus, a clip of `listening.headphones`, or with neither the trial's open reference.
    """

    label: str
    stimulus: Stimulus | None = None
    clip: str = ""


@dataclass(frozen=True)
class Judgement:
    """One rating that follows from an answer; `scale` names the scale where the method has several."""

    stimulus: Stimulus
    value: float
    detail: dict[str, Any] = field(default_factory=dict)
    scale: str = ""


@dataclass(frozen=True)
class Gates:
    """What must be done before a page may be left: rate all, hear all, hear the end of all."""

    rate: bool = True
    listen: bool = False
    hear_end: bool = False


class Method(ABC):
    """A test method. Subclasses in this package register themselves by being defined.

    `options` are what the method leaves to a campaign (`Campaign.options`), filled up with `defaults`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    # the standard the method follows, for pages, exports and reports
    standard: str
    template: ClassVar[str]
    # in the language of whoever reads them
    default_instructions: ClassVar[StrOrPromise]
    # what the standard asks for; a campaign's plan may ask for other
    gates: ClassVar[Gates] = Gates()
    # whether two sounds of a page come in either order equally often over a session
    balanced: ClassVar[bool] = False
    # whether an item's systems stand by themselves: a listener may hear some of them, in any order that is planned
    single_systems: ClassVar[bool] = True
    # every option there is, with what holds where a campaign says nothing; its kind is the kind taken
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self.options: dict[str, Any] = {**self.defaults, **(options or {})}

    def option_problems(self) -> Iterator[str]:
        """What is wrong with the options, one sentence each: unknown ones, another kind than the default's."""
        kinds = {name: type(default) for name, default in self.defaults.items()}
        numbers = {int: (int, float), float: (int, float)}
        keys = {name: numbers.get(kind, kind) for name, kind in kinds.items()}
        if not keys and self.options:
            yield f"expected no options for {self.title}, found {', '.join(self.options)}"
        elif problems := list(key_problems(self.options, keys=keys, required=[])):
            yield from (f"options: {problem}" for problem in problems)
        else:
            yield from self.further_option_problems()

    def further_option_problems(self) -> Iterator[str]:
        """What is wrong with options that are of the right kind."""
        yield from ()

    def option_texts(self) -> Iterator[str]:
        """Texts among the options that listeners read."""
        yield from ()

    def judged_together(self, stimuli: list[Stimulus], *, seed: str) -> list[list[Stimulus]]:
        """Which stimuli of a trial share a page: all of them, unless the method makes several pages of a trial.

        What is drawn for that is drawn from `seed`, a session's and repetition's own.
        """
        return [stimuli]

    def design_problems(
        self, design: Mapping[str, Any], *, items: Collection[str], systems: int
    ) -> list[str]:
        """What is wrong with a design of a campaign that rates `items` and tests so many systems."""
        problems = list(scheme_problems(design, items=items, systems=systems))
        if not problems and "systems" in design and not self.single_systems:
            problems.append(
                f"design: expected no share of the systems in {self.title}, which needs two conditions of an item, "
                f"found {design['systems']}"
            )
        return problems

    @abstractmethod
    def rehearsed(
        self, slots: list[Slot], hearer: Hearer, quality: Callable[[Stimulus], float]
    ) -> Iterator[dict[str, Any]]:
        """What a simulated listener answers on a page, to whom every stimulus has a latent quality (0–100)."""

    @property
    def ends_early(self) -> bool:
        """Whether a session may be decided before its last rating page."""
        return False

    def decided(self, values: Iterable[float]) -> bool:
        """Whether the ratings that a session gave, in their order, suffice: its other rating pages are left out."""
        return False

    def told(self, ratings: list[Rating]) -> str:
        """What a practice page says of its answer, 'right' or 'wrong'; a page that counts never says anything."""
        return ""

    def analyse(self, ratings: DataFrame, *, screening: str) -> Analysis:
        """What a campaign's tidy `ratings` say, screened by a rule; raises `AnalysisError`."""
        return report.analyse(ratings, screening=screening)

    @abstractmethod
    def problems(self, campaign: Campaign) -> list[str]:
        """Everything that keeps `campaign` from being launched, one sentence each."""

    @abstractmethod
    def plan(self, trial: Trial, stimuli: list[Stimulus], *, seed: str) -> list[PlannedSlot]:
        """The slots of one page, in the order on screen; `stimuli` come in the order drawn for this page.

        `seed` reads session/repetition/page.
        """

    @abstractmethod
    def judge(self, slots: list[Slot], body: dict[str, Any]) -> list[Judgement]:
        """Check an answer and say which ratings it gives; raises `AnswerError`."""

    @abstractmethod
    def answers(self, slots: list[Slot], ratings: list[Rating]) -> dict[str, Any]:
        """What the listener has answered so far, by slot label, as the page shows it after a reload."""

    @abstractmethod
    def unanswered(self, slots: list[Slot], ratings: list[Rating]) -> list[str]:
        """Labels of the slots that still need an answer before the page may be finished."""


def checked_keys(body: dict[str, Any], *expected: str) -> None:
    """Raise `AnswerError` unless `body` has exactly the keys `expected`."""
    if set(body) != set(expected):
        found = ", ".join(sorted(body)) or "nothing"
        raise AnswerError(f"expected an answer with {' and '.join(expected)}, found {found}")


def current_ratings(page: Page) -> list[Rating]:
    """The page's judgements as they stand."""
    return list(page.ratings.current())


def material_problems(campaign: Campaign, *, incomplete: bool = False) -> Iterator[str]:
    """What keeps any campaign from being played, whatever its method: one sentence each.

    Where it may be `incomplete`, systems under test can be missing from some of the items.
    """
    conditions = list(campaign.conditions.all())
    trials = campaign.trials.select_related("reference").prefetch_related(
        "stimuli__signal", "stimuli__condition"
    )
    if not trials:
        yield "expected at least one trial, found none"
    items = Counter(trial.item for trial in trials)
    for item, count in items.items():
        if count > 1:
            yield f"expected each item in one trial, found {item!r} in {count}"
    yield from _told(campaign, conditions)
    asked = control_stimuli(campaign.plan)
    for trial in trials:
        stimuli = list(trial.stimuli.all())
        heard = {stimulus.condition.name for stimulus in stimuli if stimulus.signal}
        if trial.item in asked:
            # a control question needs no more than the sound that is asked about
            missing = sorted(asked[trial.item] - heard) or ["any condition"] * (not heard)
        else:
            missing = [
                condition.name
                for condition in conditions
                if condition.name not in heard
                and not (incomplete and condition.role == condition.Role.SYSTEM)
            ]
        if missing:
            wanted = "the question's condition" if trial.item in asked else "every condition"
            names = ", ".join(missing[:NAMED])
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            yield f"{trial.item}: expected audio for {wanted}, found none for {names}{more}"
        signals = {
            stimulus.condition.name: stimulus.signal for stimulus in stimuli if stimulus.signal
        }
        if trial.reference:
            signals = {"the open reference": trial.reference, **signals}
        for problem in _sound_problems(signals):
            yield f"{trial.item}: {problem}"


def _told(campaign: Campaign, conditions: list[Condition]) -> Iterator[str]:
    """Systems under test that the listener's pages would name."""
    read = {
        "title": campaign.title,
        "instructions": campaign.instructions,
        "options": "\n".join(campaign.protocol.option_texts()),
        "translations": "\n".join(
            text for words in campaign.translations.values() for text in words.values()
        ),
    }
    for where, text in read.items():
        for condition in conditions:
            name = rf"(?<!\w){re.escape(condition.name)}(?!\w)"
            if condition.role == condition.Role.SYSTEM and re.search(name, text, re.IGNORECASE):
                yield (
                    f"expected no system under test named in the {where}, found {condition.name!r}"
                )


UNLIKE = "expected the same length, rate and channels throughout"


def _sound_problems(signals: dict[str, Signal]) -> Iterator[str]:
    """What keeps the signals of one trial from being switched between, blind and in step."""
    formats = {name: (s.frames, s.rate, s.channels) for name, s in signals.items()}
    if len(set(formats.values())) > 1:
        listed = ", ".join(
            f"{name} {frames} frames at {rate} Hz in {channels} ch"
            for name, (frames, rate, channels) in formats.items()
        )
        yield f"{UNLIKE}, found {listed}"
    for name, signal in signals.items():
        if not MIN_EXCERPT_S <= signal.duration <= MAX_EXCERPT_S:
            yield (
                f"expected {MIN_EXCERPT_S:g} to {MAX_EXCERPT_S:g} s of {name}, "
                f"found {signal.duration:.2f} s"
            )
        if not MIN_RATE <= signal.rate <= MAX_RATE:
            yield f"expected {name} at {MIN_RATE} to {MAX_RATE} Hz, found {signal.rate} Hz"
        if signal.channels > 2:
            yield f"expected {name} in mono or stereo, found {signal.channels} channels"
        try:
            peak = peak_db(signal.audio().samples)
        except (OSError, LibsndfileError) as error:
            # not the error itself, which names the place of the file
            why = error.strerror if isinstance(error, OSError) else "one that does not decode"
            yield f"expected {name} in a file that can be read, found {why}"
            continue
        if peak > 0:
            yield f"expected {name} to peak at 0 dBFS at most, found {peak:+.2f} dBFS: it would clip"
