"""No request is answered by a fault, whatever it says: requests drawn by schemathesis from the API's own schema."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given, settings

pytestmark = pytest.mark.django_db

document = SchemaGenerator().get_schema(request=None, public=True)
schema = schemathesis.openapi.from_dict(document)


def test_the_schema_is_openapi():
    validate_schema(document)
    assert document["openapi"].startswith("3.")


def test_no_request_is_answered_by_a_fault(api, rated):
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 30
    for operation in operations:
        asked_anything(operation, api)


def asked_anything(operation, api) -> None:
    """Requests that the schema allows, and some that it does not."""

    @given(case=operation.as_strategy())
    @settings(
        max_examples=10,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    def ask(case) -> None:
        answer = api.generic(
            case.method,
            case.formatted_path,
            json.dumps(case.body, default=str) if case.body else "",
            content_type=case.media_type or "application/json",
            QUERY_STRING=urlencode(case.query or {}, doseq=True),
        )
        assert answer.status_code < 500, operation.label
        if answer.status_code == 400:
            assert answer.json()

    ask()
