"""Every damaged upload, and every damaged request around one, is answered or refused with a reason; none is a fault of ours.

2,000 with PNEUMOSCOPE_SLOW_TESTS=1, fewer without.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence

import httpx
import numpy as np
import pytest

from fuzz.mutations import MUTATIONS, mutated_files
from fuzz.seed_files import seed_files
from pneumoscope.bundle.bundle import write_bundle
from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.application import web_application
from pneumoscope.web.settings import Settings
from unit.web.conftest import tiny_card, tiny_graph

FILES = seed_files()
SLOW = "PNEUMOSCOPE_SLOW_TESTS" in os.environ
COUNT = 2000 if SLOW else 500
ADDRESSES = (
    "/predict",
    "/v1/predictions",
    "/v1/predictions?map=numbers&similar=3",
    "/v1/predictions?map=layer&color_map=viridis",
    "/page/prediction",
    "/page/values",
)
HEAD = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: image/png\r\n\r\n'
FORM = {"content-type": "multipart/form-data; boundary=edge"}


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder, tiny_card(), tiny_graph())
    return web_application(Predictor.open(folder, threads=1), Settings(upload_bytes=2**20, threads=1, waiting=4))


def answers(application, bodies: Sequence[bytes]) -> Iterator[tuple[bytes, httpx.Response]]:
    """Each body sent to the next of the addresses."""

    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [
                await client.post(ADDRESSES[number % len(ADDRESSES)], content=body, headers=FORM)
                for number, body in enumerate(bodies)
            ]

    return zip(bodies, asyncio.run(all_of_them()), strict=True)


def form_of(data: bytes) -> bytes:
    return HEAD + data + b"\r\n--edge--\r\n"


def checked(application, bodies: Sequence[bytes], allowed: set[int]) -> Counter[int]:
    """How often each status was answered; every refusal is a problem document with code and remedy."""
    statuses: Counter[int] = Counter()
    for body, answer in answers(application, bodies):
        assert answer.status_code in allowed | {204}, (answer.status_code, answer.text[:500], body[:2000])
        statuses[answer.status_code] += 1
        if answer.status_code not in {200, 204}:  # 204: a file of 8 bits has no other values
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"]
            assert answer.json()["remedy"]
    return statuses


def test_a_damaged_radiograph_is_answered_or_refused(application, caplog) -> None:
    bodies = [form_of(data) for data in mutated_files(FILES, COUNT, np.random.default_rng(11))]
    with caplog.at_level(logging.WARNING):
        statuses = checked(application, bodies, {200, 413, 422})

    assert statuses[200] > COUNT / 10
    assert statuses[422] > COUNT / 3
    assert not [record for record in caplog.records if record.name.startswith("pneumoscope")]


def test_a_damaged_form_is_answered_or_refused(application) -> None:
    whole = [form_of(data[:300]) for data in FILES]  # short, so that the damage falls on the form
    bodies = list(mutated_files(whole, max(COUNT // 4, len(whole) * len(MUTATIONS)), np.random.default_rng(12)))
    statuses = checked(application, bodies, {200, 400, 413, 422})

    assert statuses[400] > len(bodies) / 10
    assert statuses[422] > len(bodies) / 10
