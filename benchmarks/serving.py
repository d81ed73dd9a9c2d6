"""What the server adds to the model, under load: `python benchmarks/serving.py --output results/serving.json`.

A real server process, clients in another process on the same cores (their CPU time is told), over loopback. Rates are
radiographs a second. Bare rates use one thread a core, each with sessions of one thread, on radiographs decoded already:

- `session`: model.onnx alone, on its input ready in memory;
- `model`: preprocessing and model.onnx;
- `bundle`: preprocessing, lungs.onnx, model.onnx: what the bundle's graphs do for each answer. Shares are of this rate,
  and of the others beside it;
- `prediction`: `Predictor.predict` on the file's bytes: decoding, gate and warnings too, but no server;
- `reference_answer`: the answer of `POST /predict` on the file's bytes, picture drawn, but no server.

Rounds take turns, and each number is the median of the rounds. Needs Linux (/proc).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

from pneumoscope.explanation.coloring import Coloring
from pneumoscope.inference.pool import usable_cores
from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.answer import reference_answer

PROJECT = Path(__file__).parents[1]
EXAMPLES = sorted((PROJECT / "examples/radiographs").rglob("*.jpeg"))
COMMAND = [sys.executable, "-m", "pneumoscope.cli"]
CLIENT = [sys.executable, str(Path(__file__).with_name("serving_client.py"))]
NUMBERS_ONLY = "/v1/predictions?map=none"
WITH_PICTURE = "/predict"
CLIENTS = (1, 4, 16, 64)
BARE_SECONDS = 1.5
LOAD_SECONDS = 3.0
OVERLOAD_SECONDS = 6.0
MEMORY_AT = (2_000, 10_000)
ENOUGH_WAITING = 64


class Server:
    """A server process that runs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def load(self, path: str, uploads: list[dict[str, Any]], **plan: Any) -> dict[str, Any]:
        """What the clients measured while they carried out a plan, and the CPU time of a request on either side."""
        before = self.cpu_seconds()
        whole = {"host": "127.0.0.1", "port": self.port, "path": path, "uploads": uploads, **plan}
        found = subprocess.run(CLIENT, input=json.dumps(whole), check=True, capture_output=True, text=True)
        result: dict[str, Any] = json.loads(found.stdout)
        result["server_cpu_milliseconds"] = 1000 * (self.cpu_seconds() - before) / result["sent"]
        result["client_cpu_milliseconds"] = 1000 * result["cpu_seconds"] / result["sent"]
        result["answered_per_second"] = result["answers"].get("200", 0) / result["seconds"]
        return result

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Resident now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def served(*options: str) -> Iterator[Server]:
    """`pneumoscope serve` with these options, stopped at the end as a service is."""
    with subprocess.Popen([*COMMAND, "serve", "--port", "0", *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Server(process, int(process.stdout.readline().split()[4].rstrip("/").rpartition(":")[2]))
        finally:
            process.terminate()
            if process.wait(60):
                raise SystemExit(f"The server ended with {process.returncode}.")


def small_files(folder: Path) -> list[Path]:
    """The shipped radiographs at the model's size, as many data sets hold them."""
    files = [folder / path.name for path in EXAMPLES]
    for path, file in zip(EXAMPLES, files, strict=True):
        with Image.open(path) as picture:
            picture.convert("L").resize((224, 224), Image.Resampling.BILINEAR).save(file, quality=92)
    return files


def uploads_of(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Each file with the probability that the command line says."""
    found = subprocess.run(
        [*COMMAND, "predict", "--json", *map(str, files)], check=True, capture_output=True, text=True
    )
    results = [json.loads(line) for line in found.stdout.splitlines()]
    return [{"file": result["file"], "probability": result["probability"]} for result in results]


def bare_uses(predictor: Predictor, files: Sequence[Path]) -> dict[str, Callable[[int], object]]:
    """Each kind of bare use, of the radiograph with a number."""
    contents = [path.read_bytes() for path in files]
    grays = [predictor.predict(content).radiograph for content in contents]
    inputs = [predictor.preprocessing(predictor.preprocessing.sample(one.gray))[np.newaxis] for one in grays]
    coloring = Coloring(scale_logit=predictor.bundle.card.saliency.scale_logit)

    def model(number: int) -> None:
        predictor.run(predictor.preprocessing(predictor.preprocessing.sample(grays[number].gray))[np.newaxis])

    def bundle(number: int) -> None:
        seen = predictor.preprocessing.sample(grays[number].gray)
        predictor.lungs_in(grays[number], seen)
        predictor.run(predictor.preprocessing(seen)[np.newaxis])

    uses: dict[str, Callable[[int], object]] = {
        "session": lambda number: predictor.run(inputs[number]),
        "model": model,
        "bundle": bundle,
        "prediction": lambda number: predictor.predict(contents[number]),
        "reference_answer": lambda number: reference_answer(contents[number], predictor, coloring),
    }
    return {
        name: lambda number, use=use: use(number % len(files))  # type: ignore[misc]
        for name, use in uses.items()
    }


def rate(use: Callable[[int], object]) -> float:
    """Calls a second with one thread a core."""

    def until_the_end(first: int) -> int:
        number = first
        while time.perf_counter() < end:
            use(number)
            number += 1
        return number - first

    began = time.perf_counter()
    end = began + BARE_SECONDS
    with ThreadPoolExecutor(usable_cores()) as pool:
        calls = sum(pool.map(until_the_end, range(usable_cores())))
    return calls / (time.perf_counter() - began)


def small_batches(predictor: Predictor, files: Sequence[Path], rounds: int) -> dict[str, Any]:
    """Several in one pass of the graph, which a server could collect: one thread a core, each with its own batches."""
    radiographs = [predictor.predict(path).radiograph for path in files]

    def batch(size: int) -> Callable[[int], object]:
        return lambda number: predictor.predict_batch(
            [radiographs[(number + k) % len(radiographs)] for k in range(size)]
        )

    uses = {size: batch(size) for size in (1, 2, 4, 8, 16)}
    found: dict[int, list[float]] = {size: [] for size in uses}
    for _ in range(rounds):
        for size, use in uses.items():
            found[size].append(size * rate(use))
    return {f"batch_{size}_per_second": statistics.median(values) for size, values in found.items()}


def rounds_of(
    server: Server, path: str, files: list[Path], clients: Sequence[int], bare: Sequence[str], rounds: int
) -> dict[str, Any]:
    """Bare uses and loads in turns; medians, and what was seen at worst."""
    uploads, uses = uploads_of(files), bare_uses(Predictor.open(threads=1), files)
    found: dict[str, list[dict[str, Any]]] = {str(count): [] for count in clients}
    rates: dict[str, list[float]] = {name: [] for name in bare}
    server.load(path, uploads, connections=8, seconds=1.0)
    for _ in range(rounds):
        for name in bare:
            rates[name].append(rate(uses[name]))
        for count in clients:
            found[str(count)].append(server.load(path, uploads, connections=count, seconds=LOAD_SECONDS))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "path": path,
        "upload_bytes": statistics.mean(file.stat().st_size for file in files),
        "rounds": rounds,
        "bare_per_second": medians,
        "clients": {name: summary(results, rates) for name, results in found.items()},
    }


def summary(results: list[dict[str, Any]], rates: dict[str, list[float]]) -> dict[str, Any]:
    """Of one number of clients. Shares are medians of the rounds' own, since a disturbance hits a round's parts alike."""
    per_second = [result["answered_per_second"] for result in results]
    cores = usable_cores()
    alone = [
        result["answers"].get("200", 0) / (result["seconds"] - result["cpu_seconds"] / cores) for result in results
    ]
    return {
        "answered_per_second": statistics.median(per_second),
        "share_of": {
            name: statistics.median(one / other for one, other in zip(per_second, values, strict=True))
            for name, values in rates.items()
        },
        "share_without_clients_of": {
            name: statistics.median(one / other for one, other in zip(alone, values, strict=True))
            for name, values in rates.items()
        },
        **worst_of(results),
    }


def worst_of(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Answers of all rounds together, median times, and the CPU time of one request."""
    statuses = sorted({status for result in results for status in result["answers"]})
    return {
        "answers": {status: sum(result["answers"].get(status, 0) for result in results) for status in statuses},
        "wrong_answers": sum(result["wrong_answers"] for result in results),
        "largest_difference": max(result["largest_difference"] for result in results),
        "lost_connections": sum(result["lost_connections"] for result in results),
        "milliseconds": {
            status: {
                name: statistics.median(
                    result["milliseconds"][status][name] for result in results if status in result["milliseconds"]
                )
                for name in ("p50", "p99", "largest")
            }
            for status in statuses
        },
        "server_cpu_milliseconds": statistics.median(result["server_cpu_milliseconds"] for result in results),
        "client_cpu_milliseconds": statistics.median(result["client_cpu_milliseconds"] for result in results),
    }


def overload(files: list[Path], saturating: float, rounds: int) -> dict[str, Any]:
    """Twice the saturating rate, evenly spaced, whether or not answers come, on a server with its default queue."""
    uploads = uploads_of(files)
    with served() as server:
        server.load(NUMBERS_ONLY, uploads, connections=8, seconds=1.0)
        results = [
            server.load(NUMBERS_ONLY, uploads, connections=128, seconds=OVERLOAD_SECONDS, rate=2 * saturating)
            for _ in range(rounds)
        ]
    asked = statistics.median(result["sent"] / result["seconds"] for result in results)
    answered = statistics.median(result["answered_per_second"] for result in results)
    return {"asked_per_second": asked, "answered_per_second": answered, **worst_of(results)}


def memory(small: list[Path], full_size: list[Path]) -> dict[str, Any]:
    """Resident memory after so many requests, one in five of them with a full-size radiograph and a picture drawn."""
    few, many = uploads_of(full_size), uploads_of(small)
    done, wrong = 0, 0
    result: dict[str, Any] = {}
    with served() as server:
        result["started_mib"] = server.memory_mib()
        for count in MEMORY_AT:
            while done < count:
                loads = ((NUMBERS_ONLY, many, 400), (WITH_PICTURE, few, 100))
                for path, uploads, requests in loads:
                    found = server.load(path, uploads, connections=8, requests=requests)
                    wrong += found["wrong_answers"] + found["sent"] - found["answers"].get("200", 0)
                    done += found["sent"]
            result[f"after_{count}_mib"] = server.memory_mib()
    first, last = (result[f"after_{count}_mib"] for count in MEMORY_AT)
    return {**result, "growth": last / first - 1, "wrong_or_refused": wrong}


def main() -> None:
    """Measure everything and write one JSON file."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--output", type=Path, required=True)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        small = small_files(Path(name))
        predictor = Predictor.open(threads=1)
        with served("--waiting", str(ENOUGH_WAITING)) as server:
            numbers = rounds_of(
                server, NUMBERS_ONLY, small, CLIENTS, ("session", "model", "bundle", "prediction"), given.rounds
            )
            pictures = rounds_of(server, WITH_PICTURE, EXAMPLES, (16,), ("bundle", "reference_answer"), given.rounds)
        saturating = max(load["answered_per_second"] for load in numbers["clients"].values())
        result = {
            "machine": {
                "cores": usable_cores(),
                "python": platform.python_version(),
                "onnxruntime": onnxruntime.__version__,
                "load_average_before": os.getloadavg()[0],
            },
            "bundle": predictor.bundle.title,
            "numbers_only_of_224_px": numbers,
            "with_picture_of_full_size": pictures,
            "twice_the_saturating_load": overload(small, saturating, given.rounds),
            "micro_batches": small_batches(predictor, small, given.rounds),
            "memory": memory(small, EXAMPLES),
        }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
