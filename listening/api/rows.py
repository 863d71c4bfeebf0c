"""Everything else by the API: signals, models, renderings, scores, metrics, runs and jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from listening import access, uploads
from listening.api import serializers as shapes
from listening.api.campaigns import INTO, actor, room
from listening.cards.gathering import card_of
from listening.kinds import kinds
from listening.models import Campaign
from metrics import catalogue
from metrics.models import Score
from metrics.tasks import queue_scores
from models_registry import adopting, audit, jobs, rendering, statements, training
from models_registry.models import AudioModel, Job, ModelVersion, Rendering, Signal, TrainingRun
from models_registry.teams import OfProject, Person, Role, sees_all

CAMPAIGN = OpenApiParameter("campaign", str, description="a campaign's slug")


class Listing(mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """What the person may know of."""

    def get_queryset(self) -> QuerySet[Any]:
        rows: OfProject[Any] = super().get_queryset()  # type: ignore[assignment]
        return rows.visible_to(self.request.user)


class Reading(mixins.RetrieveModelMixin, Listing):
    """What is written elsewhere: a list, or one by its name."""


def of_campaign(rows: QuerySet[Any], request: Request, path: str) -> QuerySet[Any]:
    """`rows` of the campaigns that the person may see, or of the one that is asked for."""
    campaigns = Campaign.objects.visible_to(request.user)
    if slug := request.query_params.get("campaign"):
        campaigns = campaigns.filter(slug=slug)
    return rows.filter(**{f"{path}__in": campaigns})


def stored(
    hashes: Iterable[str | None], user: Person, role: Role = Role.READER
) -> dict[str, Signal]:
    """The signals of these hashes that the person has by this role; refuses one that is not among them."""
    wanted = {sha256 for sha256 in hashes if sha256}
    found = access.signals(user, role).filter(sha256__in=wanted)
    known = {signal.sha256: signal for signal in found}
    if missing := sorted(wanted - set(known)):
        raise ValidationError({"detail": f"expected stored signals, found no {missing[0]}"})
    return known


class SignalViewSet(Reading):
    """Immutable sounds, named by the SHA-256 of their samples and format."""

    serializer_class = shapes.SignalSerializer
    queryset = Signal.objects.none()
    lookup_field = "sha256"
    lookup_value_regex = "[0-9a-f]{64}"
    parser_classes = [MultiPartParser]

    def get_queryset(self) -> QuerySet[Signal]:
        return access.signals(self.request.user).order_by("pk")

    @extend_schema(
        parameters=[INTO],
        request={"multipart/form-data": shapes.UploadSerializer},
        responses={201: shapes.SignalSerializer},
    )
    def create(self, request: Request) -> Response:
        """Keep an audio file; the same samples are kept once."""
        project = room(request)
        given = shapes.UploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        signal = uploads.keep(
            given.validated_data["file"],
            title=given.validated_data.get("title", ""),
            actor=actor(request),
            project=project,
        )
        return Response(self.get_serializer(signal).data, status=status.HTTP_201_CREATED)


class ModelViewSet(Reading):
    """Models, with the names of their versions."""

    serializer_class = shapes.ModelSerializer
    queryset = (
        AudioModel.objects.select_related("project")
        .prefetch_related("versions__model")
        .order_by("name")
    )
    lookup_field = "name"


class VersionViewSet(Reading):
    """Versions: chain, card, reason and hashes."""

    serializer_class = shapes.VersionSerializer
    queryset = (
        ModelVersion.objects.select_related("model__project", "parent__model")
        .prefetch_related("statements", "standings")
        .order_by("pk")
    )
    lookup_value_regex = "[-a-zA-Z0-9_]+@[0-9]{1,9}"

    @extend_schema(parameters=[OpenApiParameter("id", str, "path", description="MODEL@NUMBER")])
    def retrieve(self, request: Request, pk: str) -> Response:
        name, _, number = pk.partition("@")
        found = self.get_queryset().filter(model__name=name, number=int(number)).first()
        if found is None:
            raise NotFound(f"expected a version, found no {pk}")
        return Response(self.get_serializer(found).data)

    @extend_schema(
        parameters=[OpenApiParameter("id", str, "path", description="MODEL@NUMBER")],
        request=shapes.AdoptSerializer,
        responses={202: shapes.JobSerializer},
    )
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, pk: str) -> Response:
        """Make the next version, which knows one more device from its stored recordings; answers the job."""
        name, _, number = pk.partition("@")
        version = get_object_or_404(self.get_queryset(), model__name=name, number=int(number))
        self.check_object_permissions(request, version)
        asked = shapes.AdoptSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        known = stored([*given["dry"], *given["wet"]], request.user)
        arguments = adopting.ask(
            version,
            given["name"],
            dry=[known[sha256] for sha256 in given["dry"]],
            wet=[known[sha256] for sha256 in given["wet"]],
            reason=given.get("reason", ""),
            actor=actor(request),
        )
        job = adopting.queue(arguments, project=version.project)
        return Response(shapes.JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        parameters=[OpenApiParameter("id", str, "path", description="MODEL@NUMBER")],
        responses={200: dict[str, Any]},
    )
    @action(detail=True, methods=["get"])
    def card(self, request: Request, pk: str) -> Response:
        """The model card as gathered now, with its hash."""
        name, _, number = pk.partition("@")
        version = get_object_or_404(self.get_queryset(), model__name=name, number=int(number))
        found = card_of(version)
        return Response(found.as_dict() | {"card_sha256": found.sha256})

    @extend_schema(
        parameters=[OpenApiParameter("id", str, "path", description="MODEL@NUMBER")],
        request=shapes.StatementSerializer,
        responses={201: shapes.StatementSerializer},
    )
    @action(detail=True, methods=["post"])
    def statement(self, request: Request, pk: str) -> Response:
        """Say what the version is meant for, what it takes for granted and where not to trust it."""
        name, _, number = pk.partition("@")
        version = get_object_or_404(self.get_queryset(), model__name=name, number=int(number))
        self.check_object_permissions(request, version)
        asked = shapes.StatementSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said = statements.write(version, **asked.validated_data, actor=actor(request))
        return Response(shapes.StatementSerializer(said).data, status=status.HTTP_201_CREATED)


class RenderingViewSet(Listing):
    """What versions made of signals."""

    serializer_class = shapes.RenderingSerializer
    queryset = Rendering.objects.select_related("version__model", "input", "output").order_by("pk")

    @extend_schema(request=shapes.RenderSerializer, responses={202: shapes.JobSerializer})
    def create(self, request: Request) -> Response:
        """Render signals by versions, each by each; answers the job that does it."""
        asked = shapes.RenderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        here = access.Standing(request.user)
        signals = list(stored(given["signals"], request.user).values())
        project = here.project_of_versions(given["versions"])
        job = rendering.queue(given["versions"], signals, actor=actor(request), project=project)
        return Response(shapes.JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)


class ScoreViewSet(Reading):
    """What metrics say of signals: a value, or the reason why there is none."""

    serializer_class = shapes.ScoreSerializer
    queryset = Score.objects.none()

    @extend_schema(
        parameters=[
            OpenApiParameter("metric", str, description="a metric's name"),
            OpenApiParameter("signal", str, description="a signal's hash"),
            CAMPAIGN,
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(
        parameters=[INTO],
        request=shapes.AskScoresSerializer,
        responses={202: shapes.JobSerializer},
    )
    def create(self, request: Request) -> Response:
        """Score stored signals, each against its reference; answers the job that does it."""
        project = room(request)
        asked = shapes.AskScoresSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        pairs = asked.validated_data["pairs"]
        hashes = [sha256 for pair in pairs for sha256 in (pair["signal"], pair.get("reference"))]
        known = stored(hashes, request.user, Role.EDITOR)
        names = asked.validated_data.get("metrics") or [one.name for one in catalogue.all()]
        job = queue_scores(
            [(known[pair["signal"]], known.get(pair.get("reference") or "")) for pair in pairs],
            [metric.name for metric in catalogue.chosen(",".join(names))],
            align=asked.validated_data["align"],
            actor=actor(request),
            project=project,
        )
        return Response(shapes.JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)

    def get_queryset(self) -> QuerySet[Score]:
        rows: QuerySet[Score] = Score.objects.select_related("signal", "reference").order_by("pk")
        if not sees_all(self.request.user):
            mine = access.signals(self.request.user)
            rows = rows.filter(Q(reference=None) | Q(reference__in=mine), signal__in=mine)
        asked = self.request.query_params
        for name, path in (("metric", "metric"), ("signal", "signal__sha256")):
            if asked.get(name):
                rows = rows.filter(**{path: asked[name]})
        if asked.get("campaign"):
            rows = of_campaign(rows, self.request, "signal__stimuli__trial__campaign").distinct()
        return rows


class MetricViewSet(viewsets.ViewSet):
    """The catalogue of metrics."""

    @extend_schema(responses={200: {"type": "array", "items": {"type": "object"}}})
    def list(self, request: Request) -> Response:
        return Response([metric.as_dict() for metric in catalogue.all()])


class BlockViewSet(viewsets.ViewSet):
    """The catalogue of blocks and adapters: cards, parameters with unit and range, options."""

    @extend_schema(responses={200: {"type": "array", "items": {"type": "object"}}})
    def list(self, request: Request) -> Response:
        return Response([kind.as_dict() for kind in kinds().values()])


class RunViewSet(Reading):
    """Trainings: recipe, seed, reason, history, job and the version made."""

    serializer_class = shapes.RunSerializer
    queryset = TrainingRun.objects.select_related(
        "model", "job__project", "version__model"
    ).order_by("-pk")

    @extend_schema(
        parameters=[INTO], request=shapes.TrainSerializer, responses={202: shapes.RunSerializer}
    )
    def create(self, request: Request) -> Response:
        """Train a recipe; answers the run, whose job does it."""
        project = room(request)
        asked = shapes.TrainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        shipped = training.shipped()
        if given["recipe"] not in shipped:
            # on the command line a recipe may also be a path, which is nothing to take from elsewhere
            raise ValidationError(
                {
                    "detail": f"expected a recipe among {', '.join(shipped)}, found {given['recipe']!r}"
                }
            )
        try:
            run = training.queue(
                given["recipe"],
                given.get("settings"),
                seed=given["seed"],
                reason=given["reason"],
                actor=actor(request),
                project=project,
            )
        except ValueError as error:
            raise ValidationError({"detail": str(error)}) from error
        return Response(shapes.RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


class JobViewSet(Reading):
    """Long work: its state, how far it is, and what it says."""

    serializer_class = shapes.JobSerializer
    queryset = Job.objects.select_related("project").order_by("-pk")

    @extend_schema(request=None, responses=shapes.JobSerializer)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        """Ask it to stop; it keeps what it has."""
        job = self.get_object()
        if not job.is_over:
            job.request_stop()
            what = f"job {job.pk} ({job.kind})"
            audit.record("stop", what, actor=actor(request), project=job.project)
        job.refresh_from_db()
        return Response(self.get_serializer(job).data)

    @extend_schema(request=None, responses=shapes.JobSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Queue a stopped or failed job again."""
        job = self.get_object()
        if jobs.resume(job):
            what = f"job {job.pk} ({job.kind})"
            audit.record("resume", what, actor=actor(request), project=job.project)
        return Response(self.get_serializer(job).data)
