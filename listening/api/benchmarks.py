"""Benchmarks and templates by the API, to be read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from listening import leaderboards
from listening.api.rows import Reading
from listening.exporting_leaderboards import as_dict
from listening.models import Benchmark, Template


class BenchmarkSerializer(serializers.ModelSerializer[Benchmark]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    items = serializers.SlugRelatedField(many=True, slug_field="title", read_only=True)  # type: ignore[var-annotated]
    entries = serializers.SlugRelatedField(many=True, slug_field="name", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = Benchmark
        fields = [
            "id",
            "project",
            "slug",
            "edition",
            "title",
            "purpose",
            "rules",
            "sha256",
            "is_public",
            "items",
            "entries",
            "author",
            "created_at",
        ]


class BenchmarkViewSet(Reading):
    """Benchmarks, every edition."""

    serializer_class = BenchmarkSerializer
    queryset = (
        Benchmark.objects.select_related("project")
        .prefetch_related("items", "entries")
        .order_by("-pk")
    )

    @extend_schema(
        parameters=[OpenApiParameter("by", str, description="the column that ranks")],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=True, methods=["get"])
    def leaderboard(self, request: Request, pk: Any = None) -> Response:
        """Every entry by every column, as the page shows it."""
        board = leaderboards.board(self.get_object(), by=request.query_params.get("by", ""))
        return Response(as_dict(board))


class TemplateSerializer(serializers.ModelSerializer[Template]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = Template
        fields = [
            "id",
            "project",
            "name",
            "number",
            "kind",
            "title",
            "document",
            "sha256",
            "source",
            "author",
            "created_at",
        ]


class TemplateViewSet(Reading):
    """Templates, every number; `document` is the file."""

    serializer_class = TemplateSerializer
    queryset = Template.objects.select_related("project").order_by("-pk")
