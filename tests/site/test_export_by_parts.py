"""A table of ratings that is written part by part is the table."""

from __future__ import annotations

import csv
import io

import pytest

from listening import evidence, exporting
from listening.analysis.frames import stimulus_key
from listening.evidence import ratings_by_parts, ratings_frame, scores_frame
from listening.exchange.errors import ExchangeError
from listening.exchange.tables import csv_bytes, with_scores
from models_registry.models import AuditEvent
from tests.factories import mushra_campaign


def rows(content):
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.mark.parametrize("kind", ["rated", "told_apart"])
def test_the_parts_together_are_the_table(kind, request, monkeypatch):
    campaign = request.getfixturevalue(kind)
    session = campaign.sessions.order_by("pk")[2]
    session.exclude(reason="talked", actor="alice")
    monkeypatch.setattr(evidence, "PAGES_AT_ONCE", 5)
    parts = list(ratings_by_parts(campaign))
    assert len(parts) > 2
    listeners = [name for part in parts for name in part["listener"].unique()]
    assert len(set(listeners)) == len(listeners)
    ratings, scores = ratings_frame(campaign), scores_frame(campaign)
    whole = rows(csv_bytes(with_scores(ratings, scores, key=stimulus_key(ratings, scores))))
    pieces = list(exporting.csv_ratings(campaign, actor="alice"))
    assert len(pieces) == len(parts)
    found = rows(b"".join(pieces))

    def place(row):
        return (row["session"], row["trial"], row["condition"], row["scale"])

    assert sorted(found, key=place) == sorted(whole, key=place)
    assert {row["excluded_by"] for row in found if row["session"] == str(session.token)} == {
        "excluded by hand: talked"
    }


def test_a_campaign_without_ratings_is_a_heading(db, tmp_path):
    exporting.export(mushra_campaign(), tmp_path / "none.csv", actor="alice")
    heading, *none = (tmp_path / "none.csv").read_text().splitlines()
    assert heading.startswith("campaign,method,listener,")
    assert none == []


def test_what_cannot_be_written_leaves_nothing(rated, tmp_path, monkeypatch):
    with pytest.raises(ExchangeError, match="folder that can be written"):
        exporting.export(rated, tmp_path / "nowhere" / "ratings.csv", actor="alice")

    def broken(campaign):
        yield ratings_frame(campaign)
        raise RuntimeError("the database went away")

    monkeypatch.setattr(exporting, "ratings_by_parts", broken)
    with pytest.raises(RuntimeError, match="went away"):
        exporting.export(rated, tmp_path / "ratings.csv", actor="alice")
    assert list(tmp_path.glob("*.csv*")) == []
    assert not AuditEvent.objects.filter(act="export").exists()
