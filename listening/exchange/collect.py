"""What webMUSHRA's front end posts when a listener has finished, read and checked.

The body is `sessionJSON=` and JSON, which webMUSHRA sends without the URL-encoding that its content type promises; the
encoded form is taken as well. Pure: bytes in, a `Submission` out.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from listening.exchange.errors import ExchangeError

FIELD = "sessionJSON="
MAX_ANSWERS = 20_000
UNANSWERED = "NA"


@dataclass(frozen=True)
class Answer:
    """One judgement of one stimulus, in the order on screen; `detail` is what else was said."""

    stimulus: str
    value: float
    detail: dict[str, Any]


@dataclass(frozen=True)
class CollectedTrial:
    """One page, by its id in the configuration."""

    page: str
    kind: str
    answers: tuple[Answer, ...]
    seconds: float


@dataclass(frozen=True)
class Submission:
    """A finished session."""

    test_id: str
    id: uuid.UUID
    config: str
    participant: dict[str, str]
    trials: tuple[CollectedTrial, ...]


def parse(body: bytes) -> Submission:
    """The session in `body`; raises `ExchangeError`."""
    data = _json(body)
    test_id = data.get("testId")
    if not isinstance(test_id, str) or not test_id:
        raise ExchangeError(f"expected a testId, found {test_id!r}")
    trials = data.get("trials")
    if not isinstance(trials, list) or not trials:
        raise ExchangeError("expected trials with responses, found none")
    read = tuple(_trial(trial) for trial in trials)
    if sum(len(trial.answers) for trial in read) > MAX_ANSWERS:
        raise ExchangeError(f"expected at most {MAX_ANSWERS} answers, found more")
    return Submission(
        test_id=test_id,
        id=_id(data.get("uuid"), body),
        config=str(data.get("config") or ""),
        participant=_participant(data.get("participant")),
        trials=read,
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8").strip().removeprefix(FIELD)
    except UnicodeDecodeError as error:
        raise ExchangeError(f"expected {FIELD} and JSON, found bytes that are not UTF-8") from error
    for candidate in (text, unquote_plus(text)):
        try:
            data = json.loads(candidate, parse_constant=_refused)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            return data
    raise ExchangeError(f"expected {FIELD} and a session as JSON, found {text[:60]!r}")


def _refused(constant: str) -> float:
    raise ValueError(constant)


def _id(given: Any, body: bytes) -> uuid.UUID:
    """The session's own id; where an old front end sent none, one that the same body always has."""
    if given is None:
        return uuid.UUID(bytes=hashlib.sha256(body).digest()[:16])
    try:
        return uuid.UUID(str(given))
    except ValueError as error:
        raise ExchangeError(f"expected a UUID as uuid, found {given!r}") from error


def _participant(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    names, answers = (
        (given.get("name"), given.get("response")) if isinstance(given, dict) else (0, 0)
    )
    if not isinstance(names, list) or not isinstance(answers, list) or len(names) != len(answers):
        raise ExchangeError(
            "expected a participant with as many responses as names, found otherwise"
        )
    return {
        str(name): "" if answer is None else str(answer)
        for name, answer in zip(names, answers, strict=True)
    }


def _trial(given: Any) -> CollectedTrial:
    if not isinstance(given, dict):
        raise ExchangeError(f"expected a trial as a mapping, found {given!r}")
    page, kind, responses = given.get("id"), given.get("type"), given.get("responses")
    where = f"trial {page!r}"
    if kind not in _READERS:
        raise ExchangeError(f"{where}: expected a type among {', '.join(_READERS)}, found {kind!r}")
    if page is None or not isinstance(responses, list):
        raise ExchangeError(f"{where}: expected an id and responses, found otherwise")
    answers, seconds = [], 0.0
    for response in responses:
        if not isinstance(response, dict):
            raise ExchangeError(f"{where}: expected a response as a mapping, found {response!r}")
        answers += _READERS[kind](response, where)
        seconds = max(seconds, _milliseconds(response.get("time")) / 1000)
    return CollectedTrial(str(page), kind, tuple(answers), seconds)


def _mushra(response: dict[str, Any], where: str) -> list[Answer]:
    score = _number(response.get("score"), 0, 100, where)
    comment = response.get("comment")
    return [
        Answer(_name(response, "stimulus", where), score, {"comment": comment} if comment else {})
    ]


def _bs1116(response: dict[str, Any], where: str) -> list[Answer]:
    return [
        Answer(_name(response, key, where), _number(response.get(score), 1, 5, where), {})
        for key, score in (("reference", "referenceScore"), ("nonReference", "nonReferenceScore"))
    ]


def _paired(response: dict[str, Any], where: str) -> list[Answer]:
    """Right is 1 and wrong 0; undecided is no answer."""
    answer = response.get("answer")
    if answer not in ("correct", "incorrect", "undecided", "unknown"):
        raise ExchangeError(f"{where}: expected correct, incorrect or undecided, found {answer!r}")
    name = _name(response, "nonReference", where)
    if answer in ("undecided", "unknown"):
        return []
    return [Answer(name, float(answer == "correct"), {})]


def _likert(response: dict[str, Any], where: str) -> list[Answer]:
    given = response.get("stimulusRating")
    rating = given[0] if isinstance(given, list) and len(given) == 1 else given
    name = _name(response, "stimulus", where)
    if rating is None or str(rating).strip() == UNANSWERED:
        return []
    return [Answer(name, _number(rating, 1, 5, where), {})]


_READERS: dict[str, Callable[[dict[str, Any], str], list[Answer]]] = {
    "mushra": _mushra,
    "bs1116": _bs1116,
    "paired_comparison": _paired,
    "likert_single_stimulus": _likert,
    "likert_multi_stimulus": _likert,
}


def _name(response: dict[str, Any], key: str, where: str) -> str:
    name = response.get(key)
    if not isinstance(name, str) or not name:
        raise ExchangeError(f"{where}: expected the name of a stimulus as {key}, found {name!r}")
    return name


def _number(given: Any, least: float, most: float, where: str) -> float:
    """A number, or its text as webMUSHRA's sliders give it."""
    try:
        number = float(given) if isinstance(given, int | float | str) else math.nan
    except ValueError:
        number = math.nan
    if isinstance(given, bool) or not least <= number <= most:
        raise ExchangeError(
            f"{where}: expected a number from {least:g} to {most:g}, found {given!r}"
        )
    return number


def _milliseconds(given: Any) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0
