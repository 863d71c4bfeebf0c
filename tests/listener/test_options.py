"""What a method leaves to a campaign: declared by the method, checked with the campaign, kept for the record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from listening.methods import methods
from listening.methods.abx import Abx
from listening.methods.ccr import Ccr
from listening.models.campaign import CampaignError
from models_registry.models import AuditEvent
from tests.factories import abx_campaign, choice_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def _with_options(monkeypatch):
    """ABX with two options more, one of which is bounded."""

    def bounded(self: Abx) -> Iterator[str]:
        if self.options["share"] > 1:
            yield f"expected a share up to 1, found {self.options['share']}"

    monkeypatch.setattr(Abx, "defaults", {**Abx.defaults, "ties": False, "share": 0.5})
    monkeypatch.setattr(Abx, "further_option_problems", bounded)


@pytest.mark.usefixtures("_with_options")
def test_what_is_not_said_is_the_methods_default():
    campaign = abx_campaign(launched=False)
    campaign.set_options({"ties": True}, actor="alice")
    assert campaign.options == {"ties": True}
    assert campaign.protocol.options.items() >= {"ties": True, "share": 0.5}.items()
    campaign.launch(actor="alice")
    event = AuditEvent.objects.filter(act="launch").get()
    assert event.content["options"].items() >= {"ties": True, "share": 0.5}.items()


@pytest.mark.usefixtures("_with_options")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tie": True}, "options: expected only .*, ties, share, found 'tie'"),
        ({"ties": 1}, "options: expected ties to be true or false, found 1"),
        ({"share": True}, "options: expected share to be a number, found True"),
        ({"share": 2}, "expected a share up to 1, found 2"),
    ],
)
def test_options_that_the_method_does_not_take_are_refused(options, sentence):
    campaign = abx_campaign(launched=False)
    with pytest.raises(CampaignError, match=sentence):
        campaign.set_options(options, actor="alice")
    # nor can a campaign be launched that has them all the same
    type(campaign).objects.update(options=options)
    campaign.refresh_from_db()
    with pytest.raises(CampaignError, match=sentence):
        campaign.launch(actor="alice")


def test_a_method_without_options_takes_none(monkeypatch):
    monkeypatch.setattr(Ccr, "defaults", {})
    with pytest.raises(CampaignError, match="expected no options for CCR, found ties"):
        choice_campaign("ccr", launched=False).set_options({"ties": True}, actor="alice")


def test_options_are_fixed_once_listeners_come():
    with pytest.raises(CampaignError, match="expected a draft to change, found it open"):
        abx_campaign().set_options({}, actor="alice")


def test_every_methods_defaults_are_options_that_it_takes():
    for method in methods().values():
        assert not [problem for problem in method.option_problems() if "options:" in problem]
