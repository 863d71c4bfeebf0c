"""The record by the API: its events, its head and the last verification, and where a number comes from."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from listening import access, lineage
from listening.api.rows import Reading
from listening.lineage import Lineage
from listening.provenance import KINDS, ProvenanceError, trace
from listening.verifying import last_verification
from models_registry.models import AuditEvent

ASKED = ("act", "actor", "subject")


class EventSerializer(serializers.ModelSerializer[AuditEvent]):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = AuditEvent
        fields = [
            "number",
            "at",
            "actor",
            "act",
            "subject",
            "reason",
            "content",
            "previous_sha256",
            "sha256",
            "project",
        ]


class BreakSerializer(serializers.Serializer[object]):
    where = serializers.CharField()
    what = serializers.CharField()


class VerificationSerializer(serializers.Serializer[object]):
    made_at = serializers.DateTimeField()
    actor = serializers.CharField()
    holds = serializers.BooleanField()
    sentence = serializers.CharField()
    checked = serializers.DictField(child=serializers.IntegerField())
    last_number = serializers.IntegerField()
    last_sha256 = serializers.CharField()
    number_of_breaks = serializers.IntegerField()
    breaks = BreakSerializer(many=True, help_text="the first of those that you may know of")


class HeadSerializer(serializers.Serializer[object]):
    number = serializers.IntegerField(help_text="of the last event; 0: none")
    sha256 = serializers.CharField()
    at = serializers.CharField()
    verification = VerificationSerializer(allow_null=True)


@extend_schema_view(
    list=extend_schema(parameters=[OpenApiParameter(one, str) for one in ASKED]),
    retrieve=extend_schema(parameters=[OpenApiParameter("number", int, "path")]),
)
class RecordViewSet(Reading):
    """The events of the record that you may know of, the first one first."""

    serializer_class = EventSerializer
    queryset = AuditEvent.objects.select_related("project").order_by("number")
    lookup_field = "number"
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[AuditEvent]:
        asked = {one: self.request.query_params.get(one) for one in ASKED}
        found: QuerySet[AuditEvent] = super().get_queryset()
        return found.filter(**{key: value for key, value in asked.items() if value})

    @extend_schema(responses=HeadSerializer)
    @action(detail=False, pagination_class=None)
    def head(self, request: Request) -> Response:
        """The last event's number and hash, which a report quotes, and what the last verification came to."""
        last, verified = AuditEvent.objects.last(), last_verification(access.Standing(request.user))
        told = verified and {
            "made_at": verified["row"].made_at,
            "actor": verified["row"].actor,
            "holds": not verified["row"].number_of_breaks,
            "sentence": verified["sentence"],
            "checked": verified["row"].checked,
            "last_number": verified["row"].last_number,
            "last_sha256": verified["row"].last_sha256,
            "number_of_breaks": verified["row"].number_of_breaks,
            "breaks": verified["breaks"],
        }
        head = {
            "number": last.number if last else 0,
            "sha256": last.sha256 if last else "",
            "at": last.at if last else "",
            "verification": told,
        }
        return Response(HeadSerializer(head).data)


class NodeSerializer(serializers.Serializer[object]):
    name = serializers.CharField()
    prov = serializers.CharField(help_text="entity, activity or agent")
    kind = serializers.CharField()
    title = serializers.CharField()
    facts = serializers.DictField(child=serializers.CharField())
    address = serializers.CharField(help_text="of its page; empty: it has none")


class EdgeSerializer(serializers.Serializer[object]):
    source = serializers.CharField()  # type: ignore[assignment]
    relation = serializers.CharField()
    target = serializers.CharField()


class LineageSerializer(serializers.Serializer[object]):
    nodes = NodeSerializer(many=True, help_text="the first is what was asked about")
    edges = EdgeSerializer(many=True)


THING = [
    OpenApiParameter("kind", str, "path", enum=KINDS),
    OpenApiParameter("name", str, "path", description="as in exports: 17 of rating/17"),
]


class ProvenanceViewSet(viewsets.ViewSet):
    """Where a number comes from: rating or score, stimulus, rendering, version, weights, run, recipe, data."""

    @extend_schema(parameters=THING, responses=LineageSerializer)
    def retrieve(self, request: Request, kind: str, name: str) -> Response:
        """The graph, as the page draws it."""
        found = _traced(request, kind, name)
        nodes = [
            {
                "name": one.name,
                "prov": one.prov,
                "kind": one.kind,
                "title": one.title,
                "facts": dict(one.facts),
                "address": one.address,
            }
            for one in found.nodes.values()
        ]
        return Response(LineageSerializer({"nodes": nodes, "edges": found.edges}).data)

    @extend_schema(parameters=THING, responses=OpenApiTypes.OBJECT)
    def prov_json(self, request: Request, kind: str, name: str) -> Response:
        """The same as W3C PROV-JSON."""
        base = request.build_absolute_uri("/provenance/")
        return Response(lineage.as_prov_json(_traced(request, kind, name), base=base))


def _traced(request: Request, kind: str, name: str) -> Lineage:
    try:
        return trace(f"{kind}/{name}", user=request.user)
    except ProvenanceError as error:
        raise NotFound(str(error)) from error
