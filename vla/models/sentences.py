"""Words of an instruction from a pretrained text encoder, instead of embeddings learnt from nothing.

Any encoder of `transformers` that gives hidden states: sentence encoders (MiniLM, mean pooled as in Sentence-BERT,
arXiv 1908.10084) and others. Frozen unless told otherwise: then it is a pure function of the text, computed once for
each instruction, and no part of the checkpoint; where it came from and what it was is. Knows no tokenizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vla.pretrained import PretrainedError, digest, library, load, place
from vla.text import PAD

KEPT = 4096  # instructions whose states are kept


@dataclass(frozen=True)
class SentenceConfig:
    """A text encoder; stored with the weights.

    Attributes:
        name: Where it came from: a folder, a packaged model ("minilm") or a name on the hub.
        width: Of its hidden states.
        digest: Of the weights that it came with.
        trained: Whether it is trained with the rest, and then stored with it.
    """

    name: str
    width: int
    digest: str
    trained: bool = False

    @staticmethod
    def of(name: str, trained: bool = False) -> SentenceConfig:
        """The encoder `name` as it is. Raises PretrainedError if it cannot be had."""
        model = _loaded(name)
        return SentenceConfig(name, int(model.config.hidden_size), digest(model.state_dict().items()), trained)


def _loaded(name: str) -> Any:
    return load(library().AutoModel, name, use_safetensors=True, dtype=torch.float32).eval()


def open_encoder(config: SentenceConfig) -> Any:
    """The encoder, in evaluation mode. Raises PretrainedError if it cannot be had, or is not the one it was."""
    model = _loaded(config.name)
    found = digest(model.state_dict().items())
    if found != config.digest:
        raise PretrainedError(
            f"{place(config.name)} is not the text encoder that this policy was made with "
            f"(its weights are {found}, expected {config.digest})"
        )
    return model


def states(model: Any, ids: Tensor) -> Tensor:
    """Hidden states of a text: first their mean, then those of its tokens, (1 + N, width), for its ids (N,)."""
    hidden: Tensor = model(input_ids=ids[None], attention_mask=torch.ones_like(ids)[None]).last_hidden_state[0]
    return torch.cat([hidden.mean(0, keepdim=True), hidden])


def sentence_vectors(name: str, texts: list[str]) -> Tensor:
    """Mean pooled vectors (B, width) of length one of `texts`: their products are cosines."""
    tokenizer, model = load(library().AutoTokenizer, name), _loaded(name)
    with torch.inference_mode():
        rows = [states(model, torch.tensor(tokenizer(text)["input_ids"]))[0] for text in texts]
    return nn.functional.normalize(torch.stack(rows), dim=1)


class PretrainedWords(nn.Module):
    """Rows of `vla.text_pretrained.SentenceCoder` (U, L) to word vectors (U, L, E), zero where there is padding."""

    def __init__(self, config: SentenceConfig, width: int) -> None:
        """Read the encoder and create its projections. Raises PretrainedError."""
        super().__init__()
        self.config = config
        self.sentence, self.words = nn.Linear(config.width, width), nn.Linear(config.width, width)
        encoder = open_encoder(config)
        # A frozen encoder is no submodule: it is neither trained nor stored nor averaged.
        self._frozen: tuple[Any, ...] = () if config.trained else (encoder.requires_grad_(False),)
        self.encoder: Any = encoder if config.trained else None
        self._kept: dict[bytes, Tensor] = {}

    def forward(self, tokens: Tensor) -> Tensor:
        """Each row is encoded by itself, so that its last bits do not depend on the others."""
        found = tokens.new_zeros((*tokens.shape, self.config.width), dtype=torch.float32)
        for row, ids in enumerate(tokens):
            count = int((ids != PAD).sum())
            if count:
                found[row, :count] = self._states(ids[1:count] - 1)
        vectors = torch.cat([self.sentence(found[:, :1]), self.words(found[:, 1:])], 1)
        return vectors * (tokens != PAD)[..., None]

    def _states(self, ids: Tensor) -> Tensor:
        if self.config.trained:
            return states(self.encoder, ids)
        key = ids.cpu().numpy().tobytes()
        if key not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            with torch.no_grad(), torch.autocast(ids.device.type, enabled=False):
                self._kept[key] = states(self._frozen[0].to(ids.device), ids)
        return self._kept[key].to(ids.device)
