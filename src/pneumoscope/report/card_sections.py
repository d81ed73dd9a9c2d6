"""The sections of a model card that `card.json` holds: use, model, data, training, operating points."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.card import Card
from pneumoscope.report.section import Section, Table
from pneumoscope.report.words import column_name, listed, percent

NOT_FOR: Final = (
    (
        "Not for diagnosis, screening, triage or any other decision about a patient: it is not a medical device, and was tested"
        " in no clinic."
    ),
    (
        "Not for other views, other parts of the body, photographs of films or monitors, or patients outside the population below:"
        " its answers there are not known to be worth anything. DICOM files that say so get a warning, other files cannot."
    ),
    "Not to rule out other findings: it knows pneumonia and its absence, nothing else.",
)


def of_card(bundle: Bundle) -> Iterator[Section]:
    """What `card.json` says."""
    card = bundle.card
    population = card.population
    ages = f"{population.age_years[0]:g} to {population.age_years[1]:g} years"
    yield Section(
        "use",
        "Intended use",
        sentences=(
            (
                "For research and education: to study how a classifier of chest radiographs behaves, where its evidence lies, how far"
                " its probability can be trusted, and where it fails."
            ),
            *NOT_FOR,
            f"Made from: {population.description}; ages {ages}; views {listed(population.view_positions)}.",
        ),
    )
    yield Section("model", "Model", tables=(Table(("", "value"), tuple(model_rows(bundle))),))
    data = card.provenance.get("training_data") or {}
    if data:
        yield Section("data", "Data", tables=(Table(("", "value"), tuple(named_rows(data))),))
    yield from of_recipe(card)
    yield Section("points", "Operating points", tables=(points_table(card),), sentences=tuple(of_twin(card)))


def model_rows(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """What it is, how large it is, and what it was made with."""
    card, recipe = bundle.card, bundle.card.provenance.get("recipe") or {}
    preprocessing, saliency = card.preprocessing.to_dict(), card.saliency
    yield "name and version", f"{card.name} {card.version}"
    if recipe.get("backbone"):
        yield "backbone", str(recipe["backbone"])
    yield (
        "input",
        f"one gray picture, {listed([f'{column_name(key)} {value}' for key, value in preprocessing.items()])}",
    )
    yield "output", f"{listed(card.labels)}: logit, saliency map and embedding in one pass of one ONNX graph"
    yield (
        "probability",
        (
            f"sigmoid(slope * logit + intercept), slope {card.calibration.slope:.4f}, intercept {card.calibration.intercept:.4f}"
            " (Platt scaling)"
        ),
    )
    yield "explanation", f"{saliency.method}, of the {saliency.feature_map}"
    if saliency.adds_up:
        yield "the map adds up", f"its pixels plus {saliency.bias_logit:.4f} are the logit"
    yield "colour scale", f"ends at {saliency.scale_logit:.4f} logit units a map cell, in every picture"
    yield from file_rows(bundle)
    yield "software", listed([f"{name} {version}" for name, version in card.versions.items()]) or "not recorded"
    yield "speed and energy", "not part of the card: benchmarks/speed.py measures a machine; energy was not measured"


def file_rows(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """The files, how large they are, and what comes with them."""
    card = bundle.card
    yield "model.onnx", f"{len(bundle.model) / 1e6:.1f} MB, SHA-256 {hashlib.sha256(bundle.model).hexdigest()}"
    if card.zones:
        yield (
            "zones",
            (
                f"pneumonia possible from {card.zones.pneumonia_possible_from:.4f} on, normal up to"
                f" {card.zones.normal_possible_up_to:.4f}; both or neither is uncertain, an error rate of"
                f" {percent(card.zones.alpha)} a class was promised on {card.zones.chosen_on}"
            ),
        )
    if bundle.lungs is not None:
        yield "lungs.onnx", f"{len(bundle.lungs) / 1e6:.1f} MB: finds the lungs, to refuse or warn"
    if card.map_trust:
        yield (
            "the map is doubted",
            (
                f"where less than {percent(card.map_trust.least_heat_inside)} of the evidence for pneumonia lies inside the"
                f" lungs, chosen on {card.map_trust.provenance.get('split', 'a part that is not recorded')}"
            ),
        )
    if bundle.cases is not None and card.cases:
        thumbnails = card.cases.provenance.get("thumbnails")
        pictures = f", with small pictures: {thumbnails['attribution']}" if thumbnails else ""
        yield (
            "cases.npz",
            f"{len(bundle.cases) / 1e6:.1f} MB: {card.cases.count} training radiographs to name as similar{pictures}",
        )


def points_table(card: Card) -> Table:
    """As the bundle decides; what they promised and gave stands in the evaluation."""
    default = card.default_operating_point
    rows = tuple(
        (
            f"{point.name} (default)" if point.name == default else point.name,
            f"{point.threshold:.4f}",
            f"{percent(point.sensitivity)} / {percent(point.specificity)}",
            f"{point.chosen_on}: {point.rule}",
        )
        for point in card.operating_points
    )
    return Table(("name", "PNEUMONIA from", "promised sensitivity / specificity", "chosen on"), rows)


def of_twin(card: Card) -> Iterator[str]:
    """Where calibration, operating points and zones come from, if not from a validation part of the model's own."""
    fitting = card.provenance.get("fitting")
    twin = fitting.get("twin") if isinstance(fitting, Mapping) else None
    if not isinstance(twin, Mapping):
        return
    data = twin.get("training_data")
    held_out = data.get("validation_radiographs") if isinstance(data, Mapping) else None
    yield (
        f"Calibration, operating points and zones are those of a twin (model SHA-256 {twin.get('model_sha256')}): the same recipe,"
        f" seed {twin.get('seed')}, trained while {held_out} radiographs were held out"
        f" ({column_name(str(twin.get('validation_design')))}), from which this model has learnt."
    )


def named_rows(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Scalars of a block of the card, by name; numbers that are shares to four places."""
    for key, value in content.items():
        if isinstance(value, bool) or not isinstance(value, Mapping | list):
            yield column_name(str(key)), f"{value:.4g}" if isinstance(value, float) else str(value)


def of_recipe(card: Card) -> Iterator[Section]:
    """Stages as a table; the whole recipe stands in `card.json`."""
    recipe, provenance = card.provenance.get("recipe") or {}, card.provenance
    stages = [stage for stage in recipe.get("stages") or [] if isinstance(stage, Mapping)]
    if not recipe:
        return
    told = ", ".join(f"{name} {provenance[name]}" for name in ("seed", "made") if name in provenance)
    keys = list(dict.fromkeys(key for stage in stages for key in stage))
    rows = tuple((column_name(key), *(str(stage.get(key, "")) for stage in stages)) for key in keys)
    header = ("", *(f"stage {number}" for number in range(1, len(stages) + 1)))
    settings = {key: value for key, value in recipe.items() if key not in {"name", "stages", "augmentation"}}
    yield Section(
        "training",
        "Training",
        sentences=(
            f"Recipe {recipe.get('name', card.name)}{f', {told}' if told else ''}; all of it stands in card.json.",
        ),
        tables=(Table(("setting", "value"), tuple(named_rows(settings))), *([Table(header, rows)] if stages else [])),
    )
