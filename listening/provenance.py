"""Where a number comes from: rating or score, stimulus, signal, rendering, version, weights, run, recipe, data.

A thing is named KIND/NAME, as tables and exports name it: `rating/17`, `score/3`, `stimulus/5`, `condition/2` (a row of
a campaign's results), `signal/SHA256`, `rendering/4`, `version/MODEL@N`. What the person who asks may not see is left
out, and said to be left out; a listener is a number's maker and has no name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.urls import reverse

from listening import access
from listening.lineage import Lineage, Node
from listening.models import Campaign, Condition, Rating, Stimulus
from metrics.models import Score
from models_registry.models import (
    AuditEvent,
    ModelVersion,
    Rendering,
    Signal,
    TrainingRun,
    canonical_json,
)
from models_registry.teams import Person

# of the members of a mean, and of what went into what went in, so many are drawn
MOST_MEMBERS = 8
MOST_PARENTS = 4
Facts = tuple[tuple[str, str], ...]


class ProvenanceError(ValueError):
    """A name that names nothing, or nothing that the person may see; the message says what was expected."""


def trace(name: str, *, user: Person) -> Lineage:
    """What the thing called `name` (KIND/NAME) comes from, as far as `user` may see (None: all of it)."""
    kind, _, key = name.partition("/")
    tracer = _Tracer(user)
    if kind not in _STARTS or not key:
        raise ProvenanceError(
            f"expected KIND/NAME with a kind of {', '.join(_STARTS)}, found {name[:80]!r}"
        )
    if not _STARTS[kind](tracer, key):
        raise ProvenanceError(f"expected a {kind} that is here, found no {key[:80]!r}")
    return tracer.found


def page_of(name: str) -> str:
    """The address of a thing's provenance."""
    return reverse("provenance", args=name.split("/", 1))


def _number(key: str) -> int:
    # no key of a row is as long; a text that is no number finds nothing
    return int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else 0


