"""Several networks distilled into one, on validation: `python benchmarks/distillation.py --help`.

Teachers are trained by the base recipe on what no student validates with, each on a part of it, twice with other seeds,
so that every patient has two teachers that have not seen it. Students are trained like the base of ablation.py with the
same seeds, and learn from teachers and labels. The measures are ablation.py's. The test split is never read.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from ablation import BASE, measured, train, trained
from pneumoscope.dataset.manifest import Split, in_split, read_manifest, write_manifest
from pneumoscope.whole_file import write_whole

PARTS = 2
SHARE = 0.5
"""Of the right answer: the teachers' part."""


def teachers_manifest(place: argparse.Namespace) -> Path:
    """The radiographs that no student validates with."""
    bases = [read_manifest(trained("base", {}, seed, place) / "manifest.csv") for seed in place.seeds]
    validated = {row.patient for rows in bases for row in in_split(rows, Split.VALIDATION)}
    manifest: Path = place.distillation_runs / "teachers.csv"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    write_manifest([replace(row, split=Split.TRAIN) for row in bases[0] if row.patient not in validated], manifest)
    return manifest


def teacher(number: int, place: argparse.Namespace) -> Path:
    """The run folder of one teacher, trained unless its bundle is there; it has not learnt from the `number`-th part."""
    output: Path = place.distillation_runs / f"teacher{number}"
    if not (output / "bundle/card.json").is_file():
        design = ["--set=validation_design=folds", f"--set=validation_share={1 / PARTS}"]
        source = [f"--manifest={teachers_manifest(place)}", "--about=kermany"]
        train(place.base, number, output, [*design, *source], place)
    return output


def student(seed: int, place: argparse.Namespace) -> Path:
    """The run folder of one student."""
    output: Path = place.distillation_runs / f"student-seed{seed}"
    if not (output / "bundle/card.json").is_file():
        taught = [f"--teacher={teacher(number, place)}" for number in range(place.teachers)]
        train(place.base, seed, output, [*taught, f"--set=teachers_share={SHARE}"], place)
    return output


def main() -> None:
    """Train what is missing, measure, write after each student."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--data", "--lung-masks", "--output"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"), help="Where ablation.py has its base.")
    parser.add_argument("--distillation-runs", type=Path, default=Path("runs/distillation"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--base", default=BASE, help="Name or file of a recipe.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--teachers", type=int, default=4)
    parser.add_argument("--only-teacher", type=int, help="Train this one and end, so that several machines share them.")
    place = parser.parse_args()
    if place.only_teacher is not None:
        teacher(place.only_teacher, place)
        return
    for seed in place.seeds:
        row = {
            "base": measured(trained("base", {}, seed, place), place),
            "student": measured(student(seed, place), place),
        }
        found = json.loads(place.output.read_text("utf-8")) if place.output.is_file() else {"seeds": {}}
        found |= {"teachers": place.teachers, "parts": PARTS, "teachers_share": SHARE}
        found["seeds"][str(seed)] = row
        write_whole(place.output, (json.dumps(found, indent=1) + "\n").encode())
        print(seed, row, flush=True)


if __name__ == "__main__":
    main()
