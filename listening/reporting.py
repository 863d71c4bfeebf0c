"""A campaign's report: what ITU-R BS.1534-3 §10.2 wants to be told, filled from the record, as a document, or its
tables and figures for a paper.

The report is built once as sections of text, tables and figures, and only then laid out. What the record does not
hold, such as the room, is named as missing rather than left out.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from django.template.loader import render_to_string
from django.utils.timezone import now

from listening import report_files
from listening.analysis import report
from listening.analysis.description import spread
from listening.analysis.plain import interval, number, whole
from listening.analysis.screening import TITLES
from listening.attesting import attested
from listening.campaign_evidence import Evidence
from listening.campaign_figures import figures_of
from listening.computed import analysis_of, correlation_of, metric_evidence_of
from listening.evidence import left_out
from listening.exchange.tables import replace_file
from listening.models import Campaign, Condition, Page, Response, Stimulus
from listening.report_methods import checklist, methods_section
from listening.report_pdf import pdf
from listening.report_sections import Columns, Picture, Section, Table, laid_out, markdown
from listening.result_sections import sections_of
from models_registry import audit
from models_registry.models import AuditEvent

FORMATS = (".html", ".pdf", ".md", ".tex", ".xlsx", ".zip")
SOFTWARE = (
    *("earwitness", "django", "numpy", "scipy", "pandas", "statsmodels", "matplotlib"),
    *("soundfile", "soxr", "torch"),
)
SIGNIFICANCE = 0.05
# the spread of fewer answers would tell who gave them
FEWEST_TOLD = 5


class ReportError(ValueError):
    """A report that cannot be written as asked; the message says what was expected."""


def write(campaign: Campaign, path: Path, *, actor: str) -> None:
    """Write the report to `path`, whole or not at all; the record keeps who took it.

    Raises `ReportError` for another extension than `FORMATS`, `ExchangeError` for a folder that cannot be written.
    """
    form = path.suffix.lower()
    made = content(campaign, form)
    replace_file(path, made)
    said = {"format": form} | audit.fingerprint(made) | attested(campaign)
    audit.record("report", campaign, actor=actor, content=said)


def content(campaign: Campaign, form: str) -> bytes:
    """The report as a file; `form` is one of `FORMATS`: the report itself, or its tables (and figures) for a paper."""
    if form not in FORMATS:
        raise ReportError(
            f"report: expected a file ending in {', '.join(FORMATS)}, found {form or 'none'}"
        )
    sections = report_sections(campaign)
    made_at = now().strftime("%Y-%m-%d %H:%M UTC")
    listeners = campaign.listeners.count()
    simulated = campaign.listeners.filter(simulated=True).count()
    warning = (
        f"{simulated} of {listeners} listeners are simulated: programs, not people."
        if simulated
        else ""
    )
    told = (campaign.title, made_at, warning, sections)
    match form:
        case ".md":
            return markdown(*told).encode()
        case ".pdf":
            return pdf(*told)
        case ".tex":
            return report_files.tex(sections)
        case ".xlsx":
            return report_files.xlsx(sections)
        case ".zip":
            return report_files.archive(sections, _html(*told))
        case _:
            return _html(*told)


def _html(title: str, made_at: str, warning: str, sections: list[Section]) -> bytes:
    context = {"title": title, "made_at": made_at, "warning": warning, "sections": sections}
    return render_to_string("listening/report.html", context).encode()


def report_sections(campaign: Campaign) -> list[Section]:
    analysis, problem = analysis_of(campaign)
    sections = [_design(campaign), _listeners(campaign), _stimuli(campaign), _unrecorded()]
    if analysis is None:
        sections.append(Section("Results", [problem]))
    else:
        found = Evidence(campaign)
        sections.append(_screening(analysis, figures_of(found, "screening")))
        sections += [*sections_of(analysis, found), _metrics(campaign, found)]
        sections.append(methods_section(analysis))
    return [*sections, _software(), _record(), checklist(anchors=campaign.method == "mushra")]


def _design(campaign: Campaign) -> Section:
    source = campaign.source or "collected on this site"
    facts = {
        "Method": f"{campaign.protocol.title} ({campaign.protocol.standard})",
        "State": campaign.get_state_display(),
        "Launched": _when(campaign.launched_at),
        "Closed": _when(campaign.closed_at),
        "Items": str(campaign.trials.count()),
        "Conditions": str(campaign.conditions.count()),
        "Presentations of each item": str(campaign.repetitions),
        "Order": f"drawn for each session and stored; the campaign's seed is {campaign.seed}",
        "Listeners wanted": str(campaign.quota or "not fixed"),
        "Parts of a listener's way": ", ".join(str(part["part"]) for part in campaign.plan),
        "Ratings": source,
    }
    default = (
        "no instructions are recorded"
        if campaign.source
        else campaign.protocol.default_instructions
    )
    instructions = campaign.instructions or default
    table = Table("The design, as recorded.", ["", ""], [list(fact) for fact in facts.items()])
    return Section("Design and procedure", [f"Instructions to listeners: {instructions}"], [table])


def _listeners(campaign: Campaign) -> Section:
    sessions = campaign.sessions
    counts = {
        "Listeners": campaign.listeners.count(),
        "of these simulated": campaign.listeners.filter(simulated=True).count(),
        "Sessions begun": sessions.count(),
        "Sessions finished": sessions.exclude(finished_at=None).count(),
        **{f"Ratings not counted: {why}": n for why, n in left_out(campaign).items()},
    }
    rows = [[name, str(count)] for name, count in counts.items()]
    experience = "Selection and experience of the listeners, beyond their answers, are not in the record: state them."
    tables = [Table("Who took part.", ["", "n"], rows)]
    if answers := _numbers(campaign):
        tables.append(
            Table(
                "What people answered in numbers.",
                list(answers[0]),
                [list(one.values()) for one in answers],
            )
        )
    return Section("Listeners", [experience], tables)


def _numbers(campaign: Campaign) -> list[dict[str, str]]:
    """People's answers to questions for a number: their spread, not theirs one by one."""
    given: dict[str, list[float]] = {}
    told = Response.objects.filter(
        page__session__campaign=campaign,
        page__session__listener__simulated=False,
        page__kind=Page.Kind.QUESTIONS,
    ).order_by("page", "received_at")
    last = {response.page_id: response.body.get("answers", {}) for response in told}
    for answers in last.values():
        for name, answer in answers.items():
            if isinstance(answer, int | float) and not isinstance(answer, bool):
                given.setdefault(name, []).append(answer)
    return [
        {
            "question": name,
            **{key: f"{value:.4g}" for key, value in spread(np.array(numbers)).items()},
        }
        for name, numbers in given.items()
        if len(numbers) >= FEWEST_TOLD
    ]


