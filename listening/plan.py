"""The plan of a campaign: the parts of a listener's way, in their order. Pure: data in, the same data checked.

A plan is a list of mappings, each naming its `part`:

    consent       `version` and `text` to be agreed to; who does not agree is thanked, and the refusal is stored
    instructions  a `title` and a `text` to be read
    questions     a `title`, an introducing `text` and `questions` (listening/questions.py)
    volume        a sound to set a comfortable volume by: the open reference of `item`, or of the first
    headphones    a screening `test` (listening/headphones.py); who fails is screened out, or flagged (`on_fail`)
    digits        digits in noise (listening/digits.py), spoken by `recordings` (a signal's hash for each digit, by
                  the command `digits`), marked where they are `synthetic`; whose threshold is above `worst_db` fails
    training      rating pages of `items` for practice, never counted; those items are `rated` as well, or only trained;
                  `fixed` ones are the same for everybody, in the order of `items`
    ratings       the rating pages, with a break of `break_text` (and `break_rest_min`) after every `break_every`, or
                  between the design's blocks (`break_blocks`), `gates` of their own, and
                  limits beyond which a page is left out of the evidence (`exclude`: any of telemetry.LIMITS); in every
                  `every` of them, `controls` asks a `gold` and a `trap` question (listening/controls.py)
    break         a `text`, and time: at least `rest_min` minutes, if so declared, as between visits on different days
    finish        what is shown at the end to those `finished`, `screened-out` or `refused`, or whose group was `full`:
                  `text`, `code`, `url`

What is read, filled in, set up, checked or practised may expire: `expires_min` minutes after it was done, it is done
again before the next rating page (listening/renewal.py). With a `certificate` it is not asked of whom any campaign that
names the same certified it, until it has expired (listening/certificates.py).

One part is required: the ratings. A plan of nothing else is the default.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from listening.digits import DIGITS, LEAST_DIGITS
from listening.headphones import TESTS
from listening.questions import key_problems, question_problems
from listening.telemetry import LIMITS

Part = dict[str, Any]

GATES = {"rate": bool, "listen": bool, "hear_end": bool}
ENDINGS = ("finished", "screened-out", "refused", "full")
MAX_TEXT = 20_000
# between two visits: four weeks
LONGEST_REST_MIN = 28 * 24 * 60
CERTIFICATE = re.compile(r"[a-z0-9-]{1,64}")
SHA256 = re.compile(r"[0-9a-f]{64}")

_EXPIRES: dict[str, type | tuple[type, ...]] = {"expires_min": (int, float), "certificate": str}
_KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "consent": {"version": str, "title": str, "text": str},
    "instructions": {"title": str, "text": str, **_EXPIRES},
    "questions": {"title": str, "text": str, "questions": list, **_EXPIRES},
    "volume": {"title": str, "text": str, "item": str, **_EXPIRES},
    "headphones": {"test": str, "on_fail": str, **_EXPIRES},
    "digits": {
        "title": str,
        "text": str,
        "recordings": dict,
        "synthetic": bool,
        "worst_db": (int, float),
        "on_fail": str,
        **_EXPIRES,
    },
    "training": {"text": str, "items": list, "rated": bool, "fixed": bool, **_EXPIRES},
    "ratings": {
        "break_every": int,
        "break_text": str,
        "break_rest_min": (int, float),
        "break_blocks": bool,
        "gates": dict,
        "exclude": dict,
        "controls": dict,
    },
    "break": {"title": str, "text": str, "rest_min": (int, float)},
    "finish": dict.fromkeys(ENDINGS, dict),
}
_REQUIRED: dict[str, list[str]] = {
    "consent": ["version", "text"],
    "instructions": ["text"],
    "questions": ["questions"],
    "headphones": ["test"],
    "digits": ["recordings"],
    "training": ["items"],
}
# what may be said to a listener who comes to an end
_ENDING_KEYS = {"text": str, "code": str, "url": str}
# parts that keep something of the listener, and so come after consent
_KEEPING = {"questions", "headphones", "digits", "volume", "training", "ratings"}
# a test has one agreement, one practice, one set of ratings and one end
_ONCE = ("consent", "training", "ratings", "finish")
ON_FAIL = ("screen out", "flag")
# of control questions: what one wrong answer does
CONTROL_KINDS = ("gold", "trap")
CONTROL_ON_FAIL = ("exclude", "flag")
_QUESTION_KEYS: dict[str, type | tuple[type, ...]] = {
    "item": str,
    "condition": str,
    "scale": str,
    "answer": (int, float),
    "within": (int, float),
}


def part_names() -> list[str]:
    """Every part there is."""
    return list(_KEYS)


def part_keys(name: str) -> dict[str, type | tuple[type, ...]]:
    """What a part of this name may say, each with the kind of its value; those it must say come first."""
    required = _REQUIRED.get(name, [])
    return dict(sorted(_KEYS[name].items(), key=lambda one: one[0] not in required))


def is_required(name: str, key: str) -> bool:
    return key in _REQUIRED.get(name, [])


class PlanError(ValueError):
    """A plan that no listener could follow; `problems` has one sentence for each thing that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def default_plan() -> list[Part]:
    """Rating pages and nothing around them."""
    return [{"part": "ratings"}]


