"""Whether a radiograph is of the kind the model was made from, as far as its header tells."""

from __future__ import annotations

from pneumoscope.bundle.card import Population
from pneumoscope.radiograph.radiograph import Radiograph, RadiographWarning

AGE_TAG = "(0010,1010) PatientAge"
VIEW_TAG = "(0018,5101) ViewPosition"


def population_warnings(radiograph: Radiograph, population: Population) -> list[RadiographWarning]:
    """Warnings where age or view are given and outside the population of the card."""
    found: list[RadiographWarning] = []
    youngest, oldest = population.age_years
    age = radiograph.age_years
    if age is not None and not youngest <= age < oldest + 1:
        found.append(
            RadiographWarning(
                "age-outside-population",
                f"The patient is {age:.3g} years old; the model was made from ages {youngest:g} to {oldest:g}. "
                "Its answer may be wrong here.",
                AGE_TAG,
            )
        )
    view = radiograph.view_position
    if view and view not in population.view_positions:
        found.append(
            RadiographWarning(
                "view-outside-population",
                f"The view is {view}; the model was made from {', '.join(population.view_positions)} views. "
                "Its answer may be wrong here.",
                VIEW_TAG,
            )
        )
    return found
