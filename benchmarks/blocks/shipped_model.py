"""The shipped model on the official test, and its preprocessing against the published copies."""

from __future__ import annotations

from blocks.words import RUN, TWIN, number, percent, read


def test_results() -> str:
    """The shipped model on the official test, with what its operating points had promised."""
    test, twin = read(f"{RUN}/test/evaluation.json"), read(f"{TWIN}/validation/evaluation.json")
    card = read("src/pneumoscope/bundle/default/card.json")
    own, openings = card["metrics"]["validation"], len(card["provenance"]["test_openings"])
    rows = [
        f"The shipped model on the official test ({test['radiographs']} radiographs of {test['patients']} patients), as",
        "`pneumoscope evaluate` measured it; 95 % intervals by patient. Weights, calibration and thresholds were chosen on",
        "patient-disjoint parts of `train`; the thresholds are those of a twin that had not seen the NORMAL films least like",
        f"the others. The test was opened {openings} times with these weights, to measure only (see the run record).",
        "",
        "| | test | promised: the twin, on the least typical films |",
        "|---|---|---|",
        f"| AUROC | {number(test['metrics']['auroc'])} | {number(twin['metrics']['auroc'])} |",
    ]
    for name, point in test["operating_points"].items():
        promised = twin["operating_points"][name]["metrics"]
        rows += [
            f"| {metric} at `{name}` | {percent(point['metrics'][metric])} | {100 * promised[metric]['value']:.1f} % |"
            for metric in ("accuracy", "sensitivity", "specificity")
        ]
    rows += [
        (
            f"| calibration error | {number(test['metrics']['calibration_error'])} |"
            f" {number(twin['metrics']['calibration_error'])} |"
        ),
        "",
        "The films come from one hospital; elsewhere less will hold. On its own validation part (5 % of the patients, drawn at",
        (
            f"random) AUROC is {own['metrics']['auroc']['value']:.3f}, and"
            f" {100 * own['positive_heat_inside_lungs_with_finding']:.0f} % of the positive evidence in pneumonia lies inside the"
        ),
        f"lungs, which take {100 * own['lung_share_of_picture']:.0f} % of the picture.",
    ]
    return "\n".join(rows) + "\n"


def parity() -> str:
    """What the preprocessing's parity run found."""
    found = read("results/preprocessing-parity.json")
    answer, noise = found["probability_difference"], found["jpeg_coding_noise"]["probability_difference"]
    rows = [
        (
            f"Over {found['files']} files the probability differs by {answer['mean']:.4f} on average and {answer['largest']:.3f}"
            " at most;"
        ),
        (
            f"{found['decisions_that_differ']} decisions differ. That is the noise of the copies' JPEG coding: coding the sampled"
            " original once as JPEG of"
        ),
        f"the same quality moves the probability by {noise['mean']:.4f} on average and {noise['largest']:.3f} at most.",
    ]
    return "\n".join(rows) + "\n"


def filters() -> str:
    """How the copies were made, as the parity run found it."""
    found = read("results/preprocessing-parity.json")["mean_gray_level_difference_after_coding_by_filter"]
    names = sorted(found, key=lambda name: float(found[name]))
    rows = [
        "| filter | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
        "| mean difference, gray levels of 255 | " + " | ".join(f"{found[name]:.2f}" for name in names) + " |",
    ]
    return "\n".join(rows) + "\n"
