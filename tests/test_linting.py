"""What is wrong with a draft is found, each with what to do; what can be mended is mended, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.cache import cache

from listening import linting, mending
from listening.composing import compose
from listening.exchange.documents import Document
from listening.models import Campaign, Stimulus
from listening.models.campaign import CampaignError
from models_registry.audio import Audio, write
from models_registry.models import AuditEvent, Signal
from tests.factories import here, mushra_campaign

pytestmark = pytest.mark.django_db
RATE = 48_000


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path / "home"
    settings.MEDIA_ROOT = settings.HOME / "media"
    cache.clear()


@pytest.fixture
def draft() -> Campaign:
    """Two items whose sounds are one noise each: nothing to find but what the design lacks."""
    campaign = mushra_campaign(launched=False)
    for trial in campaign.trials.all():
        sound = noise(trial.number)
        reference = Signal.objects.store(sound, title="noise")
        trial.reference = reference
        trial.save()
        for place, stimulus in enumerate(trial.stimuli.select_related("condition")):
            own = reference if stimulus.condition.role == "reference" else put(sound, seed=place)
            Stimulus.objects.filter(pk=stimulus.pk).update(signal=own)
    return campaign


def noise(seed: int, seconds: float = 1.0) -> Audio:
    samples = 0.1 * np.random.default_rng(seed).standard_normal((1, round(seconds * RATE)))
    return Audio(samples.astype(np.float32), RATE)


def put(sound: Audio, *, seed: int) -> Signal:
    """The sound with a little noise of its own, so that it is another signal."""
    own = np.random.default_rng(100 + seed).standard_normal(sound.samples.shape)
    return Signal.objects.store(
        Audio((sound.samples + 1e-3 * own).astype(np.float32), sound.rate), title="system"
    )


def stimulus(draft: Campaign, name: str = "system one") -> Stimulus:
    return Stimulus.objects.select_related("signal").get(
        trial=draft.trials.first(), condition__name=name
    )


def change(draft: Campaign, act, name: str = "system one") -> None:
    """Put another sound in the place of one."""
    one = stimulus(draft, name)
    sound = act(one.signal.audio())
    Stimulus.objects.filter(pk=one.pk).update(signal=Signal.objects.store(sound, title="changed"))


def codes(draft: Campaign) -> set[str]:
    return {finding.code for finding in linting.findings(draft)}


DESIGN = {"few-items", "consent", "training"}


def test_a_sound_draft_lacks_only_what_its_design_lacks(draft):
    assert codes(draft) == DESIGN


FAULTS = {
    "lag": lambda sound: Audio(np.roll(sound.samples, 480, axis=1), RATE),
    "polarity": lambda sound: Audio(-sound.samples, RATE),
    "loudness": lambda sound: Audio(sound.samples * np.float32(0.5), RATE),
    "offset": lambda sound: Audio(sound.samples + np.float32(0.02), RATE),
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_found_and_mended(draft, code):
    change(draft, FAULTS[code])
    faulty = stimulus(draft).signal.sha256
    found = [finding for finding in linting.findings(draft) if finding.code == code]
    assert found
    assert found[0].advice
    done = mending.mend(draft, found[0].mend, actor="alice")
    assert done
    assert code not in codes(draft)
    assert list(done) == ["tone 1 · system one"]
    assert stimulus(draft).signal.sha256 != faulty
    event = AuditEvent.objects.filter(act="mend").get()
    assert event.content["done"] == done


def test_lengths_that_differ_keep_it_from_opening_and_can_be_cut(draft):
    change(draft, lambda sound: Audio(np.pad(sound.samples, ((0, 0), (0, 960))), RATE))
    (found,) = [one for one in linting.findings(draft) if one.code == "launch"]
    assert (found.severity, found.mend) == ("error", "format")
    assert mending.mend(draft, "format", actor="alice") == {
        "tone 1 · system one": "cut by 20.0 ms at its end"
    }
    assert "launch" not in codes(draft)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda sound: Audio(np.clip(sound.samples * 30, -1, 1), RATE), "clipping"),
        (
            lambda sound: Audio(
                np.where(np.arange(RATE) < 0.6 * RATE, 0, sound.samples).astype(np.float32), RATE
            ),
            "silence",
        ),
    ],
)
def test_what_no_click_can_mend_is_told(draft, act, code):
    change(draft, act)
    found = next(finding for finding in linting.findings(draft) if finding.code == code)
    assert found.where == "tone 1 · system one"
    assert found.advice
    assert not found.mend


def test_what_had_clipped_is_told_though_its_item_was_turned_down(tmp_path):
    """The reference peaks at 2, so that the document's item is turned down to where nothing stands at full scale."""
    clean = noise(1)
    sounds = {"ref": 2 / np.abs(clean.samples).max(), "clipped": 10.0, "whole": 3.0}
    for name, gain in sounds.items():
        samples = clean.samples * np.float32(gain)
        samples = np.clip(samples, -1, 1) if name == "clipped" else samples
        write(tmp_path / f"{name}.wav", Audio(samples, RATE))
    document = {
        "format": "earwitness-campaign/1",
        "slug": "loud",
        "title": "Loud",
        "method": "mushra",
        "options": {"anchors": []},
        "conditions": [
            {"name": "ref", "role": "reference"},
            {"name": "clipped"},
            {"name": "whole"},
        ],
        "items": [
            {
                "title": "noise",
                "reference": "ref.wav",
                "stimuli": {"clipped": "clipped.wav", "whole": "whole.wav"},
            }
        ],
    }
    made = compose(Document("loud", document), audio_folder=tmp_path, project=here(), actor="alice")
    found = [one.where for one in linting.findings(made) if one.code == "clipping"]
    assert found == ["noise · clipped"]


