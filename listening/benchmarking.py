"""Benchmarks: entering one, what is measured of an entry, and the campaign in which people rate them.

Registered versions render every item; other teams send what their systems made of them (listening/submissions.py).
How a benchmark is frozen stands in listening/freezing.py.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from listening.ablating import material
from listening.analysis.plain import plain
from listening.composing import compose
from listening.exchange import campaign_document
from listening.exchange.documents import Document
from listening.freezing import USUAL_DESIGN, BenchmarkError
from listening.models import Benchmark, BenchmarkEntry, BenchmarkItem, BenchmarkOutput, Campaign
from metrics.tasks import score_signals
from models_registry import audit, jobs, rendering, studying
from models_registry.extra import engine
from models_registry.jobs import Lease, Stopped
from models_registry.models import Job, ModelVersion, Signal, Study

# what of the items an ablation and an explanation are made on: enough for an interval, few enough to wait for
STUDIED, EXPLAINED_S = 4, 1.0
# by method, what is played beside the entries; each is made from the items' references
ROLES: dict[str, tuple[str, ...]] = {
    "mushra": ("reference", "anchor35", "anchor70"),
    **dict.fromkeys(("acr", "p835", "bs2132", "preference", "ccr"), ()),
}
TITLES = {"reference": "reference", "anchor35": "3.5 kHz anchor", "anchor70": "7 kHz anchor"}


def publish(benchmark: Benchmark, *, shown: bool, actor: str) -> None:
    """Show the benchmark's page to everyone, or no longer."""
    with transaction.atomic():
        turned = Benchmark.objects.filter(pk=benchmark.pk).exclude(is_public=shown)
        if turned.update(is_public=shown):
            audit.record("publish" if shown else "unpublish", benchmark, actor=actor)
    benchmark.refresh_from_db()


# entering


def enter(
    benchmark: Benchmark,
    name: str,
    *,
    actor: str,
    begin: Callable[..., Job] = jobs.enqueue,
) -> BenchmarkEntry:
    """Let the version that `name` (`MODEL[@N][:CONDITION]`) names take part: a job renders, scores and measures it.

    Raises `BenchmarkError`, `RenderError`, `ModelVersion.DoesNotExist`, and `EngineMissing` without the engine.
    """
    engine()
    version, condition = rendering.chosen(name)
    full = rendering.named(version, condition)
    arguments = {"benchmark": str(benchmark), "entry": full, "actor": actor}
    try:
        with transaction.atomic():
            entry = BenchmarkEntry.objects.create(
                benchmark=benchmark,
                name=full,
                version=version,
                condition=condition,
                job=begin("benchmark", arguments, project=benchmark.project),
                actor=actor,
            )
            content = {"entry": full, "version": version.sha256, "benchmark": benchmark.sha256}
            audit.record("enter", benchmark, actor=actor, content=content)
    except IntegrityError as error:
        raise BenchmarkError(
            f"expected a version that has not entered {benchmark} yet, found {full}, which has"
        ) from error
    return entry


def withdraw(entry: BenchmarkEntry, *, reason: str, actor: str) -> None:
    """Take an entry off the leaderboard for a reason that stands there; its outputs and scores are kept.

    Raises `BenchmarkError` without a reason, and where it was withdrawn before.
    """
    if not reason.strip():
        raise BenchmarkError(f"expected a reason to withdraw {entry.name}, found none")
    with transaction.atomic():
        standing = BenchmarkEntry.objects.standing().filter(pk=entry.pk)
        if not standing.update(
            withdrawn_at=now(), withdrawn_by=actor, withdrawn_because=reason.strip()
        ):
            raise BenchmarkError(
                f"expected an entry of {entry.benchmark}, found that {entry.name} was withdrawn already"
            )
        content = {"entry": entry.name, "benchmark": entry.benchmark.sha256}
        audit.record("withdraw", entry.benchmark, actor=actor, reason=reason, content=content)
    entry.refresh_from_db()


def ask(
    entry: BenchmarkEntry, kind: str, *, actor: str, begin: Callable[..., Study] = studying.queue
) -> Study:
    """The benchmark's question of this kind to the entry's version: as it was answered before, else asked now."""
    assert entry.version is not None
    asked = _asked(entry.benchmark, kind, entry.condition)
    with transaction.atomic():
        study = _known(entry.version, kind, asked) or begin(entry.version, kind, asked, actor=actor)
        entry.studies.add(study)
    return study


def _asked(benchmark: Benchmark, kind: str, condition: str) -> dict[str, Any]:
    items = list(benchmark.items.select_related("input")[:STUDIED])
    if kind == "validation":
        return {"suite": benchmark.rules["suite"]}
    if kind == "ablation":
        return {"signals": [one.input.sha256 for one in items], "metrics": []}
    first = items[0].input
    return {
        "signals": [first.sha256],
        "start": _loudest(first),
        "seconds": min(EXPLAINED_S, first.duration),
        "condition": condition,
    }


