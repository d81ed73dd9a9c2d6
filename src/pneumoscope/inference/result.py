"""One prediction or refusal as a JSON object (schema: docs/reference/prediction-result.schema.json)."""

from __future__ import annotations

from typing import Any

from pneumoscope import __version__
from pneumoscope.bundle.bundle import Bundle
from pneumoscope.errors import PneumoscopeError
from pneumoscope.inference.prediction import Prediction

SCHEMA_VERSION = 1

Result = dict[str, Any]


def result_of_prediction(file: str, prediction: Prediction, bundle: Bundle) -> Result:
    """What every output carries. It holds nothing of a DICOM header but age, sex and view."""
    radiograph = prediction.radiograph
    return {
        "schema_version": SCHEMA_VERSION,
        "pneumoscope_version": __version__,
        "file": file,
        "sha256": radiograph.sha256,
        "media_type": radiograph.media_type,
        "rows_px": radiograph.rows_px,
        "columns_px": radiograph.columns_px,
        "age_years": radiograph.age_years,
        "sex": radiograph.sex,
        "view_position": radiograph.view_position,
        "logit": prediction.logit,
        "score": prediction.score,
        "probability": prediction.probability,
        "decision": str(prediction.decision),
        "operating_point": prediction.operating_point.name,
        "threshold": prediction.operating_point.threshold,
        "zone": str(prediction.zone) if prediction.zone else None,
        "lungs": prediction.lungs.to_dict() if prediction.lungs else None,
        "map_trust": prediction.map_trust.to_dict() if prediction.map_trust else None,
        "warnings": [warning.to_dict() for warning in prediction.warnings],
        "error": None,
        "overlay": None,
        "map": None,
        "bundle": bundle_name(bundle),
        "rendering": None,
    }


def result_of_error(file: str, error: PneumoscopeError, bundle: Bundle, operating_point: str) -> Result:
    """The same keys, with the reason in `error` and nothing that was not measured."""
    absent = dict.fromkeys(
        ("sha256", "media_type", "rows_px", "columns_px", "age_years", "sex", "view_position", "logit", "score")
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "pneumoscope_version": __version__,
        "file": file,
        **absent,
        "probability": None,
        "decision": None,
        "operating_point": operating_point,
        "threshold": bundle.card.operating_point(operating_point).threshold,
        "zone": None,
        "lungs": None,
        "map_trust": None,
        "warnings": [],
        "error": error.to_dict(),
        "overlay": None,
        "map": None,
        "bundle": bundle_name(bundle),
        "rendering": None,
    }


def bundle_name(bundle: Bundle) -> dict[str, str]:
    """Which bundle answered."""
    return {"name": bundle.card.name, "version": bundle.card.version, "sha256": bundle.sha256}
