"""The parts of a card that say what was found out by looking into the version: one for each kind of study."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from listening.analysis.plain import plain
from listening.cards.card import Drawn, Part
from listening.learned import shown
from listening.report_sections import Section, Table
from listening.understanding import face_of
from models_registry.models import ModelVersion, Study


def studies_of(version: ModelVersion) -> dict[str, Study]:
    """The newest finished study of each kind."""
    newest: dict[str, Study] = {}
    for one in version.studies.done().order_by("-pk"):
        newest.setdefault(one.kind, one)
    return newest


def _drawn(study: Study, *, begin: str = "") -> list[Drawn]:
    """The study's figures whose names begin so."""
    return [
        Drawn(
            f"{study.kind}-{name}",
            picture.caption,
            picture.alt,
            reverse("study-figure", args=[study.pk, name, "svg"]),
            picture.draw,
        )
        for name, picture in face_of(study.kind).figures(study.result).items()
        if name.startswith(begin)
    ]


def _source(study: Study) -> dict[str, Any]:
    return {"study": study.pk, "date": study.created_at.strftime("%Y-%m-%d")}


def _asked(study: Study) -> str:
    return f"Study {study.pk} of {study.created_at:%Y-%m-%d}."


def validation(version: ModelVersion, study: Study | None) -> Part:
    """Probes, what its blocks promise, what got worse since its parent."""
    title = "Validation by simulation"
    how = f"python manage.py validate {version}"
    if study is None:
        return Part("validation", Section(title, ["Nobody has validated it."]), None, how)
    found = study.result
    broken = [one for one in found["blocks"] if not one["holds"]]
    rows = [
        [one["name"], row["name"], number_of(row["value"], row["unit"]), row["meaning"]]
        for one in found["probes"]
        for row in one["readings"]
    ]
    tables = [
        Table(
            "What was read off the answers to synthetic signals.",
            ["Probe", "Reading", "Value", "Meaning"],
            rows,
        )
    ]
    if broken:
        tables.append(
            Table(
                "Promises of its blocks that it breaks.",
                ["Block", "Probe", "Promise"],
                [
                    [
                        f"{one['block']} ({one['kind']})",
                        one["probe"],
                        f"{one['quantity']} {one['expected']}",
                    ]
                    for one in broken
                ],
            )
        )
    if found["regressions"]:
        tables.append(
            Table(
                f"Worse than {found['parent']}.",
                ["Regression"],
                [[one] for one in found["regressions"]],
            )
        )
    kept, of = len(found["blocks"]) - len(broken), len(found["blocks"])
    words = [
        f"{found['suite']['title']}: {found['verdict']}. {kept} of {of} promises of its blocks are kept. "
        + _asked(study)
    ]
    facts = {
        **_source(study),
        "suite": found["suite"],
        "verdict": found["verdict"],
        "promises": {"kept": kept, "of": of},
        "regressions": found["regressions"],
        "readings": [
            {"probe": one["name"], "name": row["name"], "value": row["value"], "unit": row["unit"]}
            for one in found["probes"]
            for row in one["readings"]
        ],
    }
    return Part("validation", Section(title, words, tables), plain(facts))


def robustness(version: ModelVersion, study: Study | None) -> Part:
    """Ladders of realism, and the damage at which each metric passes its limit."""
    title = "Where it breaks"
    if study is None:
        words = ["No ladder of damage was climbed."]
        return Part(
            "robustness", Section(title, words), None, f"python manage.py validate {version}"
        )
    ladders = study.result["ladders"]
    rows = [
        [
            one["name"],
            metric["metric"],
            number_of(metric["limit"], metric["unit"]),
            metric["fails"]["sentence"],
        ]
        for one in ladders
        for metric in one["metrics"]
    ]
    words = [
        f"Damage grows rung by rung; held against {study.result['truth']}. The failure point is the least damage at "
        f"which the mean over the sources passes the limit. {_asked(study)}"
    ]
    table = Table("Failure points.", ["Ladder", "Metric", "Limit", "This version"], rows)
    facts = {
        **_source(study),
        "ladders": [
            {
                "ladder": one["name"],
                "unit": one["unit"],
                "metric": metric["metric"],
                "limit": metric["limit"],
                "fails": metric["fails"],
            }
            for one in ladders
            for metric in one["metrics"]
        ],
    }
    return Part(
        "robustness", Section(title, words, [table], _drawn(study, begin="ladder")), plain(facts)
    )


