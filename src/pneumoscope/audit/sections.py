"""The audit's questions, a function a section, each from the same gathered evidence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pneumoscope.audit.baselines import CUES
from pneumoscope.audit.evidence import Evidence
from pneumoscope.audit.observation import AS_IT_IS, LUNGS_REMOVED, ONLY_LUNGS, USUAL
from pneumoscope.audit.perturbations import PERTURBATIONS
from pneumoscope.audit.question import COVERINGS, RATES, STRATA, Measure, Question
from pneumoscope.audit.ranked import RankedScores, Rows, Values, equal_parts, mean_of

PARTS = 10
PARTS_OF_BOTH = 5
NO_MASK = "no radiograph with a lung mask can be measured"


def all_questions(evidence: Evidence) -> list[Question]:
    """Every row, in the order of `ROWS`."""
    return [
        *baseline_questions(evidence),
        *lungs_removed_questions(evidence),
        *only_lungs_questions(evidence),
        *appearance_questions(evidence),
        *zone_questions(evidence),
        heat_question(evidence),
        *strata_questions(evidence),
    ]


def baseline_questions(evidence: Evidence) -> Iterator[Question]:
    """The model against each cue alone, on the radiographs whose cue is known."""
    for cue in CUES:
        row, asked = f"baselines.{cue}", f"against {cue} alone"
        measured = "AUROC, model less cue"
        logits = evidence.baselines.logits.get(cue, np.full(len(evidence.labels), np.nan))
        known = np.isfinite(logits)
        if not known.any():
            why_not = evidence.baselines.why_not or "the cue is known of no radiograph"
            yield Question(row, asked, measured, None, why_not=why_not)
            continue
        model, alone = evidence.ranked(where=known), RankedScores.of(logits, evidence.labels)
        yield Question(
            row,
            asked,
            measured,
            difference(model.auroc, alone.auroc),
            int(known.sum()),
            also={"AUROC of the model": model.auroc, "AUROC of the cue": alone.auroc},
        )


def lungs_removed_questions(evidence: Evidence) -> Iterator[Question]:
    """AUROC of the lungs' outline alone, which their own mask leaves in the picture, and AUROC without lungs."""
    logits = np.full(len(evidence.labels), np.nan) if evidence.outline is None else evidence.outline
    outline = RankedScores.of(logits, evidence.labels)
    asked = "outline of the lung mask alone (the floor)"
    why_not = evidence.baselines.why_not
    floor = Question(f"{LUNGS_REMOVED}.mask-outline", asked, "AUROC", outline.auroc, why_not=why_not)
    yield where_masks_are(floor, outline, evidence)
    for covering in COVERINGS:
        without = evidence.ranked(f"{LUNGS_REMOVED}-{covering}")
        full = evidence.ranked(where=without.known)
        question = Question(
            f"{LUNGS_REMOVED}.{covering}",
            f"{lungs_in_words(covering)} filled with {fill_in_words(covering)}",
            "AUROC left",
            without.auroc,
            also={"AUROC of the full picture": full.auroc},
        )
        yield where_masks_are(question, without, evidence)


def only_lungs_questions(evidence: Evidence) -> Iterator[Question]:
    """What is lost when everything but the lungs is covered, against the full picture of the same radiographs."""
    for covering in COVERINGS:
        copy = f"{ONLY_LUNGS}-{covering}"
        alone = evidence.ranked(copy)
        full = evidence.ranked(where=alone.known)
        measures: dict[str, tuple[Measure, Measure]] = {"auroc": (alone.auroc, full.auroc)}
        for rate, finding in (("sensitivity", True), ("specificity", False)):
            before = np.where(alone.known, evidence.right(AS_IT_IS, finding=finding), np.nan)
            measures[rate] = (mean_measure(evidence.right(copy, finding=finding)), mean_measure(before))
        for rate in RATES:
            name = "AUROC" if rate == "auroc" else rate
            after, before_it = measures[rate]
            question = Question(
                f"{ONLY_LUNGS}.{covering}-{rate}",
                f"all but {lungs_in_words(covering)} filled with {fill_in_words(covering)}",
                f"change of {name}",
                difference(after, before_it),
                also={f"{name} with only the lungs": after, f"{name} of the full picture": before_it},
            )
            yield where_masks_are(question, alone, evidence)


def appearance_questions(evidence: Evidence) -> Iterator[Question]:
    """How far each perturbation moves probability and decision."""
    before, decided_before = evidence.probabilities(), evidence.decided()
    for perturbation in PERTURBATIONS:
        row, measured = f"appearance.{perturbation.name}", "share of decisions that flip"
        after, decided = evidence.probabilities(perturbation.name), evidence.decided(perturbation.name)
        ranked = evidence.ranked(perturbation.name)
        if not ranked.known.any():
            why_not = "no radiograph is larger than what the model sees"
            yield Question(row, perturbation.title, measured, None, why_not=why_not)
            continue
        change, turned = np.abs(after - before), decided - decided_before
        yield Question(
            row,
            perturbation.title,
            measured,
            mean_measure(np.abs(turned)),
            int(ranked.known.sum()),
            also={"mean change of probability": mean_measure(change), "AUROC after": ranked.auroc},
            facts={
                "largest change of probability": float(np.nanmax(change)),
                "flipped to PNEUMONIA": int(np.nansum(turned == 1)),
                "flipped to NORMAL": int(np.nansum(turned == -1)),
            },
        )


