"""What rows look like in the API; documents and analyses are plain data with schemas of their own."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from listening import mending
from listening.balance import MOST_SESSIONS
from listening.models import Campaign
from metrics.models import Score
from models_registry import standing, statements
from models_registry.models import (
    AudioModel,
    Job,
    ModelStatement,
    ModelVersion,
    Rendering,
    Signal,
    Standing,
    TrainingRun,
)

SHA256 = r"^[0-9a-f]{64}$"
MAX_SIGNALS = 10_000
MAX_VERSIONS = 1_000


class SignalSerializer(serializers.ModelSerializer[Signal]):
    class Meta:
        model = Signal
        fields = ["sha256", "title", "provenance", "rate", "channels", "frames", "created_at"]


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()
    title = serializers.CharField(max_length=200, required=False)


class ModelSerializer(serializers.ModelSerializer[AudioModel]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    versions = serializers.StringRelatedField(many=True)  # type: ignore[var-annotated]

    class Meta:
        model = AudioModel
        fields = ["name", "project", "title", "purpose", "created_at", "versions"]


class StatementSerializer(serializers.ModelSerializer[ModelStatement]):
    class Meta:
        model = ModelStatement
        fields = ["number", "intent", "assumptions", "caveats", "licence", "author", "created_at"]
        read_only_fields = ["number", "author", "created_at"]
        # an empty part stays as the statement before has it
        extra_kwargs = {name: {"required": False} for name in statements.LONGEST}


class MarkSerializer(serializers.Serializer[standing.Mark]):
    """Where a version stands."""

    state = serializers.ChoiceField(choices=Standing.State.choices)
    label = serializers.CharField()  # type: ignore[assignment]
    rejected = serializers.BooleanField(source="is_rejected")
    overdue = serializers.BooleanField(source="is_overdue")
    due = serializers.DateTimeField(source="due_at", allow_null=True)
    barred = serializers.CharField(
        source="why_barred", help_text="why it may not enter a new campaign; empty: it may"
    )


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    name = serializers.CharField(source="__str__", help_text="MODEL@NUMBER")
    parent = serializers.StringRelatedField()  # type: ignore[var-annotated,assignment]
    knows = serializers.ListField(
        child=serializers.CharField(), help_text="the devices, rooms or speakers it knows"
    )
    statements = StatementSerializer(
        many=True, read_only=True, help_text="what its makers say of it; the last one holds"
    )

    standing = serializers.SerializerMethodField()

    @extend_schema_field(MarkSerializer)
    def get_standing(self, version: ModelVersion) -> dict[str, Any]:
        return dict(MarkSerializer(standing.of(version)).data)

    class Meta:
        model = ModelVersion
        fields = [
            "name",
            "standing",
            "knows",
            "statements",
            "sha256",
            "weights_sha256",
            "chain",
            "card",
            "parent",
            "reason",
            "created_at",
        ]


class AdoptSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, help_text="the new device, room or speaker")
    wet = serializers.ListField(
        child=serializers.RegexField(SHA256),
        min_length=1,
        max_length=MAX_SIGNALS,
        help_text="what it recorded",
    )
    dry = serializers.ListField(
        child=serializers.RegexField(SHA256),
        min_length=1,
        max_length=MAX_SIGNALS,
        help_text="what was played to it, or other sound of the same kind",
    )
    reason = serializers.CharField(max_length=2000, required=False)


class RenderingSerializer(serializers.ModelSerializer[Rendering]):
    version = serializers.StringRelatedField()  # type: ignore[var-annotated]
    input = serializers.CharField(source="input.sha256")
    output = serializers.CharField(source="output.sha256")

    class Meta:
        model = Rendering
        fields = ["version", "condition", "input", "output", "created_at"]


class RenderSerializer(serializers.Serializer[Any]):
    versions = serializers.ListField(
        child=serializers.RegexField(
            r"^[-a-zA-Z0-9_]{1,80}(@[0-9]{1,9})?(:[^:]{1,100})?$", max_length=200
        ),
        min_length=1,
        max_length=MAX_VERSIONS,
        help_text="MODEL[@NUMBER][:CONDITION]; each renders every signal",
    )
    signals = serializers.ListField(
        child=serializers.RegexField(SHA256), min_length=1, max_length=MAX_SIGNALS
    )


class JobSerializer(serializers.ModelSerializer[Job]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = Job
        fields = [
            "id",
            "project",
            "kind",
            "arguments",
            "state",
            "attempt",
            "progress",
            "message",
            "stop_requested",
            "created_at",
            "finished_at",
        ]


class TrainSerializer(serializers.Serializer[Any]):
    recipe = serializers.CharField(max_length=80)
    settings = serializers.DictField(
        child=serializers.CharField(max_length=1000), required=False, help_text="as `train --set`"
    )
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    reason = serializers.CharField(max_length=2000)


class RunSerializer(serializers.ModelSerializer[TrainingRun]):
    model = serializers.StringRelatedField()  # type: ignore[var-annotated]
    job = JobSerializer()
    version = serializers.SerializerMethodField()

    class Meta:
        model = TrainingRun
        fields = [
            "id",
            "model",
            "recipe",
            "seed",
            "reason",
            "environment",
            "history",
            "job",
            "version",
        ]

    def get_version(self, run: TrainingRun) -> str | None:
        version = getattr(run, "version", None)
        return str(version) if version else None


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    listeners = serializers.IntegerField(source="n_listeners", help_text="simulated ones included")
    simulated = serializers.IntegerField(source="n_simulated")
    finished = serializers.IntegerField(source="n_finished", help_text="sessions")

    class Meta:
        model = Campaign
        fields = [
            "slug",
            "project",
            "title",
            "method",
            "state",
            "screening",
            "quota",
            "created_at",
            "launched_at",
            "closed_at",
            "listeners",
            "simulated",
            "finished",
        ]


class PlannedSerializer(serializers.Serializer[Any]):
    sessions = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_SESSIONS, help_text="completed ones to plan for"
    )


class PowerSerializer(serializers.Serializer[Any]):
    difference = serializers.FloatField(
        required=False,
        min_value=0.01,
        max_value=100,
        help_text="points; default: a tenth of the scale",
    )
    items = serializers.ListField(
        required=False,
        child=serializers.IntegerField(min_value=2, max_value=300),
        max_length=6,
        help_text="numbers of items to look at",
    )
    past = serializers.SlugField(
        required=False,
        help_text="of the campaign whose variances are taken; default: published ones",
    )
    minutes = serializers.FloatField(
        required=False, min_value=0.05, max_value=60, help_text="that a rating page takes"
    )
    share = serializers.FloatField(
        required=False,
        min_value=0.01,
        max_value=0.99,
        help_text="of a preference: of the decided choices; default: 2/3",
    )
    ties = serializers.FloatField(
        required=False, min_value=0, max_value=0.95, help_text="of a preference: without one"
    )
    sd = serializers.FloatField(
        required=False,
        min_value=0.01,
        max_value=6,
        help_text="of CCR: of listeners' means, in categories",
    )


class FindingSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    severity = serializers.ChoiceField(["error", "warning"])
    where = serializers.CharField(allow_blank=True)
    found = serializers.CharField()
    advice = serializers.CharField(allow_blank=True)
    mend = serializers.CharField(allow_blank=True)


class MendSerializer(serializers.Serializer[Any]):
    act = serializers.ChoiceField(list(mending.TITLES))
    target = serializers.FloatField(
        required=False, min_value=-70, max_value=0, help_text="LUFS, for loudness"
    )


class LaunchSerializer(serializers.Serializer[Any]):
    despite = serializers.BooleanField(
        default=False, help_text="launch although the lint warns; the record keeps what of"
    )


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class ChangeSerializer(ReasonSerializer):
    quota = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True
    )
    opens_at = serializers.DateTimeField(required=False, allow_null=True)
    closes_at = serializers.DateTimeField(required=False, allow_null=True)
    group_quotas = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=1_000_000, allow_null=True),
        required=False,
        help_text="by group; null ends a quota, and groups that are not named keep theirs",
    )


class PairSerializer(serializers.Serializer[Any]):
    signal = serializers.RegexField(SHA256)
    reference = serializers.RegexField(SHA256, required=False, allow_null=True)


class AskScoresSerializer(serializers.Serializer[Any]):
    pairs = serializers.ListField(child=PairSerializer(), min_length=1, max_length=MAX_SIGNALS)
    metrics = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        help_text="names, or the sets music and speech; all where absent",
    )
    align = serializers.BooleanField(
        default=False,
        help_text="undo the lag between signal and reference for metrics that compare moment with moment",
    )


class ScoreSerializer(serializers.ModelSerializer[Score]):
    signal = serializers.CharField(source="signal.sha256")
    reference = serializers.CharField(source="reference.sha256", default=None)

    class Meta:
        model = Score
        fields = [
            "id",
            "metric",
            "metric_version",
            "signal",
            "reference",
            "lag_undone",
            "value",
            "unit",
            "status",
            "message",
            "settings",
            "created_at",
        ]
