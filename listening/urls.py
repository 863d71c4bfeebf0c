"""Addresses of the site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path

from listening.views import (
    answering,
    api,
    attending,
    audio,
    bundles,
    campaigns,
    collect,
    design,
    drafts,
    editing,
    figures,
    guide,
    inviting,
    jobs,
    listener,
    making,
    metric_evidence,
    metrics,
    pages,
    pairs,
    parcels,
    parts,
    pooling,
    power,
    progress,
    projects,
    registry,
    rendering,
    scores,
    statistics,
    uploads,
)

# for everyone
public: list[URLPattern | URLResolver] = [
    path("", pages.home, name="home"),
    path("metrics/", metrics.index, name="metrics"),
    path("correlation/", pooling.correlation, name="correlation"),
    path("metrics/<slug:name>/", metrics.metric, name="metric"),
    path("metrics/<slug:name>/response/", metrics.response_part, name="metric-response-part"),
    path(
        "metrics/<slug:name>/response.<slug:form>", metrics.response_figure, name="metric-response"
    ),
    path("guide/", guide.index, name="guide"),
    path("guide/<slug:name>/", guide.page, name="guide-page"),
    path("login/", LoginView.as_view(template_name="listening/login.html"), name="login"),
    # a link's secret is the key to it
    path("join/<str:secret>/", projects.join, name="join"),
    path("logout/", LogoutView.as_view(), name="logout"),
]

# for listeners: a session's token is the only key to it
listeners: list[URLPattern | URLResolver] = [
    path("t/<slug:slug>/", listener.welcome, name="welcome"),
    path("t/<slug:slug>/<slug:code>/", listener.invitation, name="invitation"),
    path("s/<uuid:token>/", listener.session, name="session"),
    path("s/<uuid:token>/audio/<uuid:slot>.wav", listener.stimulus, name="stimulus"),
    path("s/<uuid:token>/responses/", answering.responses, name="responses"),
    path("s/<uuid:token>/pages/<int:number>/", parts.answer_part, name="answer-part"),
    path("s/<uuid:token>/pages/<int:number>/visit/", answering.visit, name="visit"),
    path("s/<uuid:token>/pages/<int:number>/finish/", answering.finish_page, name="finish-page"),
    # what is left of an address that was cut off or mistyped
    path("t/<path:rest>/", listener.damaged, name="damaged-link"),
    path("s/<path:rest>/", listener.damaged, name="damaged-session"),
    # another front end's sessions
    path("collect", collect.collected, name="collect"),
    path("<str:test_id>/collect", collect.collected, name="collect-of"),
]

# for researchers
researcher: list[URLPattern | URLResolver] = [
    path("projects/", projects.index, name="projects"),
    path("projects/choose/", projects.choose, name="project-choose"),
    path("projects/<slug:slug>/", projects.detail, name="project"),
    path("projects/<slug:slug>/leave/", projects.leave, name="project-leave"),
    path("projects/<slug:slug>/invite/", projects.invite, name="member-invite"),
    path("projects/<slug:slug>/links/<int:pk>/end/", projects.uninvite, name="member-uninvite"),
    path("projects/<slug:slug>/members/<int:pk>/", projects.change_role, name="member-role"),
    path("campaigns/", campaigns.index, name="campaigns"),
    path("campaigns/new/", making.new, name="campaign-new"),
    path("campaigns/restore/", bundles.restore, name="campaign-restore"),
    path("campaigns/<slug:slug>/bundle/", bundles.make, name="campaign-bundle"),
    path("jobs/<int:pk>/bundle.zip", bundles.download, name="bundle"),
    path("campaigns/new/<uuid:key>/", making.pair, name="campaign-pair"),
    path("campaigns/new/parcels/", parcels.announce, name="parcels"),
    path("campaigns/new/parcels/<uuid:key>/<int:number>/", parcels.piece, name="parcel-piece"),
    path("campaigns/<slug:slug>/", campaigns.detail, name="campaign"),
    path("campaigns/<slug:slug>/metrics/", metric_evidence.of_campaign, name="campaign-metrics"),
    path("campaigns/<slug:slug>/statistics/", statistics.of_campaign, name="campaign-statistics"),
    path("campaigns/<slug:slug>/report.<slug:form>", campaigns.report, name="campaign-report"),
    path("campaigns/<slug:slug>/progress/", progress.of_campaign, name="campaign-progress"),
    path("campaigns/<slug:slug>/sessions/", progress.sessions, name="campaign-sessions"),
    path("campaigns/<slug:slug>/sessions/<int:pk>/", progress.session, name="campaign-session"),
    path(
        "campaigns/<slug:slug>/sessions/<int:pk>/exclude/",
        attending.exclude,
        name="session-exclude",
    ),
    path(
        "campaigns/<slug:slug>/sessions/<int:pk>/forget/",
        attending.forget_listener,
        name="session-forget",
    ),
    path(
        "campaigns/<slug:slug>/arrivals.<slug:form>",
        progress.arrivals_figure,
        name="arrivals-figure",
    ),
    path("campaigns/<slug:slug>/preview/", editing.preview, name="campaign-preview"),
    path("campaigns/<slug:slug>/edit/", editing.edit, name="campaign-edit"),
    path("campaigns/<slug:slug>/document/", editing.document, name="campaign-document"),
    path("campaigns/<slug:slug>/design/", design.of_campaign, name="campaign-design"),
    path("campaigns/<slug:slug>/design.csv", design.table, name="campaign-design-table"),
    path("campaigns/<slug:slug>/power/", power.of_campaign, name="campaign-power"),
    path("campaigns/<slug:slug>/power.<slug:form>", power.figure, name="campaign-power-figure"),
    path("campaigns/<slug:slug>/lint/", drafts.lint, name="campaign-lint"),
    path("campaigns/<slug:slug>/mend/", drafts.mend, name="campaign-mend"),
    path("campaigns/<slug:slug>/launch/", drafts.launch, name="campaign-launch"),
    path("campaigns/<slug:slug>/pause/", campaigns.pause, name="campaign-pause"),
    path("campaigns/<slug:slug>/resume/", campaigns.resume, name="campaign-resume"),
    path("campaigns/<slug:slug>/close/", campaigns.close, name="campaign-close"),
    path("campaigns/<slug:slug>/scores/", scores.of_campaign, name="campaign-scores"),
    path("campaigns/<slug:slug>/invite/", inviting.invite, name="campaign-invite"),
    path("campaigns/<slug:slug>/invitations.csv", inviting.links, name="campaign-invitations"),
    path("campaigns/<slug:slug>/score/", campaigns.score, name="campaign-score"),
    path("campaigns/<slug:slug>/export.<slug:form>", campaigns.export, name="campaign-export"),
    path(
        "campaigns/<slug:slug>/figures/<slug:name>.<slug:form>",
        figures.of_campaign,
        name="campaign-figure",
    ),
    path("signals/<slug:sha256>.wav", audio.signal, name="signal"),
    path("models/", registry.index, name="models"),
    path("models/<slug:name>/", registry.model, name="model"),
    path("models/<slug:name>/<int:number>/", registry.version, name="version"),
    path(
        "models/<slug:name>/<int:number>/figures/<slug:block>.<slug:form>",
        figures.of_block,
        name="block-figure",
    ),
    path("models/<slug:name>/<int:number>/scores/", scores.of_version, name="version-scores"),
    path("scores/", scores.of_any, name="scores"),
    path("scores/new/", uploads.score_files, name="score-files"),
    path("scores/<slug:sha256>/", pairs.detail, name="pair"),
    path("scores/<slug:sha256>/difference.wav", pairs.difference, name="pair-difference"),
    path("scores/<slug:sha256>/score/", pairs.score, name="pair-score"),
    path("scores/<slug:sha256>/figures/<slug:name>/", pairs.figure_part, name="pair-figure-part"),
    path("scores/<slug:sha256>/figures/<slug:name>.<slug:form>", pairs.figure, name="pair-figure"),
    path("models/<slug:name>/<int:number>/adopt/", rendering.adopt, name="adopt"),
    path("train/", registry.train, name="train"),
    path("render/", rendering.render_signals, name="render"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/<int:pk>/", jobs.detail, name="job"),
    path("jobs/<int:pk>/stop/", jobs.stop, name="job-stop"),
    path("jobs/<int:pk>/resume/", jobs.resume, name="job-resume"),
    path("jobs/<int:pk>/history.<slug:form>", figures.of_training, name="history-figure"),
    path(
        "jobs/<int:pk>/watched-<slug:figure>.<slug:form>",
        figures.of_monitors,
        name="monitor-figure",
    ),
    path("record/", pages.record, name="record"),
    path("api/", api.index, name="api"),
    path("api/campaign.schema.json", api.campaign_schema, name="campaign-schema"),
    path("api/tokens/<slug:key>/end/", api.end_token, name="token-end"),
    path("api/", include("listening.api.urls", namespace="rest")),
    path("admin/", admin.site.urls),
]

urlpatterns = [*public, *listeners, *researcher]
