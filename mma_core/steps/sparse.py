"""Set most weights to zero."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class Sparse(Step):
    """Set the share S of each matrix's weights to zero, the smallest first, while the model is fine-tuned on labels.

    Gradual magnitude pruning (Ogueji et al. 2022, "Intriguing Properties of Compression on Multilingual Models", with
    and without the embeddings). Their schedule is not known to us; ours is the cubic one of Zhu & Gupta 2017
    (training/sparsity.py), the same share in every matrix of the layers, never in normalisations, biases or the
    classifier. The word embeddings are frozen; with `emb` their table learns, and loses the same share. The loss is
    cross-entropy with the labels alone, as in fine-tuning, so languages without labels have nothing to hold on to.
    Where there are no labels at all, the teacher's own tags stand for them. They prune a pretrained encoder while it is
    first tuned on the task; here the tagger is tuned once more, so a gain over the teacher would not be sparsity's own.

    Zeros save room in a compressed file and nothing else here: no engine of ours computes less for them. Of a model
    whose word embeddings are most of it, a share of the layers is a far smaller one of the whole; the artifact's
    manifest counts what is not zero.
    """

    name, kind, title = "sparse", Kind.PRUNE, "Sparse weights"
    summary = "Sets the smallest weights to zero during fine-tuning. No CPU engine here is faster for it."
    paper = ("Intriguing Properties of Compression (Ogueji et al. 2022)", "https://arxiv.org/abs/2211.02738")
    example = "sparse:0.9"
    trains = True
    revision = 1
    share: float = argument("Share of zeros", low=0.5, high=0.98, start=0.9)
    embeddings: bool = argument("Word embeddings too", word="emb")

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return a fine-tuned copy of the checkpoint with zeros.

        Raises:
            RecipeError: there are no sentences to fine-tune on.
        """
        from ..training.sparsity import sparsified

        return sparsified(self, self.share, model=model, world=world, embeddings=self.embeddings)
