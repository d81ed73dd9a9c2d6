"""What a card says of the data that a model was made from, as whoever trains it states it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path

from pneumoscope.errors import UnusableData

SHIPPED = "kermany"


@dataclass(frozen=True, slots=True)
class DataDescription:
    """Source, licence and population; the population decides which radiographs get a warning."""

    name: str
    authors: str
    identifier: str
    licence: str
    lung_masks: str
    population: str
    age_years: tuple[float, float]
    view_positions: tuple[str, ...]


def load_description(name_or_path: str) -> DataDescription:
    """`kermany`, or a TOML file with the same keys; `UnusableData` names what is wrong."""
    shipped = resources.files("pneumoscope.training") / "descriptions" / f"{SHIPPED}.toml"
    try:
        text = shipped.read_text("utf-8") if name_or_path == SHIPPED else Path(name_or_path).read_text("utf-8")
        content = tomllib.loads(text)
        youngest, oldest = content.pop("age_years")
        return DataDescription(
            age_years=(float(youngest), float(oldest)),
            view_positions=tuple(str(view) for view in content.pop("view_positions")),
            **{name: str(value) for name, value in content.items()},
        )
    except (OSError, ValueError, TypeError, KeyError) as error:  # an unknown or missing key is one of the latter two
        raise UnusableData(
            "description-unusable",
            f"{name_or_path} does not describe a data set: {error}.",
            remedy=f"Give {SHIPPED}, or a TOML file with {', '.join(field.name for field in fields(DataDescription))}.",
        ) from error
