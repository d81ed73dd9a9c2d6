"""2,000 damaged files through the command: each ends in a result or one of our errors, in bounded memory."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from fuzz.mutations import mutated_files
from fuzz.seed_files import seed_files
from pneumoscope.radiograph.refusal import RefusalCode

EXAMPLES = Path(__file__).parents[2] / "examples/radiographs"
COUNT = 2000
GIBIBYTE_KIB = 1024 * 1024


MEASURE = """
import json, resource, subprocess, sys
run = subprocess.run(sys.argv[1:], capture_output=True)
peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([run.stdout.decode(), run.stderr.decode(errors="replace"), run.returncode, peak_kib]))
"""
"""Run by a small process of its own: a child's peak memory begins with its parent's."""


def predicted(folder: Path) -> tuple[list[dict], str, int, int]:
    """Results, standard error, exit status and peak memory (KiB) of one run of the command."""
    command = [sys.executable, "-m", "pneumoscope.cli", "predict", str(folder), "--json"]
    run = subprocess.run([sys.executable, "-c", MEASURE, *command], capture_output=True, check=True, timeout=500)
    output, errors, status, peak_kib = json.loads(run.stdout)
    return [json.loads(line) for line in output.splitlines()], errors, status, peak_kib


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged") / "files"
    folder.mkdir()
    real = sorted(EXAMPLES.rglob("*.jpeg"), key=lambda path: path.stat().st_size)[:4]
    seeds = [*seed_files(), *(path.read_bytes() for path in real)]
    for number, data in enumerate(mutated_files(seeds, COUNT, np.random.default_rng(20261122))):
        (folder / f"{number:04}").write_bytes(data)
    return predicted(folder)


def test_every_damaged_file_is_answered_or_refused_with_a_known_reason(run):
    results, errors, status, _ = run
    assert len(results) == COUNT
    codes = [result["error"]["code"] for result in results if result["error"]]
    assert set(codes) <= set(RefusalCode)
    assert COUNT / 3 < len(codes) < COUNT
    assert status == 3
    assert "Traceback" not in errors


def test_every_refusal_says_how_to_mend_it(run):
    results, _, _, _ = run
    assert all(result["error"]["message"] and result["error"]["remedy"] for result in results if result["error"])


def test_no_damaged_file_takes_a_gibibyte(run):
    _, _, _, peak_kib = run
    assert peak_kib < GIBIBYTE_KIB


@pytest.mark.parametrize("side_px", [20_000, 60_000])
def test_a_decompression_bomb_is_refused_from_its_header_at_no_cost(tmp_path, side_px):
    """A PNG of nothing but one gray: kilobytes on disk, up to 3.6 gigapixels when decoded."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(9)
    row = bytes(1 + side_px)
    packed = b"".join(packer.compress(row) for _ in range(2000)) + packer.flush()
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    (tmp_path / "files").mkdir()
    (tmp_path / "files/bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )
    (result,), _, status, peak_kib = predicted(tmp_path / "files")
    assert result["error"]["code"] == "too-large"
    assert status == 3
    assert peak_kib < 250_000
