"""A campaign's report: what ITU-R BS.1534-3 §10.2 wants to be told, filled from the record, as HTML or Markdown.

The report is built once as sections of text, tables and figures, and only then laid out. What the record does not
hold, such as the room, is named as missing rather than left out.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
from django.template.loader import render_to_string
from django.utils.timezone import now

from listening import evidence_figures, figures
from listening.analysis import report
from listening.analysis.comparison import Comparison
from listening.analysis.mixed import MixedModel
from listening.analysis.plain import interval, number, p_value, whole
from listening.analysis.screening import TITLES
from listening.computed import analysis_of, correlation_of, metric_evidence_of, ratings_of
from listening.drawing import ordered, rendered
from listening.evidence import left_out
from listening.exchange.tables import replace_file
from listening.models import Campaign, Condition, Stimulus
from listening.report_sections import Columns, Picture, Section, Table, laid_out, markdown
from models_registry import audit
from models_registry.models import AuditEvent

FORMATS = (".html", ".md")
SOFTWARE = (
    *("earwitness", "django", "numpy", "scipy", "pandas", "statsmodels", "matplotlib"),
    *("soundfile", "soxr", "torch"),
)
SIGNIFICANCE = 0.05


class ReportError(ValueError):
    """A report that cannot be written as asked; the message says what was expected."""


def write(campaign: Campaign, path: Path, *, actor: str) -> None:
    """Write the report to `path`, whole or not at all; the record keeps who took it.

    Raises `ReportError` for another extension than `FORMATS`, `ExchangeError` for a folder that cannot be written.
    """
    form = path.suffix.lower()
    replace_file(path, content(campaign, form).encode())
    audit.record("report", campaign, actor=actor, content={"format": form})


def content(campaign: Campaign, form: str) -> str:
    """The report as text; `form` is one of `FORMATS`."""
    if form not in FORMATS:
        raise ReportError(
            f"report: expected a file ending in {' or '.join(FORMATS)}, found {form or 'none'}"
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
    if form == ".md":
        return markdown(campaign.title, made_at, warning, sections)
    context = {"title": campaign.title, "made_at": made_at, "warning": warning}
    return render_to_string("listening/report.html", context | {"sections": sections})


def report_sections(campaign: Campaign) -> list[Section]:
    analysis, problem = analysis_of(campaign)
    sections = [_design(campaign), _listeners(campaign), _stimuli(campaign), _unrecorded()]
    if analysis is None:
        sections.append(Section("Results", [problem]))
    else:
        sections.append(_screening(analysis))
        if isinstance(analysis, report.MushraAnalysis):
            kept = analysis.screening.keep(ratings_of(campaign))
            sections += [_mushra(analysis, kept), _metrics(campaign), _conclusions(analysis)]
        if isinstance(analysis, report.AbxAnalysis):
            kept = analysis.screening.keep(ratings_of(campaign))
            sections.append(_abx(analysis, kept))
        sections.append(_statistics(analysis))
    return [*sections, _software(), _record()]


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
    return Section("Listeners", [experience], [Table("Who took part.", ["", "n"], rows)])


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
    used = f"Hidden reference and anchors: {', '.join(anchors) or 'none'}."
    head = ["Condition", "Role", "Model version", "SHA-256 of chain and weights"]
    return Section(
        "Excerpts, conditions and anchors",
        [used],
        [
            Table("The conditions.", head, conditions),
            Table("The sounds, by hash.", ["Item", "Condition", "SHA-256"], sounds),
        ],
    )


def _unrecorded() -> Section:
    words = (
        "The room, its noise, transducers and their placement, and the level at the listeners' ears are not in this "
        "record. BS.1534-3 wants them in the report: describe them here."
    )
    return Section("Listening environment and equipment", [words])


def _screening(analysis: report.Analysis) -> Section:
    found = analysis.screening
    out = found.decisions[found.decisions["excluded"]]
    rule = TITLES[found.rule]
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
    return Section("Screening", [words, *notes], tables)


def _mushra(analysis: report.MushraAnalysis, kept: pd.DataFrame) -> Section:
    rows = ordered(analysis.conditions.assign(mean=analysis.conditions["after_mean"]))
    described = laid_out(
        "Ratings per condition after screening; the interval is 95 % (t) over listener means; last, the mean of all "
        "ratings without screening.",
        {
            "Condition": (rows["condition"], str),
            "Role": (rows["role"].map(dict(Condition.Role.choices)), str),
            "Ratings": (rows["after_n_ratings"], whole),
            "Listeners": (rows["after_n_listeners"], whole),
            "Mean": (rows["after_mean"], number(1)),
            "Mean of listeners": (rows["after_mean_of_listeners"], number(1)),
            "95 % interval": interval(rows, "after_ci_low", "after_ci_high", digits=1),
            "Median": (rows["after_median"], number(1)),
            "IQR": (rows["after_iqr"], number(1)),
            "Without screening": (rows["before_mean"], number(1)),
        },
    )
    pictures = [
        Picture("Mean rating per condition", rendered(figures.condition_means(kept), "svg")),
        Picture("Distribution of the ratings", rendered(figures.box_plots(kept), "svg")),
        Picture("Mean rating per item", rendered(figures.item_profile(kept), "svg")),
    ]
    compared = analysis.comparison
    tables = [described, *_mixed(compared.mixed), *_paired(compared)]
    return Section("Results", [f"{caveat}." for caveat in compared.caveats], tables, pictures)


def _mixed(model: MixedModel | None) -> list[Table]:
    if model is None:
        return []
    pairs = model.pairs
    caption = (
        f"Differences by the crossed mixed model, {model.scope}; {model.n_ratings} ratings, {model.n_listeners} "
        f"listeners, {model.n_items} items; Satterthwaite's degrees of freedom; intervals 95 %, not adjusted."
    )
    columns: Columns = {
        "Pair": (pairs["a"] + " − " + pairs["b"], str),
        "Difference": (pairs["difference"], number(1)),
        "95 % interval": interval(pairs, "ci_low", "ci_high", digits=1),
        "SE": (pairs["se"], number(2)),
        "df": (pairs["df"], number(1)),
        "p, Holm": (pairs["p_holm"], p_value),
        "p, Tukey": (pairs["p_tukey"], p_value),
    }
    return [laid_out(caption, columns)]


def _paired(compared: Comparison) -> list[Table]:
    pairs = compared.pairs
    if pairs.empty:
        return []
    columns: Columns = {
        "Pair": (pairs["a"] + " − " + pairs["b"], str),
        "Listeners": (pairs["n_listeners"], whole),
        "Difference": (pairs["mean_difference"], number(1)),
        "95 % interval": interval(pairs, "ci_low", "ci_high", digits=1),
        "d_z": (pairs["dz"], number(2)),
        "p t, Holm": (pairs["p_t_holm"], p_value),
        "p signed rank, Holm": (pairs["p_wilcoxon_holm"], p_value),
        "p sign flip, max-T": (pairs["p_flip_max"], p_value),
        "Detectable": (pairs["detectable"], number(1)),
    }
    tables = [laid_out(f"Differences of listener means, {compared.scope}.", columns)]
    if compared.anova is not None and len(compared.anova.effects):
        effects, found = compared.anova.effects, compared.anova
        anova: Columns = {
            "Effect": (effects["effect"].str.replace(":", " × "), str),
            "F": (effects["f"], number(2)),
            "df": (effects["df1"], whole),
            "Error df": (effects["df2"], whole),
            "ε (HF)": (effects["eps_hf"], number(3)),
            "p (HF)": (effects["p_hf"], p_value),
            "p (Hotelling)": (effects["p_multivariate"], p_value),
            "Choice": (effects["choice"], str),
            "η² partial": (effects["partial_eta2"], number(3)),
        }
        caption = (
            f"Analysis of variance over {found.n_listeners} complete listeners, {found.scope}."
        )
        tables.append(laid_out(caption, anova))
    return tables


def _metrics(campaign: Campaign) -> Section:
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
    forest = rendered(evidence_figures.league_forest(league, correlation.points), "svg")
    return Section(
        "Metrics beside listeners",
        [f"{caveat}." for caveat in correlation.caveats],
        [laid_out(caption, columns)],
        [Picture("Metrics by their agreement with the listeners", forest)],
    )


def _conclusions(analysis: report.MushraAnalysis) -> Section:
    """One sentence per pair, with the claim that reaches furthest."""
    model, compared = analysis.comparison.mixed, analysis.comparison
    if model is not None:
        pairs = model.pairs.rename(columns={"p_holm": "p"} | {"p": "p_raw"})
        scope = model.scope
    else:
        pairs = compared.pairs.rename(columns={"mean_difference": "difference", "p_t_holm": "p"})
        scope = compared.scope
    sentences = [_conclusion(row, scope) for _, row in pairs.iterrows()]
    return Section("Conclusions and their basis", sentences or ["There is no pair to compare."])


def _conclusion(row: pd.Series, scope: str) -> str:
    if pd.isna(row["p"]):
        return f"{row['a']} and {row['b']}: no test was possible."
    fmt = number(1)
    found = f"{fmt(row['difference'])} points [{fmt(row['ci_low'])}, {fmt(row['ci_high'])}]"
    basis = f"{row['a']} − {row['b']} = {found}, p {p_value(row['p'])} (Holm); {scope}"
    if row["p"] >= SIGNIFICANCE:
        return (
            f"Between {row['a']} and {row['b']} no difference is shown, which does not show that there is none: "
            f"{basis}."
        )
    higher, lower = (row["a"], row["b"]) if row["difference"] > 0 else (row["b"], row["a"])
    return f"{higher} was rated higher than {lower}: {basis}."


def _abx(analysis: report.AbxAnalysis, kept: pd.DataFrame) -> Section:
    rows = analysis.pairs
    columns: Columns = {
        "Condition": (rows["condition"], str),
        "Against": (rows["reference_condition"], str),
        "Right": (rows["correct"], whole),
        "Of": (rows["trials"], whole),
        "Proportion": (rows["proportion"], number(3)),
        "95 % interval": interval(rows, "ci_low", "ci_high", digits=3),
        "p": (rows["p"], p_value),
    }
    caption = "All listeners together; exact binomial, one-sided; Clopper-Pearson intervals; for these items."
    picture = Picture("Share of right answers", rendered(figures.abx_proportions(kept), "svg"))
    return Section("Results", [], [laid_out(caption, columns)], [picture])


def _statistics(analysis: report.Analysis) -> Section:
    rows = [[name, words] for name, words in analysis.methods.items()]
    return Section(
        "Statistics", [], [Table("How the figures are computed.", ["Figure", "Method"], rows)]
    )


def _software() -> Section:
    rows = [["Python", platform.python_version()]]
    for name in SOFTWARE:
        try:
            rows.append([name, version(name)])
        except PackageNotFoundError:
            rows.append([name, "not installed"])
    return Section(
        "Software", [], [Table("Versions at the time of this report.", ["", "Version"], rows)]
    )


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
