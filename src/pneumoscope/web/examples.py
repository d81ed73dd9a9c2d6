"""Answers as the OpenAPI document shows them; pictures are cut short."""

from __future__ import annotations

from typing import Any, Final

CUT_SHORT: Final = "iVBORw0KGgo..."
REFERENCE_ANSWER: Final[dict[str, Any]] = {
    "diagnosis": "PNEUMONIA",
    "confidence": 98.45,
    "raw_score": 0.9845,
    "status": "success",
    "gradcam_available": True,
    "gradcam": CUT_SHORT,
    "probability": 0.9845,
    "operating_point": "balanced",
    "threshold": 0.84,
    "zone": "likely",
    "warnings": [],
}
MODEL: Final = {"name": "efficientnet-lite0", "version": "0.1.0", "sha256": "0" * 64}
V1_ANSWER: Final[dict[str, Any]] = {
    "model": MODEL,
    "predictions": [
        {
            "index": 0,
            "sha256": "0" * 64,
            "media_type": "application/dicom",
            "rows_px": 2048,
            "columns_px": 2048,
            "age_years": 3.0,
            "sex": "F",
            "view_position": "AP",
            "logit": 2.0,
            "score": 0.88,
            "probability": 0.9845,
            "decision": "PNEUMONIA",
            "operating_point": "balanced",
            "threshold": 0.84,
            "zone": "likely",
            "lungs": {
                "area_share": 0.31,
                "right_area_share": 0.16,
                "left_area_share": 0.15,
                "evidence_logit": {"right_lung": 1.5, "left_lung": 0.5, "outside": -0.1, "bias": 0.1},
                "heat_inside_lungs": 0.95,
            },
            "map_trust": {
                "heat_inside_lungs": 0.95,
                "least_heat_inside": 0.85,
                "agreement": None,
                "agreement_with": None,
                "doubt": None,
            },
            "warnings": [],
            "evidence": {"speaks_for": 2.1, "speaks_against": -0.2, "bias": 0.1},
            "map": {
                "method": "grad-cam",
                "unit": "logit units per map cell",
                "equals": None,
                "masks": 0,
                "planned_masks": 0,
                "complete": True,
                "color_map": "jet",
                "scale": 0.85,
                "png": CUT_SHORT,
                "numbers": None,
            },
            "similar": [],
        },
        {
            "index": 1,
            "problem": {
                "type": "about:blank",
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "The file is empty: 0 bytes.",
                "code": "empty-file",
                "remedy": "Copy or export the file once more.",
                "error": "The file is empty: 0 bytes.",
            },
        },
    ],
}


def answered(example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The example of a successful answer, for `responses`."""
    return {200: {"content": {"application/json": {"example": example}}}}
