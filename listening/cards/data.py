"""The part of a card that says what a version learned from: provenance, licence, composition, and what was not in it.

The recipe declares what nobody can measure; the rest was measured on the material when training began
(`models_registry.engine.composition`). What is in neither is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from listening.cards.card import Part
from listening.learned import shown
from listening.report_sections import Section, Table
from models_registry.models import ModelVersion

UNKNOWN = "not stated"
DECLARED = {
    "provenance": "Provenance",
    "licence": "Licence of the sounds",
    "speakers": "Speakers and players",
    "recorded": "Recorded with",
    "missing": "What it lacks, by who made the recipe",
}
BUILT_IN = "Made by this project’s own programs: nobody was recorded."
# what plays where a recipe names no recordings
PLAYED = {
    "synthetic": "The project’s own instruments (plucked strings, brass, drums, a speech-like voice) through its own "
    "overdrive.",
    "settings": "The project’s own instruments through the recipe’s own chain, at settings drawn from the seed.",
    "mixtures": "Speech and noise, mixed.",
    "devices": "One programme through several devices or rooms.",
    "solo": "One instrument, played alone.",
    "pairs": "Pairs of recordings: what went into a device, and what came out.",
}
# an octave this far below the strongest is as good as absent
FAINT_DB = -50.0
# clips softer than this are unusual for programme material, clips louder near the limit
SOFT_DB, LOUD_DB = -40.0, -12.0
FEW_MINUTES = 10.0


def data(version: ModelVersion) -> Part:
    given: dict[str, Any] = (version.run.recipe.get("data") if version.run else None) or (
        version.card.get("data") or {}
    )
    material: dict[str, Any] = version.card.get("material") or {}
    own = _built_in(given)
    declared = {name: given.get(name) or (_of_programs(name) if own else None) for name in DECLARED}
    tables = []
    words = []
    if given:
        words.append(PLAYED.get(given.get("source", ""), "Of a kind that this card does not know."))
        rows = [
            [title, declared[name] or UNKNOWN]
            for name, title in DECLARED.items()
            if name != "missing" or declared[name]
        ]
        rows += [["Degradations", one] for one in degradations(given)]
        tables.append(Table("Where it comes from.", ["", ""], rows))
    else:
        words.append("What it learned from is not recorded.")
    if adopted := version.card.get("adopted"):
        words.append(
            f"To what {version.parent} had learned, {adopted['seconds']:.1f} s of {adopted['name']} were added."
        )
    if material:
        tables.append(_measured(material))
        if material.get("folders"):
            tables.append(_folders(material["folders"]))
    elif given:
        words.append("How much, how loud and in which bands was not measured when it was trained.")
    lacks = list(missing(given, material, declared))
    if lacks:
        tables.append(Table("What is not in it.", ["Missing or unknown"], [[one] for one in lacks]))
    facts = {
        "source": given.get("source"),
        "declared": declared,
        "degradations": list(degradations(given)),
        "composition": material or None,
        "missing": lacks,
    }
    how = ""
    if not material and version.run:
        recipe = version.run.recipe.get("name", "RECIPE")
        how = f"python manage.py train {recipe} --seed {version.run.seed + 1} --reason …"
    return Part("data", Section("What it learned from", words, tables), facts, how)


def _built_in(given: Mapping[str, Any]) -> bool:
    recorded = ("dry", "wet", "clean", "noise", "recordings", "devices")
    return bool(given) and not any(given.get(name) for name in recorded)


def _of_programs(name: str) -> str | None:
    return {
        "provenance": BUILT_IN,
        "licence": "MIT, as the programs that make them",
        "speakers": "nobody: synthesis",
        "recorded": "nothing: computed",
    }.get(name)


def degradations(given: Mapping[str, Any]) -> Iterator[str]:
    """What was done to the sounds, with its range."""
    source = given.get("source")
    if source == "mixtures":
        low, high = given.get("ratios", (0, 15))
        noise = (
            "recorded noise"
            if given.get("noise")
            else "hum, gusts, machines, babble, clatter and coloured noise"
        )
        ratios = f"{low:g} to {high:g} dB".replace("-", "−")
        yield f"noise added at {ratios} signal-to-noise ratio: {noise}"
        if given.get("second"):
            yield f"a second noise at once in {100 * given['second']:g} % of mixtures"
        if given.get("colour"):
            yield "random gentle filters, as other microphones and rooms have them"
        if given.get("speed"):
            yield f"speech played up to {100 * given['speed']:g} % faster or slower"
    if "noise" in given and source == "settings":
        yield f"white noise {given['noise']:+g} dB relative to the target’s energy".replace(
            "-", "−"
        )
    if source == "devices" and not given.get("devices"):
        yield f"{given.get('count', 4)} built-in devices, each an equaliser drawn from the seed"


def _measured(material: Mapping[str, Any]) -> Table:
    sides = {name: material[name] for name in ("train", "test") if name in material}
    rows = [["Clips", *(str(one["clips"]) for one in sides.values())]]
    rows.append(["Length", *(_length(one["seconds"]) for one in sides.values())])
    for key, title in (
        ("dry_db", "Level of the input (dB of full scale)"),
        ("wet_db", "Level of what is wanted (dB of full scale)"),
        ("ratio_db", "Signal-to-noise ratio (dB)"),
    ):
        if all(key in one for one in sides.values()):
            rows.append([title, *(_spread(one[key]) for one in sides.values())])
    rows.append(["Octaves heard", *(_octaves(one["bands"]) for one in sides.values())])
    anew = any(one.get("drawn_anew") for one in sides.values())
    note = " Each training step mixes anew; the first draw was measured." if anew else ""
    return Table(
        f"Measured on the material at {material['rate']} Hz; ranges hold nine clips of ten, ends in parentheses.{note}",
        ["", "Learned from", "Judged by"][: 1 + len(sides)],
        rows,
    )


def _folders(folders: list[Mapping[str, Any]]) -> Table:
    return Table(
        "The folders of recordings.",
        ["Used as", "Folder", "Files", "Length", "Rates (Hz)", "SHA-256 of the listing"],
        [
            [
                one["side"],
                one["name"],
                str(one["files"]),
                _length(one["seconds"]),
                ", ".join(map(str, one["rates"])),
                one["listing"],
            ]
            for one in folders
        ],
    )


def _length(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 120 else f"{seconds:.1f} s"


def _spread(one: Mapping[str, float]) -> str:
    ends = f"{one['least']:.1f} to {one['most']:.1f}"
    return f"{one['low']:.1f} to {one['high']:.1f}, median {one['median']:.1f} ({ends})".replace(
        "-", "−"
    )


def _heard(bands: list[Mapping[str, float]]) -> list[float]:
    return [one["hertz"] for one in bands if one["level_db"] > FAINT_DB]


def _octaves(bands: list[Mapping[str, float]]) -> str:
    heard = _heard(bands)
    return f"{shown(heard[0])} to {shown(heard[-1])} Hz" if heard else "none"


def missing(
    given: Mapping[str, Any], material: Mapping[str, Any], declared: Mapping[str, Any]
) -> Iterator[str]:
    """What the model has not heard, as far as one can tell; what nobody said is said to be unknown."""
    if declared.get("missing"):
        yield str(declared["missing"])
    if given and _built_in(given):
        yield "Recordings of any kind: everything was synthesised. Rooms, microphones and performers were never heard."
    elif given:
        unknown = [
            DECLARED[name].lower()
            for name in ("provenance", "licence", "speakers", "recorded")
            if not declared.get(name)
        ]
        if unknown:
            yield f"Unknown, because the recipe does not say: {', '.join(unknown)}."
    if given.get("source") == "mixtures":
        low, high = given.get("ratios", (0, 15))
        yield f"Ratios below {low:g} dB and above {high:g} dB.".replace("-", "−")
        yield "Reverberation, clipping and packet loss: noise alone was added."
    if train := material.get("train"):
        faint = [one["hertz"] for one in train["bands"] if one["level_db"] <= FAINT_DB]
        if faint:
            yield f"Next to nothing in the octaves around {', '.join(shown(one) for one in faint)} Hz."
        if train["dry_db"]["low"] > SOFT_DB:
            yield f"Soft sound: nine clips of ten are above {train['dry_db']['low']:.0f} dB.".replace(
                "-", "−"
            )
        if train["dry_db"]["high"] < LOUD_DB:
            yield f"Loud sound: nine clips of ten are below {train['dry_db']['high']:.0f} dB.".replace(
                "-", "−"
            )
        if train["seconds"] < 60 * FEW_MINUTES and not train.get("drawn_anew"):
            yield f"Variety: it learned from {_length(train['seconds'])} of sound."
