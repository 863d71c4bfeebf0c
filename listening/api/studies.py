"""Studies of versions by the API: what was asked, how far it is, what was found."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from listening import access
from listening.ablation_campaigns import ratings
from listening.api.campaigns import actor
from listening.api.rows import Reading, stored
from listening.api.serializers import JobSerializer
from models_registry import studying
from models_registry.extra import EngineMissing
from models_registry.models import ModelVersion, Study
from models_registry.studying import Found
from models_registry.teams import Role


class SaidSerializer(serializers.Serializer[Any]):
    """Of one part: the value with its 95 % interval, missing where there is none (`problem`: why), over n of what."""

    part = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    of = serializers.CharField()
    problem = serializers.CharField(allow_blank=True)


class RatingsSerializer(serializers.Serializer[Any]):
    """What the listeners of a campaign said of each part; `meaning` says what a value is."""

    campaign = serializers.SlugField()
    method = serializers.CharField()
    state = serializers.CharField()
    meaning = serializers.CharField()
    axis = serializers.CharField()
    graded = serializers.BooleanField()
    listeners = serializers.IntegerField()
    simulated = serializers.IntegerField(help_text="of the listeners")
    left_out = serializers.IntegerField(help_text="by screening")
    screening = serializers.CharField(allow_blank=True)
    parts = SaidSerializer(many=True)
    problem = serializers.CharField(allow_blank=True)


class StudySerializer(serializers.ModelSerializer[Study]):
    version = serializers.StringRelatedField()  # type: ignore[var-annotated]
    job = JobSerializer()
    ratings = serializers.SerializerMethodField(
        help_text="of an ablation: by the campaigns made of it, the newest first; of other studies none"
    )

    class Meta:
        model = Study
        fields = [
            "id",
            "version",
            "kind",
            "settings",
            "result",
            "ratings",
            "environment",
            "job",
            "created_at",
        ]

    @extend_schema_field(RatingsSerializer(many=True))
    def get_ratings(self, study: Study) -> list[Found]:
        return ratings(study) if study.kind == "ablation" and study.result else []


class AskSerializer(serializers.Serializer[Any]):
    version = serializers.RegexField(r"^[-a-zA-Z0-9_]+@[0-9]{1,9}$", help_text="MODEL@NUMBER")
    kind = serializers.SlugField(max_length=40)
    settings = serializers.DictField(
        required=False, help_text="signals are named by their hashes; what is not said is as usual"
    )


class StudyViewSet(Reading):
    """Questions to versions, and their answers."""

    serializer_class = StudySerializer
    queryset = Study.objects.select_related("version__model", "job__project").order_by("-pk")

    @extend_schema(request=AskSerializer, responses={202: StudySerializer})
    def create(self, request: Request) -> Response:
        """Ask for a study; answers it with the job that does it."""
        asked = AskSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        name, _, number = given["version"].partition("@")
        visible = ModelVersion.objects.visible_to(request.user).select_related("model__project")
        version = get_object_or_404(visible, model__name=name, number=int(number))
        access.Standing(request.user).require(version.project, Role.EDITOR)
        settings = given.get("settings", {})
        signals = settings.get("signals", [])
        if not isinstance(signals, list) or not all(isinstance(one, str) for one in signals):
            raise ValidationError({"detail": "expected signals to be a list of hashes"})
        # wherever a setting names a sound
        stored([*signals, *studying.hashes_in(settings)], request.user)
        try:
            study = studying.queue(version, given["kind"], settings, actor=actor(request))
        except (studying.StudyError, EngineMissing) as error:
            raise ValidationError({"detail": str(error)}) from error
        return Response(StudySerializer(study).data, status=status.HTTP_202_ACCEPTED)
