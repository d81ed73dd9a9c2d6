"""What the model card says of doubtful maps and of the pictures in the bundle."""

from dataclasses import replace

from pneumoscope.report.card_sections import model_rows, of_twin


def test_the_limit_and_whose_pictures_the_bundle_holds_are_told(shipped_bundle):
    told = dict(model_rows(shipped_bundle))
    assert "chosen on validation" in told["the map is doubted"]
    assert "Kermany D, Zhang K, Goldbaum M" in told["cases.npz"]
    assert "CC BY 4.0" in told["cases.npz"]


def test_a_bundle_without_either_says_nothing_of_them(shipped_bundle):
    bare = replace(shipped_bundle, card=replace(shipped_bundle.card, map_trust=None, cases=None), cases=None)
    assert not {"the map is doubted", "cases.npz"} & set(dict(model_rows(bare)))


def test_whose_thresholds_a_model_has_is_told_where_they_are_a_twins(shipped_bundle):
    data = {"validation_radiographs": 810}
    twin = {"model_sha256": "abc", "seed": 7, "validation_design": "atypical-normals", "training_data": data}
    card = replace(shipped_bundle.card, provenance=shipped_bundle.card.provenance | {"fitting": {"twin": twin}})
    (told,) = of_twin(card)
    assert "model SHA-256 abc" in told
    assert "seed 7, trained while 810 radiographs were held out (atypical-normals)" in told
    assert not list(of_twin(replace(card, provenance={"fitting": {"normals_share": 1.0}})))
    assert not list(of_twin(replace(card, provenance={})))
