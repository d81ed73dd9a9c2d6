"""What cached activations save, and whether they teach the same."""

from __future__ import annotations

from blocks.words import PROJECT, read


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
