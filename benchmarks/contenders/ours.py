"""Our recipes, through the product's own door: `build.tagger`."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..rival import Entity, Job, Rival, Tag


@dataclass(frozen=True)
class Ours(Rival):
    """A recipe of ours on the teacher."""

    libraries = ("onnxruntime", "openvino", "tokenizers")

    recipe: str

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.recipe

    def prepare(self, job: Job) -> None:
        """Build the artifact into the product's own cache."""
        from mma_core import build
        from mma_core.recipe import parse

        build.build(parse(self.recipe), teacher=job.teacher)

    def open(self, job: Job) -> Tag:
        """The tagger that app and command line use."""
        from mma_core import build
        from mma_core.recipe import parse

        tagger = build.tagger(parse(self.recipe), teacher=job.teacher, threads=job.threads)

        def tag(texts: Sequence[str], language: str) -> list[list[Entity]]:
            found = tagger.tag_texts(texts, language)
            return [[(span.start, span.end, span.label) for span in spans] for spans in found]

        return tag

    def size_bytes(self, job: Job) -> int:
        """Bytes of the artifact."""
        from mma_core import build
        from mma_core.recipe import parse

        return build.build(parse(self.recipe), teacher=job.teacher).size_bytes
