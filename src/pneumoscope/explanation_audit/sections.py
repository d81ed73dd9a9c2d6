"""The audit's questions, a function a section, each from the same observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from pneumoscope.audit.question import Measure, Question
from pneumoscope.audit.ranked import Rows, Values
from pneumoscope.audit.sections import mean_measure
from pneumoscope.explanation_audit.agreement import METHODS
from pneumoscope.explanation_audit.boxes import MEASURES
from pneumoscope.explanation_audit.evidence import Evidence
from pneumoscope.explanation_audit.faithfulness import BASELINES, GAMES
from pneumoscope.explanation_audit.observation import PLAIN_RIVALS
from pneumoscope.explanation_audit.question import RIVALS
from pneumoscope.explanation_audit.randomized import STAGES
from pneumoscope.explanation_audit.stability import CHANGES

IN_WORDS = {
    "random": "a random map",
    "centre": "the centred prior",
    "usual": "the mean map of train radiographs",
    "blur": "blurred",
    "lung-mean": "the lungs' mean gray",
    "head": "of the head",
    "last-quarter": "of the head and the last quarter of the backbone",
    "last-half": "of the head and the last half of the backbone",
    "all-weights": "of every layer",
    "shift": "shifted by 4 of 224 pixels, four ways",
    "noise": "noise of 2 % of the range",
    "jpeg-90": "coded as JPEG of quality 90",
    "jpeg-60": "coded as JPEG of quality 60",
    "occlusion": "occlusion",
    "rise": "RISE",
    "pointing": "the hottest place lies in the box",
    "iou": "overlap of the box with the hot region",
    "energy": "positive evidence in the box",
}


def all_questions(evidence: Evidence) -> list[Question]:
    """Every row, in the order of `ROWS`."""
    return [
        sum_question(evidence),
        *lungs_questions(evidence),
        *faithfulness_questions(evidence),
        *sanity_questions(evidence),
        *stability_questions(evidence),
        *agreement_questions(evidence),
        *planted_questions(evidence),
        *box_questions(evidence),
        *against_questions(evidence),
    ]


def sum_question(evidence: Evidence) -> Question:
    """The worst radiograph."""
    row, asked, measured = (
        "adds-up.largest-difference",
        "sum of the map, and bias, less the logit",
        "largest, in logits",
    )
    values = evidence.column("adds-up")
    if not np.isfinite(values).any():
        return Question(row, asked, measured, None, why_not="the card says that this bundle's map does not add up")
    return Question(
        row, asked, measured, largest_measure(values), len(values), {"mean difference": mean_measure(values)}
    )


def lungs_questions(evidence: Evidence) -> Iterator[Question]:
    """Energy and pointing game in the lungs, of radiographs with the finding, and against each rival."""
    area = evidence.column("lungs/area", finding=True)
    for measure, asked, measured in (
        ("energy", "positive evidence inside the lungs", "mean share"),
        ("pointing", "the hottest place lies in the lungs", "share of radiographs"),
    ):
        own = evidence.column(f"lungs/{measure}/map", finding=True)
        rivals = {rival: evidence.column(f"lungs/{measure}/{rival}", finding=True) for rival in RIVALS}
        beside = {IN_WORDS[rival]: values for rival, values in rivals.items() if np.isfinite(values).any()}
        everyone = {"all radiographs": evidence.column(f"lungs/{measure}/map")} if measure == "energy" else {}
        question = evidence.asked(
            f"lungs.{measure}", asked, measured, own, {"lungs' share of the picture (chance)": area, **beside}
        )
        yield with_also(question, everyone)
        for rival, values in rivals.items():
            row = f"lungs.{measure}-less-{rival}"
            also = {"the map": own, IN_WORDS[rival]: values}
            yield evidence.asked(row, f"more than by {IN_WORDS[rival]}", f"{measured}, difference", own - values, also)


def faithfulness_questions(evidence: Evidence) -> Iterator[Question]:
    """By how much the map's curve is better than a rival's; positive is better in both games."""
    for game in GAMES:
        better = 1 if game == "insertion" else -1
        for baseline in BASELINES:
            for rival in PLAIN_RIVALS:
                own, other = (
                    {unit: evidence.column(f"{game}/{baseline}/{one}/{unit}") for unit in ("probability", "logit")}
                    for one in ("map", rival)
                )
                yield evidence.asked(
                    f"{game}.{baseline}-{rival}",
                    f"pixels {IN_WORDS[baseline]}, against {IN_WORDS[rival]}",
                    "area under the probability, better by",
                    better * (own["probability"] - other["probability"]),
                    {
                        "area by the map": own["probability"],
                        f"by {IN_WORDS[rival]}": other["probability"],
                        "better by, in logits": better * (own["logit"] - other["logit"]),
                        "logit without any pixel": evidence.column(f"without/{baseline}/logit"),
                    },
                )


def sanity_questions(evidence: Evidence) -> Iterator[Question]:
    """How alike the maps of shuffled weights are; beside it, how alike those of different films are."""
    another = evidence.another_map()
    nothing = np.full(len(another), np.nan)
    for stage in STAGES:
        yield evidence.asked(
            f"sanity.{stage}",
            f"weights {IN_WORDS[stage]} shuffled",
            "size of the maps' rank correlation",
            evidence.shuffled.get(f"{stage}/size", nothing),
            {
                "with its sign": evidence.shuffled.get(f"{stage}/signed", nothing),
                "with a random map": evidence.shuffled.get("random/size", nothing),
                "with another film's map": np.abs(another),
            },
        )


def stability_questions(evidence: Evidence) -> Iterator[Question]:
    """How alike the maps of a changed film are, and whether the decision stayed."""
    another = evidence.another_map()
    for change in CHANGES:
        yield evidence.asked(
            f"stability.{change}",
            IN_WORDS[change],
            "rank correlation of the maps",
            evidence.column(f"stability/{change}/ranks"),
            {
                "correlation of the values": evidence.column(f"stability/{change}/values"),
                "top places that stay": evidence.column(f"stability/{change}/top"),
                "decisions that turn": evidence.column(f"turned/{change}"),
                "with another film's map": another,
            },
        )


def agreement_questions(evidence: Evidence) -> Iterator[Question]:
    """How alike the method's map and the bundle's are, on some radiographs with the finding."""
    own = {
        "what the covered place itself loses, ranks": evidence.column("agreement/own/ranks"),
        "its values": evidence.column("agreement/own/values"),
        "change that lies farther than the neighbours": evidence.column("agreement/own/far"),
    }
    for method in METHODS:
        yield evidence.asked(
            f"agreement.{method}",
            f"with {IN_WORDS[method]}",
            "rank correlation of the maps",
            evidence.column(f"agreement/{method}/map/ranks"),
            {
                "correlation of the values": evidence.column(f"agreement/{method}/map/values"),
                "top places that are shared": evidence.column(f"agreement/{method}/map/top"),
                **{IN_WORDS[rival]: evidence.column(f"agreement/{method}/{rival}/ranks") for rival in PLAIN_RIVALS},
                **(own if method == "occlusion" else {}),
            },
        )


def planted_questions(evidence: Evidence) -> Iterator[Question]:
    """What a planted opacity adds to normal radiographs, and where."""
    for row, asked, measured in (
        ("hit", "the hottest added evidence lies in the opacity", "share of radiographs"),
        ("times-chance", "added evidence in the opacity, over the area that it takes", "times chance"),
    ):
        if row == "hit":
            added = evidence.column("planted/logit")
            yield evidence.asked("planted.logit", "an opacity planted into normal lungs", "logit added", added, {})
        also = {IN_WORDS[rival]: evidence.column(f"planted/{row}/{rival}") for rival in PLAIN_RIVALS}
        if row == "hit":
            also |= {f"{way} of it, px": evidence.column(f"planted/{way}") for way in ("below", "right")}
        yield evidence.asked(f"planted.{row}", asked, measured, evidence.column(f"planted/{row}/map"), also)


def box_questions(evidence: Evidence) -> Iterator[Question]:
    """The mean over a radiograph's boxes, then over radiographs."""
    for measure in MEASURES:
        also = {IN_WORDS[rival]: evidence.column(f"boxes/{measure}/{rival}") for rival in PLAIN_RIVALS}
        area = {"boxes' share of the picture (chance)": evidence.column("boxes/area")}
        own = evidence.column(f"boxes/{measure}/map")
        yield evidence.asked(f"boxes.{measure}", IN_WORDS[measure], "mean over boxes", own, area | also)


