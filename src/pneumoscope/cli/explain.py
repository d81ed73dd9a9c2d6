"""`pneumoscope explain`: where the answer to one radiograph comes from, by several methods and drawn in several ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from PIL import Image

from pneumoscope.cli.bar import Bar
from pneumoscope.cli.main import DISCLAIMER, printable
from pneumoscope.errors import MissingExtra, UnusableOption
from pneumoscope.explanation.coloring import DEFAULT_ALPHA, Coloring
from pneumoscope.explanation.contours import checked_levels, levels_of_scale
from pneumoscope.explanation.methods import Method, MethodSettings
from pneumoscope.explanation.png import png_bytes
from pneumoscope.explanation.rise import MASKS
from pneumoscope.explanation.sheet import Style
from pneumoscope.explanation.sheet_parts import DEFAULT_PANEL_PX
from pneumoscope.inference.explain import ExplainedRadiograph, explain_with_bundle, full_result, sheet_of
from pneumoscope.inference.explain_classifier import explain_any_classifier
from pneumoscope.inference.explainable import AnyClassifier, ExplainableBundle
from pneumoscope.inference.pool import usable_cores
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.reading import read_radiograph
from pneumoscope.whole_file import write_whole

COLORMAP = "coolwarm"
FOREIGN_SCALE = 1.0


@click.command()
@click.argument("radiograph", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle folder; the shipped one by default.")
@click.option("--operating-point", metavar="NAME", help="As for `predict`.")
@click.option("--onnx", type=click.Path(path_type=Path, dir_okay=False), help="Any ONNX classifier instead.")
@click.option("--input-size", type=click.IntRange(32, 4096), metavar="N", help="Its pictures are N x N pixels.")
@click.option("--output-index", type=int, help="Which of its numbers for a picture; 0, the first, by default.")
@click.option("--mean", type=float, help="It sees (gray - mean) / std, gray in [0, 1]; 0 by default.")
@click.option("--std", type=float, help="1 by default; not 0.")
@click.option(
    "--method", type=click.Choice([method.value for method in Method]), help="grad-cam; with --onnx occlusion."
)
@click.option(
    "--style", default=Style.SIDE_BY_SIDE.value, show_default=True, type=click.Choice([style.value for style in Style])
)
@click.option("--levels", metavar="L,L,...", help="Contour lines at these levels; shares of the scale otherwise.")
@click.option("--colormap", default=COLORMAP, show_default=True, metavar="NAME", help="As for `predict`.")
@click.option("--alpha", default=DEFAULT_ALPHA, show_default=True, type=float, help="Strength of colour, 0 to 1.")
@click.option("--scale", type=float, help="Where colours end; the card's, with --onnx 1. The same for every picture.")
@click.option("--original-size", is_flag=True, help="Draw at the radiograph's own resolution.")
@click.option("--masks", default=MASKS, show_default=True, type=click.IntRange(16), help="Of RISE.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of occlusion and RISE.")
@click.option("--budget-seconds", type=float, help="Occlusion and RISE stop then, with what they have.")
@click.option("--similar", default=0, metavar="K", help="Name the K most similar training radiographs.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for picture and JSON.")
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def command(radiograph: Path, output: Path | None, *, as_json: bool, **options: Any) -> None:
    """Explain the answer to one radiograph.

    Without --output nothing is drawn. Grad-CAM is the map in the bundle's graph, whose sum and bias are the logit.
    """
    method = chosen_method(options["method"], foreign=options["onnx"] is not None)
    refuse_what_would_be_ignored(options)
    settings = MethodSettings(seed=options["seed"], masks=options["masks"], budget_seconds=options["budget_seconds"])
    model = chosen_model(method, options)
    coloring = Coloring(
        scale_logit=chosen_scale(model, options["scale"]), colormap=options["colormap"], alpha=options["alpha"]
    )
    levels = checked_levels(numbers(options["levels"]), coloring) if options["levels"] else levels_of_scale(coloring)
    seen = read_radiograph(radiograph)
    name, similar = str(radiograph), options["similar"]
    with Bar(" masks") as watch:
        if isinstance(model, AnyClassifier):
            found = explain_any_classifier(name, seen, model, options["onnx"], method, settings=settings, watch=watch)
        else:
            found = explain_with_bundle(
                name, seen, model, method, settings=settings, similar=similar, compare=True, watch=watch
            )
    result = full_result(found, model)
    result["rendering"] = {
        "style": str(options["style"]),
        "colormap": coloring.colormap,
        "alpha": coloring.alpha,
        "scale": coloring.scale_logit,
        "levels": list(levels) if options["style"] == Style.CONTOURS else None,
    }
    if output:
        panel_px = None if options["original_size"] else DEFAULT_PANEL_PX
        sheet = sheet_of(found, coloring, style=Style(options["style"]), levels=levels, panel_px=panel_px)
        write_explanation(output, f"{radiograph.name}.{method}.{options['style']}", sheet, result)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace"))
    else:
        tell(found, output / result["picture"] if output else None)
    click.echo(DISCLAIMER, err=True)


def write_explanation(folder: Path, stem: str, sheet: Image.Image, result: dict[str, Any]) -> None:
    """Picture and JSON beside each other; the result gets the name of the picture."""
    write_whole(folder / f"{stem}.png", png_bytes(sheet))
    result["picture"] = f"{stem}.png"
    as_text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    write_whole(folder / f"{stem}.json", f"{as_text}\n".encode(errors="replace"))


def refuse_what_would_be_ignored(options: dict[str, Any]) -> None:
    """Options that go only with another, given without it."""
    if options["levels"] and options["style"] != Style.CONTOURS:
        raise UnusableOption(
            "levels-impossible", "--levels are of contour lines.", remedy="Add --style contours, or leave --levels out."
        )
    of_onnx = [name for name in ("input_size", "output_index", "mean", "std") if options[name] is not None]
    if of_onnx and options["onnx"] is None:
        named = ", ".join("--" + name.replace("_", "-") for name in of_onnx)
        raise UnusableOption(
            "onnx-options", f"{named} without --onnx.", remedy="A bundle knows its own; or add --onnx."
        )


def chosen_method(name: str | None, *, foreign: bool) -> Method:
    """By name; of a graph without a map, what asks least of it."""
    return Method(name) if name else Method.OCCLUSION if foreign else Method.GRAD_CAM


def chosen_model(method: Method, options: dict[str, Any]) -> ExplainableBundle | AnyClassifier:
    """The bundle, with its feature map where the method needs it, or the classifier of --onnx."""
    threads = usable_cores()
    if options["onnx"] is not None:
        of_bundle = [name for name in ("bundle", "operating_point", "similar") if options[name]]
        if options["input_size"] is None or of_bundle:
            raise UnusableOption(
                "onnx-options",
                "--onnx needs --input-size; it goes without --bundle, --operating-point and --similar.",
                remedy="For instance: --onnx model.onnx --input-size 224 --method occlusion.",
            )
        return AnyClassifier.open(
            options["onnx"],
            size_px=options["input_size"],
            output_index=options["output_index"] or 0,
            mean=0.0 if options["mean"] is None else options["mean"],
            std=1.0 if options["std"] is None else options["std"],
            threads=threads,
        )
    predictor = Predictor.open(options["bundle"], operating_point=options["operating_point"], threads=threads)
    plain = ExplainableBundle(predictor)
    if not method.needs_feature_map or (method is Method.HIRES_CAM and plain.gradient_is_constant):
        return plain
    try:
        from pneumoscope.model.feature_outputs import with_feature_outputs
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "reference-extra-missing",
            f"{method} needs the package onnx, to have the graph return its feature map.",
            remedy="pip install '.[explain]' in a copy of the repository",
        ) from error
    features = with_feature_outputs(predictor.bundle.model)
    return ExplainableBundle(predictor, feature_graph=features.content, pool=features.pool, threads=threads)


def chosen_scale(model: ExplainableBundle | AnyClassifier, given: float | None) -> float:
    """Where colours end: never stretched to the picture."""
    if given is not None:
        return given
    return model.predictor.bundle.card.saliency.scale_logit if isinstance(model, ExplainableBundle) else FOREIGN_SCALE


def numbers(text: str) -> list[float]:
    """The numbers of a list with commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UnusableOption(
            "levels-impossible", f"{text[:60]!r} is no list of numbers.", remedy="For instance: --levels 0.2,0.4,0.8"
        ) from error


def tell(found: ExplainedRadiograph, picture: Path | None) -> None:
    """For people."""
    prediction = found.prediction
    answer = f"answer {found.answer:.4g} of {printable(str(found.model['name']))}"
    if prediction:
        point = prediction.operating_point
        answer = (
            f"probability {prediction.probability:.3f}, {prediction.decision} ({point.name}, {point.threshold:.3f})"
        )
    click.echo(f"{printable(found.file)}: {answer}")
    click.echo(f"  {found.method_line}")
    for line in (*found.sums, found.trust_line):
        if line:
            click.echo(f"  {line}")
    for warning in prediction.warnings if prediction else ():
        click.echo(f"  warning: {printable(warning.message)} [{warning.code}]")
    for case in found.similar:
        same = "  (perhaps this very film)" if case.perhaps_same else ""
        click.echo(f"  similar: {case.case_id}  {case.label} {case.subtype or '-'}  distance {case.distance:.3f}{same}")
    if found.attribution and picture:
        click.echo(f"  small pictures: {printable(found.attribution)}")
    if picture:
        click.echo(f"  picture: {printable(str(picture))}")
