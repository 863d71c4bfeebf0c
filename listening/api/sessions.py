"""Listeners' ways through campaigns by the API, and what they judged."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from listening.api import serializers as shapes
from listening.api.campaigns import actor
from listening.api.rows import CAMPAIGN, Reading, of_campaign
from listening.forgetting import RATINGS, forget
from listening.models import Rating, Session


class ForgetSerializer(serializers.Serializer[Any]):
    ratings = serializers.ChoiceField(list(RATINGS), default="keep")


class SessionSerializer(serializers.ModelSerializer[Session]):
    """Without its token: that is the listener's key."""

    campaign = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    listener = serializers.CharField(source="listener.code")
    simulated = serializers.BooleanField(source="listener.simulated")

    class Meta:
        model = Session
        fields = [
            "id",
            "campaign",
            "listener",
            "simulated",
            "language",
            "ending",
            "created_at",
            "finished_at",
            "excluded_at",
            "excluded_because",
        ]


class RatingSerializer(serializers.ModelSerializer[Rating]):
    campaign = serializers.CharField(source="page.session.campaign.slug")
    session = serializers.IntegerField(source="page.session_id")
    listener = serializers.CharField(source="page.session.listener.code")
    simulated = serializers.BooleanField(source="page.session.listener.simulated")
    item = serializers.CharField(source="stimulus.trial.item")
    condition = serializers.CharField(source="stimulus.condition.name")
    role = serializers.CharField(source="stimulus.condition.role")
    signal = serializers.CharField(source="stimulus.signal.sha256", default="")

    class Meta:
        model = Rating
        fields = [
            "id",
            "campaign",
            "session",
            "listener",
            "simulated",
            "item",
            "condition",
            "role",
            "scale",
            "value",
            "detail",
            "signal",
            "created_at",
        ]


class SessionViewSet(Reading):
    """Listeners' ways through campaigns."""

    owners_only = ("forget",)
    serializer_class = SessionSerializer
    queryset = Session.objects.none()

    def get_queryset(self) -> QuerySet[Session]:
        rows = Session.objects.select_related("campaign", "listener").order_by("pk")
        return of_campaign(rows, self.request, "campaign")

    @extend_schema(parameters=[CAMPAIGN])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=shapes.ReasonSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"])
    def exclude(self, request: Request, pk: str) -> Response:
        """Leave the session out of the evidence; nothing is deleted."""
        session = self.get_object()
        session.exclude(reason=_reason(request), actor=actor(request))
        return Response(self.get_serializer(session).data)

    @extend_schema(request=shapes.ReasonSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"])
    def include(self, request: Request, pk: str) -> Response:
        """Take an excluded session back into the evidence."""
        session = self.get_object()
        session.exclude(reason=_reason(request), actor=actor(request), out=False)
        return Response(self.get_serializer(session).data)

    @extend_schema(request=ForgetSerializer, responses={200: {"type": "object"}})
    @action(detail=True, methods=["post"])
    def forget(self, request: Request, pk: str) -> Response:
        """Forget its listener; answers how many ratings were kept without a name, or deleted."""
        session = self.get_object()
        asked = ForgetSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        ratings = asked.validated_data["ratings"]
        count = forget(session.listener, ratings=ratings, actor=actor(request))
        return Response({"ratings": ratings, "number": count})


def _reason(request: Request) -> str:
    asked = shapes.ReasonSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return str(asked.validated_data["reason"])


class RatingViewSet(Reading):
    """Judgements as they stand and count: no practice, nobody who was screened out or did not consent."""

    serializer_class = RatingSerializer
    queryset = Rating.objects.none()

    def get_queryset(self) -> QuerySet[Rating]:
        rows = Rating.objects.counted().select_related(
            "page__session__campaign",
            "page__session__listener",
            "stimulus__trial",
            "stimulus__condition",
            "stimulus__signal",
        )
        return of_campaign(rows.order_by("pk"), self.request, "page__session__campaign")

    @extend_schema(parameters=[CAMPAIGN])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)
