"""The tables of docs/how-to/deploy.md about the server under load, from results/serving.json."""

from __future__ import annotations

from typing import Any

from blocks.words import read

BARE = {
    "session": "`model.onnx` alone",
    "model": "preprocessing and `model.onnx`",
    "bundle": "preprocessing and both graphs",
    "prediction": "`Predictor.predict`",
}


def serving() -> str:
    """Rates against bare uses, the answers at twice the load, and memory."""
    found = read("results/serving.json")
    return "\n".join([*introduction(found), *shares(found), *limits(found)]) + "\n"


def introduction(found: dict[str, Any]) -> list[str]:
    """What was measured, against what, and on what machine."""
    machine, load = found["machine"], found["numbers_only_of_224_px"]
    return [
        (
            f"Measured by `python benchmarks/serving.py` on {machine['cores']} cores, which the clients used too and other work"
            f" as well (load average {machine['load_average_before']:.0f}"
        ),
        (
            "when it began): `POST /v1/predictions?map=none` with files of 224 px"
            f" ({load['upload_bytes'] / 1000:.0f} kB), {load['rounds']} rounds ([all numbers](../../results/serving.json))."
        ),
        "",
        "Shares are of what the same machine does without a server, one thread a core with sessions of one thread each. Three of",
        "them are of arrays in memory: the model's graph alone; preprocessing and that graph; preprocessing and both graphs, for",
        "each answer looks for lungs too. `Predictor.predict` is the whole way from the file's bytes, as in an answer. A share is",
        "the median of the rounds' own shares, not the quotient of two medians.",
        "",
    ]


def shares(found: dict[str, Any]) -> list[str]:
    """By how many clients ask at a time."""
    load = found["numbers_only_of_224_px"]
    heads = [f"of {name} ({load['bare_per_second'][key]:.0f} a second)" for key, name in BARE.items()]
    rows = [
        f"| clients | answers a second | {' | '.join(heads)} | milliseconds, median | 99 % within | wrong answers |",
        "|---" * (len(BARE) + 5) + "|",
    ]
    for clients, one in load["clients"].items():
        cells = [f"{100 * one['share_of'][key]:.0f} %" for key in BARE]
        times = one["milliseconds"]["200"]
        rows.append(
            f"| {clients} | {one['answered_per_second']:.0f} | {' | '.join(cells)} | {times['p50']:.0f} | {times['p99']:.0f}"
            f" | {one['wrong_answers']} of {one['answers']['200']:,} |"
        )
    return [*rows, ""]


def limits(found: dict[str, Any]) -> list[str]:
    """Full size with a picture, twice the load, memory."""
    picture, twice, memory = found["with_picture_of_full_size"], found["twice_the_saturating_load"], found["memory"]
    sixteen, taken, refused = picture["clients"]["16"], twice["milliseconds"]["200"], twice["milliseconds"]["503"]
    return [
        (
            f"- **Full-size radiographs with a picture** (`POST /predict`, {picture['upload_bytes'] / 1000:.0f} kB, 16 clients):"
            f" {sixteen['answered_per_second']:.0f} a second, {100 * sixteen['share_of']['reference_answer']:.0f} % of what"
        ),
        (f"  the same answers reach without a server, but {100 * sixteen['share_of']['bundle']:.0f} % of both"),
        ("  graphs alone: decoding and drawing cost more than the model."),
        (
            f"- **Twice the load it can take** ({twice['asked_per_second']:.0f} requests a second):"
            f" {twice['answered_per_second']:.0f} answers a second, 99 % of them within {taken['p99']:.0f} ms;"
        ),
        (
            f"  all others are told `overloaded`, 99 % within {refused['p99']:.0f} ms. {twice['wrong_answers']} of"
            f" {twice['answers']['200']:,} answers were wrong, {twice['lost_connections']} connections lost."
        ),
        (
            f"- **Memory** (resident): {memory['started_mib']:.0f} MiB at the start, {memory['after_2000_mib']:.0f} MiB after"
            f" 2,000 requests, {memory['after_10000_mib']:.0f} MiB after 10,000; {memory['wrong_or_refused']} answers"
        ),
        "  wrong or refused.",
    ]
