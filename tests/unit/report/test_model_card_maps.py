"""What the model card says of doubtful maps and of the pictures in the bundle."""

from dataclasses import replace

from pneumoscope.report.card_sections import model_rows


def test_the_limit_and_whose_pictures_the_bundle_holds_are_told(shipped_bundle):
    told = dict(model_rows(shipped_bundle))
    assert "chosen on validation" in told["the map is doubted"]
    assert "Kermany D, Zhang K, Goldbaum M" in told["cases.npz"]
    assert "CC BY 4.0" in told["cases.npz"]


def test_a_bundle_without_either_says_nothing_of_them(shipped_bundle):
    bare = replace(shipped_bundle, card=replace(shipped_bundle.card, map_trust=None, cases=None), cases=None)
    assert not {"the map is doubted", "cases.npz"} & set(dict(model_rows(bare)))
