"""Campaigns by the API: made from documents, checked, mended, opened, closed, and read with their evidence."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from listening import (
    access,
    balance,
    composing,
    linting,
    mending,
    pair_planning,
    panel_planning,
    revising,
)
from listening.analysis.frames import AnalysisError
from listening.api import serializers as shapes
from listening.computed import analysis_of, correlation_of
from listening.exchange import campaign_document
from listening.exchange.documents import Document
from listening.models import Campaign
from listening.models.campaign import CampaignError
from models_registry import jobs
from models_registry.teams import Project, Role

DOCUMENT = {"type": "object", "description": "a campaign document: see /api/campaign.schema.json"}
ANALYSIS = {"type": "object", "description": "every figure of the campaign's page, unrounded"}


INTO = OpenApiParameter(
    "project",
    str,
    description="whose it is to be, by its slug; to be named where one is an editor of several",
)


def actor(request: Request) -> str:
    return str(request.user.get_username())


def room(request: Request) -> Project:
    """The project that what is made by this request belongs to."""
    here, slug = access.Standing(request.user), request.query_params.get("project", "")
    if not slug and len(here.rooms()) > 1:
        mine = ", ".join(one.slug for one in here.rooms())
        raise ValidationError({"detail": f"expected ?project= with one of {mine}, found none"})
    return here.room(slug)


class CampaignViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Campaign]
):
    """Listening tests: their state, and how many took part."""

    serializer_class = shapes.CampaignSerializer
    queryset = Campaign.objects.none()
    lookup_field = "slug"
    owners_only = ("discard",)

    def get_queryset(self) -> QuerySet[Campaign]:
        return (
            Campaign.objects.visible_to(self.request.user)
            .select_related("project")
            .annotate(
                n_listeners=Count("listeners", distinct=True),
                n_simulated=Count("listeners", filter=Q(listeners__simulated=True), distinct=True),
                n_finished=Count(
                    "sessions", filter=Q(sessions__finished_at__isnull=False), distinct=True
                ),
            )
            .order_by("-pk")
        )

    @extend_schema(
        parameters=[INTO],
        request={"application/json": DOCUMENT},
        responses={
            201: shapes.CampaignSerializer,
            400: OpenApiResponse(description="what is wrong"),
        },
    )
    def create(self, request: Request) -> Response:
        """Make a draft from a campaign document, whose sounds are named by the hashes of stored signals."""
        project = room(request)
        data = campaign_document.checked(request.data, name="request")
        owner = request.user if isinstance(request.user, User) else None
        document = Document("request", data)
        made = composing.compose(document, owner=owner, project=project, actor=actor(request))
        shown = self.get_serializer(self.get_queryset().get(pk=made.pk)).data
        return Response(shown, status=status.HTTP_201_CREATED)

    @extend_schema(responses={200: DOCUMENT})
    @action(detail=True)
    def document(self, request: Request, slug: str) -> Response:
        """The campaign as a document that makes the same campaign."""
        return Response(composing.describe(self.get_object()))

    @extend_schema(parameters=[shapes.PlannedSerializer], responses={200: {"type": "object"}})
    @action(detail=True)
    def design(self, request: Request, slug: str) -> Response:
        """How often each stimulus is presented, each condition stands in each place and follows each other.

        `planned` after so many completed sessions, and what finished sessions have `done` of it.
        """
        asked = shapes.PlannedSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        campaign = self.get_object()
        if problems := campaign.design_problems():
            raise CampaignError("; ".join(problems))
        whole = balance.round_of(campaign)
        sessions = asked.validated_data.get("sessions") or min(whole, balance.MOST_SESSIONS)
        planned = balance.counted(campaign, balance.planned(campaign, sessions))
        done = balance.counted(campaign, balance.realised(campaign))
        return Response({"even_after": whole, "planned": planned.as_dict(), "done": done.as_dict()})

    @extend_schema(parameters=[shapes.PowerSerializer], responses={200: {"type": "object"}})
    @action(detail=True)
    def power(self, request: Request, slug: str) -> Response:
        """The smallest panels that find a difference, the power of others, and their hours."""
        asked = shapes.PowerSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        campaign, past = self.get_object(), given.pop("past", None)
        of = self.get_queryset().filter(slug=past).first() if past else None
        if past and of is None:
            return Response({"problem": f"expected a campaign, found no {past!r}"})
        try:
            if pair_planning.compares(campaign):
                given.pop("items", None)
                return Response(pair_planning.plan_of(campaign, past=of, **given).as_dict())
            for key in ("share", "ties", "sd"):
                given.pop(key, None)
            return Response(panel_planning.plan_of(campaign, past=of, **given).as_dict())
        except AnalysisError as error:
            return Response({"problem": str(error)})

    @extend_schema(responses=shapes.FindingSerializer(many=True))
    @action(detail=True, pagination_class=None)
    def lint(self, request: Request, slug: str) -> Response:
        """What is wrong with its design and its sounds."""
        return Response([found.as_dict() for found in linting.findings(self.get_object())])

    @extend_schema(request=shapes.MendSerializer, responses={200: {"type": "object"}})
    @action(detail=True, methods=["post"])
    def mend(self, request: Request, slug: str) -> Response:
        """Do one of the acts that the lint names; answers what was done, by item and condition."""
        campaign = self.get_object()
        asked = _checked(shapes.MendSerializer, request)
        done = mending.mend(
            campaign, asked["act"], actor=actor(request), target=asked.get("target")
        )
        return Response(done)

    @extend_schema(request=shapes.LaunchSerializer, responses=shapes.CampaignSerializer)
    @action(detail=True, methods=["post"])
    def launch(self, request: Request, slug: str) -> Response:
        """Open it to listeners; what the lint warns of must be accepted by `despite`, which takes an owner."""
        campaign = self.get_object()
        found = linting.summary(linting.findings(campaign))
        if found and not _checked(shapes.LaunchSerializer, request)["despite"]:
            raise CampaignError(
                f"expected no warnings, or despite: true; the lint warns of {', '.join(found)}"
            )
        if found:
            access.Standing(request.user).require(campaign.project, Role.OWNER)
        campaign.launch(actor=actor(request), overridden=found)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=shapes.ReasonSerializer, responses=shapes.CampaignSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, slug: str) -> Response:
        """Take no new listeners; closing what is closed changes nothing."""
        campaign = self.get_object()
        reason = _checked(shapes.ReasonSerializer, request)["reason"]
        campaign.close(actor=actor(request), reason=reason)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=shapes.ReasonSerializer, responses=shapes.CampaignSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, slug: str) -> Response:
        """Take no new listeners for a while."""
        campaign = self.get_object()
        reason = _checked(shapes.ReasonSerializer, request)["reason"]
        campaign.pause(actor=actor(request), reason=reason)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=shapes.CampaignSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, slug: str) -> Response:
        """Take new listeners again."""
        self.get_object().resume(actor=actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=shapes.ChangeSerializer, responses=shapes.CampaignSerializer)
    @action(detail=True, methods=["post"])
    def change(self, request: Request, slug: str) -> Response:
        """Change what may change of a running campaign, for a reason; what is not named stays."""
        campaign = self.get_object()
        asked = _checked(shapes.ChangeSerializer, request)
        reason = asked.pop("reason")
        revising.change(campaign, asked, reason=reason, actor=actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=shapes.ReasonSerializer, responses={201: shapes.CampaignSerializer})
    @action(detail=True, methods=["post"])
    def revise(self, request: Request, slug: str) -> Response:
        """Make a new draft of a launched campaign's content, to change what the launch froze."""
        campaign = self.get_object()
        reason = _checked(shapes.ReasonSerializer, request)["reason"]
        owner = request.user if isinstance(request.user, User) else None
        made = revising.revise(campaign, reason=reason, owner=owner, actor=actor(request))
        shown = self.get_serializer(self.get_queryset().get(pk=made.pk)).data
        return Response(shown, status=status.HTTP_201_CREATED)

    @extend_schema(request=shapes.ReasonSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, slug: str) -> Response:
        """Delete a draft for a reason; what was launched stays. This takes an owner."""
        campaign = self.get_object()
        reason = _checked(shapes.ReasonSerializer, request)["reason"]
        revising.discard(campaign, reason=reason, actor=actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: shapes.JobSerializer})
    @action(detail=True, methods=["post"])
    def score(self, request: Request, slug: str) -> Response:
        """Score all stimuli by all metrics; answers the job that does it."""
        campaign = self.get_object()
        arguments = {"campaign": campaign.slug, "actor": actor(request)}
        job = jobs.enqueue("score-campaign", arguments, project=campaign.project)
        return Response(shapes.JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={200: ANALYSIS})
    @action(detail=True)
    def analysis(self, request: Request, slug: str) -> Response:
        """Screening, description and comparisons, as `analyse --format json` gives them."""
        return _evidence(*analysis_of(self.get_object()))

    @extend_schema(responses={200: ANALYSIS})
    @action(detail=True)
    def correlation(self, request: Request, slug: str) -> Response:
        """Every metric against the ratings, as `correlate --format json` gives it."""
        return _evidence(*correlation_of(self.get_object()))

    @extend_schema(responses={200: {"type": "object", "properties": {"link": {"type": "string"}}}})
    @action(detail=True)
    def invitation(self, request: Request, slug: str) -> Response:
        """The link for listeners."""
        address = reverse("welcome", args=[self.get_object().slug])
        return Response({"link": request.build_absolute_uri(address)})


def _checked(shape: Any, request: Request) -> dict[str, Any]:
    given = shape(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _evidence(found: Any, problem: str) -> Response:
    """The figures, or why there are none (which is no fault of who asks)."""
    if found is None:
        return Response({"problem": problem})
    return Response(json.loads(found.to_json()))
