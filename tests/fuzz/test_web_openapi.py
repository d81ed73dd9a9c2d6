"""Requests made from the OpenAPI document, sensible and senseless (schemathesis): the answers are what the document says.

Over loopback, so that what goes over the wire is tested too.
"""

from __future__ import annotations

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from fuzz.seed_files import seed_files
from pneumoscope.bundle.bundle import write_bundle
from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.application import web_application
from pneumoscope.web.settings import Settings
from support.serving import serving
from unit.web.conftest import tiny_card, tiny_graph

EXAMPLES = 30
NEEDS_MORE = [positive_data_acceptance]
"""A file of the right type may still be no radiograph, and the number of a job may be nobody's."""


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder, tiny_card(), tiny_graph())
    chosen = Settings(upload_bytes=2**18, threads=1, waiting=4, jobs=tmp_path_factory.mktemp("jobs"))
    schemathesis.openapi.format("binary", st.sampled_from(seed_files()) | st.binary())
    with serving(web_application(Predictor.open(folder, threads=1), chosen)) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


def statuses_of(operation, mode: GenerationMode) -> Counter[int]:
    """How often each status was answered; every answer is checked against the document."""
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers_as_described(case) -> None:
        statuses[case.call_and_validate(excluded_checks=NEEDS_MORE).status_code] += 1

    answers_as_described()
    return statuses


def operations_of(schema) -> list:
    return [result.ok() for result in schema.get_all_operations()]


def test_sensible_requests_are_answered_as_the_document_says(schema) -> None:
    found = {operation.label: statuses_of(operation, GenerationMode.POSITIVE) for operation in operations_of(schema)}
    assert len(found) >= 10
    for label in ("POST /predict", "POST /v1/predictions", "GET /v1/model", "GET /metrics", "GET /readyz"):
        assert found[label][200] > 0, (label, found[label])


def test_senseless_requests_are_refused_as_the_document_says(schema) -> None:
    asking = [operation for operation in operations_of(schema) if operation.body or list(operation.iter_parameters())]
    found = {operation.label: statuses_of(operation, GenerationMode.NEGATIVE) for operation in asking}
    assert len(found) >= 4
    assert all(max(statuses) < 500 for statuses in found.values())
