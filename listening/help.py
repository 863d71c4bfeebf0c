"""Where the guide explains a page: every page of the site leads there from its foot.

An address is named in full or by its beginning: what is said of `campaign` holds of `campaign-edit` unless that is
named itself. tests/site/test_coverage.py holds the URLconf to it, and the places to the guide.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

# by address: a page of the guide, and a heading in it
PLACES: dict[str, str] = {
    "home": "researchers#from-a-folder-to-an-open-test",
    "login": "researchers#who-may-do-what",
    "logout": "researchers#who-may-do-what",
    "join": "researchers#who-may-do-what",
    "member": "researchers#who-may-do-what",
    "project": "researchers#who-may-do-what",
    "projects": "researchers#who-may-do-what",
    # what listeners see is explained to listeners
    "welcome": "listeners#what-happens",
    "invitation": "listeners#what-happens",
    "session": "listeners#what-happens",
    "stimulus": "listeners#what-happens",
    "responses": "listeners#what-happens",
    "answer": "listeners#what-happens",
    "visit": "listeners#what-happens",
    "finish": "listeners#what-happens",
    "damaged": "listeners#when-something-goes-wrong",
    "collect": "researchers#ratings-you-already-have",
    "campaigns": "researchers#from-a-folder-to-an-open-test",
    "campaign": "researchers#reading-the-page",
    "campaign-new": "researchers#from-a-folder-to-an-open-test",
    "campaign-pair": "researchers#from-a-folder-to-an-open-test",
    "campaign-edit": "researchers#before-you-launch",
    "campaign-preview": "researchers#before-you-launch",
    "campaign-lint": "researchers#before-you-launch",
    "campaign-document": "researchers#campaigns-as-files",
    "campaign-import": "researchers#campaigns-as-files",
    "campaign-restore": "researchers#a-campaign-as-one-file",
    "campaign-design": "researchers#design",
    "campaign-power": "researchers#power",
    "campaign-progress": "researchers#while-it-runs",
    "campaign-sessions": "researchers#while-it-runs",
    "campaign-session": "researchers#while-it-runs",
    "campaign-statistics": "statistics#comparisons",
    "campaign-metrics": "statistics#metric-evidence",
    "campaign-change": "researchers#changing-what-runs",
    "campaign-revise": "researchers#changing-what-runs",
    "campaign-invite": "researchers#taking-part",
    "campaign-invitations": "researchers#taking-part",
    "campaign-export": "researchers#taking-it-with-you",
    "campaign-report": "researchers#what-to-report",
    "parcels": "researchers#from-a-folder-to-an-open-test",
    "parcel": "researchers#from-a-folder-to-an-open-test",
    "bundle": "researchers#a-campaign-as-one-file",
    "session-exclude": "statistics#screening",
    "session-forget": "researchers#listeners-rights",
    "arrivals": "researchers#while-it-runs",
    "correlation": "statistics#metrics-beside-listeners",
    "metrics": "metrics",
    "metric": "metrics",
    "scores": "metrics#scores-in-the-browser",
    "score": "metrics#scores-in-the-browser",
    "pair": "metrics#scores-in-the-browser",
    "signal": "reviewers#what-can-be-traced",
    "blocks": "model-builders#blocks-there-are",
    "block": "model-builders#blocks-there-are",
    "models": "model-builders#versions",
    "model": "model-builders#versions",
    "version": "model-builders#reading-a-versions-page",
    "version-scores": "metrics#scores-in-the-browser",
    "version-changes": "model-builders#versions",
    "version-card": "reviewers#model-cards",
    "card": "reviewers#model-cards",
    "version-statement": "model-builders#statement",
    "review": "reviewers#taking-part",
    "reviews": "reviewers#running",
    "review-version": "reviewers#running",
    "review-campaign": "reviewers#running",
    "review-invite": "reviewers#running",
    "review-uninvite": "reviewers#running",
    "review-close": "reviewers#running",
    "review-action": "reviewers#running",
    "review-actions": "reviewers#running",
    "version-standing": "model-builders#standing",
    "review-interval": "model-builders#standing",
    "adopt": "model-builders#train",
    "render": "model-builders#render-and-listen",
    "train": "model-builders#train",
    "history": "model-builders#what-is-watched",
    "monitor": "model-builders#what-is-watched",
    "studies": "understanding#asking",
    "study": "understanding#asking",
    "searches": "understanding#search",
    "search": "understanding#search",
    "lessons": "model-builders#lessons",
    "lesson": "model-builders#lessons",
    "benchmarks": "model-builders#benchmarks",
    "benchmark": "model-builders#benchmarks",
    "board": "model-builders#the-leaderboard",
    "submission": "model-builders#taking-part-from-outside",
    "template": "model-builders",
    "templates": "model-builders",
    "jobs": "operators#workers",
    "job": "operators#workers",
    "record": "reviewers#the-record",
    "record-verify": "reviewers#verifying",
    "record-seal": "reviewers#sealing",
    "provenance": "reviewers#where-a-number-comes-from",
    "api": "operators#programs-instead-of-people",
    "token": "operators#programs-instead-of-people",
    "guide": "researchers",
}


def place_of(name: str) -> str | None:
    """The guide's page and heading for an address, by its longest beginning that is named; None where none is."""
    parts = name.split("-")
    beginnings = ("-".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((PLACES[one] for one in beginnings if one in PLACES), None)


def in_templates(request: HttpRequest) -> dict[str, str]:
    """A context processor: `guide_place` is the address of what explains this page; empty on pages of the guide."""
    match = request.resolver_match
    name = (match.url_name or "") if match and not match.namespaces else ""
    place = None if name.startswith("guide") else place_of(name)
    if place is None:
        return {"guide_place": ""}
    page, _, heading = place.partition("#")
    address = reverse("guide-page", args=[page])
    return {"guide_place": f"{address}#{heading}" if heading else address}
