"""Is this a chest, and one like those the model was made from? Judged by the lungs that were found.

Both limits stand in the bundle's card; they were chosen on radiographs of the train part (`training/lung_limits.py`).
"""

from __future__ import annotations

from pneumoscope.bundle.lung_spec import LungSpec, Range
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.inference.lungs import Lungs
from pneumoscope.radiograph.radiograph import RadiographWarning, WarningCode
from pneumoscope.radiograph.refusal import RefusalCode


def refuse_without_lungs(lungs: Lungs, spec: LungSpec) -> None:
    """Refuse a picture in which hardly any lung was found."""
    if lungs.area_share < spec.least_area_share:
        raise RefusedRadiograph(
            RefusalCode.NO_LUNGS,
            f"Hardly any lung was found: {lungs.area_share:.1%} of the picture, where a chest radiograph has at least "
            f"{spec.least_area_share:.1%}.",
            remedy="Give a frontal chest radiograph that is upright and shows both lungs.",
        )


def lung_warnings(lungs: Lungs, spec: LungSpec) -> list[RadiographWarning]:
    """One warning where they were found in the inverse only, one that says everything else that is unusual about them."""
    row, column = lungs.centre if lungs.area_share else (spec.centre_row[0], spec.centre_column[0])
    unusual = [
        *outside(spec.area_share, lungs.area_share, "they take {:.0%} of the picture ({:.0%} to {:.0%} is usual)"),
        *outside(spec.centre_row, row, "their centre lies at {:.0%} of the picture's height ({:.0%} to {:.0%})"),
        *outside(spec.centre_column, column, "their centre lies at {:.0%} of the picture's width ({:.0%} to {:.0%})"),
    ]
    if lungs.smaller_share < spec.smaller_lung_share:
        unusual.append(
            f"the smaller one has {lungs.smaller_share:.0%} of their area (at least {spec.smaller_lung_share:.0%})"
        )
    found = []
    if lungs.air_is_bright:
        message = (
            "Lungs are found only when the picture is inverted: air seems to be shown bright, and the model was made "
            "from radiographs that show it dark. Its answer is probably wrong here; invert the picture."
        )
        found.append(RadiographWarning(WarningCode.AIR_SHOWN_BRIGHT, message))
    if unusual:
        message = f"The lungs that were found are unusual: {'; '.join(unusual)}. The answer may be wrong here."
        found.append(RadiographWarning(WarningCode.LUNGS_UNUSUAL, message))
    return found


def outside(usual: Range, value: float, sentence: str) -> list[str]:
    """The sentence with the value and its usual range, where it lies outside."""
    low, high = usual
    return [] if low <= value <= high else [sentence.format(value, low, high)]
