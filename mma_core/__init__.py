"""MMA Explorer: what compression does to a multilingual named-entity tagger on CPU."""

import sys

from . import steps as steps

# With it, OpenVINO and NNCF report conversions to their maker, unasked, from a forked process; without it they do not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