def _stimuli(campaign: Campaign) -> Section:
    conditions = [
        [
            one.name,
            one.get_role_display(),
            str(one.version or ""),
            one.version.sha256 if one.version else "",
        ]
        for one in campaign.conditions.select_related("version__model")
    ]
    stimuli = Stimulus.objects.filter(trial__campaign=campaign).select_related(
        "trial", "condition", "signal"
    )
    sounds = [
        [one.trial.item, one.condition.name, one.signal.sha256 if one.signal else "no audio"]
        for one in stimuli.order_by("trial__number", "condition__pk")
    ]
    anchors = campaign.conditions.exclude(role=Condition.Role.SYSTEM).values_list("name", flat=True)
    used = f"Reference and anchors: {', '.join(anchors) or 'none'}."
    head = ["Condition", "Role", "Model version", "SHA-256 of chain and weights"]
    return Section(
        "Excerpts, conditions and anchors",
        [used],
        [
            Table("The conditions.", head, conditions),
            *_anchors(campaign),
            Table("The sounds, by hash.", ["Item", "Condition", "SHA-256"], sounds),
        ],
    )


def _anchors(campaign: Campaign) -> list[Table]:
    """How each anchor was made, as its sounds' origin says."""
    of_anchors = Stimulus.objects.filter(
        trial__campaign=campaign, condition__role__startswith="anchor", signal__isnull=False
    )
    told = of_anchors.order_by("condition__pk", "trial__number").values_list(
        "condition__name", "trial__reference__sha256", "signal__provenance"
    )
    # of every item alike, but for the sound it was made of
    made = dict.fromkeys(
        (
            name,
            (provenance.replace(of, "the reference") if of else provenance) or "not in the record",
        )
        for name, of, provenance in told
    )
    if not made:
        return []
    code = f"models_registry/degradations.py of earwitness {_version('earwitness')}"
    return [
        Table(
            f"How the anchors were made; low-pass filters and other damage are in {code}.",
            ["Anchor", "Made"],
            [list(row) for row in made],
        )
    ]


