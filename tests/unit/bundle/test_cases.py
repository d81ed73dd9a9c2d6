"""A bundle with an index of similar cases, and one without."""

import hashlib
import json
from dataclasses import replace

import pytest

from pneumoscope.bundle.bundle import open_bundle, with_cases, write_bundle
from pneumoscope.bundle.card import content_sha256
from pneumoscope.bundle.case_spec import CaseSpec
from pneumoscope.errors import UnusableBundle

CASES = b"an index"


@pytest.fixture
def bundle(tmp_path, shipped_bundle):
    card = replace(shipped_bundle.card, lungs=None, cases=None)
    return write_bundle(tmp_path / "bundle", card, shipped_bundle.model)


def spec_of(model: bytes) -> CaseSpec:
    return CaseSpec(3, 2, hashlib.sha256(model).hexdigest(), metrics={"agreement": 0.9}, provenance={"split": "train"})


def test_cases_survive_writing_and_reading_and_the_model_stays(bundle):
    written = with_cases(bundle, spec_of(bundle.model), CASES)
    again = open_bundle(bundle.folder)
    assert (again.cases, again.card.cases) == (CASES, spec_of(bundle.model))
    assert again.model == bundle.model
    assert written.sha256 == again.sha256 != bundle.sha256


def test_a_bundle_without_cases_has_no_such_block_and_stays_valid(bundle):
    assert open_bundle(bundle.folder).cases is None
    assert "cases" not in json.loads((bundle.folder / "card.json").read_text())


def test_cases_that_were_changed_are_refused(bundle):
    with_cases(bundle, spec_of(bundle.model), CASES)
    (bundle.folder / "cases.npz").write_bytes(b"another index")
    with pytest.raises(UnusableBundle, match="bundle-corrupted"):
        open_bundle(bundle.folder)


def test_another_card_of_the_same_model_keeps_them(bundle):
    written = with_cases(bundle, spec_of(bundle.model), CASES)
    again = write_bundle(bundle.folder, replace(written.card, version="0.0.9"), bundle.model)
    assert again.cases == CASES


def test_cases_of_another_model_leave_the_bundle(bundle):
    with_cases(bundle, spec_of(b"another model"), CASES)
    assert open_bundle(bundle.folder).cases is None


@pytest.mark.parametrize("garbled", [{}, {"count": "x"}, {"count": 1}, 5])
def test_a_garbled_block_is_refused(bundle, garbled):
    with_cases(bundle, spec_of(bundle.model), CASES)
    path = bundle.folder / "card.json"
    content = json.loads(path.read_text())
    content["cases"] = garbled
    content["checksums"]["card.json"] = content_sha256(content)
    path.write_text(json.dumps(content))
    with pytest.raises(UnusableBundle, match="bundle-corrupted"):
        open_bundle(bundle.folder)
