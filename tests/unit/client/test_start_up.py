"""What the client needs, and what it does not."""

from __future__ import annotations

import subprocess
import sys


def printed_by(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_the_client_needs_neither_the_model_nor_the_server():
    script = "import pneumoscope.client.client, sys; print(*sys.modules)"
    modules = set(printed_by(script).split())
    assert "httpx" in modules
    assert not modules & {"numpy", "onnxruntime", "torch", "PIL", "fastapi", "pneumoscope.web", "pneumoscope.inference"}
