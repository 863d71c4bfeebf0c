"""Searches for better recipes by the API: what was asked, every trial, what was found."""

from __future__ import annotations

from rest_framework import serializers

from listening.api.rows import Reading
from listening.api.serializers import JobSerializer
from models_registry.models import Search, SearchTrial


class TrialSerializer(serializers.ModelSerializer[SearchTrial]):
    class Meta:
        model = SearchTrial
        fields = [
            "number",
            "configuration",
            "seed",
            "choices",
            "state",
            "values",
            "history",
            "message",
            "began_at",
            "ended_at",
        ]


class SearchSerializer(serializers.ModelSerializer[Search]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    version = serializers.StringRelatedField()  # type: ignore[var-annotated]
    jobs = JobSerializer(many=True)
    trials = TrialSerializer(many=True)

    class Meta:
        model = Search
        fields = [
            "id",
            "project",
            "recipe",
            "space",
            "plan",
            "reason",
            "environment",
            "result",
            "version",
            "jobs",
            "trials",
            "created_at",
        ]


class SearchViewSet(Reading):
    """Searches for better recipes, with all their trials."""

    serializer_class = SearchSerializer
    queryset = (
        Search.objects.select_related("project", "version__model")
        .prefetch_related("jobs__project", "trials")
        .order_by("-pk")
    )
