"""A bundle that says when a map is to be doubted, and one that does not."""

import hashlib
import json
from dataclasses import replace

import pytest

from pneumoscope.bundle.bundle import open_bundle, with_map_trust, write_bundle
from pneumoscope.bundle.card import content_sha256
from pneumoscope.bundle.map_trust_spec import MapTrustSpec
from pneumoscope.errors import UnusableBundle


@pytest.fixture
def bundle(tmp_path, shipped_bundle):
    card = replace(shipped_bundle.card, cases=None, map_trust=None)
    return write_bundle(tmp_path / "bundle", card, shipped_bundle.model, shipped_bundle.lungs)


def spec_of(model: bytes, lungs: bytes) -> MapTrustSpec:
    sha256 = [hashlib.sha256(content).hexdigest() for content in (model, lungs)]
    return MapTrustSpec(0.6, *sha256, metrics={"flagged": 2}, provenance={"split": "validation"})


def test_the_limit_survives_writing_and_reading_and_the_files_stay(bundle):
    spec = spec_of(bundle.model, bundle.lungs)
    with_map_trust(bundle, spec)
    again = open_bundle(bundle.folder)
    assert again.card.map_trust == spec
    assert (again.model, again.lungs) == (bundle.model, bundle.lungs)


def test_a_bundle_without_a_limit_has_no_such_block(bundle):
    assert "map_trust" not in json.loads((bundle.folder / "card.json").read_text())


@pytest.mark.parametrize("other", ["model", "lungs"])
def test_a_limit_of_another_model_or_segmentation_leaves_the_bundle(bundle, other):
    contents = {"model": bundle.model, "lungs": bundle.lungs, other: b"another"}
    with_map_trust(bundle, spec_of(**contents))
    assert open_bundle(bundle.folder).card.map_trust is None


@pytest.mark.parametrize("garbled", [{}, {"least_heat_inside": 2}, 5])
def test_a_garbled_block_is_refused(bundle, garbled):
    with_map_trust(bundle, spec_of(bundle.model, bundle.lungs))
    path = bundle.folder / "card.json"
    content = json.loads(path.read_text())
    content["map_trust"] = {**content["map_trust"], **garbled} if garbled and isinstance(garbled, dict) else garbled
    content["checksums"]["card.json"] = content_sha256(content)
    path.write_text(json.dumps(content))
    with pytest.raises(UnusableBundle, match="bundle-corrupted"):
        open_bundle(bundle.folder)
