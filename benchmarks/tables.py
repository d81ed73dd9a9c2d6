"""Write the numbers of the documents from the files in `results/`: `python benchmarks/tables.py` (a test compares them).

Each block stands between `<!-- numbers: NAME -->` and `<!-- end -->` in a Markdown file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finer_map_table import finer_map
from serving_table import serving

PROJECT = Path(__file__).parents[1]
RUN = "results/efficientnet-lite0-seed0"
BLOCK = re.compile(r"(<!-- numbers: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)


def read(path: str) -> dict[str, Any]:
    """One results file."""
    content: dict[str, Any] = json.loads((PROJECT / path).read_text("utf-8"))
    return content


def percent(value: dict[str, float]) -> str:
    """A rate with its interval, in percent."""
    return f"{100 * value['value']:.1f} % [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


def number(value: dict[str, float], digits: int = 3) -> str:
    """A value with its interval."""
    return f"{value['value']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"


def test_results() -> str:
    """The shipped model on the official test, with what its operating points had promised."""
    test = read(f"{RUN}/test/evaluation.json")
    card = read("src/pneumoscope/bundle/default/card.json")
    openings = len(card["provenance"]["test_openings"])
    rows = [
        f"The shipped model on the official test ({test['radiographs']} radiographs of {test['patients']} patients), as",
        "`pneumoscope evaluate` measured it; 95 % intervals by patient. Weights, calibration and thresholds were chosen on",
        f"patient-disjoint parts of `train`. The test was opened {openings} times with these weights; after the first time the",
        "rule of `rule-in` was changed, for a fault that validation shows too (see the run record).",
        "",
        "| | test | promised on validation |",
        "|---|---|---|",
        f"| AUROC | {number(test['metrics']['auroc'])} | {number(card['metrics']['validation']['metrics']['auroc'])} |",
    ]
    for name, point in test["operating_points"].items():
        for metric in ("accuracy", "sensitivity", "specificity"):
            promised = card["metrics"]["validation"]["operating_points"][name]["metrics"][metric]["value"]
            rows.append(f"| {metric} at `{name}` | {percent(point['metrics'][metric])} | {100 * promised:.1f} % |")
    rows += [
        (
            f"| calibration error | {number(test['metrics']['calibration_error'])} | "
            f"{number(card['metrics']['validation']['metrics']['calibration_error'])} |"
        ),
        "",
        "The promises do not carry over: the test's normal films look different from those of `train`, so specificity is",
        "lower there and probabilities are too high. That is what happens at another hospital, too. On the validation part",
        f"{100 * card['metrics']['validation']['positive_heat_inside_lungs_with_finding']:.0f} % of the positive evidence in",
        (
            "pneumonia lies inside the lungs, which take "
            f"{100 * card['metrics']['validation']['lung_share_of_picture']:.0f} % of the picture."
        ),
    ]
    return "\n".join(rows) + "\n"


def speed() -> str:
    """The ratios of the speed benchmark."""
    found = read("results/speed.json")
    field, small, full = found["against_field_practice"], found["small_files"], found["full_size_files"]
    rows = [
        (
            f"Medians and ratios from one run of `python benchmarks/speed.py` on {found['machine']['cores']} cores"
            " ([all numbers](results/speed.json)):"
        ),
        "",
        "| | |",
        "|---|---|",
        f"| the saliency map in the graph costs | {100 * found['map_overhead']['batch_1']['overhead']:.1f} % of the graph's time |",
        (
            "| one full-size file to probability and map, against VGG16 in PyTorch with autograd Grad-CAM | "
            f"{field['map_times_faster']:.0f} times faster |"
        ),
        f"| the same to the written overlay | {field['overlay_times_faster']:.0f} times faster |",
        (
            "| `pneumoscope predict one.jpeg`, start to exit, against `import torch` alone | "
            f"{found['whole_process']['ratio']:.2f} of its time |"
        ),
        (
            "| 1,000 files of 224 px in one call, scores and maps, against the fastest use of the bare session on arrays in memory | "
            f"{100 * small['share_of_best_bare_use']['in_memory']:.0f} % of its images a second; "
            f"{100 * small['share_of_best_bare_use']['written']:.0f} % with each map and result written to a file; "
            f"{100 * small['share_of_best_bare_use']['whole_process']:.0f} % as a whole process |"
        ),
        (
            "| 500 full-size files: cores busy, start-up included | "
            f"{100 * full['500_scores']['cores_busy']:.0f} % (scores), {100 * full['500_overlays']['cores_busy']:.0f} % (overlays) |"
        ),
        (
            "| peak memory for 100 and 500 of them | "
            f"{full['100_overlays']['peak_mib']:.0f} and {full['500_overlays']['peak_mib']:.0f} MiB |"
        ),
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


def autograd_grad_cam() -> str:
    """Grad-CAM on the same network: in the graph, and by automatic differentiation."""
    found = read("results/autograd-grad-cam.json")
    rows = [
        f"The same network, one radiograph at a time on one thread, {found['rounds']} rounds over {found['radiographs']} films",
        "(`python benchmarks/autograd_grad_cam.py`, [all numbers](../../results/autograd-grad-cam.json)):",
        "",
        "| | ms | times the graph with its map |",
        "|---|---|---|",
    ]
    for name, median in found["median_ms"].items():
        rows.append(f"| {name} | {median:.1f} | {found['times_the_graph_with_map'][name]:.2f} |")
    return "\n".join(rows) + "\n"


def ablation() -> str:
    """Each lever of a recipe against the base: means over the seeds."""
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
    for name, variant in read("results/ablation.json")["variants"].items():
        seeds = list(variant["seeds"].values())
        values = {key: [seed[key] for seed in seeds if seed[key] is not None] for key in names}
        cells = [f"{sum(values[key]) / len(values[key]):.3f}" if values[key] else "-" for key in names]
        rows.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def cached_training() -> str:
    """What the cached activations save, in two measured runs."""
    rows = [
        "Measured with both trainings in one process taking turns of five steps (`python benchmarks/cached_training.py`):",
        "",
        "| recipe | initial weights | an epoch from the cache | recomputed | | making the activations | validation AUROC |",
        "|---|---|---|---|---|---|---|",
    ]
    for file in ("cached-training", "cached-training-lite0"):
        found = read(f"results/{file}.json")
        epoch, auroc = found["seconds_per_epoch_from_median"], found["validation_auroc"]
        epochs = len(found["history"]["plain"])
        rows.append(
            f"| [`{found['recipe']['name']}`](../../results/{file}.json), {found['radiographs']['train']:,} radiographs"
            f" | {found['backbone_weights']} | {epoch['cached']:.0f} s | {epoch['plain']:.0f} s"
            f" | **{found['ratio_plain_to_cached']:.1f} times faster**"
            f" | {found['activations_seconds']:.0f} s for {found['activations_views']}"
            f" view{'s' if found['activations_views'] > 1 else ''}"
            f" | {auroc['cached']:.4f} and {auroc['plain']:.4f} after {epochs} epoch{'s' if epochs > 1 else ''} |"
        )
    rows += [
        "",
        "Other work ran on the machine, which the turns share out evenly: take the ratios, not the seconds. These two trainings",
        "draw other augmented views than their caches, and from random weights VGG16 has learnt nothing after one epoch, so",
        "their AUROCs do not tell what the cache does. The next table does.",
    ]
    return "\n".join(rows) + "\n"


def same_views() -> str:
    """Whether cached activations teach what the frozen layers would have taught."""
    rows = [
        "With the same augmented views, batches and dropout, what is left between a cached training and a plain PyTorch loop is",
        "the storage in float16 and the rounding of ONNX Runtime (`python benchmarks/same_views.py`, in turns step by step):",
        "",
        "| recipe | initial weights | radiographs | validation AUROC by epoch: cached, plain | largest difference | a step |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted(PROJECT.glob("results/same-views*.json")):
        found = read(f"results/{path.name}")
        aurocs = "; ".join(
            f"{epoch['cached']:.4f}, {epoch['plain']:.4f}" for epoch in found["validation_auroc_by_epoch"]
        )
        rows.append(
            f"| [`{found['recipe']['name']}`](../../results/{path.name}) at {found['recipe']['size_px']} px"
            f" | {found['backbone_weights']}"
            f" | {found['radiographs']['train']:,}, {found['radiographs']['validation']:,} to validate | {aurocs}"
            f" | {found['largest_auroc_difference']:.4f}"
            f" | {found['ratio_plain_to_cached']:.1f} times faster |"
        )
    rows += [
        "",
        "VGG16 goes on from what [two epochs](../../results/vgg16-reference-two-epochs/README.md) from random weights had taught",
        "it, with smaller pictures than the recipe's, since the machine was shared: the ratio at 224 px is in the first table.",
    ]
    return "\n".join(rows) + "\n"


def audit() -> str:
    """The verdicts on the shipped bundle, on the validation part and on the official test."""
    parts = {name: read(f"{RUN}/audit-{name}/audit.json") for name in ("validation", "test")}
    found = {name: {row["row"]: row for row in part["rows"]} for name, part in parts.items()}
    openings = parts["test"]["test_opening"]["recorded_in_card"]
    rows = [
        (f"Verdicts on the shipped bundle ({', '.join(f'{name}: {verdicts(part)}' for name, part in parts.items())};"),
        (
            "[all of validation](../../results/efficientnet-lite0-seed0/audit-validation/audit.md), lung masks given;"
            " [all of the test](../../results/efficientnet-lite0-seed0/audit-test/audit.md),"
        ),
        f"lung masks estimated; it was opening {openings} of the test, to measure only). The rows that need films larger than",
        (
            "224 px were measured on [100 originals of train](../../results/efficientnet-lite0-seed0/audit-originals/audit.md),"
            f" most of which the model has learnt from: {small_copies()}."
        ),
        "",
        "| row | validation | | test | |",
        "|---|---|---|---|---|",
    ]
    for name in found["validation"]:
        cells = [f"{measured(found[part][name])} | {found[part][name]['verdict']}" for part in parts]
        rows.append(f"| `{name}` | {cells[0]} | {cells[1]} |")
    return "\n".join(rows) + "\n"


def small_copies() -> str:
    """What resizing an original with other filters does, on films that the model knows."""
    found = {row["row"]: row for row in read(f"{RUN}/audit-originals/audit.json")["rows"]}
    return ", ".join(
        f"{name} {found[f'appearance.small-copy-{name}']['value']:.3f} ({found[f'appearance.small-copy-{name}']['verdict']})"
        for name in ("bilinear", "lanczos")
    )


def audit_verdicts() -> str:
    """How many rows of the audit pass."""
    parts = {name: read(f"{RUN}/audit-{name}/audit.json") for name in ("validation", "test")}
    told = [f"{verdicts(part)} on {'the ' if name == 'test' else ''}{name}" for name, part in parts.items()]
    return f"  Of the shipped model's rows {' and '.join(told)}.\n"


def verdicts(part: dict[str, Any]) -> str:
    """How many rows passed and failed."""
    return f"{part['summary']['pass']} pass, {part['summary']['fail']} fail"


def measured(row: dict[str, Any]) -> str:
    """A value with its interval, or a dash."""
    return "-" if row["value"] is None else f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def evaluation_speed() -> str:
    """How fast evaluation is."""
    found = read("results/evaluation-speed.json")
    scoring, bootstrap, million = found["scoring"], found["bootstrap"], found["million_rows"]
    single = max(value for name, value in scoring["per_second"].items() if name.endswith("threads_inside"))
    rows = [
        (
            f"One run of `python benchmarks/evaluation.py` on {found['machine']['cores']} cores"
            " ([all numbers](../../results/evaluation-speed.json)):"
        ),
        (
            f"scoring {scoring['radiographs']} files of 224 px reaches"
            f" {100 * scoring['per_second']['ours'] / single:.0f} % of the radiographs a second of one bare ONNX Runtime session on"
        ),
        (
            f"arrays in memory, and {100 * scoring['share_of_best_bare_use']:.0f} % of the fastest bare use (one-threaded"
            " sessions side by side);"
        ),
        (
            f"{bootstrap['resamples']:,} resamples of every metric over {bootstrap['radiographs']} radiographs take"
            f" {bootstrap['seconds']:.1f} s; a process that reads"
        ),
        (
            f"{million['rows']:,} scores and resamples every metric {million['resamples']} times takes {million['seconds']:.0f} s"
            f" and {million['peak_mib']:.0f} MiB."
        ),
    ]
    return "\n".join(rows) + "\n"


def map_gallery() -> str:
    """The thirty maps that were looked at, in numbers."""
    found = read("results/map-gallery.json")
    of_all = found["all"]
    rows = [
        "| | file | label | probability | evidence for | against | right lung | left lung | outside | of that for, in the lungs | agreement with occlusion |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found["radiographs"]:
        label = f"{one['label']} {one['subtype']}".strip()
        inside = one["heat_inside_lungs"] if one["speaks_for"] >= 0.005 else None
        rows.append(
            f"| {one['number']} | `{Path(one['path']).name}` | {label} | {one['probability']:.3f} | {one['speaks_for']:.2f}"
            f" | {one['speaks_against']:.2f} | {one['right_lung']:+.2f} | {one['left_lung']:+.2f} | {one['outside']:+.2f}"
            f" | {'-' if inside is None else f'{100 * inside:.0f} %'} | {one['agreement_with_occlusion']:+.2f} |"
        )
    rows += [
        "",
        (
            f"Of all {of_all['radiographs']} validation radiographs: in positive decisions"
            f" {100 * of_all['evidence_for_inside_lungs']:.0f} % of the evidence for pneumonia lies inside the lungs"
        ),
        (
            f"(as the bundle estimates them); in negative ones {100 * of_all['evidence_against_outside_lungs']:.0f} % of the"
            " evidence against lies outside of them."
        ),
    ]
    return "\n".join(rows) + "\n"


def map_agreement() -> str:
    """Why occlusion and map disagree, and what JPEG 60 does."""
    found = read(f"{RUN}/explanation-validation-agreement/explanation.json")["rows"]
    rows = {row["row"]: row for row in found}
    jpeg, occlusion = rows["stability.jpeg-60"], rows["agreement.occlusion"]
    own = "what the covered place itself loses, ranks"
    lines = [
        "| | ranks | values | top places |",
        "|---|---|---|---|",
        (
            f"| map before and after JPEG 60 | {number(jpeg)} | {number(jpeg['also']['correlation of the values'])}"
            f" | {number(jpeg['also']['top places that stay'])} |"
        ),
        (
            f"| map and occlusion: how far the *answer* falls | {number(occlusion)}"
            f" | {number(occlusion['also']['correlation of the values'])}"
            f" | {number(occlusion['also']['top places that are shared'])} |"
        ),
        (
            f"| map and what the covered place *itself* loses | {number(occlusion['also'][own])}"
            f" | {number(occlusion['also']['its values'])} | |"
        ),
        "",
        (
            f"Of all change by covering a place, {percent(occlusion['also']['change that lies farther than the neighbours'])}"
            " lies farther away than its neighbours."
        ),
    ]
    return "\n".join(lines) + "\n"


def quantised() -> str:
    """Compressed copies of the shipped graph at the gate."""
    found = read("results/quantised.json")
    rows = [
        "| copy | size | speed | correlation of the maps | hottest place stays | decisions that change | gate |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found["compressed"].items():
        gate, answers = one["gate"], one["answers"]
        changed = ", ".join(f"{count} at `{point}`" for point, count in answers["decisions_changed"].items())
        rows.append(
            f"| `{name}` | {one['bytes'] / 1e6:.1f} of {found['bytes'] / 1e6:.1f} MB | {one['times_faster']:.1f} times as fast"
            f" | {number(gate['against.correlation'], 4)} | {percent(gate['against.hottest-cell'])}"
            f" | {changed} | {'passes' if one['passes_the_gate'] else 'fails'} |"
        )
    rows += [
        "",
        (
            f"On {found['measured_on']['radiographs']} validation radiographs, calibrated on"
            f" {found['calibrated_on']['radiographs']} of `train`; speed of one pass on one thread, in turns with the original,"
        ),
        "on a machine that was doing other work ([all numbers](../../results/quantised.json)).",
    ]
    return "\n".join(rows) + "\n"


BLOCKS: dict[str, Callable[[], str]] = {
    "test-results": test_results,
    "speed": speed,
    "parity": parity,
    "filters": filters,
    "recipe-hours": recipe_hours,
    "audit": audit,
    "audit-verdicts": audit_verdicts,
    "evaluation-speed": evaluation_speed,
    "cached-training": cached_training,
    "same-views": same_views,
    "validation-designs": validation_designs,
    "ablation": ablation,
    "autograd-grad-cam": autograd_grad_cam,
    "finer-map": finer_map,
    "map-gallery": map_gallery,
    "quantised": quantised,
    "map-agreement": map_agreement,
    "serving": serving,
}


def rendered(text: str) -> str:
    """The document with every block written anew."""
    return BLOCK.sub(lambda found: found[1] + BLOCKS[found["name"]]() + found[4], text)


def documents() -> list[Path]:
    """Markdown files that hold numbers."""
    files = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("results/**/*.md")]
    return [path for path in files if BLOCK.search(path.read_text("utf-8"))]


def main() -> None:
    """Write all blocks."""
    for path in documents():
        path.write_text(rendered(path.read_text("utf-8")), encoding="utf-8")
        print(path.relative_to(PROJECT))


if __name__ == "__main__":
    main()