@dataclass
class _Tracer:
    user: Person
    found: Lineage = field(default_factory=Lineage)

    # where one may begin

    def rating(self, key: str) -> bool:
        rows = Rating.objects.filter(page__session__campaign__in=self._campaigns())
        rating = (
            rows.filter(pk=_number(key))
            .select_related("page__session__listener", "page__session__campaign", "response")
            .first()
        )
        if rating is None:
            return False
        session = rating.page.session
        scale = (("scale", rating.scale),) if rating.scale else ()
        name = f"rating/{rating.pk}"
        response = str(rating.response_id)
        facts: Facts = (("value", f"{rating.value:g}"), *scale, ("response", response))
        title = f"Rating {rating.value:g}"
        self.found.add(Node(name, "entity", "rating", title, facts, page_of(name)))
        simulated = session.listener.simulated
        who = "a simulated listener" if simulated else "a listener"
        heard = Node(
            f"session/{session.pk}",
            "activity",
            "session",
            f"Session {session.pk}",
            (("method", session.campaign.method), ("begun", session.created_at.isoformat())),
            reverse("campaign-session", args=[session.campaign.slug, session.pk]),
        )
        self.found.add(heard, of=name, relation="wasGeneratedBy")
        listener = Node(
            f"listener/{session.listener_id}",
            "agent",
            "simulated listener" if simulated else "listener, who has no name here",
            who[0].upper() + who[1:],
        )
        self.found.add(listener, of=heard.name, relation="wasAssociatedWith")
        self._stimulus(rating.stimulus, of=name)
        return True

    def score(self, key: str) -> bool:
        score = Score.objects.filter(pk=_number(key)).select_related("signal", "reference").first()
        if score is None or not self._may_hear(score.signal, score.reference):
            return False
        name = f"score/{score.pk}"
        value = f"{score.value:.6g} {score.unit}".strip() if score.value is not None else "none"
        facts: Facts = (
            ("metric", score.metric),
            ("value", value),
            ("status", score.status),
            *((("message", score.message),) if score.message else ()),
            ("lag undone", "yes" if score.lag_undone else "no"),
            ("settings", json.dumps(score.settings, sort_keys=True)),
        )
        title = f"{score.metric}: {value}"
        self.found.add(Node(name, "entity", "score", title, facts, page_of(name)))
        work = Node(
            f"scoring/{score.pk}",
            "activity",
            "scoring",
            f"Scored by {score.metric}",
            (("at", score.created_at.isoformat()),),
            reverse("metric", args=[score.metric]),
        )
        self.found.add(work, of=name, relation="wasGeneratedBy")
        metric = Node(
            f"metric/{score.metric}",
            "agent",
            "metric",
            score.metric,
            (("version", score.metric_version),),
            reverse("metric", args=[score.metric]),
        )
        self.found.add(metric, of=work.name, relation="wasAssociatedWith")
        self._signal(score.signal, of=work.name, relation="used")
        if score.reference:
            self._signal(score.reference, of=work.name, relation="used")
        return True

    def condition(self, key: str) -> bool:
        """What a row of a campaign's results says: a summary over all ratings of one condition."""
        rows = Condition.objects.filter(campaign__in=self._campaigns(), pk=_number(key))
        condition = rows.select_related("campaign", "version__model").first()
        if condition is None:
            return False
        campaign, name = condition.campaign, f"condition/{condition.pk}"
        ratings = Rating.objects.counted().filter(stimulus__condition=condition).count()
        facts: Facts = (("ratings", str(ratings)), ("role", condition.get_role_display()))
        title = f"Results of {condition.name}"
        self.found.add(Node(name, "entity", "row of results", title, facts, page_of(name)))
        work = Node(
            f"analysis/{campaign.slug}",
            "activity",
            "analysis",
            f"Analysis of {campaign.title}",
            (("method", campaign.method), ("screening declared", campaign.screening)),
            reverse("campaign-statistics", args=[campaign.slug]),
        )
        self.found.add(work, of=name, relation="wasGeneratedBy")
        stimuli = condition.stimuli.order_by("trial__number")
        for stimulus in stimuli[:MOST_MEMBERS]:
            self._stimulus(stimulus, of=work.name, relation="used")
        if (more := stimuli.count() - MOST_MEMBERS) > 0:
            rest = Node(
                f"stimuli/{condition.pk}",
                "entity",
                "further stimuli",
                f"and {more} more stimuli",
                (),
                campaign.get_absolute_url(),
            )
            self.found.add(rest, of=work.name, relation="used")
        return True

    def stimulus(self, key: str) -> bool:
        rows = Stimulus.objects.filter(trial__campaign__in=self._campaigns())
        stimulus = rows.filter(pk=_number(key)).first()
        if stimulus:
            self._stimulus(stimulus)
        return stimulus is not None

    def signal(self, key: str) -> bool:
        signal = access.signals(self.user).filter(sha256=key).first()
        if signal:
            self._signal(signal)
        return signal is not None

    def rendering(self, key: str) -> bool:
        rows = Rendering.objects.visible_to(self.user).filter(pk=_number(key))
        rendering = rows.select_related("version__model", "input", "output").first()
        if rendering:
            self._signal(rendering.output)
        return rendering is not None

    def version(self, key: str) -> bool:
        model, _, number = key.partition("@")
        rows = ModelVersion.objects.visible_to(self.user).select_related("model", "run__job")
        version = rows.filter(model__name=model, number=_number(number)).first()
        if version:
            self._version(version)
        return version is not None

    # what each comes from

    def _stimulus(
        self, stimulus: Stimulus, *, of: str = "", relation: str = "wasDerivedFrom"
    ) -> None:
        campaign, condition = stimulus.trial.campaign, stimulus.condition
        name = f"stimulus/{stimulus.pk}"
        facts: Facts = (
            ("item", stimulus.trial.item),
            ("condition", condition.name),
            ("role", condition.get_role_display()),
        )
        title = f"{stimulus.trial.item} · {condition.name}"
        node = Node(name, "entity", "stimulus", title, facts, page_of(name))
        self.found.add(node, of=of, relation=relation if of else "")
        of_campaign = Node(
            f"campaign/{campaign.slug}",
            "entity",
            "campaign",
            campaign.title,
            (
                ("method", campaign.method),
                ("state", campaign.state),
                *_recorded(act="launch", subject=campaign.slug),
            ),
            campaign.get_absolute_url(),
        )
        self.found.add(of_campaign, of=name, relation="wasDerivedFrom")
        if stimulus.signal:
            self._signal(stimulus.signal, of=name, rendered_by=condition.version)

    def _signal(
        self,
        signal: Signal,
        *,
        of: str = "",
        relation: str = "wasDerivedFrom",
        rendered_by: ModelVersion | None = None,
    ) -> None:
        name = f"signal/{signal.sha256}"
        known = name in self.found.nodes
        facts: Facts = (
            ("sha256", signal.sha256),
            ("format", f"{signal.rate} Hz, {signal.channels} channel(s), {signal.frames} samples"),
            *((("origin", signal.provenance),) if signal.provenance else ()),
        )
        address = reverse("pair", args=[signal.sha256])
        node = Node(name, "entity", "signal", signal.title, facts, address)
        self.found.add(node, of=of, relation=relation if of else "")
        if known:
            return
        made = Rendering.objects.filter(output=signal)
        if rendered_by:
            made = made.filter(version=rendered_by)
        seen = made.visible_to(self.user).select_related("version__model", "version__run", "input")
        for rendering in seen.order_by("pk")[:MOST_PARENTS]:
            self._rendering(rendering, of=name)
        if made.exists() and not seen.exists():
            hidden = Node(
                f"elsewhere/{signal.sha256}", "activity", "rendering", "Another project's model"
            )
            self.found.add(hidden, of=name, relation="wasGeneratedBy")

    def _rendering(self, rendering: Rendering, *, of: str) -> None:
        name, version = f"rendering/{rendering.pk}", rendering.version
        facts: Facts = (
            *((("condition", rendering.condition),) if rendering.condition else ()),
            ("at", rendering.created_at.isoformat()),
            *_recorded(
                act="render",
                content__version=version.sha256,
                content__input=rendering.input.sha256,
                content__output=rendering.output.sha256,
            ),
        )
        address = reverse("version", args=[version.model.name, version.number]) + "#renderings"
        node = Node(name, "activity", "rendering", f"Rendered by {version}", facts, address)
        self.found.add(node, of=of, relation="wasGeneratedBy")
        self._version(version, of=name, relation="used")
        self._signal(rendering.input, of=name, relation="used")

    def _version(
        self,
        version: ModelVersion,
        *,
        of: str = "",
        relation: str = "wasDerivedFrom",
        back: int = MOST_PARENTS,
    ) -> None:
        name, address = (
            f"version/{version}",
            reverse("version", args=[version.model.name, version.number]),
        )
        known = name in self.found.nodes
        facts: Facts = (
            ("sha256", version.sha256),
            ("reason", version.reason),
            *_recorded(act__in=["train", "adopt"], content__sha256=version.sha256),
        )
        node = Node(name, "entity", "model version", str(version), facts, address)
        self.found.add(node, of=of, relation=relation if of else "")
        if known:
            return
        weights = Node(
            f"weights/{version.weights_sha256}",
            "entity",
            "weights",
            f"Weights {version.weights_sha256[:12]}",
            (("sha256", version.weights_sha256),),
            address,
        )
        self.found.add(weights, of=name, relation="wasDerivedFrom")
        if version.run:
            self._run(version.run, of=weights.name)
        if version.parent and back:
            self._version(version.parent, of=name, back=back - 1)

    def _run(self, run: TrainingRun, *, of: str) -> None:
        address = reverse("job", args=[run.job_id])
        name = f"run/{run.pk}"
        facts: Facts = (
            ("seed", str(run.seed)),
            ("at", run.created_at.isoformat()),
            *((("torch", str(run.environment["torch"])),) if "torch" in run.environment else ()),
        )
        node = Node(name, "activity", "training run", f"Training {run.pk}", facts, address)
        self.found.add(node, of=of, relation="wasGeneratedBy")
        said = run.recipe
        recipe = Node(
            f"recipe/{run.pk}",
            "entity",
            "recipe",
            str(said.get("title") or said.get("name") or "Recipe"),
            (("name", str(said.get("name", ""))), ("purpose", str(said.get("purpose", "")))),
            address,
        )
        self.found.add(recipe, of=name, relation="used")
        if data := said.get("data"):
            told = Node(
                f"data/{run.pk}",
                "entity",
                "training data",
                f"Data: {data['source']}" if "source" in data else "Data",
                (("as the recipe says", canonical_json(data)),),
                address,
            )
            self.found.add(told, of=recipe.name, relation="wasDerivedFrom")
            self.found.add(told, of=name, relation="used")

    # who may see what

    def _campaigns(self) -> QuerySet[Campaign]:
        return Campaign.objects.visible_to(self.user)

    def _may_hear(self, *signals: Signal | None) -> bool:
        mine = access.signals(self.user)
        keys = {one.pk for one in signals if one}
        return mine.filter(pk__in=keys).count() == len(keys)


def _recorded(**asked: object) -> Facts:
    """The last event that tells of it, for whoever wants to hold it to the record."""
    event = AuditEvent.objects.filter(Q(**asked)).order_by("-number").first()
    return (("event", f"{event.number}: {event.sha256}"),) if event else ()


_STARTS: dict[str, Callable[[_Tracer, str], bool]] = {
    "rating": _Tracer.rating,
    "score": _Tracer.score,
    "condition": _Tracer.condition,
    "stimulus": _Tracer.stimulus,
    "signal": _Tracer.signal,
    "rendering": _Tracer.rendering,
    "version": _Tracer.version,
}
KINDS = tuple(_STARTS)