def zone_questions(evidence: Evidence) -> Iterator[Question]:
    """How often a copy is called likely or unlikely wrongly; where the lungs are gone, how often it is called either."""
    titles = {AS_IT_IS: "as it is"} | {perturbation.name: perturbation.title for perturbation in PERTURBATIONS}
    for copy, title in titles.items():
        yield zone_question(evidence, copy, title, "share called likely or unlikely wrongly", lungs_gone=False)
    for covering in COVERINGS:
        title = f"lungs taken out, {covering.replace('-', ' ')}"
        yield zone_question(evidence, f"{LUNGS_REMOVED}-{covering}", title, "share still certain", lungs_gone=True)


def zone_question(evidence: Evidence, copy: str, title: str, measured: str, *, lungs_gone: bool) -> Question:
    """One kind of copy; not measured where there is none, or where the bundle has no zones."""
    row = f"zones.{copy}"
    if evidence.zones is None:
        return Question(row, title, measured, None, why_not="the bundle has no zones")
    called = evidence.called(copy, evidence.zones)
    known = np.isfinite(called)
    if not known.any():
        return Question(row, title, measured, None, why_not="no radiograph has such a copy")
    right = np.where(evidence.labels, 1, -1)
    certain = np.where(known, called != 0, np.nan)
    wrong = np.where(known, called == -right, np.nan)
    also = {"uncertain": 1 - certain, "wrong": wrong} if lungs_gone else {"uncertain": 1 - certain}
    return Question(
        row,
        title,
        measured,
        mean_measure(certain if lungs_gone else wrong),
        int(known.sum()),
        also={name: mean_measure(values) for name, values in also.items()},
        facts={
            "normal called likely": int(((called == 1) & ~evidence.labels).sum()),
            "pneumonia called unlikely": int(((called == -1) & evidence.labels).sum()),
        },
    )


def heat_question(evidence: Evidence) -> Question:
    """The share of positive evidence inside the lungs, against the share of the picture that they take."""
    heat, area = (evidence.observations.column(name) for name in ("heat_inside", "lung_area"))
    with_finding = np.where(evidence.labels, heat, np.nan)
    question = Question(
        "heat.inside-lungs",
        "positive heat inside the lungs, radiographs with the finding",
        "mean share of the heat",
        mean_measure(with_finding),
        also={
            "lungs' share of the picture": mean_measure(np.where(np.isfinite(with_finding), area, np.nan)),
            "heat inside, all radiographs": mean_measure(heat),
        },
        facts={"without positive heat": int((np.isfinite(area) & evidence.labels & np.isnan(heat)).sum())},
    )
    return where_masks_are(question, RankedScores.of(with_finding, evidence.labels), evidence)


def strata_questions(evidence: Evidence) -> Iterator[Question]:
    """AUROC by pairs of the same stratum only."""
    aspect_ratio = evidence.baselines.sizes_px[:, 0] / evidence.baselines.sizes_px[:, 1]
    sharpness = evidence.observations.column("sharpness")
    strata = {
        "aspect-ratio": equal_parts(aspect_ratio, PARTS),
        "sharpness": equal_parts(sharpness, PARTS),
        "aspect-ratio-and-sharpness": both(
            equal_parts(aspect_ratio, PARTS_OF_BOTH), equal_parts(sharpness, PARTS_OF_BOTH)
        ),
    }
    cues = {"aspect-ratio": aspect_ratio, "sharpness": -sharpness}
    for name in STRATA:
        number, row, measured = strata[name], f"strata.{name}", "AUROC within strata, change"
        asked = f"within {len(np.unique(number[number >= 0]))} strata of equal {name.replace('-', ' ')}"
        if "aspect" in name and not spread(aspect_ratio):
            why_not = "all radiographs have one aspect ratio; give the original sizes with --sizes"
            yield Question(row, f"within strata of equal {name.replace('-', ' ')}", measured, None, why_not=why_not)
            continue
        within = RankedScores.of(evidence.logits(), evidence.labels, number)
        overall = evidence.ranked(where=within.known)
        also = {"AUROC within strata": within.auroc, "AUROC overall": overall.auroc}
        if name in cues:
            also["AUROC of the cue alone"] = RankedScores.of(cues[name], evidence.labels).auroc
            also["AUROC of the cue alone within strata"] = RankedScores.of(cues[name], evidence.labels, number).auroc
        yield Question(
            row, asked, measured, difference(within.auroc, overall.auroc), int(within.known.sum()), also=also
        )


def difference(one: Measure, other: Measure) -> Measure:
    """`one` less `other` on the same draw: paired."""
    return lambda rows: one(rows) - other(rows)


def mean_measure(values: Values) -> Measure:
    """The mean of what is known."""

    def measure(rows: Rows) -> float:
        return mean_of(values, rows)

    return measure


def where_masks_are(question: Question, ranked: RankedScores, evidence: Evidence) -> Question:
    """The question with the number of radiographs it rests on, or why there are none."""
    known = int(ranked.known.sum())
    if known and not question.why_not:
        return Question(
            question.row, question.asked, question.measured, question.value, known, question.also, question.facts
        )
    missing = "no lung masks of train rows to tell where lungs usually are" if USUAL in question.row else NO_MASK
    why_not = evidence.why_no_masks or question.why_not or missing
    return Question(question.row, question.asked, question.measured, None, why_not=why_not)


def lungs_in_words(covering: str) -> str:
    """Which lungs are meant, to people."""
    return "where lungs usually are" if covering.startswith(USUAL) else "the lungs"


def fill_in_words(covering: str) -> str:
    """How a fill is called to people."""
    return {"black": "black", "mean": "the picture's mean"}[covering.removeprefix(USUAL)]


def both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Strata crossed; -1 where either is not known."""
    return np.where((one >= 0) & (other >= 0), one * (int(other.max()) + 1) + other, -1)


def spread(values: Values) -> bool:
    """Whether known values differ."""
    known = values[np.isfinite(values)]
    return bool(len(known)) and float(np.ptp(known)) > 0