def against_questions(evidence: Evidence) -> Iterator[Question]:
    """How alike the maps of two bundles are."""
    also = {IN_WORDS[rival]: evidence.column(f"against/correlation/{rival}") for rival in PLAIN_RIVALS}
    also["rank correlation"] = evidence.column("against/rank-correlation")
    also["mean difference of the logit"] = evidence.column("against/logit")
    also["decisions that differ"] = evidence.column("against/turned")
    own = evidence.column("against/correlation/map")
    yield evidence.asked("against.correlation", "correlation with the other bundle's map", "mean", own, also)
    hottest = evidence.column("against/hottest")
    yield evidence.asked("against.hottest-cell", "the hottest place stays, where positive", "share", hottest, {})


def with_also(question: Question, also: Mapping[str, Values]) -> Question:
    """The question with more beside it, which need not be known where its value is."""
    if question.value is None or not also:
        return question
    more = {name: mean_measure(values) for name, values in also.items()}
    return Question(
        question.row, question.asked, question.measured, question.value, question.radiographs, {**question.also, **more}
    )


def largest_measure(values: Values) -> Measure:
    """The largest of what is known."""

    def measure(rows: Rows) -> float:
        drawn = values[rows]
        drawn = drawn[np.isfinite(drawn)]
        return float(drawn.max()) if len(drawn) else float("nan")

    return measure
