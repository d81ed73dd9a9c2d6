"""From finished runs to the bundle that ships and its record: `python benchmarks/release.py --help`.

Takes the run of the seed that is to ship, those of the further seeds, and that of their twin. Every step is a command of
the project; those done are noted in `runs/release-MODEL.txt` and not done again, so an interrupted release goes on where it stopped.
The test split is opened once for each seed, and once more for the shortcut audit of the one that ships. What a person has
to write anew is said at the end. `--list` shows the steps and does none. To be called from the project's own folder.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pneumoscope.bundle.bundle import open_bundle, write_bundle

RESULTS = Path("results")
SHIPPED = Path("src/pneumoscope/bundle/default")
CHECKLISTS = Path("src/pneumoscope/report/checklists.toml")
MODEL_CARD = Path("MODEL_CARD.md")
RECORD = ("recipe.json", "manifest.csv", "history.csv", "curves.png")
OF_A_FURTHER_SEED = ("evaluation.json", "scores.csv", "scores.origin.json")
"""What is kept of a further seed's test."""
AUDITS = {"audit", "explain-audit"}
AUDIT_FAILED_ROWS = 10
"""The exit status of an audit of which rows fail: that is a result."""
PREVALENCE = "0.05"
BY_HAND = (
    "the prose of docs/explanation: the-model, the-shortcut-audit, the-explanation-audit, what-the-map-shows (look at the maps)",
    "tests/architecture/test_map_gallery.py, which holds that prose to the files",
    "the examples of the page (src/pneumoscope/web/page.py): one found, one normal, one uncertain",
    "the README of each record, CHANGELOG.md",
    "make pictures screenshots check",
)


def pneumoscope(*arguments: str | Path) -> list[str]:
    """A command of the package, by this Python."""
    return [sys.executable, "-m", "pneumoscope.cli", *map(str, arguments)]


def benchmark(name: str, *arguments: str | Path) -> list[str]:
    """A script beside this one."""
    return [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *map(str, arguments)]


def steps(place: argparse.Namespace) -> Iterator[list[str]]:
    """In the order in which they must be done."""
    record, twin = RESULTS / f"{place.name}-seed0", RESULTS / f"{place.name}-twin"
    data, sizes, masks = f"--data={place.data}", f"--sizes={place.sizes}", f"--lung-masks={place.lung_masks}"
    own = f"--manifest={place.run / 'manifest.csv'}"
    yield pneumoscope("calibrate-map", data, own)
    yield pneumoscope("index", data, own, "--thumbnails", f"--report={RESULTS / 'similar-cases.json'}")
    test = (data, "--split=test", sizes, "--into-card")
    evaluated = ("evaluate", *test, f"--prevalence={PREVALENCE}")
    yield pneumoscope(*evaluated, f"--output={record / 'test'}")
    yield pneumoscope("audit", *test, f"--output={record / 'audit-test'}")
    for number, run in enumerate(place.seeds, start=1):
        output = RESULTS / f"{place.name}-seed{number}/test"
        yield pneumoscope(*evaluated, f"--bundle={run / 'bundle'}", f"--output={output}")
    validation = (data, own, "--split=validation", sizes)
    yield pneumoscope("evaluate", *validation, f"--output={record / 'validation'}")
    yield pneumoscope("audit", *validation, masks, f"--output={record / 'audit-validation'}")
    yield pneumoscope("explain-audit", data, own, masks, f"--output={record / 'explanation-validation'}")
    of_twin = (f"--bundle={place.twin / 'bundle'}", data, f"--manifest={place.twin / 'manifest.csv'}")
    yield pneumoscope("evaluate", *of_twin, "--split=validation", sizes, f"--output={twin / 'validation'}")
    scores, rules = twin / "validation/scores.csv", RESULTS / "balanced-threshold.json"
    yield benchmark("balanced_threshold", f"--scores={scores}", f"--output={rules}")
    yield pneumoscope("audit", *of_twin, "--split=validation", sizes, masks, f"--output={twin / 'audit-validation'}")
    originals = (f"--data={place.originals}", "--split=train")
    yield pneumoscope("audit", *originals, f"--output={record / 'audit-originals'}")
    parity = f"--output={RESULTS / 'preprocessing-parity.json'}"
    yield pneumoscope("parity", place.originals, place.data, parity)
    yield benchmark("map_gallery", data, own)
    yield benchmark("quantised", data, own)
    yield benchmark("five_seeds")
    yield benchmark("tables")
    measured = ("--evaluation", record / "test/evaluation.json", "--audit", record / "audit-test/audit.json")
    yield pneumoscope("card", *measured, "--output", MODEL_CARD)


