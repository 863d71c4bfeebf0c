"""Addresses of the API, all below /api/."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.routers import SimpleRouter

from listening.api import rows, sessions
from listening.api.benchmarks import BenchmarkViewSet, TemplateViewSet
from listening.api.campaigns import CampaignViewSet
from listening.api.lessons import LessonViewSet
from listening.api.record import ProvenanceViewSet, RecordViewSet
from listening.api.reviews import ReviewViewSet
from listening.api.searches import SearchViewSet
from listening.api.studies import StudyViewSet

router = SimpleRouter()
router.register("signals", rows.SignalViewSet)
router.register("models", rows.ModelViewSet)
router.register("versions", rows.VersionViewSet)
router.register("renderings", rows.RenderingViewSet)
router.register("campaigns", CampaignViewSet, basename="campaign")
router.register("sessions", sessions.SessionViewSet, basename="session")
router.register("ratings", sessions.RatingViewSet, basename="rating")
router.register("scores", rows.ScoreViewSet)
router.register("metrics", rows.MetricViewSet, basename="metric")
router.register("blocks", rows.BlockViewSet, basename="block")
router.register("runs", rows.RunViewSet)
router.register("jobs", rows.JobViewSet)
router.register("studies", StudyViewSet)
router.register("searches", SearchViewSet)
router.register("lessons", LessonViewSet)
router.register("benchmarks", BenchmarkViewSet)
router.register("templates", TemplateViewSet)
router.register("reviews", ReviewViewSet)
router.register("record", RecordViewSet)

app_name = "rest"
urlpatterns = [
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path(
        "provenance/<str:kind>/<str:name>/",
        ProvenanceViewSet.as_view({"get": "retrieve"}),
        name="provenance",
    ),
    path(
        "provenance/<str:kind>/<str:name>/prov-json/",
        ProvenanceViewSet.as_view({"get": "prov_json"}),
        name="provenance-prov-json",
    ),
    path("", include(router.urls)),
]
