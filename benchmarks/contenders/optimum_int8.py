"""Optimum's own int8 export of the same teacher: `ORTModelForTokenClassification` in a pipeline."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..rival import Job, Made, Tag
from .transformers_pipeline import AGGREGATION, tagging

MODEL = "model_quantized.onnx"


@dataclass(frozen=True)
class OptimumInt8(Made):
    """Export and dynamic quantisation as Optimum's guide shows them, with its settings for this CPU."""

    environment = "optimum"
    libraries = ("optimum-onnx", "optimum", "transformers", "onnxruntime", "torch")

    batch_size: int

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"Optimum int8 pipeline, batch {self.batch_size}"

    def make(self, job: Job, folder: Path) -> None:
        """Export to ONNX, quantise, and keep only what runs."""
        from optimum.onnxruntime import ORTModelForTokenClassification, ORTQuantizer
        from optimum.onnxruntime.configuration import AutoQuantizationConfig
        from transformers import AutoTokenizer

        settings = AutoQuantizationConfig.avx512_vnni if job.vnni else AutoQuantizationConfig.avx2
        with TemporaryDirectory() as plain:
            ORTModelForTokenClassification.from_pretrained(job.checkpoint, export=True).save_pretrained(plain)
            quantizer = ORTQuantizer.from_pretrained(plain)
            quantizer.quantize(save_dir=folder, quantization_config=settings(is_static=False))
        AutoTokenizer.from_pretrained(job.checkpoint).save_pretrained(folder)

    def open(self, job: Job) -> Tag:
        """Load the export with as many threads as everyone."""
        from onnxruntime import SessionOptions
        from optimum.onnxruntime import ORTModelForTokenClassification
        from transformers import AutoTokenizer, pipeline

        options = SessionOptions()
        options.intra_op_num_threads = job.threads
        model = ORTModelForTokenClassification.from_pretrained(job.model, file_name=MODEL, session_options=options)
        tokenizer = AutoTokenizer.from_pretrained(job.model)
        run = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy=AGGREGATION)
        return tagging(run, self.batch_size)