def checked_plan(plan: Any, *, items: Iterable[str]) -> list[Part]:
    """`plan`, if a listener of a campaign with these `items` can follow it; raises `PlanError`."""
    if not isinstance(plan, list) or not all(isinstance(part, Mapping) for part in plan):
        raise PlanError(
            ["expected a plan as a list of parts, each a mapping, found something else"]
        )
    known = list(items)
    problems = [
        f"part {place} ({part.get('part')}): {problem}"
        for place, part in enumerate(plan, start=1)
        for problem in _part_problems(part, known)
    ]
    if not problems:
        problems = list(_order_problems([part["part"] for part in plan]))
        problems += _name_problems(plan)
        problems += _rated_problems(plan, known)
    if problems:
        raise PlanError(problems)
    return plan


def part_named(plan: list[Part], name: str) -> Part | None:
    """The first part of this name."""
    return next((part for part in plan if part["part"] == name), None)


def control_stimuli(plan: list[Part]) -> dict[str, set[str]]:
    """By item asked for control, the conditions that the questions name."""
    asked = (part_named(plan, "ratings") or {}).get("controls", {})
    found: dict[str, set[str]] = {}
    for question in (one for kind in CONTROL_KINDS for one in asked.get(kind, [])):
        named = found.setdefault(question["item"], set())
        named |= {question["condition"]} if "condition" in question else set()
    return found


def items_never_rated(plan: list[Part]) -> set[str]:
    """Items that are practised with or asked for control, and never rated."""
    return items_only_trained(plan) | set(control_stimuli(plan))


def items_only_trained(plan: list[Part]) -> set[str]:
    """Items that are practised with and never rated."""
    training = part_named(plan, "training")
    return set() if training is None or training.get("rated", True) else set(training["items"])


def recordings(plan: list[Part]) -> frozenset[str]:
    """The hashes of the digits that the parts of a plan play."""
    return frozenset(sha256 for part in plan for sha256 in part.get("recordings", {}).values())


def not_recorded(sha256: str) -> str:
    """What is wrong where there is no signal of a recorded digit's hash."""
    return f"expected a stored signal for each recorded digit, found none for {sha256[:12]}…"


