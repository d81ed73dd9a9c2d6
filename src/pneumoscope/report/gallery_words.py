"""What stands above the error gallery: what its colours mean, and whose radiographs it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pneumoscope.report.error_gallery import WrongRadiograph
from pneumoscope.report.evaluated import Evaluated
from pneumoscope.report.published import published_results

CITED: Final = ("authors", "name", "identifier", "licence")
"""Keys of the card's training data, in the order of a reference."""


def color_key(subject: Evaluated, gallery: Sequence[WrongRadiograph]) -> str:
    """The colours of the overlays in words; empty where there is none."""
    if subject.scale_logit is None or not any(wrong.picture and wrong.picture.has_overlay for wrong in gallery):
        return ""
    return (
        "Colours: none where nothing speaks for pneumonia, then blue for little evidence, green, yellow, and red for the most;"
        f" they end at {subject.scale_logit:.2f} logit units a cell of the map, and mean the same in every picture."
    )


def attribution_of(subject: Evaluated) -> str:
    """By the official test that they are of, else by the data that the card names; certain where a checksum says so."""
    results = published_results()
    if results.are_of(subject.document):
        return results.attribution
    source = ", ".join(str(subject.training_data[key]) for key in CITED if subject.training_data.get(key))
    if not source:
        return ""
    manifest = (subject.document.get("data") or {}).get("manifest_sha256")
    if manifest and manifest == subject.training_data.get("manifest_sha256"):
        return f"Radiographs: {source}."
    return (
        f"The model was made from: {source}. Radiographs shown here that are of that data set are to be attributed so."
    )
