"""What a search has found so far, as data for programs and pages and as text for a terminal."""

from __future__ import annotations

from typing import Any

from models_registry.models import Search, SearchTrial

Told = dict[str, Any]


def told(search: Search) -> Told:
    """Everything about a search as plain data: what was asked, every trial, what was found (None until it is over)."""
    return {
        "search": search.pk,
        "recipe": search.recipe["name"],
        "state": search.state,
        "reason": search.reason,
        "space": search.space,
        "plan": search.plan,
        "measure": search.recipe.get("measure", "esr"),
        "trials": [trial_told(trial) for trial in search.trials.order_by("number")],
        "result": search.result,
        "version": str(search.version) if search.version else None,
    }


def trial_told(trial: SearchTrial) -> Told:
    return {
        "number": trial.number,
        "configuration": trial.configuration,
        "seed": trial.seed,
        "choices": trial.choices,
        "state": trial.state,
        "values": trial.values,
        "history": trial.history,
        "message": trial.message,
    }


def text(found: Told) -> str:
    """The tables as a terminal shows them."""
    trials = found["trials"]
    lines = [f"search {found['search']} over {found['recipe']}: {found['state']}", ""]
    lines.append(f"{'trial':>5}  {'state':8} {found['measure']:>10}  choices")
    for one in trials:
        if one["number"] == one["configuration"]:
            lines.append(
                f"{one['number']:5}  {one['state']:8} {_quality(one):>10}  {chosen(one['choices'])}"
            )
    result = found["result"]
    if result is None:
        return "\n".join([*lines, "", f"{len(trials)} trials so far; --resume goes on."])
    lines += ["", f"over seeds {', '.join(map(str, result['seeds']))}, mean [95 %]:"]
    for row in result["finalists"]:
        lines.append(
            f"{row['configuration']:5}  {row['mean']:.4g} {interval(row['low'], row['high'])}  n {row['n']}"
        )
    lines += ["", "pairs of finalists, differences that hold together at 95 %:"]
    for row in result["comparisons"]:
        lines.append(
            f"{row['better']:5} below {row['worse']}: {row['difference']:.3g} "
            f"{interval(row['low'], row['high'])}  n {row['n']}  {'shown' if row['shown'] else 'not shown'}"
        )
    lines += ["", "share of the variance of quality, total [95 %], and alone:"]
    for row in result["importance"]["shares"]:
        lines.append(
            f"  {row['module']:20} {row['total']:.2f} {interval(row['low'], row['high'])}  {row['alone']:.2f}"
        )
    if result["importance"]["reason"]:
        lines.append(f"  {result['importance']['reason']}")
    lines += ["", result["sentence"]]
    if found["version"]:
        lines.append(f"Registered {found['version']}.")
    return "\n".join(lines)


def interval(low: float | None, high: float | None) -> str:
    return "[–]" if low is None or high is None else f"[{low:.3g}, {high:.3g}]"


def chosen(choices: dict[str, Any]) -> str:
    """Choices to be read, or that it is the recipe as written."""
    said = (
        f"{path} {value:.3g}" if isinstance(value, float) else f"{path} {value}"
        for path, value in choices.items()
    )
    return ", ".join(said) or "as written"


def changed(choices: dict[str, Any], written: dict[str, Any]) -> str:
    """What of the choices is not as the recipe is written, to be read."""
    return chosen({path: value for path, value in choices.items() if written.get(path) != value})


def _quality(one: Told) -> str:
    value = one["values"].get("quality")
    if value is None and one["history"]:
        return f"{one['history'][-1][1]:.4g}*"
    return "–" if value is None else f"{value:.4g}"
