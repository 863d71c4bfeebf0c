"""Which degraded file belongs to which reference, in folders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import soundfile

from models_registry.audio import AudioError

# What libsndfile calls its formats, and what people call such files.
SUFFIXES = {f".{name.lower()}" for name in soundfile.available_formats()} - {".raw"} | {
    ".aif",
    ".oga",
    ".opus",
}
FIELD = re.compile(r"\{(\w+)\}")


def pairs(reference: Path, degraded: list[Path], *, pattern: str | None) -> list[tuple[Path, Path]]:
    """Return (reference, degraded) for each degraded file, folders searched through and in order.

    A `reference` that is a file serves all. In a folder, the reference of a file has the same path below its own
    folder, whatever the format; or what `pattern` says: `DEGRADED=REFERENCE`, two paths below the two folders without
    suffix, in which fields in braces stand for the same text, as in `{item}_{system}={item}`. Files of other names
    are no degraded ones.
    """
    if pattern is not None:
        _check_pattern(pattern)
    files = list(dict.fromkeys(_files(degraded)))
    if not reference.is_dir():
        return [(reference, path) for path, _ in files]
    references = {name: path for path, name in _files([reference])}
    wanted = dict(files) if pattern is None else _renamed(dict(files), pattern)
    for path, name in wanted.items():
        if name not in references:
            raise AudioError(f"{path}: expected a reference called {name}, found none")
    return [(references[name], path) for path, name in wanted.items()]


def _files(sources: list[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each audio file, and its path below its folder without suffix."""
    for source in sources:
        if not source.is_dir():
            yield source, source.stem
            continue
        found = sorted(p for p in source.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not found:
            raise AudioError(f"{source}: expected audio files in this folder, found none")
        for path in found:
            yield path, PurePosixPath(path.relative_to(source)).with_suffix("").as_posix()


def _renamed(files: dict[Path, str], pattern: str) -> dict[Path, str]:
    """Return the names of the references of those `files` whose own are like the pattern."""
    expected, _, target = pattern.partition("=")
    expression = _expression(expected)
    found = {
        path: target.format(**match.groupdict())
        for path, name in files.items()
        if (match := expression.fullmatch(name))
    }
    if not found:
        raise AudioError(f"expected files with names like {expected}, found none")
    return found


def _check_pattern(pattern: str) -> None:
    """Refuse a pattern that does not say which reference belongs to a file."""
    degraded, equals, reference = pattern.partition("=")
    unknown = set(FIELD.findall(reference)) - set(FIELD.findall(degraded))
    if not equals or not reference or unknown or not FIELD.search(degraded):
        raise AudioError(
            "expected a pattern DEGRADED=REFERENCE with fields as in {item}_{system}={item}, "
            f"found {pattern!r}"
        )


def _expression(template: str) -> re.Pattern[str]:
    """Return `template` as an expression in which each field is some text, the same each time it is named."""
    parts, named = [], set()
    for position, part in enumerate(FIELD.split(template)):
        if position % 2 == 0:
            parts.append(re.escape(part))
        elif part in named:
            parts.append(f"(?P={part})")
        else:
            parts.append(f"(?P<{part}>[^/]+)")
            named.add(part)
    return re.compile("".join(parts))
