"""Lessons by the API: what was tried, what happened, what to do next time."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers

from listening.api.rows import Reading
from listening.models import Lesson, LessonTag


class TagSerializer(serializers.ModelSerializer[LessonTag]):
    class Meta:
        model = LessonTag
        fields = ["kind", "name"]


class LessonSerializer(serializers.ModelSerializer[Lesson]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    version = serializers.StringRelatedField()  # type: ignore[var-annotated]
    campaign = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    tags = TagSerializer(many=True)

    class Meta:
        model = Lesson
        fields = [
            "id",
            "project",
            "title",
            "tried",
            "happened",
            "advice",
            "evidence",
            "failure",
            "tags",
            "run",
            "version",
            "campaign",
            "corrects",
            "author",
            "created_at",
        ]


@extend_schema_view(
    list=extend_schema(parameters=[OpenApiParameter("q", str, description="words to look for")])
)
class LessonViewSet(Reading):
    """Lessons, those that were corrected included: `corrects` names what one stands for."""

    serializer_class = LessonSerializer
    queryset = (
        Lesson.objects.select_related("project", "version__model", "campaign")
        .prefetch_related("tags")
        .order_by("-pk")
    )

    def get_queryset(self) -> QuerySet[Lesson]:
        words = self.request.query_params.get("q", "")
        found = super().get_queryset()
        return found.saying(words) if words else found  # type: ignore[attr-defined]