def install(place: argparse.Namespace) -> None:
    """The run's model becomes the one that ships, with the lung segmentation there is, and what made it its record.

    Nothing where it ships already. The index of similar cases goes with the model that it was made from.
    """
    shipped, new = open_bundle(SHIPPED), open_bundle(place.run / "bundle")
    if shipped.model != new.model:
        write_bundle(SHIPPED, replace(new.card, lungs=shipped.card.lungs), new.model, shipped.lungs)
        checklists = CHECKLISTS.read_text("utf-8")
        sha256 = hashlib.sha256(new.model).hexdigest()
        CHECKLISTS.write_text(re.sub(r'(?m)^model_sha256 = ".*"$', f'model_sha256 = "{sha256}"', checklists), "utf-8")
    keep_record(place.run, RESULTS / f"{place.name}-seed0", [*RECORD, "weights.safetensors"])
    for number, run in enumerate(place.seeds, start=1):
        keep_record(run, RESULTS / f"{place.name}-seed{number}", RECORD)
    keep_record(place.twin, RESULTS / f"{place.name}-twin", RECORD)
    shutil.copyfile(place.twin / "bundle/card.json", RESULTS / f"{place.name}-twin/card.json")


def keep_record(run: Path, folder: Path, names: list[str] | tuple[str, ...]) -> None:
    """What a run leaves behind in `results/`; what was measured of another run there before goes."""
    if all((folder / name).is_file() and (folder / name).read_bytes() == (run / name).read_bytes() for name in names):
        return
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    for name in names:
        shutil.copyfile(run / name, folder / name)


def done_so_far(journal: Path) -> set[str]:
    """The commands that an earlier call has done."""
    return set(journal.read_text("utf-8").splitlines()) if journal.is_file() else set()


def keep_what_counts(place: argparse.Namespace) -> None:
    """Of a further seed's test the scores and the evaluation; its figures tell nothing that the first one's do not."""
    for number in range(1, len(place.seeds) + 1):
        for path in (RESULTS / f"{place.name}-seed{number}/test").iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in OF_A_FURTHER_SEED:
                path.unlink()


def main() -> None:
    """Install, measure, write; then say what is left to a person."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--run", "--twin", "--data", "--lung-masks", "--sizes", "--originals"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--seeds", type=Path, nargs="*", default=[], help="The runs of the further seeds.")
    parser.add_argument("--name", default="efficientnet-lite0", help="What the records in results/ are called.")
    parser.add_argument("--list", action="store_true", help="Only show the steps.")
    place = parser.parse_args()
    if place.list:
        for command in steps(place):
            print(shlex.join(command))
        return
    if not (RESULTS.is_dir() and SHIPPED.is_dir()):
        sys.exit("Call this from the project's own folder: it writes into results/ and src/.")
    install(place)
    model = hashlib.sha256((place.run / "bundle/model.onnx").read_bytes()).hexdigest()
    journal = Path("runs") / f"release-{model[:12]}.txt"
    for command in steps(place):
        line = shlex.join(command)
        if line in done_so_far(journal):
            continue
        print(line, flush=True)
        status = subprocess.run(command, check=False).returncode
        accepted = {0, AUDIT_FAILED_ROWS} if AUDITS & set(command) else {0}
        if status not in accepted:
            sys.exit(f"This step ended with {status}. Mend what it says, and call again: the steps before it are kept.")
        with journal.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    keep_what_counts(place)
    print("Left to a person:", *BY_HAND, sep="\n- ")


if __name__ == "__main__":
    main()
