"""A draft made of an ablation by one click, and its ratings beside the shares."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening import ablation_campaigns
from listening.ablation_campaigns import Asked, asked_of, parts_that_matter, without
from listening.models import Campaign, Condition
from listening.rehearsal import rehearse
from listening.understanding import face_of, found_of
from models_registry import jobs, studying
from models_registry.models import Job, Study
from models_registry.studying import StudyError
from tests.factories import stored_tone
from tests.site.conftest import no_progress, scored
from tests.site.html import Page
from tests.tampering import rewrite

PARTS = ["pre", "drive"]


@pytest.fixture
def study(version):
    """An ablation of two tones, of which nobody knows what should have come out."""
    signals = [stored_tone(f, level=0.3) for f in (300, 500)]
    for one in signals:
        one.holders.add(version.project)
    asked = {"signals": [one.sha256 for one in signals], "metrics": [], "pairs": True}
    study = studying.here(version, "ablation", asked, actor="alice")
    assert jobs.work_here(study.job, no_progress) is None
    study.refresh_from_db()
    return study


def drafted(study, method, parts=(), items=()) -> Campaign:
    asked = asked_of(study.result, method, parts, items)
    return ablation_campaigns.draft(study, asked, owner=None, actor="alice", told=no_progress)


def heard(campaign, *, listeners=6):
    scored(campaign)
    campaign.launch(actor="alice")
    rehearse(campaign, listeners=listeners, seed=1, actor="alice", progress=no_progress)


def test_one_click_makes_a_draft_that_can_be_launched(researcher, alice, study):
    page = reverse("study", args=[study.pk])
    assert "Make a draft" in researcher.get(page).content.decode()
    response = researcher.post(reverse("study-campaign", args=[study.pk]), {"method": "mushra"})
    job = Job.objects.get(kind="ablation-campaign")
    assert response.url == reverse("job", args=[job.pk])
    jobs.run(job.pk)
    campaign = study.campaigns.get().campaign
    assert (campaign.owner, campaign.project, campaign.state) == (alice, study.project, "draft")
    told = researcher.get(response.url).content.decode()
    assert reverse("campaign", args=[campaign.slug]) in told
    campaign.launch(actor="alice")


def test_without_targets_the_whole_model_is_the_hidden_reference(study):
    campaign = drafted(study, "mushra")
    roles = dict(campaign.conditions.values_list("name", "role"))
    assert roles["whole"] == Condition.Role.REFERENCE
    assert {without(part) for part in parts_that_matter(study.result)} < set(roles)
    whole = campaign.conditions.get(name="whole")
    assert whole.version == study.version
    assert not campaign.conditions.get(name="without drive").version
    for trial in campaign.trials.all():
        assert trial.reference == trial.stimuli.get(condition=whole).signal


def test_what_is_played_without_a_part_is_what_the_ablation_made_without_it(study):
    campaign = drafted(study, "preference", items=[1])
    row = next(row for row in study.result["effects"] if row["parts"] == ["drive"])
    stimuli = campaign.trials.get().stimuli
    assert stimuli.get(condition__name="without drive").signal.sha256 == row["sound"]
    assert stimuli.get(condition__name="whole").signal.sha256 == study.result["sound"]


def test_targets_are_the_reference(study, monkeypatch):
    from listening import ablating

    def with_targets(version, signals=()):
        clips, said, measure = ablating.material(version, signals)
        return [type(one)(one.signal, one.signal) for one in clips], said, measure

    monkeypatch.setattr(ablation_campaigns, "material", with_targets)
    campaign = drafted(study, "mushra")
    roles = dict(campaign.conditions.values_list("name", "role"))
    assert (roles["reference"], roles["whole"]) == ("reference", "system")
    campaign.launch(actor="alice")
    ab = drafted(study, "preference", PARTS)
    assert ab.options["pairs"] == [["whole", "without pre"], ["whole", "without drive"]]
    assert ab.options["reference"]
    ab.launch(actor="alice")


def test_simulated_ratings_come_beside_the_shares_and_are_labelled(researcher, study):
    heard(drafted(study, "mushra"))
    answer = json.loads(researcher.get(reverse("study-json", args=[study.pk])).content)
    (said,) = answer["ratings"]
    # whom BS.1534's screening leaves out is told
    assert said["listeners"] == said["simulated"] == 6 - said["left_out"]
    by_part = {row["part"]: row for row in said["parts"]}
    assert set(by_part) == set(parts_that_matter(study.result))
    assert all(row["low"] < row["value"] < row["high"] for row in by_part.values())
    page = researcher.get(reverse("study", args=[study.pk])).content.decode()
    assert f"{said['simulated']} simulated" in page
    assert "Simulated listeners." in page
    figure = researcher.get(reverse("study-figure", args=[study.pk, "ratings-1", "svg"]))
    assert "SIMULATED LISTENERS" in figure.content.decode()
    # what listeners say later is not kept by a browser
    assert "max-age=0" in figure["Cache-Control"]
    assert f"{said['simulated']} simulated" in face_of("ablation").text(found_of(study))
    by_api = researcher.get(f"/api/studies/{study.pk}/").json()
    assert by_api["ratings"] == answer["ratings"]
    assert all(row["n"] > 1 for row in by_api["ratings"][0]["parts"])


@pytest.mark.parametrize(("method", "parts"), [("preference", PARTS), ("abx", ["drive"])])
def test_each_method_is_read_in_its_own_way(study, method, parts):
    campaign = drafted(study, method, parts)
    campaign.launch(actor="alice")
    rehearse(campaign, listeners=4, seed=1, actor="alice", progress=no_progress)
    (said,) = ablation_campaigns.ratings(study)
    assert [row["part"] for row in said["parts"]] == [
        share["part"] for share in study.result["shares"] if share["part"] in parts
    ]
    assert all(0 <= row["low"] <= row["value"] <= row["high"] <= 1 for row in said["parts"])


def test_a_draft_without_ratings_says_so(researcher, study):
    drafted(study, "abx")
    (said,) = ablation_campaigns.ratings(study)
    assert said["problem"].startswith("No ratings yet")
    assert Page(researcher.get(reverse("study", args=[study.pk]))).unlabelled_fields() == []


def test_renamed_conditions_are_not_guessed(study):
    campaign = drafted(study, "mushra")
    heard(campaign)
    campaign.conditions.filter(name="whole").update(name="all")
    (said,) = ablation_campaigns.ratings(study)
    assert (said["parts"], "renamed" in said["problem"]) == ([], True)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("acr",), "expected a method of mushra, preference, abx, found 'acr'"),
        (("mushra", ["post"]), "expected parts without which something changes .*, found post"),
        (("abx", PARTS), "expected one part for an ABX, found 2"),
        (("mushra", (), [3]), "expected clips from 1 to 2, found 3"),
    ],
)
def test_what_cannot_be_asked_is_refused(study, asked, sentence):
    with pytest.raises(StudyError, match=sentence):
        asked_of(study.result, *asked)


def test_a_refusal_comes_back_to_the_page(researcher, study):
    asked = {"method": "abx", "part": PARTS}
    response = researcher.post(reverse("study-campaign", args=[study.pk]), asked, follow=True)
    assert "Expected one part for an ABX, found 2" in response.content.decode()
    assert not Job.objects.filter(kind="ablation-campaign").exists()


def test_an_ablation_that_does_not_know_its_clips_is_asked_again(study):
    rewrite(Study.objects.filter(pk=study.pk), result={**study.result, "clips": None})
    study.refresh_from_db()
    with pytest.raises(StudyError, match="ask it again"):
        asked_of(study.result, "mushra")


def test_clips_that_changed_meanwhile_are_refused(study):
    study.result["clips"].append({"title": "one more", "seconds": 1.0})
    with pytest.raises(StudyError, match="expected the 3 clips of the ablation, found 2"):
        ablation_campaigns.draft(
            study, Asked("abx", ("pre",), (1,)), owner=None, actor="alice", told=no_progress
        )
    assert not Campaign.objects.exists()


def test_only_an_editor_may_ask_listeners(anonymous, study):
    response = anonymous.post(reverse("study-campaign", args=[study.pk]), {"method": "mushra"})
    assert response.status_code == 302
    assert not Job.objects.filter(kind="ablation-campaign").exists()


def test_the_command_makes_the_same_draft(version, tmp_path, capsys):
    from models_registry import audio
    from tests.factories import tone

    audio.write(tmp_path / "tone.wav", tone(300, level=0.3))
    asked = ("ablate", "overdrive@1", str(tmp_path / "tone.wav"), "--metrics", "")
    call_command(*asked, "--campaign", "abx", "--parts", "drive")
    campaign = Campaign.objects.get()
    assert f"{campaign.slug}: a draft of 1 items" in capsys.readouterr().err
    assert set(campaign.conditions.values_list("name", flat=True)) == {"whole", "without drive"}
    with pytest.raises(CommandError, match="expected --campaign METHOD with --parts"):
        call_command(*asked, "--parts", "drive")
