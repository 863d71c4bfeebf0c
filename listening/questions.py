"""Questions to a listener: what may be asked, and which answers each takes.

A question is a mapping, as it stands in a campaign's plan:

    {"name": "age", "ask": "number", "text": "How old are you?", "least": 18, "most": 99}

`name` is the answer's column, `text` what the listener reads, `optional` allows no answer (default: required). `ask` is

    text     a line of up to 200 characters, or with `"long": true` a box of up to 2000
    number   from `least` to `most`, in steps of `step` (1 by default; 0: any fraction)
    choice   one of `choices`, or several with `"several": true`; an answer among `screen_out` ends the session
    scale    a whole number from `least` to `most`, whose ends say `low` and `high`

Pure: an answer is text, a number, a list of choices, or None where nothing was said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from listening.marking import gettext_noop as _

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MAX_LINE, MAX_BOX = 200, 2000
MAX_POINTS = 11

_COMMON = {"name": str, "ask": str, "text": str, "help": str, "optional": bool}
_KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "text": {"long": bool},
    "number": {"least": (int, float), "most": (int, float), "step": (int, float)},
    "choice": {"choices": list, "several": bool, "screen_out": list},
    "scale": {"least": int, "most": int, "low": str, "high": str},
}
_REQUIRED = {
    "text": ["name", "ask", "text"],
    "number": ["name", "ask", "text", "least", "most"],
    "choice": ["name", "ask", "text", "choices"],
    "scale": ["name", "ask", "text", "least", "most", "low", "high"],
}

Question = Mapping[str, Any]
Answer = str | float | list[str] | None


class AnswerProblem(ValueError):
    """An answer that its question does not take; the message is for the listener.

    `sentence` with `values` in its places is what a page translates.
    """

    def __init__(self, sentence: str, **values: str) -> None:
        super().__init__(sentence % values)
        self.sentence, self.values = sentence, values


def key_problems(
    data: Mapping[str, Any],
    *,
    keys: Mapping[str, type | tuple[type, ...]],
    required: list[str],
) -> Iterator[str]:
    """Keys that are missing, unknown or of another kind than expected."""
    for key in required:
        if key not in data:
            yield f"expected {key!r}, found none"
    for key, value in data.items():
        if key not in keys:
            yield f"expected only {', '.join(keys)}, found {key!r}"
            continue
        kind = keys[key]
        # JSON's true is Python's 1
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            names = kind if isinstance(kind, tuple) else (kind,)
            words = " or ".join(_WORDS[name] for name in names[:1])
            yield f"expected {key} to be {words}, found {value!r}"


_WORDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}


def question_problems(question: Any) -> Iterator[str]:
    """What is wrong with the declaration of a question, one sentence each."""
    if not isinstance(question, Mapping):
        yield f"expected a question as a mapping, found {question!r}"
        return
    ask = question.get("ask")
    if ask not in _KEYS:
        yield f"expected ask to be one of {', '.join(_KEYS)}, found {ask!r}"
        return
    found = list(key_problems(question, keys=_COMMON | _KEYS[ask], required=_REQUIRED[ask]))
    yield from found
    if found:
        return
    if not NAME.fullmatch(question["name"]):
        yield f"expected a name of small letters, digits and _, found {question['name']!r}"
    if not question["text"].strip():
        yield "expected a text to be read, found none"
    yield from _PROBLEMS[ask](question)


def _range_problems(question: Question) -> Iterator[str]:
    least, most = question["least"], question["most"]
    if not (math.isfinite(least) and math.isfinite(most) and least < most):
        yield f"expected least below most, found {least} and {most}"
    elif question["ask"] == "scale" and most - least >= MAX_POINTS:
        yield f"expected at most {MAX_POINTS} points on a scale, found {most - least + 1}"
    if question.get("step", 1) < 0:
        yield f"expected a step of 0 or more, found {question['step']}"


def _choice_problems(question: Question) -> Iterator[str]:
    choices = question["choices"]
    if len(choices) < 2 or not all(isinstance(one, str) and one.strip() for one in choices):
        yield f"expected two or more choices, each a text, found {choices!r}"
    elif len(set(choices)) < len(choices):
        yield "expected each choice once, found one twice"
    for one in question.get("screen_out", []):
        if one not in choices:
            yield f"expected screen_out among the choices, found {one!r}"


_PROBLEMS: dict[str, Callable[[Question], Iterator[str]]] = {
    "text": lambda question: iter(()),
    "number": _range_problems,
    "choice": _choice_problems,
    "scale": _range_problems,
}


def checked_answer(question: Question, given: Any) -> Answer:
    """The answer as it is stored, from a form's text or from JSON; raises `AnswerProblem`."""
    if (
        given is None
        or given == ""
        or given == []
        or (isinstance(given, str) and not given.strip())
    ):
        if question.get("optional"):
            return None
        raise AnswerProblem(_("Please answer this question."))
    return _CHECKS[question["ask"]](question, given)


def _text(question: Question, given: Any) -> str:
    if not isinstance(given, str):
        raise AnswerProblem(_("Please answer in words."))
    # a form sends the ends of lines as CR LF
    text = given.replace("\r\n", "\n").strip()
    most = MAX_BOX if question.get("long") else MAX_LINE
    if len(text) > most:
        raise AnswerProblem(
            _("Please use at most %(most)s characters; there are %(found)s."),
            most=str(most),
            found=str(len(text)),
        )
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in text):
        raise AnswerProblem(_("Please use printable characters only."))
    return text


def _number(question: Question, given: Any) -> float:
    least, most = question["least"], question["most"]
    ends = {"least": f"{least:g}", "most": f"{most:g}"}
    whole = question["ask"] == "scale" or float(question.get("step", 1)).is_integer()
    whole = whole and question.get("step", 1) != 0
    try:
        if isinstance(given, bool):
            raise ValueError(given)
        value = float(given)
    except (TypeError, ValueError) as error:
        raise AnswerProblem(
            _("Please give a number from %(least)s to %(most)s."), **ends
        ) from error
    if not (math.isfinite(value) and least <= value <= most):
        raise AnswerProblem(_("Please give a number from %(least)s to %(most)s."), **ends)
    if whole and not value.is_integer():
        raise AnswerProblem(_("Please give a whole number from %(least)s to %(most)s."), **ends)
    return int(value) if whole else value


def _choice(question: Question, given: Any) -> str | list[str]:
    several = bool(question.get("several"))
    chosen = given if isinstance(given, list) else [given]
    if len(chosen) > 1 and not several:
        raise AnswerProblem(_("Please choose one."))
    if any(one not in question["choices"] for one in chosen) or len(set(chosen)) < len(chosen):
        raise AnswerProblem(_("Please choose among the answers shown."))
    return [one for one in question["choices"] if one in chosen] if several else chosen[0]


_CHECKS: dict[str, Callable[[Question, Any], Answer]] = {
    "text": _text,
    "number": _number,
    "choice": _choice,
    "scale": _number,
}


def screens_out(question: Question, answer: Answer) -> bool:
    """Whether this answer ends the session."""
    barred = question.get("screen_out", [])
    return any(one in barred for one in (answer if isinstance(answer, list) else [answer]))