def _unrecorded() -> Section:
    words = (
        "The room, its noise, transducers and their placement, and the level at the listeners' ears are not in this "
        "record. A reader wants to know them: describe them here."
    )
    return Section("Listening environment and equipment", [words])


def _screening(analysis: report.Analysis, pictures: Sequence[Picture]) -> Section:
    found = analysis.screening
    out = found.decisions[found.decisions["excluded"]]
    own = found.rule == "none" and found.ratings_after < found.ratings_before
    rule = (
        "what the campaign itself declared, without post-screening," if own else TITLES[found.rule]
    )
    words = (
        f"{rule[0].upper()}{rule[1:]} keeps {len(found.decisions) - len(out)} of {len(found.decisions)} listeners and "
        f"{found.ratings_after} of {found.ratings_before} ratings. Nothing is deleted."
    )
    rows = [[str(row["listener"]), str(row["reason"])] for row in out.to_dict("records")]
    tables = [Table("Excluded listeners.", ["Listener", "Reason"], rows)] if rows else []
    if len(pages := found.left_out):
        left_out: Columns = {
            "Listener": (pages["listener"], str),
            "Page": (pages["trial"], whole),
            "Item": (pages["item"], str),
            "Ratings": (pages["ratings"], whole),
            "Reason": (pages["reason"], str),
        }
        tables.append(
            laid_out("Pages left out by the limits that the campaign declared.", left_out)
        )
    notes = [f"Not applied: {part}." for part in found.not_applied]
    return Section("Screening", [words, *notes], tables, pictures)


def _metrics(campaign: Campaign, found: Evidence) -> Section:
    correlation, problem = correlation_of(campaign)
    if correlation is None:
        return Section("Metrics beside listeners", [problem])
    league = metric_evidence_of(campaign, correlation).league
    if league.table.empty:
        return Section("Metrics beside listeners", ["No metric could be ranked."])
    rows = league.table
    columns: Columns = {
        "Rank": (rows["rank"], whole),
        "Metric": (rows["metric"], str),
        "Version": (rows["metric_version"], str),
        "r, turned": (rows["r"], number(3)),
        "Fisher 95 %": interval(rows, "low", "high", digits=2),
        "Over items 95 %": interval(rows, "item_low", "item_high", digits=2),
        "RMSE": (rows["rmse"], number(1)),
        "Letters": (rows["letters"], str),
    }
    caption = (
        f"{len(rows)} metrics over the same {league.n} stimuli of {league.n_items} items, {correlation.scope}; metrics "
        f"that share a letter are not distinguishable (Williams, Holm over {len(league.pairs)} pairs, and bootstrap)."
    )
    return Section(
        "Metrics beside listeners",
        [f"{caveat}." for caveat in correlation.caveats],
        [laid_out(caption, columns)],
        figures_of(found, "league"),
    )


def _software() -> Section:
    rows = [["Python", platform.python_version()], *([name, _version(name)] for name in SOFTWARE)]
    return Section(
        "Software", [], [Table("Versions at the time of this report.", ["", "Version"], rows)]
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _record() -> Section:
    last = AuditEvent.objects.order_by("-number").first()
    if last is None:
        return Section("Record", ["The record is empty."])
    words = (
        f"The last event before this report is number {last.number} of {last.at}: {last.sha256}."
    )
    return Section("Record", [f"{words} It fixes all that came before it."])


def _when(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "no"