def test_a_file_that_is_gone_is_told_without_its_place(draft):
    linting.findings(draft)
    file = stimulus(draft).signal.file
    file.storage.delete(str(file.name))
    (told,) = [one.found for one in linting.findings(draft) if one.code == "unreadable"]
    assert told == "expected a sound that can be read, found No such file or directory"


def test_a_system_that_is_the_reference_or_another_is_told(draft):
    one = stimulus(draft)
    Stimulus.objects.filter(pk=one.pk).update(signal=stimulus(draft, "system two").signal)
    found = next(finding for finding in linting.findings(draft) if finding.code == "identical")
    assert "system one and system two" in found.found


def test_an_item_that_is_there_twice_is_told(draft):
    first, second = draft.trials.all()
    second.reference = first.reference
    second.save()
    assert "item-twice" in codes(draft)


def test_an_excerpt_that_is_too_long_is_told(draft):
    trial = draft.trials.first()
    trial.reference = Signal.objects.store(noise(9, seconds=12.5), title="long")
    trial.save()
    assert "long" in codes(draft)


def test_a_sound_whose_file_is_gone_is_an_error(draft):
    signal = stimulus(draft).signal
    signal.file.delete(save=False)
    found = linting.findings(draft)
    assert {finding.code for finding in found if finding.severity == "error"} == {
        "launch",
        "unreadable",
    }


def test_consent_and_training_are_added_where_they_belong(draft):
    mending.mend(draft, "training", actor="alice")
    mending.mend(draft, "consent", actor="alice")
    draft.refresh_from_db()
    assert [part["part"] for part in draft.plan] == ["consent", "training", "ratings"]
    assert codes(draft) == {"few-items"}


def test_a_campaign_that_is_open_is_not_mended(draft):
    draft.launch(actor="alice")
    with pytest.raises(CampaignError, match="expected a draft"):
        mending.mend(draft, "loudness", actor="alice")


def test_an_unknown_act_is_refused(draft):
    with pytest.raises(CampaignError, match="found 'polish'"):
        mending.mend(draft, "polish", actor="alice")


def test_what_was_overridden_is_in_the_record(draft):
    draft.launch(actor="alice", overridden=linting.summary(linting.findings(draft)))
    event = AuditEvent.objects.get(act="launch")
    assert event.content["overridden"] == {"few-items": 1, "consent": 1, "training": 1}


def test_a_quota_at_which_the_design_is_uneven_is_told(draft):
    Campaign.objects.filter(pk=draft.pk).update(design={"order": "williams"}, quota=12)
    draft.refresh_from_db()
    (found,) = [one for one in linting.findings(draft) if one.code == "balance"]
    assert "a multiple of 10 listeners, after which the design is even, found 12" in found.found
    assert found.advice.startswith("Ask for 10 or 20")
    Campaign.objects.filter(pk=draft.pk).update(quota=20)
    draft.refresh_from_db()
    assert "balance" not in {one.code for one in linting.findings(draft)}


def test_quotas_of_groups_that_cannot_all_be_filled_are_told(draft):
    groups = {"invitation": True, "quotas": {"trained": 10, "naive": 20}}
    Campaign.objects.filter(pk=draft.pk).update(groups=groups, quota=20)
    draft.refresh_from_db()
    assert "group-quotas" in {one.code for one in linting.findings(draft)}
