"""The page on which a version's makers say what it is for, and what the API tells of it."""

from __future__ import annotations

from django.urls import reverse

from models_registry import statements
from tests.registry.test_statements import SAID


def text_of(response):
    return " ".join(response.content.decode().split())


def test_a_version_without_a_statement_asks_for_one_and_shows_it_then(researcher, version):
    page = reverse("version", args=["overdrive", 1])
    assert "Until then it cannot become a candidate" in text_of(researcher.get(page))
    address = reverse("version-statement", args=["overdrive", 1])
    assert researcher.post(address, SAID).url == f"{page}#statement"
    text = text_of(researcher.get(page))
    assert all(said in text for said in SAID.values())
    form = researcher.get(address).context["form"]
    assert form.initial == {**SAID, "licence": ""}


def test_what_is_missing_is_said_on_the_form(researcher, version):
    address = reverse("version-statement", args=["overdrive", 1])
    response = researcher.post(address, {**SAID, "caveats": " "})
    assert response.status_code == 422
    assert "This field is required" in text_of(response)
    statements.write(version, **SAID, actor="alice")
    again = researcher.post(address, SAID)
    assert again.status_code == 422
    assert "found the same" in text_of(again)


def test_the_api_adds_a_statement_and_tells_all(researcher, version):
    address = "/api/versions/overdrive@1/"
    refused = researcher.post(f"{address}statement/", {"intent": "Guitar."}, "application/json")
    assert refused.status_code == 400
    assert "found no assumptions" in refused.content.decode()
    made = researcher.post(f"{address}statement/", SAID, "application/json")
    assert made.status_code == 201
    assert made.json()["author"] == "alice"
    researcher.post(f"{address}statement/", {"caveats": "None are known."}, "application/json")
    told = researcher.get(address).json()["statements"]
    assert [(one["number"], one["caveats"]) for one in told] == [
        (1, SAID["caveats"]),
        (2, "None are known."),
    ]
