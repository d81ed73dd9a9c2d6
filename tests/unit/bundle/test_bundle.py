import json
from dataclasses import replace

import pytest

from pneumoscope.bundle.bundle import open_bundle, with_lungs, write_bundle
from pneumoscope.bundle.card import card_from_json, card_to_json, content_sha256
from pneumoscope.errors import UnusableBundle, UnusableOption
from support.lung_graphs import SPEC, dark_is_lung


@pytest.fixture
def copied(shipped_bundle, tmp_path):
    return write_bundle(tmp_path / "bundle", shipped_bundle.card, shipped_bundle.model, shipped_bundle.lungs)


def rewritten(folder, change):
    """Change the card as somebody would who also mends its checksum."""
    content = json.loads((folder / "card.json").read_text())
    change(content)
    content["checksums"]["card.json"] = content_sha256(content)
    (folder / "card.json").write_text(json.dumps(content))


def test_a_card_survives_writing_and_reading(shipped_bundle):
    checksums = {"model.onnx": "abc", "lungs.onnx": "def", "cases.npz": "ghi"}
    card, found = card_from_json(card_to_json(shipped_bundle.card, checksums), where="card.json")
    assert (card, found) == (shipped_bundle.card, checksums)


def test_a_copied_bundle_opens_with_the_same_model(copied, shipped_bundle):
    assert open_bundle(copied.folder).model == shipped_bundle.model
    assert open_bundle(copied.folder).lungs == shipped_bundle.lungs


def test_one_changed_bit_of_the_model_is_found(copied):
    content = bytearray(copied.model)
    content[len(content) // 2] ^= 1
    (copied.folder / "model.onnx").write_bytes(content)
    with pytest.raises(UnusableBundle, match=r"model\.onnx.*bundle-corrupted.*Copy the bundle again"):
        open_bundle(copied.folder)


def changed_at(digits: str, place: int) -> str:
    return digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]


def test_one_changed_digit_of_the_card_is_found(copied):
    path = copied.folder / "card.json"
    slope = str(copied.card.calibration.slope)
    assert path.read_text().count(slope) == 1
    path.write_text(path.read_text().replace(slope, changed_at(slope, 6)))
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


@pytest.fixture
def without_lungs(shipped_bundle, tmp_path):
    card = replace(shipped_bundle.card, lungs=None)
    return write_bundle(tmp_path / "without", card, shipped_bundle.model)


def test_a_bundle_without_lungs_is_whole(without_lungs):
    assert without_lungs.lungs is None
    assert "lungs" not in json.loads((without_lungs.folder / "card.json").read_text())
    assert sorted(path.name for path in without_lungs.folder.iterdir()) == ["card.json", "model.onnx"]


def test_lungs_are_added_without_touching_the_model(without_lungs):
    before = (without_lungs.folder / "model.onnx").read_bytes()
    bundle = with_lungs(without_lungs, SPEC, dark_is_lung())
    assert (bundle.folder / "model.onnx").read_bytes() == before
    assert (bundle.lungs, bundle.card.lungs) == (dark_is_lung(), SPEC)
    assert bundle.sha256 != without_lungs.sha256
    assert replace(bundle.card, lungs=None) == without_lungs.card


def test_a_card_that_is_written_anew_keeps_the_lungs_of_its_folder(copied):
    again = write_bundle(copied.folder, replace(copied.card, name="other"), copied.model)
    assert again.lungs == copied.lungs


def test_a_card_that_is_written_elsewhere_without_lungs_does_not_promise_them(copied, tmp_path):
    elsewhere = write_bundle(tmp_path / "elsewhere", copied.card, copied.model)
    assert elsewhere.lungs is None
    assert elsewhere.card.lungs is None


def test_one_changed_bit_of_the_lungs_is_found(copied):
    content = bytearray((copied.folder / "lungs.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copied.folder / "lungs.onnx").write_bytes(content)
    with pytest.raises(UnusableBundle, match=r"lungs\.onnx.*bundle-corrupted"):
        open_bundle(copied.folder)


def test_lungs_that_the_card_promises_must_be_there(copied):
    (copied.folder / "lungs.onnx").unlink()
    with pytest.raises(UnusableBundle, match=r"holds no lungs\.onnx"):
        open_bundle(copied.folder)


@pytest.mark.parametrize(
    "change",
    [{"threshold": 1.5}, {"area_share": [0.5, 0.2]}, {"area_share": [0.5]}, {"size_px": 225}, {"size_px": None}],
)
def test_limits_of_lungs_that_cannot_be_are_corrupted(copied, change):
    rewritten(copied.folder, lambda content: content["lungs"].update(change))
    with pytest.raises(UnusableBundle, match="bundle-corrupted"):
        open_bundle(copied.folder)


def test_the_shipped_lungs_are_small_and_their_measurement_is_in_the_card(shipped_bundle):
    assert len(shipped_bundle.lungs) < 3_000_000
    measured = shipped_bundle.card.lungs.metrics["validation"]
    assert measured["intersection_over_union"]["all"]["low"] > 0.8
    assert shipped_bundle.card.lungs.provenance["training_data"]["lung_masks"].endswith("CC BY 4.0")
