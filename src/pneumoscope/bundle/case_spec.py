"""What a card says of the index of similar cases in its bundle, `cases.npz`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CaseSpec:
    """The index belongs to one model, whose embeddings it holds. `metrics` and `provenance` are for people and reports."""

    count: int
    components: int
    model_sha256: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> CaseSpec:
        """Of a parsed card; `KeyError`, `TypeError` or `ValueError` where a key is missing or garbled."""
        return cls(
            count=int(content["count"]),
            components=int(content["components"]),
            model_sha256=str(content["model_sha256"]),
            metrics=content["metrics"],
            provenance=content["provenance"],
        )
