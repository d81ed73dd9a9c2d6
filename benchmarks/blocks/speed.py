"""How fast things are: predicting, evaluating, Grad-CAM."""

from __future__ import annotations

from blocks.words import read


def map_cost(overhead: float) -> str:
    """In words; less time with the map than without is the noise of the clock."""
    share = f"{100 * overhead:.1f} % of the graph's time"
    return share if overhead > 0 else f"nothing that can be measured ({share})"


def speed() -> str:
    """The ratios of the speed benchmark."""
    found = read("results/speed.json")
    field, small, full = found["against_field_practice"], found["small_files"], found["full_size_files"]
    alone = found["one_core_seconds"]
    rows = [
        (
            f"Medians and ratios from one run of `python benchmarks/speed.py` on {found['machine']['cores']} cores"
            " ([all numbers](results/speed.json)):"
        ),
        "",
        "| | |",
        "|---|---|",
        (
            f"| one file to probability and map on one core, median of {alone['files']} full-size radiographs | "
            f"{1000 * alone['median']:.0f} ms; the slowest {1000 * alone['slowest']:.0f} ms |"
        ),
        f"| the saliency map in the graph costs | {map_cost(found['map_overhead']['batch_1']['overhead'])} |",
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
