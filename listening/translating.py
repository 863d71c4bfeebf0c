"""A campaign's own texts in several languages: a table of sentences for each further one. Pure.

`{"de": {"Rest your ears.": "Gönnen Sie Ihren Ohren Ruhe."}}` says every place where the sentence stands. Answers are
stored in the language of the declaration: the words of a choice are shown beside what is stored (`labels`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

# what listeners read, by its key, in the plan's parts, their questions and the methods' options
READ = ("title", "text", "help", "break_text", "low", "high")
Words = Mapping[str, str]


def texts(*, title: str, instructions: str, options: Any, plan: Any) -> list[str]:
    """Everything that listeners read, each text once, in its order."""
    found = [title, instructions, *_read(options), *_read(plan)]
    return list(dict.fromkeys(text for text in found if text.strip()))


def _read(data: Any) -> Iterator[str]:
    if isinstance(data, list):
        for one in data:
            yield from _read(one)
    elif isinstance(data, Mapping):
        for key, value in data.items():
            if key in READ and isinstance(value, str):
                yield value
            elif key == "choices" and isinstance(value, list):
                yield from (one for one in value if isinstance(one, str))
            else:
                yield from _read(value)


def translated(data: Any, words: Words) -> Any:
    """`data` with what listeners read in other words; what has none stays as it is."""
    if isinstance(data, list):
        return [translated(one, words) for one in data]
    if not isinstance(data, Mapping):
        return data
    found = {
        key: words.get(value, value)
        if key in READ and isinstance(value, str)
        else translated(value, words)
        for key, value in data.items()
    }
    if isinstance(data.get("choices"), list):
        found["labels"] = {one: words[one] for one in data["choices"] if one in words}
    return found


def translation_problems(
    translations: Any, *, language: str, languages: Collection[str]
) -> Iterator[str]:
    """What is wrong with declared translations, one sentence each."""
    if not isinstance(translations, Mapping):
        yield "translations: expected a mapping, found something else"
        return
    if translations and not language:
        yield "translations: expected the language that the texts stand in, found none"
    for code, words in translations.items():
        if code not in languages or code == language:
            others = ", ".join(one for one in languages if one != language)
            yield f"translations: expected languages among {others}, found {code!r}"
        if not isinstance(words, Mapping) or not all(
            isinstance(one, str) and one.strip() for one in words.values()
        ):
            yield f"translations: expected a text for each text into {code}, found something else"


def untranslated(every: list[str], words: Words) -> list[str]:
    """The texts that have no translation."""
    return [text for text in every if text not in words]
