"""MMA Explorer: what compression does to a multilingual named-entity tagger on CPU."""

import os
import sys

from . import steps as steps

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# With it, OpenVINO and NNCF report conversions to their maker, unasked, from a forked process; without it they do not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
