"""Reviews by the API: of what, who decided what, and what came of it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from listening.api.rows import Reading
from listening.models import Action, AgendaPoint, Decision, Review


class ActionSerializer(serializers.ModelSerializer[Action]):
    class Meta:
        model = Action
        fields = ["id", "text", "owner", "due_on", "done_by", "done_note", "done_at"]


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    actions = ActionSerializer(many=True)

    class Meta:
        model = Decision
        fields = ["verdict", "reason", "signed_as", "signed_at", "sha256", "actions"]


class PointSerializer(serializers.ModelSerializer[AgendaPoint]):
    class Meta:
        model = AgendaPoint
        fields = ["number", "topic", "title", "do", "look_for"]


class ReviewSerializer(serializers.ModelSerializer[Review]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    version = serializers.StringRelatedField()  # type: ignore[var-annotated]
    campaign = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    agenda = PointSerializer(source="points", many=True)
    decisions = serializers.SerializerMethodField()

    class Meta:
        model = Review
        fields = [
            "id",
            "project",
            "title",
            "version",
            "campaign",
            "sha256",
            "due_on",
            "agenda_from",
            "decisions_wanted",
            "interval_days",
            "agenda",
            "opened_by",
            "created_at",
            "outcome",
            "closed_by",
            "closed_because",
            "closed_at",
            "decisions",
        ]

    @extend_schema_field(DecisionSerializer(many=True))
    def get_decisions(self, review: Review) -> list[dict[str, object]]:
        made = [one.decision for one in review.reviewers.all() if hasattr(one, "decision")]
        return [dict(DecisionSerializer(one).data) for one in made]


class ReviewViewSet(Reading):
    """Reviews of versions and campaigns, open and closed."""

    serializer_class = ReviewSerializer
    queryset = (
        Review.objects.select_related("project", "version__model", "campaign")
        .prefetch_related("points", "reviewers__decision__actions")
        .order_by("pk")
    )
