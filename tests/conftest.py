"""What every test may use; what makes a run quick, and safe in several processes (`pytest -n auto`)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import TransactionTestCase

from models_registry import triggers
from models_registry.jobs import Lease

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from tests.distribution import ByRoom

    return ByRoom(config, log)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """A test's database need not outlive the machine: nobody waits for the disk."""
    options = settings.DATABASES["default"].get("OPTIONS", {})
    if "init_command" in options:
        options["init_command"] += " PRAGMA synchronous=OFF;"


@pytest.fixture(autouse=True, scope="session")
def _passwords_take_no_time():
    """A million turns of the hash keep a thief busy, and would keep the tests busy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture(autouse=True)
def _weights_are_drawn_alike():
    """Networks that a test makes must not depend on which tests came before it in its process."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published data and reference results beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the published data set (../shared) is not here")
    return SHARED


@pytest.fixture(autouse=True)
def _no_heart_beside_a_transaction(request, monkeypatch):
    """Where a test is one transaction that ends in nothing, a beat from another thread would wait for it in vain."""
    marker = request.node.get_closest_marker("django_db")
    if not (marker and marker.kwargs.get("transaction")):
        monkeypatch.setattr(Lease, "_beat", lambda self: None)


@pytest.fixture(autouse=True, scope="session")
def _tables_can_be_emptied():
    """A test in real transactions empties every table at its end, which the triggers would rightly refuse."""
    name = "_fixture_teardown"
    emptied = getattr(TransactionTestCase, name)

    def lifted(self):
        with triggers.lifted():
            emptied(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, name, lifted)
        yield
