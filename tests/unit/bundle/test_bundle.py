import json
from dataclasses import replace

import pytest

from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.bundle.card import card_from_json, card_to_json, content_sha256
from pneumoscope.errors import UnusableBundle, UnusableOption


@pytest.fixture
def copied(shipped_bundle, tmp_path):
    return write_bundle(tmp_path / "bundle", shipped_bundle.card, shipped_bundle.model)


def rewritten(folder, change):
    """Change the card as somebody would who also mends its checksum."""
    content = json.loads((folder / "card.json").read_text())
    change(content)
    content["checksums"]["card.json"] = content_sha256(content)
    (folder / "card.json").write_text(json.dumps(content))


def test_a_card_survives_writing_and_reading(shipped_bundle):
    text = card_to_json(shipped_bundle.card, model_sha256="abc")
    card, model_sha256 = card_from_json(text, where="card.json")
    assert (card, model_sha256) == (shipped_bundle.card, "abc")


def test_a_copied_bundle_opens_with_the_same_model(copied, shipped_bundle):
    assert open_bundle(copied.folder).model == shipped_bundle.model


def test_one_changed_bit_of_the_model_is_found(copied):
    content = bytearray(copied.model)
    content[len(content) // 2] ^= 1
    (copied.folder / "model.onnx").write_bytes(content)
    with pytest.raises(UnusableBundle, match=r"model\.onnx.*bundle-corrupted.*Copy the bundle again"):
        open_bundle(copied.folder)


def test_one_changed_digit_of_the_card_is_found(copied):
    path = copied.folder / "card.json"
    threshold = str(copied.card.operating_points[0].threshold)
    path.write_text(path.read_text().replace(threshold, threshold[:-1] + str((int(threshold[-1]) + 1) % 10), 1))
    with pytest.raises(UnusableBundle, match="bundle-corrupted"):
        open_bundle(copied.folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1, 2", b'{"format": "pneumoscope-bundle", "format_ver'])
def test_a_card_that_is_cut_or_garbled_is_corrupted(copied, content):
    (copied.folder / "card.json").write_bytes(content)
    with pytest.raises(UnusableBundle, match="bundle-corrupted"):
        open_bundle(copied.folder)


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "other"}', "3"])
def test_somebody_elses_json_is_foreign(copied, content):
    (copied.folder / "card.json").write_text(content)
    with pytest.raises(UnusableBundle, match="bundle-foreign"):
        open_bundle(copied.folder)


def test_a_later_format_names_both_versions(copied):
    rewritten(copied.folder, lambda content: content.update(format_version=99))
    with pytest.raises(UnusableBundle, match=r"format version 99.*reads 1"):
        open_bundle(copied.folder)


def test_a_card_that_lacks_a_key_is_corrupted(copied):
    rewritten(copied.folder, lambda content: content.pop("saliency"))
    with pytest.raises(UnusableBundle, match="saliency"):
        open_bundle(copied.folder)


def test_an_unknown_preprocessing_is_refused(copied):
    rewritten(copied.folder, lambda content: content["preprocessing"].update(resampling="lanczos"))
    with pytest.raises(UnusableBundle, match="preprocessing-unknown"):
        open_bundle(copied.folder)


def test_a_missing_folder_says_where_to_point(tmp_path):
    with pytest.raises(UnusableBundle, match="bundle-not-found"):
        open_bundle(tmp_path / "nowhere")


def test_a_bundle_without_its_model_is_not_one(copied):
    (copied.folder / "model.onnx").unlink()
    with pytest.raises(UnusableBundle, match=r"holds no model\.onnx"):
        open_bundle(copied.folder)


def test_an_unknown_operating_point_lists_the_known(shipped_bundle):
    with pytest.raises(UnusableOption, match="balanced, screening, rule-in"):
        shipped_bundle.card.operating_point("best")


def test_the_shipped_card_carries_what_a_reader_needs(shipped_bundle):
    card = shipped_bundle.card
    assert {point.name for point in card.operating_points} == {"balanced", "screening", "rule-in"}
    assert "not a medical device" in card.intended_use.lower()
    assert card.provenance["training_data"]["licence"] == "CC BY 4.0"
    assert set(card.metrics["test"]["metrics"]["auroc"]) == {"value", "low", "high"}
    assert len(card.provenance["test_openings"]) >= 1
    assert replace(card) == card


def test_the_shipped_bundle_is_tens_of_megabytes_at_most(shipped_bundle):
    assert len(shipped_bundle.model) < 20_000_000


def test_a_card_whose_default_is_not_among_its_operating_points_is_corrupted(copied):
    rewritten(copied.folder, lambda content: content.update(default_operating_point="best"))
    with pytest.raises(UnusableBundle, match="best"):
        open_bundle(copied.folder)


def test_endlessly_nested_json_is_corrupted(copied):
    (copied.folder / "card.json").write_text("[" * 100_000)
    with pytest.raises(UnusableBundle, match="bundle-corrupted"):
        open_bundle(copied.folder)
