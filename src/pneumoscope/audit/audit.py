"""The shortcut audit of a bundle: does it read the lungs, or what else differs between the films of its two classes?"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumoscope import __version__
from pneumoscope.audit.audited import Audited
from pneumoscope.audit.baselines import cue_baselines, logits_by
from pneumoscope.audit.evidence import Evidence
from pneumoscope.audit.limits import Limits
from pneumoscope.audit.lungs import LungMasks
from pneumoscope.audit.observation import Observations, observe
from pneumoscope.audit.outlines import outlines_of, usual_lungs
from pneumoscope.audit.sections import all_questions
from pneumoscope.audit.verdict import AuditRow, Verdict, judged
from pneumoscope.dataset.manifest import Split
from pneumoscope.errors import FailedAudit
from pneumoscope.evaluation.intervals import LEVEL
from pneumoscope.inference.predictor import Predictor

Watch = Callable[[str], Callable[[Iterable[Any], int], Iterable[Any]]]
"""Gives, for the name of a stage, what passes its items on as they come; gets their number, so that it can show a bar."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The judged rows, and what they were measured on (`record`, as it goes into `audit.json`); `guide` explains the rows."""

    rows: tuple[AuditRow, ...]
    record: dict[str, Any]
    guide: str = "docs/explanation/the-shortcut-audit.md"

    @property
    def counts(self) -> dict[str, int]:
        """How many rows came to each verdict."""
        counts = Counter(row.verdict for row in self.rows)
        return {verdict: counts[verdict] for verdict in Verdict}

    def raise_for_failures(self) -> None:
        """`FailedAudit` names the rows that failed, if any did."""
        failed = [row.question.row for row in self.rows if row.verdict is Verdict.FAIL]
        if failed:
            raise FailedAudit(
                "audit-failed",
                f"{len(failed)} of {len(self.rows)} rows fail: {', '.join(failed)}.",
                remedy=f"See what each row means in {self.guide}; --limits FILE sets other limits.",
            )


def run_audit(
    audited: Audited, predictor: Predictor, limits: Limits, *, resamples: int, seed: int, workers: int, watch: Watch
) -> Audit:
    """Measure and judge every row. `predictor` should use one thread: the radiographs are shared out to `workers`."""
    evidence = gathered(audited, predictor, workers=workers, watch=watch)
    patients = [row.patient for row in audited.rows]
    generator = np.random.default_rng(seed)
    rows = judged(all_questions(evidence), limits, patients, resamples=resamples, generator=generator)
    measured_on = record(audited, predictor, limits, evidence)
    measured_on["interval"] |= {"resamples": resamples, "seed": seed}
    return Audit(tuple(rows), measured_on)


def gathered(audited: Audited, predictor: Predictor, *, workers: int, watch: Watch) -> Evidence:
    """Read the files: cues, outlines of masks, and the bundle's answers to every radiograph and its copies."""
    data, masks = audited.data, audited.lung_masks
    training = () if audited.split is Split.TRAIN else audited.training
    baselines = cue_baselines(
        training, audited.rows, data, audited.original_sizes, workers=workers, watched=watch("cues")
    )
    outlines = usual = None
    if masks:
        outlines = outlines_of(
            audited.training, data, masks, predictor.preprocessing, workers=workers, watched=watch("masks")
        )
        usual = usual_lungs(outlines)
    observations = observe(audited.rows, data, predictor, masks, usual, workers=workers, watched=watch("answers"))
    outline = None
    if outlines is not None and not baselines.why_not:
        labels = np.array([row.has_finding for row in training], bool)
        outline = logits_by(np.concatenate([outlines, observations.outlines]).astype(np.float64), labels)
    return Evidence(
        observations,
        baselines,
        outline,
        predictor.bundle.card.calibration,
        predictor.operating_point,
        predictor.bundle.card.zones,
        why_no_masks(masks, observations),
    )


def why_no_masks(masks: LungMasks | None, observations: Observations) -> str | None:
    """Why no row that needs the radiographs' own lung masks can be measured, if so."""
    if masks is None:
        return "no lung masks"
    return None if observations.with_mask else f"no lung masks: none of these radiographs has one ({masks.description})"


def record(audited: Audited, predictor: Predictor, limits: Limits, evidence: Evidence) -> dict[str, Any]:
    """What the numbers rest on."""
    return {
        "pneumoscope_version": __version__,
        "bundle": named(predictor),
        "operating_point": {"name": predictor.operating_point.name, "threshold": predictor.operating_point.threshold},
        **audited.record,
        "files_changed_since_import": evidence.baselines.changed_files,
        "cues_fitted_on": evidence.baselines.fitted_on,
        "sizes": "of the files" if audited.original_sizes is None else "original, from a table",
        "lung_masks": {
            "source": audited.lung_masks.description if audited.lung_masks else None,
            "radiographs": evidence.observations.with_mask,
        },
        "limits": {"file": limits.file, "sha256": limits.sha256},
        "interval": {"level": LEVEL, "method": "percentile bootstrap", "unit": "patient"},
    }


def named(predictor: Predictor) -> dict[str, str]:
    """Which bundle it is."""
    bundle = predictor.bundle
    model_sha256 = hashlib.sha256(bundle.model).hexdigest()
    return {"name": bundle.card.name, "version": bundle.card.version, "model_sha256": model_sha256}
