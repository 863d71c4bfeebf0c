"""Every address of the site and every operation of the API, and who may open it: what test_access.py walks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """Who is answered; what the others are told is in `refusal`."""

    EVERYONE = "everyone"
    SIGNED_IN = "signed in"
    # whoever may make something in any project, as the stranger may in theirs
    MAKER = "maker"
    READER = "reader"
    EDITOR = "editor"
    OWNER = "owner"

    def refusal(self, person: str) -> int | None:
        """What the person is told, None where they are let in."""
        if self is Level.EVERYONE:
            return None
        if person == "nobody":
            return 401
        if self is Level.SIGNED_IN:
            return None
        if self is Level.MAKER:
            return 403 if person == "reader" else None
        if person == "stranger":
            return 404
        order = ["reader", "editor", "owner"]
        return 403 if order.index(person) < order.index(self.value) else None


EVERYONE, SIGNED_IN, MAKER, READER, EDITOR, OWNER = Level


@dataclass(frozen=True)
class Page:
    """Who may open an address, and who may send it a form (None: it takes none); what its address names."""

    get: Level | None
    post: Level | None = None
    names: str = ""
    query: str = ""
    put: Level | None = None


PAGES = {
    "home": Page(EVERYONE),
    "metrics": Page(EVERYONE),
    "metric": Page(EVERYONE, names="metric"),
    "metric-response-part": Page(EVERYONE, names="metric"),
    "metric-response": Page(EVERYONE, names="metric svg"),
    "guide": Page(EVERYONE),
    "guide-page": Page(EVERYONE, names="guide"),
    "login": Page(EVERYONE, EVERYONE),
    "logout": Page(None, EVERYONE),
    "board": Page(EVERYONE, names="benchmark"),
    "board-export": Page(EVERYONE, names="benchmark csv"),
    "board-figure": Page(EVERYONE, names="benchmark front svg"),
    "submission-schema": Page(EVERYONE),
    "templates": Page(SIGNED_IN, MAKER),
    "template-new": Page(MAKER, MAKER),
    "template": Page(READER, names="template"),
    "template-use": Page(None, EDITOR, "template"),
    "template-file": Page(READER, names="template yaml"),
    "template-schema": Page(SIGNED_IN),
    "benchmarks": Page(SIGNED_IN),
    "benchmark-new": Page(MAKER, MAKER),
    "benchmark": Page(READER, names="benchmark"),
    "benchmark-export": Page(READER, names="benchmark csv"),
    "benchmark-figure": Page(READER, names="benchmark front svg"),
    "benchmark-kit": Page(READER, names="benchmark"),
    "benchmark-enter": Page(None, EDITOR, "benchmark"),
    "benchmark-send": Page(None, EDITOR, "benchmark"),
    "benchmark-rate": Page(None, EDITOR, "benchmark"),
    "benchmark-publish": Page(None, OWNER, "benchmark"),
    "join": Page(EVERYONE, EVERYONE, "secret"),
    "damaged-link": Page(EVERYONE, names="rest"),
    "damaged-session": Page(EVERYONE, names="rest"),
    "welcome": Page(EVERYONE, EVERYONE, "slug"),
    "invitation": Page(EVERYONE, EVERYONE, "slug code"),
    "session": Page(EVERYONE, names="token"),
    "stimulus": Page(EVERYONE, names="token slot"),
    "responses": Page(None, EVERYONE, "token"),
    "answer-part": Page(None, EVERYONE, "token number"),
    "visit": Page(None, EVERYONE, "token number"),
    "finish-page": Page(None, EVERYONE, "token number"),
    "collect": Page(None, EVERYONE),
    "collect-of": Page(None, EVERYONE, "test_id"),
    "correlation": Page(SIGNED_IN),
    "projects": Page(SIGNED_IN, SIGNED_IN),
    "project-choose": Page(None, SIGNED_IN),
    "project": Page(READER, names="project"),
    "project-rename": Page(None, OWNER, "project"),
    "project-delete": Page(None, OWNER, "project"),
    "project-leave": Page(None, READER, "project"),
    "member-invite": Page(None, OWNER, "project"),
    "member-uninvite": Page(None, OWNER, "project entry"),
    "member-role": Page(None, OWNER, "project member"),
    "campaigns": Page(SIGNED_IN),
    "campaign-new": Page(MAKER, MAKER),
    "campaign-pair": Page(MAKER, MAKER, "key"),
    "parcels": Page(None, MAKER),
    "parcel-piece": Page(None, names="key number", put=MAKER),
    "campaign": Page(READER, names="slug"),
    "campaign-metrics": Page(READER, names="slug"),
    "campaign-statistics": Page(READER, names="slug"),
    "campaign-report": Page(READER, names="slug report"),
    "campaign-progress": Page(READER, names="slug"),
    "campaign-sessions": Page(READER, names="slug"),
    "campaign-session": Page(READER, names="slug session"),
    "session-exclude": Page(None, EDITOR, "slug session"),
    "session-forget": Page(None, OWNER, "slug session"),
    "arrivals-figure": Page(READER, names="slug svg"),
    "campaign-preview": Page(READER, EDITOR, "slug"),
    "campaign-edit": Page(EDITOR, EDITOR, "draft"),
    "campaign-live": Page(None, EDITOR, "slug"),
    "campaign-document": Page(EDITOR, EDITOR, "draft"),
    "campaign-design": Page(READER, names="slug"),
    "campaign-design-table": Page(READER, names="slug"),
    "campaign-lint": Page(READER, names="slug"),
    "campaign-measure": Page(None, EDITOR, "draft"),
    "campaign-mend": Page(None, EDITOR, "draft"),
    "campaign-launch": Page(None, EDITOR, "draft"),
    "campaign-close": Page(None, EDITOR, "slug"),
    "campaign-change": Page(None, EDITOR, "slug"),
    "campaign-revise": Page(None, EDITOR, "slug"),
    "campaign-delete": Page(None, OWNER, "draft"),
    "render": Page(MAKER, MAKER),
    "adopt": Page(EDITOR, EDITOR, "model version"),
    "campaign-power": Page(READER, names="slug"),
    "campaign-power-figure": Page(READER, names="slug svg"),
    "campaign-restore": Page(MAKER, MAKER),
    "campaign-import": Page(MAKER, MAKER),
    "campaign-bundle": Page(None, EDITOR, "slug"),
    "bundle": Page(EDITOR, names="bundle-job"),
    "campaign-pause": Page(None, EDITOR, "slug"),
    "campaign-resume": Page(None, EDITOR, "slug"),
    "campaign-scores": Page(READER, names="slug"),
    "campaign-invite": Page(None, EDITOR, "slug"),
    "campaign-invitations": Page(EDITOR, names="slug"),
    "campaign-score": Page(None, EDITOR, "slug"),
    "campaign-export": Page(READER, names="slug csv"),
    "campaign-figure": Page(READER, names="slug figure svg"),
    "signal": Page(READER, names="sha256"),
    "blocks": Page(SIGNED_IN),
    "block-kind": Page(SIGNED_IN, names="gain"),
    "block-kind-picture": Page(SIGNED_IN, names="gain svg"),
    "block-kind-heard": Page(SIGNED_IN, names="gain side"),
    "models": Page(SIGNED_IN),
    "model": Page(READER, names="model"),
    "version-standing": Page(None, EDITOR, "model version"),
    "review-interval": Page(None, OWNER, "model"),
    "version": Page(READER, names="model version"),
    "block-figure": Page(READER, names="model version block svg"),
    "block": Page(READER, names="model version block"),
    "block-own-figure": Page(READER, names="model version block own-figure svg"),
    "version-scores": Page(READER, names="model version"),
    "version-changes": Page(READER, EDITOR, "model version-with-parent"),
    "version-card": Page(READER, names="model version"),
    "card-file": Page(READER, names="model version report"),
    "version-statement": Page(READER, EDITOR, "model version"),
    "studies": Page(READER, names="model version"),
    "study-ask": Page(EDITOR, EDITOR, "model version kind"),
    "study": Page(READER, names="study"),
    "study-json": Page(READER, names="study"),
    "study-campaign": Page(None, EDITOR, "study"),
    "study-figure": Page(READER, names="study shares svg"),
    "scores": Page(SIGNED_IN),
    "score-files": Page(MAKER, MAKER),
    "pair": Page(READER, names="sha256", query="reference"),
    "pair-difference": Page(READER, names="sha256", query="reference"),
    "pair-score": Page(None, EDITOR, "sha256"),
    "pair-figure-part": Page(READER, names="sha256 trace"),
    "pair-figure": Page(READER, names="sha256 trace svg"),
    "train": Page(MAKER, MAKER),
    "lessons": Page(SIGNED_IN),
    "lessons-about": Page(SIGNED_IN),
    "lesson-new": Page(MAKER, MAKER),
    "lesson": Page(READER, names="lesson"),
    "lesson-correct": Page(EDITOR, EDITOR, "lesson"),
    "searches": Page(SIGNED_IN),
    "search-new": Page(MAKER, MAKER),
    "search": Page(READER, names="search"),
    "search-stop": Page(None, EDITOR, "search"),
    "search-resume": Page(None, EDITOR, "search"),
    "search-adopt": Page(None, EDITOR, "search"),
    "search-json": Page(READER, names="search"),
    "search-figure": Page(READER, names="search importance svg"),
    "jobs": Page(SIGNED_IN),
    "job": Page(READER, names="job"),
    "job-stop": Page(None, EDITOR, "job"),
    "job-resume": Page(None, EDITOR, "job"),
    "history-figure": Page(READER, names="job svg"),
    "monitor-figure": Page(READER, names="job monitor svg"),
    "record": Page(SIGNED_IN),
    "record-verify": Page(None, MAKER),
    "record-seal": Page(None, MAKER),
    "provenance": Page(READER, names="thing"),
    "provenance-json": Page(READER, names="thing"),
    "api": Page(SIGNED_IN, SIGNED_IN),
    "campaign-schema": Page(SIGNED_IN),
    "token-end": Page(None, SIGNED_IN, "token-key"),
}

# by method and path, and what is sent
API: dict[tuple[str, str], Level] = {
    ("get", "/api/benchmarks/"): SIGNED_IN,
    ("get", "/api/benchmarks/{id}/"): READER,
    ("get", "/api/benchmarks/{id}/leaderboard/"): READER,
    ("get", "/api/blocks/"): SIGNED_IN,
    ("get", "/api/campaigns/"): SIGNED_IN,
    ("post", "/api/campaigns/"): MAKER,
    ("get", "/api/campaigns/{slug}/"): READER,
    ("get", "/api/campaigns/{slug}/analysis/"): READER,
    ("post", "/api/campaigns/{slug}/change/"): EDITOR,
    ("post", "/api/campaigns/{slug}/close/"): EDITOR,
    ("post", "/api/campaigns/{slug}/discard/"): OWNER,
    ("get", "/api/campaigns/{slug}/correlation/"): READER,
    ("get", "/api/campaigns/{slug}/design/"): READER,
    ("get", "/api/campaigns/{slug}/document/"): READER,
    ("get", "/api/campaigns/{slug}/invitation/"): READER,
    ("post", "/api/campaigns/{slug}/launch/"): EDITOR,
    ("get", "/api/campaigns/{slug}/lint/"): READER,
    ("post", "/api/campaigns/{slug}/mend/"): EDITOR,
    ("post", "/api/campaigns/{slug}/pause/"): EDITOR,
    ("get", "/api/campaigns/{slug}/power/"): READER,
    ("post", "/api/campaigns/{slug}/resume/"): EDITOR,
    ("post", "/api/campaigns/{slug}/revise/"): EDITOR,
    ("post", "/api/campaigns/{slug}/score/"): EDITOR,
    ("get", "/api/jobs/"): SIGNED_IN,
    ("get", "/api/jobs/{id}/"): READER,
    ("post", "/api/jobs/{id}/resume/"): EDITOR,
    ("post", "/api/jobs/{id}/stop/"): EDITOR,
    ("get", "/api/lessons/"): SIGNED_IN,
    ("get", "/api/lessons/{id}/"): READER,
    ("get", "/api/metrics/"): SIGNED_IN,
    ("get", "/api/models/"): SIGNED_IN,
    ("get", "/api/models/{name}/"): READER,
    ("get", "/api/ratings/"): SIGNED_IN,
    ("get", "/api/ratings/{id}/"): READER,
    ("get", "/api/renderings/"): SIGNED_IN,
    ("post", "/api/renderings/"): SIGNED_IN,
    ("get", "/api/runs/"): SIGNED_IN,
    ("post", "/api/runs/"): MAKER,
    ("get", "/api/runs/{id}/"): READER,
    ("get", "/api/scores/"): SIGNED_IN,
    ("post", "/api/scores/"): MAKER,
    ("get", "/api/scores/{id}/"): READER,
    ("get", "/api/searches/"): SIGNED_IN,
    ("get", "/api/searches/{id}/"): READER,
    ("get", "/api/sessions/"): SIGNED_IN,
    ("get", "/api/sessions/{id}/"): READER,
    ("post", "/api/sessions/{id}/exclude/"): EDITOR,
    ("post", "/api/sessions/{id}/forget/"): OWNER,
    ("post", "/api/sessions/{id}/include/"): EDITOR,
    ("get", "/api/signals/"): SIGNED_IN,
    ("post", "/api/signals/"): MAKER,
    ("get", "/api/signals/{sha256}/"): READER,
    ("get", "/api/studies/"): SIGNED_IN,
    ("post", "/api/studies/"): SIGNED_IN,
    ("get", "/api/studies/{id}/"): READER,
    ("get", "/api/templates/"): SIGNED_IN,
    ("get", "/api/templates/{id}/"): READER,
    ("get", "/api/versions/"): SIGNED_IN,
    ("get", "/api/versions/{id}/"): READER,
    ("post", "/api/versions/{id}/adopt/"): EDITOR,
    ("get", "/api/versions/{id}/card/"): READER,
    ("post", "/api/versions/{id}/statement/"): EDITOR,
}
