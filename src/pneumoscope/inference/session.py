"""A graph open in ONNX Runtime on the processors."""

from __future__ import annotations

import onnxruntime

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.errors import UnusableBundle


def cpu_session(content: bytes, *, threads: int) -> onnxruntime.InferenceSession:
    """A session on an ONNX file's content; 0 threads takes the machine's cores. Errors are ONNX Runtime's own."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if threads == 1:  # callers share the cores, and a thread that spins would take theirs
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def foreign_graph(bundle: Bundle, file: str, what: str) -> UnusableBundle:
    """The error for a graph that is not one of ours."""
    return UnusableBundle(
        "bundle-foreign",
        f"{bundle.folder / file} {what}.",
        remedy="Use a bundle that `pneumoscope train` made.",
    )