def ablation(version: ModelVersion, study: Study | None) -> Part:
    """Each part's share of what the chain does."""
    title = "What each part contributes"
    if study is None:
        section = Section(title, ["Nobody has taken it apart."])
        return Part("ablation", section, None, f"python manage.py ablate {version}")
    shares = study.result["shares"]
    rows = [
        [
            one["part"],
            f"{one['share']:.3f}".replace("-", "−"),
            f"{one['low']:.3f} to {one['high']:.3f}".replace("-", "−")
            if one["low"] is not None
            else "one clip",
            str(one["n"]),
        ]
        for one in shares
    ]
    words = [
        f"Shapley shares of the change between input and output, on {study.result['material']}. {_asked(study)}"
    ]
    if any(not 0 <= one["share"] <= 1 for one in shares):
        words.append("A share below 0 or above 1 means that parts undo some of what others do.")
    table = Table(
        "Shares (their sum is 1), with 95 % intervals over the clips.",
        ["Part", "Share", "Interval", "n"], rows, (False, True, True, True),
    )  # fmt: skip
    facts = {**_source(study), "material": study.result["material"], "shares": shares}
    return Part(
        "ablation", Section(title, words, [table], _drawn(study, begin="shares")), plain(facts)
    )


# what a check is called, and what it tells who is no specialist
CHECKS = {
    "planted": "Cues planted on purpose are found",
    "curves": "Taking away what it names changes the sound most",
    "randomised": "A model that learned nothing is explained otherwise",
}


def explanation(version: ModelVersion, study: Study | None) -> Part:
    """Whether explanations of this version can be believed: what the checks of faithfulness found."""
    title = "How far its explanations can be believed"
    how = f"python manage.py explain {version}"
    if study is None:
        section = Section(title, ["Nobody has asked it for an explanation."])
        return Part("explanation", section, None, how)
    found = study.result
    checks = found.get("checks") or {}
    rows = [
        [
            CHECKS.get(name, name),
            {True: "passed", False: "failed"}.get(one.get("passed"), "not told"),
        ]
        for name, one in checks.items()
    ]
    method = found.get("method", "")
    words = [f"By {method}, of {found['target']['title']}. {_asked(study)}"]
    if not checks:
        words.append("It was asked without the checks.")
    tables = [Table("Checks of faithfulness.", ["Check", "Result"], rows)] if rows else []
    facts = {
        **_source(study),
        "method": method,
        "checks": {n: one.get("passed") for n, one in checks.items()},
    }
    section = Section(title, words, tables, _drawn(study))
    return Part("explanation", section, plain(facts), "" if checks else how)


def hearing(version: ModelVersion, study: Study | None) -> Part:
    """How far what goes on inside agrees with hearing."""
    title = "Agreement with hearing"
    if study is None:
        section = Section(title, ["Nobody has held it against hearing."])
        return Part("hearing", section, None, f"python manage.py congruence {version}")
    badge = face_of(study.kind).badge(study.result)
    words = [f"{badge[:1].upper()}{badge[1:]}. {_asked(study)}" if badge else _asked(study)]
    return Part("hearing", Section(title, words), {**_source(study), "summary": badge})


def number_of(value: float | None, unit: str = "") -> str:
    """With four significant figures, a dash for none."""
    return "–" if value is None else f"{shown(value)} {unit}".strip()
