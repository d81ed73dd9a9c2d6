import hashlib
from dataclasses import dataclass, replace

import pytest

from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.dataset.manifest import write_manifest
from pneumoscope.errors import UnusableBundle, UnusableOption
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.zones import ConformalZones
from pneumoscope.training.description import load_description
from pneumoscope.training.finish import bundle_of_run
from pneumoscope.training.fitting import Fitting, Thresholds
from pneumoscope.training.setting import Setting
from pneumoscope.training.twin import TWIN, twin_fitting
from pneumoscope.training.whole_run import network

CHOSEN = Thresholds(
    PlattCalibration(2.0, -0.5),
    (OperatingPoint("balanced", 0.4, 0.9, 0.8, "validation", "a rule"),),
    ConformalZones(0.05, 0.2, 0.6, 40, 30, 20, 25, "validation"),
)


@dataclass(frozen=True, slots=True)
class ChosenAlready(Fitting):
    def thresholds(self, _):
        return CHOSEN

    def to_dict(self):
        return {"stated_prevalence": 0.5}


@pytest.fixture(scope="module")
def bundled(recipe, parts, tmp_path_factory):
    """A bundle of a recipe with thresholds of some twin, or of its own where none is given."""

    def make(recipe, fitting, seed):
        folder = tmp_path_factory.mktemp("run")
        write_manifest([*parts[0].rows, *parts[1].rows], folder / "manifest.csv")
        return bundle_of_run(
            network(recipe, None, Setting(folder, seed)),
            recipe,
            *parts,
            description=load_description("kermany"),
            manifest=folder / "manifest.csv",
            seed=seed,
            folder=folder / "bundle",
            tell=lambda _: None,
            twin=fitting,
        )

    return make


@pytest.fixture(scope="module")
def other_part(recipe):
    return replace(recipe, validation_design="atypical-normals", validation_share=0.4)


@pytest.fixture(scope="module")
def twin(bundled, other_part):
    return bundled(other_part, ChosenAlready(), 7)


def test_thresholds_are_the_twins_to_the_last_digit_and_say_where_they_were_chosen(bundled, recipe, twin):
    card = bundled(recipe, twin_fitting(twin.folder, recipe), 3).card
    assert card.calibration == twin.card.calibration == CHOSEN.calibration
    assert card.operating_points == tuple(replace(point, chosen_on=TWIN) for point in CHOSEN.operating_points)
    assert card.zones == replace(CHOSEN.zones, chosen_on=TWIN)


def test_the_card_names_the_twin_and_what_was_held_out_from_it(bundled, recipe, other_part, twin):
    fitting = bundled(recipe, twin_fitting(twin.folder, recipe), 3).card.provenance["fitting"]
    assert fitting["stated_prevalence"] == 0.5
    assert fitting["twin"]["model_sha256"] == hashlib.sha256(twin.model).hexdigest()
    assert fitting["twin"]["seed"] == 7
    assert fitting["twin"]["validation_design"] == other_part.validation_design
    assert fitting["twin"]["training_data"] == twin.card.provenance["training_data"]


def test_what_is_measured_on_the_own_validation_part_is_measured_at_the_twins_thresholds(bundled, recipe, twin):
    metrics = bundled(recipe, twin_fitting(twin.folder, recipe), 3).card.metrics["validation"]
    promised = metrics["operating_points"]["balanced"]["promised"]
    assert (promised["on"], promised["sensitivity"], promised["specificity"]) == (TWIN, 0.9, 0.8)


def test_a_bundle_of_another_recipe_is_no_twin(recipe, twin):
    other = replace(recipe, label_smoothing=0.3, stages=(replace(recipe.stages[0], learning_rate=1e-5),))
    with pytest.raises(UnusableOption, match=r"label_smoothing, stages differ.*twin-differs"):
        twin_fitting(twin.folder, other)


def of_an_earlier_version(recipe, key):
    """A recipe's settings from before a key of its stages existed."""
    stages = [{name: value for name, value in stage.items() if name != key} for stage in recipe.to_dict()["stages"]]
    return {**recipe.to_dict(), "stages": stages}


def test_a_bundle_from_before_a_key_is_a_twin_of_recipes_that_have_it_off(recipe, twin, tmp_path):
    bundle = open_bundle(twin.folder)
    earlier = {**bundle.card.provenance, "recipe": of_an_earlier_version(recipe, "lung_segmentation")}
    write_bundle(tmp_path, replace(bundle.card, provenance=earlier), bundle.model)
    assert twin_fitting(tmp_path, recipe).taken.calibration == CHOSEN.calibration
    with_it_on = replace(recipe, stages=tuple(replace(stage, lung_segmentation=0.5) for stage in recipe.stages))
    with pytest.raises(UnusableOption, match="stages differ"):
        twin_fitting(tmp_path, with_it_on)


def test_a_bundle_without_zones_or_recipe_is_no_twin(recipe, twin, tmp_path):
    bundle = open_bundle(twin.folder)
    for number, card in enumerate([replace(bundle.card, zones=None), replace(bundle.card, provenance={})]):
        write_bundle(tmp_path / str(number), card, bundle.model)
        with pytest.raises(UnusableOption, match="twin-incomplete"):
            twin_fitting(tmp_path / str(number), recipe)


def test_a_folder_that_is_no_bundle_is_no_twin(recipe, tmp_path):
    with pytest.raises(UnusableBundle):
        twin_fitting(tmp_path, recipe)
