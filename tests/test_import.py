"""Ratings from elsewhere: a published data set with its published results, and files that are refused."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from listening.models import Campaign, Listener, Rating
from models_registry.models import AuditEvent, Signal

pytestmark = pytest.mark.django_db(transaction=True)

TIDY = """listener,item,condition,rating
alice,guitar,reference,100
alice,guitar,codec,60
bob,guitar,reference,98
bob,guitar,codec,40
"""


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path / "home"
    settings.MEDIA_ROOT = settings.HOME / "media"


@pytest.fixture
def write(tmp_path):
    def file(text, name="ratings.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return file


def printed(capsys, *command):
    capsys.readouterr()
    call_command(*command)
    return capsys.readouterr().out


def test_the_neural_codec_study_gives_its_published_results(shared, capsys):
    """Witness: Stahl et al., IEEE Access 2024, data set README; published.json names each figure's source."""
    folder = shared / "data" / "ratings" / "mushra_neural_codec"
    published = json.loads((folder / "published.json").read_text())["reproduced_here"]
    printed(
        capsys,
        "import_ratings",
        str(folder / "ratings_formated.csv"),
        "--campaign",
        "codec",
        "--audio",
        str(folder / "audio"),
    )
    assert Signal.objects.count() == 128
    analysis = json.loads(printed(capsys, "analyse", "codec", "--format", "json"))
    assert analysis["simulated"] is False
    assert sorted(e["listener"] for e in analysis["screening"]["excluded"]) == ["17", "6"]
    conditions = {row["condition"]: row for row in analysis["conditions"]}
    assert sum(row["before_screening"]["n_ratings"] for row in conditions.values()) == 1512
    assert sum(row["after_screening"]["n_ratings"] for row in conditions.values()) == 1368
    for name, mean in published["mean_filtered"].items():
        assert round(conditions[name]["after_screening"]["mean"], 2) == mean

    names = ("pesq-wb", "stoi", "estoi", "si-sdr")
    chosen = ("--metrics", ",".join(names), "--as-they-lie")
    correlation = json.loads(printed(capsys, "correlate", "codec", *chosen, "--format", "json"))
    rows = correlation["correlations"]
    of_items = {row["metric"]: row for row in rows if row["level"] == "stimulus"}
    # the published figures are to three places, with another resampler
    for name, r in zip(names, (-0.105, -0.143, -0.086, -0.230), strict=True):
        assert of_items[name]["pearson"] == pytest.approx(r, abs=0.005)
        assert of_items[name]["n"] == 112
        assert of_items[name]["pearson_low"] < r < of_items[name]["pearson_high"]


def test_a_tidy_file_becomes_a_closed_campaign(write, capsys):
    out = printed(capsys, "import_ratings", write(TIDY), "--campaign", "mine")
    campaign = Campaign.objects.get()
    assert "2 listeners, 1 items" in out
    assert (campaign.state, Rating.objects.count()) == ("closed", 4)
    assert {c.name: c.role for c in campaign.conditions.all()} == {
        "reference": "reference",
        "codec": "system",
    }
    assert not Listener.objects.filter(simulated=True).exists()
    assert AuditEvent.objects.get().act == "import"


def test_a_declared_role_and_simulated_listeners_are_kept(write):
    call_command(
        "import_ratings",
        write(TIDY),
        "--campaign",
        "mine",
        "--role",
        "codec=anchor70",
        "--simulated",
    )
    assert Campaign.objects.get().conditions.get(name="codec").role == "anchor70"
    assert Listener.objects.filter(simulated=True).count() == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TIDY.replace("rating\n", "points\n"), "missing: rating"),
        (TIDY + "carol,guitar,codec,140\n", "line 6: expected a rating from 0 to 100, found '140'"),
        (TIDY + "carol,guitar,codec,good\n", "found 'good'"),
        (TIDY + "alice,guitar,codec,61\n", "again for guitar · codec"),
        ("", "an empty file"),
    ],
)
def test_a_bad_file_is_refused_and_nothing_is_stored(write, text, message):
    with pytest.raises(CommandError) as refused:
        call_command("import_ratings", write(text), "--campaign", "mine")
    assert refused.value.returncode == 2
    assert message in str(refused.value)
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("name", ["../secret.wav", "missing.wav"])
def test_a_recording_that_is_not_there_is_refused(write, tmp_path, name):
    folder = tmp_path / "audio"
    folder.mkdir()
    (tmp_path / "secret.wav").write_bytes(b"")
    text = f"listener,item,condition,rating,file\nalice,guitar,codec,60,{name}\n"
    with pytest.raises(CommandError, match=name) as refused:
        call_command("import_ratings", write(text), "--campaign", "mine", "--audio", str(folder))
    assert refused.value.returncode == 2
    assert not Campaign.objects.exists()
    assert not Signal.objects.exists()


def test_a_slug_that_is_taken_is_refused(write):
    call_command("import_ratings", write(TIDY), "--campaign", "mine")
    with pytest.raises(CommandError, match="'mine' exists already"):
        call_command("import_ratings", write(TIDY), "--campaign", "mine")