def _loudest(signal: Signal) -> float:
    """Where the loudest second begins, in tenths of a second."""
    energy = np.square(signal.audio().samples).sum(axis=0)
    step, whole = max(1, signal.rate // 10), round(EXPLAINED_S * signal.rate)
    if len(energy) <= whole:
        return 0.0
    sums = np.concatenate([[0.0], np.cumsum(energy, dtype=np.float64)])
    starts = np.arange(0, len(energy) - whole + 1, step)
    return float(starts[(sums[starts + whole] - sums[starts]).argmax()] / signal.rate)


def _known(version: ModelVersion, kind: str, asked: dict[str, Any]) -> Study | None:
    """An answer that is there, or on its way, to the same question."""
    full = studying.kind_named(kind).complete(asked)
    same = version.studies.filter(kind=kind, job__state__in=("done", "queued", "running"))
    return next((one for one in same.select_related("job") if one.settings == full), None)


@jobs.handles("benchmark")
def work(lease: Lease) -> str:
    """Arguments: benchmark, entry, actor, to be read; the entry is the job's own."""
    entry: BenchmarkEntry = lease.job.benchmark_entry
    actor = lease.job.arguments["actor"]
    items = list(entry.benchmark.items.select_related("input", "reference"))
    if entry.version is not None:
        _render(entry, items, lease, actor)
        if not entry.measured:
            BenchmarkEntry.objects.filter(pk=entry.pk).update(
                measured=_measured(entry.version, entry.condition, items, lease)
            )
    outputs = {one.item_id: one.signal for one in entry.outputs.select_related("signal")}
    pairs = [(outputs[item.pk], item.reference) for item in items]
    score_signals(
        pairs,
        entry.benchmark.metrics,
        align=entry.benchmark.rules["align"],
        progress=lambda share, message: lease.report(0.6 + 0.4 * share, message),
        should_stop=lease.should_stop,
    )
    if lease.should_stop():
        raise Stopped("stopped; what was scored is kept")
    audit.record(
        "benchmark-score",
        entry.benchmark,
        actor=actor,
        content={"entry": entry.name, "outputs": [signal.sha256 for signal, _ in pairs]},
    )
    return f"{entry.name} is on the leaderboard of {entry.benchmark}"


def _render(
    entry: BenchmarkEntry, items: Sequence[BenchmarkItem], lease: Lease, actor: str
) -> None:
    inputs = [one.input for one in items]
    made = rendering.render_many(
        [entry.name],
        inputs,
        actor=actor,
        told=lambda number, what: lease.report(0.4 * number / len(inputs), what),
    )
    for item, one in zip(items, made, strict=True):
        if lease.should_stop():
            raise Stopped("stopped; what was rendered is kept")
        BenchmarkOutput.objects.get_or_create(
            entry=entry, item=item, defaults={"signal": one.output}
        )
        # who may see the benchmark may hear what is compared in it
        entry.benchmark.project.signals.add(one.output)


def _measured(
    version: ModelVersion, condition: str, items: Sequence[BenchmarkItem], lease: Lease
) -> dict[str, Any]:
    """What is counted, timed and tried of a version; what cannot be has a reason in its place."""
    lease.report(0.4, "measuring cost and legibility")
    chain = rendering.load(version, condition)
    found_clips, _, _ = material(version, [one.input for one in items[:STUDIED]])
    clips = [replace(one, condition=condition or None) for one in found_clips]
    room = engine().legibility
    trials: Any = engine("trials")
    found: dict[str, Any] = {
        "parameters": sum(one.numel() for one in chain.parameters() if one.requires_grad),
        "networks": len(chain.adapters),
        "real_time": trials.cost(chain),
        "machine": f"{platform.machine()}, {platform.processor() or platform.system()}, one thread",
    }
    for name, measure in (("explained", room.explained), ("recovered", room.recovered)):
        try:
            found[name] = asdict(measure(chain, clips))
        except engine().EngineError as error:
            found[name] = {"reason": str(error)}
    return dict(plain(found))


def link(benchmark: Benchmark, campaign: Campaign, *, actor: str) -> None:
    """Take the ratings of `campaign` into the benchmark; raises `BenchmarkError` where no entry is rated there."""
    outputs = BenchmarkOutput.objects.filter(entry__benchmark=benchmark)
    heard = campaign.conditions.filter(stimuli__signal__in=outputs.values("signal"))
    if not heard.exists():
        raise BenchmarkError(
            f"expected a campaign in which outputs of {benchmark} are played, found none in {campaign.slug}"
        )
    with transaction.atomic():
        benchmark.campaigns.add(campaign)
        audit.record("benchmark-rate", benchmark, actor=actor, content={"campaign": campaign.slug})


def draft(benchmark: Benchmark, slug: str, *, owner: User | None, actor: str) -> Campaign:
    """A draft campaign in which people rate the outputs of all entries, by the benchmark's own design.

    Raises `BenchmarkError` where fewer than one entry has all its outputs, and what composing raises.
    """
    items = list(benchmark.items.select_related("input", "reference"))
    entries = [
        one
        for one in benchmark.entries.standing()
        .select_related("version__model")
        .prefetch_related("outputs__signal")
        if len(one.outputs.all()) == len(items)
    ]
    if not entries:
        raise BenchmarkError(
            f"expected entries of {benchmark} with outputs to be rated, found none"
        )
    design = {**USUAL_DESIGN, **(benchmark.rules["campaign"] or {})}
    referred = all(one.reference for one in items)
    roles = ROLES.get(design["method"], ("reference",)) if referred else ()
    sounds = {(e.pk, o.item_id): o.signal.sha256 for e in entries for o in e.outputs.all()}
    data = {
        "format": campaign_document.FORMAT,
        "slug": slug,
        **design,
        "conditions": [
            *({"name": TITLES[role], "role": role} for role in roles),
            *(
                {"name": one.name, **({"version": str(one.version)} if one.version else {})}
                for one in entries
            ),
        ],
        "items": [
            {
                "title": item.title,
                **({"reference": _hashed(item.reference.sha256)} if item.reference else {}),
                "stimuli": {one.name: _hashed(sounds[one.pk, item.pk]) for one in entries},
            }
            for item in items
        ],
    }
    document = Document(str(benchmark), campaign_document.checked(data, name=str(benchmark)))
    with transaction.atomic():
        made = compose(document, owner=owner, project=benchmark.project, actor=actor)
        link(benchmark, made, actor=actor)
    return made


def _hashed(sha256: str) -> str:
    return f"{campaign_document.HASH_PREFIX}{sha256}"
