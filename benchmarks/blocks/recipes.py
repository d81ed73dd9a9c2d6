"""What was measured of training: time, held-out parts, levers of a recipe."""

from __future__ import annotations

import tomllib
from typing import Any

from blocks.words import PROJECT, read


def recipe_hours() -> str:
    """How long each recipe takes."""
    found = read("results/recipe-hours.json")
    rows = [
        (
            f"Time on {found['machine']['cores']} cores for {found['radiographs']['train']:,} radiographs, from a few timed"
            " steps of each stage;"
        ),
        "decoding, start-up and export not counted (`python benchmarks/recipe_hours.py`, [all numbers](../../results/recipe-hours.json)):",
        "",
        "| recipe | time | of which activations | radiographs a second, by stage |",
        "|---|---|---|---|",
    ]
    for name, recipe in found["recipes"].items():
        speeds = ", ".join(
            f"{stage['training_radiographs_per_second']:.0f} at {stage['size_px']} px" for stage in recipe["stages"]
        )
        made = sum(stage["activations_minutes"] for stage in recipe["stages"])
        whole = f"{recipe['hours']:.1f} h" if recipe["hours"] >= 0.1 else f"{60 * recipe['hours']:.1f} min"
        rows.append(f"| `{name}` | {whole} | {f'{made:.0f} min' if made else '-'} | {speeds} |")
    return "\n".join(rows) + "\n"


def validation_designs() -> str:
    """What a cheap probe does on each held-out part, and on the test."""
    found = read("results/validation-designs.json")
    rows = ["| held out of train | AUROC | accuracy | sensitivity | specificity |", "|---|---|---|---|---|"]
    parts = [*found["designs"].items(), ("**official test**", found["official test, from data-audit.json"])]
    for name, part in parts:
        shares = " | ".join(f"{100 * part[key]:.1f} %" for key in ("accuracy", "sensitivity", "specificity"))
        rows.append(f"| {name} | {part['auroc']:.3f} | {shares} |")
    return "\n".join(rows) + "\n"


def ablation() -> str:
    """Each lever of the default recipe on or off."""
    return lever_rows(in_order(read("results/ablation.json")["variants"]))


def ablation_differences() -> str:
    """Each lever against the base of the same seed, on the same films, and the decisions that flip."""
    changes = {"jpeg-60": "JPEG 60", "halved-and-back": "half the size and back"}
    rows = [
        f"| | seeds | AUROC less the base's | best balanced accuracy less the base's | flips: {' | '.join(changes.values())} |",
        "|---" * (4 + len(changes)) + "|",
    ]
    for name, variant in in_order(read("results/ablation-differences.json")["variants"]).items():
        less = variant.get("difference")
        compared = [signed_interval(less[key]) for key in ("auroc", "best_balanced_accuracy")] if less else ["-", "-"]
        flips = [f"{100 * variant['flips'][change]:.1f} %" for change in changes]
        rows.append(f"| {name} | {variant['seeds']} | {' | '.join([*compared, *flips])} |")
    return "\n".join(rows) + "\n"


def in_order(variants: dict[str, Any]) -> dict[str, Any]:
    """As ablation.toml has them; others, as `distilled`, at the end."""
    names = list(tomllib.loads((PROJECT / "benchmarks/ablation.toml").read_text("utf-8")))
    return dict(sorted(variants.items(), key=lambda item: names.index(item[0]) if item[0] in names else len(names)))


def signed_interval(value: dict[str, float]) -> str:
    """A difference with its interval."""
    return f"{value['value']:+.3f} [{value['low']:+.3f}, {value['high']:+.3f}]"


def several_sizes() -> str:
    """Answers at one size or several, against one alone."""
    found = read("results/several-sizes.json")
    answers = found["answers"]
    rows = [
        f"| answered at | work | {' | '.join(f'`{run}`' for run in answers[0]['auroc'])} | mean, less {found['alone_px']} px alone |",
        "|---" * (3 + len(answers[0]["auroc"])) + "|",
    ]
    for answer in answers:
        aurocs = " | ".join(f"{value:.3f}" for value in answer["auroc"].values())
        less = signed_interval(answer["less_alone"]["auroc"]) if answer["less_alone"] else "-"
        sizes = " and ".join(map(str, answer["sizes_px"]))
        rows.append(f"| {sizes} px | {answer['work']:.1f} | {aurocs} | {less} |")
    return "\n".join(rows) + "\n"


def normalised_films() -> str:
    """Answers to films that were normalised first, against those to the films as they are."""
    runs = read("results/normalised-films.json")["runs"]
    rows = [f"| films | {' | '.join(f'`{run}`' for run in runs)} |", "|---" * (1 + len(runs)) + "|"]
    as_they_are = [f"{run['auroc']:.3f}" for run in runs.values()]
    rows.append(f"| as they are | {' | '.join(as_they_are)} |")
    for name in next(iter(runs.values()))["normalised"]:
        less = [signed_interval(run["normalised"][name]["less_as_they_are"]["auroc"]) for run in runs.values()]
        rows.append(f"| {name} | {' | '.join(less)} |")
    return "\n".join(rows) + "\n"


def distillation() -> str:
    """Base and student, seed by seed."""
    found = read("results/distillation.json")
    variants = {
        name: {"seeds": {seed: row[name] for seed, row in found["seeds"].items()}} for name in ("base", "student")
    }
    return lever_rows(variants)


def guidance() -> str:
    """Lung guidance at several weights."""
    return lever_rows(read("results/guidance.json")["variants"])


def lever_rows(variants: dict[str, Any]) -> str:
    """A row a variant: means over the seeds."""
    names = {
        "auroc": "AUROC",
        "best_balanced_accuracy": "best balanced accuracy",
        "specificity_at_sensitivity_0.975": "specificity at sensitivity 97.5 %",
        "auroc_lungs_black": "AUROC, lungs black",
        "auroc_lungs_mean": "lungs mean gray",
        "auroc_only_lungs_black_around": "only lungs, black around",
        "auroc_only_lungs_mean_around": "mean around",
        "heat_in_lungs_with_finding": "evidence in the lungs",
        "share_with_finding_without_evidence": "pneumonias without evidence",
    }
    rows = [f"| | seeds | {' | '.join(names.values())} |", "|---" * (len(names) + 2) + "|"]
    for name, variant in variants.items():
        seeds = list(variant["seeds"].values())
        values = {key: [seed[key] for seed in seeds if seed[key] is not None] for key in names}
        cells = [f"{sum(values[key]) / len(values[key]):.3f}" if values[key] else "-" for key in names]
        rows.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"