def _part_problems(part: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    name = part.get("part")
    if name not in _KEYS:
        yield f"expected a part among {', '.join(_KEYS)}, found {name!r}"
        return
    required = _REQUIRED.get(name, [])
    found = list(key_problems(part, keys={"part": str} | _KEYS[name], required=required))
    yield from found
    if found:
        return
    for key in ("title", "text", "version", "break_text"):
        text = part.get(key, "-")
        if key in required and not text.strip():
            yield f"expected a {key} to be read, found none"
        if len(text) > MAX_TEXT:
            yield f"expected at most {MAX_TEXT} characters of {key}, found {len(text)}"
    for key in ("rest_min", "break_rest_min"):
        if not 0 < part.get(key, 1) <= LONGEST_REST_MIN:
            yield f"expected {key} above 0 and {LONGEST_REST_MIN} at most, found {part[key]}"
    if not 0 < part.get("expires_min", 1) < math.inf:
        yield f"expected expires_min to be above 0, found {part['expires_min']}"
    if "certificate" in part:
        yield from _certificate_problems(part)
    if name in _CHECKS:
        yield from _CHECKS[name](part, items)


def _certificate_problems(part: Mapping[str, Any]) -> Iterator[str]:
    if not CERTIFICATE.fullmatch(part["certificate"]):
        yield (
            "expected a certificate named by 1 to 64 lower-case letters, digits and hyphens, "
            f"found {part['certificate']!r}"
        )
    if "expires_min" not in part:
        yield "expected expires_min beside certificate, found none: a certificate must expire"


def _questions(part: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    if not part["questions"]:
        yield "expected at least one question, found none"
    for place, question in enumerate(part["questions"], start=1):
        for problem in question_problems(question):
            yield f"question {place}: {problem}"


def _volume(part: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    if "item" in part and part["item"] not in items:
        yield f"expected an item of the campaign, found {part['item']!r}"


def _headphones(part: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    if part["test"] not in TESTS:
        yield f"expected a test among {', '.join(TESTS)}, found {part['test']!r}"
    if part.get("on_fail", "flag") not in ON_FAIL:
        yield f"expected on_fail to be one of {', '.join(ON_FAIL)}, found {part['on_fail']!r}"


def _digits(part: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    recorded = part["recordings"]
    if not set(recorded) <= set(DIGITS) or len(recorded) < LEAST_DIGITS:
        yield (
            f"expected recordings of {LEAST_DIGITS} digits or more, found some of "
            f"{', '.join(map(str, recorded)) or 'none'}"
        )
    for digit, sha256 in recorded.items():
        if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
            yield f"expected the hash of a signal for {digit}, found {sha256!r}"
    if part.get("on_fail", "flag") not in ON_FAIL:
        yield f"expected on_fail to be one of {', '.join(ON_FAIL)}, found {part['on_fail']!r}"
    if ("on_fail" in part) != ("worst_db" in part):
        yield "expected worst_db and on_fail together, found one of them"


def _training(part: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    if not part["items"]:
        yield "expected at least one item to practise with, found none"
    for item in part["items"]:
        if item not in items:
            yield f"expected items of the campaign, found {item!r}"
    if len(part["items"]) > len({str(item) for item in part["items"]}):
        yield "expected each item once, found one twice"


def _ratings(part: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    if part.get("break_every", 1) < 1:
        yield f"expected a break after one page or more, found {part['break_every']}"
    if not {"break_every", "break_blocks"} & set(part):
        for key in ("break_text", "break_rest_min"):
            if key in part:
                yield f"expected break_every or break_blocks beside {key}, found none"
    yield from key_problems(part.get("gates", {}), keys=GATES, required=[])
    yield from _limit_problems(part.get("exclude", {}))
    if "controls" in part:
        yield from (
            f"controls: {problem}" for problem in _control_problems(part["controls"], items)
        )


def _control_problems(asked: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    keys = {"every": int, "on_fail": str} | dict.fromkeys(CONTROL_KINDS, list)
    found = list(key_problems(asked, keys=keys, required=["every"]))
    yield from found
    if found:
        return
    if asked["every"] < 1:
        yield f"expected every to be one page or more, found {asked['every']}"
    if asked.get("on_fail", "exclude") not in CONTROL_ON_FAIL:
        yield f"expected on_fail to be one of {', '.join(CONTROL_ON_FAIL)}, found {asked['on_fail']!r}"
    if not any(asked.get(kind) for kind in CONTROL_KINDS):
        yield f"expected questions under {' or '.join(CONTROL_KINDS)}, found none"
    for kind in CONTROL_KINDS:
        for place, question in enumerate(asked.get(kind, []), start=1):
            for problem in _control_question_problems(question, items):
                yield f"{kind} {place}: {problem}"


def _control_question_problems(question: Any, items: list[str]) -> Iterator[str]:
    if not isinstance(question, Mapping):
        yield f"expected a question as a mapping, found {question!r}"
        return
    found = list(key_problems(question, keys=_QUESTION_KEYS, required=["item", "answer"]))
    yield from found
    if not found and question["item"] not in items:
        yield f"expected an item of the campaign, found {question['item']!r}"
    if not found and not 0 <= question.get("within", 0) < math.inf:
        yield f"expected within to be 0 or more, found {question['within']}"


def _limit_problems(limits: Mapping[str, Any]) -> Iterator[str]:
    kinds: dict[str, type | tuple[type, ...]] = {
        name: bool if isinstance(limit, bool) else (int, float) for name, limit in LIMITS.items()
    }
    found = list(key_problems(limits, keys=kinds, required=[]))
    yield from (f"exclude: {problem}" for problem in found)
    for name, limit in limits.items():
        if not found and not 0 <= limit < math.inf:
            yield f"exclude: expected {name} to be 0 or more, found {limit}"


def _finish(part: Mapping[str, Any], items: list[str]) -> Iterator[str]:
    for ending in ENDINGS:
        said = part.get(ending, {})
        problems = list(key_problems(said, keys=_ENDING_KEYS, required=[]))
        yield from (f"{ending}: {problem}" for problem in problems)
        if "url" in said and not problems:
            yield from (f"{ending}: {problem}" for problem in _url_problems(said["url"]))


def _url_problems(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        whole = False
    if not whole or any(sign.isspace() for sign in url):
        yield f"expected an address that begins with https://, found {url!r}"


_CHECKS: dict[str, Callable[[Mapping[str, Any], list[str]], Iterator[str]]] = {
    "questions": _questions,
    "volume": _volume,
    "headphones": _headphones,
    "digits": _digits,
    "training": _training,
    "ratings": _ratings,
    "finish": _finish,
}


def _order_problems(names: list[str]) -> Iterator[str]:
    counts = Counter(names)
    if not counts["ratings"]:
        yield "expected a part of ratings, found none"
        return
    for name in _ONCE:
        if counts[name] > 1:
            yield f"expected one part of {name}, found {counts[name]}"
    if "training" in names and names.index("training") > names.index("ratings"):
        yield "expected training before the ratings, found it after"
    if "finish" in names and names[-1] != "finish":
        yield f"expected finish as the last part, found {names[-1]} behind it"
    if "consent" in names:
        early = [name for name in names[: names.index("consent")] if name in _KEEPING]
        if early:
            yield f"expected consent before anything is kept, found {early[0]} before it"


def _name_problems(plan: list[Part]) -> Iterator[str]:
    names = Counter(question["name"] for part in plan for question in part.get("questions", ()))
    for name, count in names.items():
        if count > 1:
            yield f"expected each question under a name of its own, found {name!r} {count} times"


def _rated_problems(plan: list[Part], items: list[str]) -> Iterator[str]:
    if items and not set(items) - items_never_rated(plan):
        yield "expected an item to be rated, found all of them only trained or asked for control"
