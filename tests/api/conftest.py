"""A person with a token, and one campaign with ratings."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from knox.models import AuthToken
from rest_framework.test import APIClient

from listening.rehearsal import rehearse
from tests.factories import account, mushra_campaign
from tests.site.conftest import no_progress, scored


@pytest.fixture(autouse=True)
def _home(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    cache.clear()


@pytest.fixture
def alice(db):
    return account("alice")


@pytest.fixture
def api(alice):
    """Alice's script."""
    _, token = AuthToken.objects.create(alice)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.fixture
def rated(db):
    campaign = mushra_campaign()
    scored(campaign)
    rehearse(campaign, listeners=3, seed=1, actor="alice", progress=no_progress)
    return campaign
