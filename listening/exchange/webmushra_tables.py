"""webMUSHRA's own tables of results, with its exact headings, for scripts that read them. Pure.

Its `write.php` appends one CSV per type of page (mushra, paired_comparison, bs1116, lss): the test's id, the answers to
the questionnaire in its order, the trial's id and what was answered, times in ms. PHP's fputcsv quotes a field with a
space, which Python's csv does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from listening.exchange.errors import ExchangeError
from listening.exchange.tables import guarded

# by our method: its file, and its columns after the questionnaire's
FILES = {
    "mushra": (
        "mushra.csv",
        "session_uuid,trial_id,rating_stimulus,rating_score,rating_time,rating_comment",
    ),
    "abx": (
        "paired_comparison.csv",
        "trial_id,choice_reference,choice_non_reference,choice_answer,choice_time,choice_comment",
    ),
    "bs1116": (
        "bs1116.csv",
        "trial_id,rating_reference,rating_non_reference,rating_reference_score,"
        "rating_non_reference_score,rating_time,choice_comment",
    ),
    "acr": ("lss.csv", "trial_id,stimuli_rating,stimuli,rating_time"),
}
# what makes fputcsv put quotes around a field
QUOTED = re.compile(r'[,"\\\s]')


@dataclass(frozen=True)
class Rated:
    """One rating as webMUSHRA's tables need it; `page` tells pages apart, `seconds` are the page's."""

    listener: str
    page: int
    item: str
    condition: str
    other: str
    hidden_reference: bool
    value: float
    seconds: float
    comment: str = ""


def table(
    method: str,
    rated: Iterable[Rated],
    *,
    test_id: str,
    questions: Sequence[str],
    answers: dict[str, dict[str, str]],
) -> tuple[str, bytes]:
    """The file's name and content; `answers` are each listener's to the `questions`.

    Raises `ExchangeError` for a method that webMUSHRA has no table for.
    """
    if method not in FILES:
        raise ExchangeError(
            f"expected a method that webMUSHRA has a table for ({', '.join(FILES)}), found {method!r}"
        )
    name, columns = FILES[method]
    rows = [["session_test_id", *questions, *columns.split(",")]]
    pages: dict[int, list[Rated]] = {}
    for one in rated:
        pages.setdefault(one.page, []).append(one)
    for of_page in pages.values():
        given = answers.get(of_page[0].listener, {})
        before = [test_id, *(given.get(question, "") for question in questions)]
        rows += [[*before, *row] for row in _rows(method, of_page)]
    return name, "".join(map(_line, rows)).encode()


def _rows(method: str, page: list[Rated]) -> list[list[str]]:
    first = page[0]
    time = _number(round(1000 * first.seconds))
    match method:
        case "mushra":
            return [
                [one.listener, one.item, one.condition, _number(one.value), time, one.comment]
                for one in page
            ]
        case "abx":
            said = ("incorrect", "correct")
            return [
                [one.item, one.other, one.condition, said[round(one.value)], time, one.comment]
                for one in page
            ]
        case "bs1116":
            reference = next((one for one in page if one.hidden_reference), None)
            return [
                [
                    one.item,
                    reference.condition if reference else "",
                    one.condition,
                    _number(reference.value) if reference else "",
                    _number(one.value),
                    time,
                    one.comment,
                ]
                for one in page
                if not one.hidden_reference
            ]
    return [[one.item, _number(one.value), one.condition, time] for one in page]


def _number(value: float) -> str:
    return f"{value:.12g}"


def _line(cells: list[str]) -> str:
    return ",".join(map(_cell, cells)) + "\n"


def _cell(text: str) -> str:
    text = str(guarded(text))
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text
