"""What `vla train` takes from elsewhere: a vision-language model as backbone, a text encoder for the compact one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from vla.contract import FloatArray
from vla.models.compact_config import CompactConfig
from vla.models.contract import HeadConfig, ModelConfig
from vla.models.hf import TUNES, HFConfig, action_words, describe
from vla.models.sentences import SentenceConfig
from vla.registry import nearest
from vla.text import TextCoder
from vla.text_pretrained import SentenceCoder
from vla.text_prompt import PromptCoder

# Peak learning rates that are usual for each way to train, at a batch of 128.
RATES = {"full": 2e-5, "lora": 2e-4, "frozen": 1e-3}


@dataclass(frozen=True)
class Pretrained:
    """Options about pretrained models.

    Attributes:
        vlm: Vision-language model of the backbone `hf`: folder or name on the hub.
        tune: What of it is trained: `full`, `lora` or `frozen`.
        lora_rank: Rank of the updates.
        pool: What an action expert gets of it: the `last` hidden state, or what a learned `query` attends to.
        action_words: Say actions in words of its vocabulary instead of an action head: `bins` or `fast`.
        text: Text encoder of the compact network: folder, packaged model ("minilm") or name on the hub; empty for the
            vocabulary of the grammar.
        tune_text: Train that encoder too.
    """

    vlm: str = ""
    tune: str = "full"
    lora_rank: int = 16
    pool: str = "last"
    action_words: str = ""
    text: str = ""
    tune_text: bool = False

    def check(self, backbone: str) -> None:
        """Raise ValueError for options that do not belong to the backbone."""
        if self.tune not in TUNES:
            raise nearest("tuning", self.tune, list(TUNES))
        if backbone == "hf" and not self.vlm:
            raise ValueError("the backbone hf needs a model: give --vlm a folder, or a name on the Hugging Face hub")
        if backbone == "hf" and self.text:
            raise ValueError("--text is for the compact network; the backbone hf has the tokenizer of its --vlm")
        if backbone != "hf" and (self.vlm or self.action_words):
            raise ValueError(f"--vlm and --action-words need --backbone hf, got --backbone {backbone}")
        if backbone != "compact" and self.text:
            raise ValueError(f"--text needs --backbone compact, got --backbone {backbone}")


def vision_language(options: Pretrained, head: HeadConfig, chat: bool, **seen: Any) -> tuple[ModelConfig, TextCoder]:
    """Configuration and text coder of the backbone `hf`.

    Args:
        options: Which model, and how to train it.
        head: Action head.
        chat: Whether it is taught by lessons.
        seen: Fields of `ModelConfig` about what it sees.

    Raises:
        PretrainedError: The model cannot be had.
    """
    tuning = {"tune": options.tune, "lora_rank": options.lora_rank, "pool": options.pool}
    return describe(options.vlm, head=head, hidden=head.hidden, chat=chat, **tuning, **seen)


def with_words(model: ModelConfig, coder: TextCoder, options: Pretrained, chunks: FloatArray) -> ModelConfig:
    """`model` with words fitted to normalised chunks (N, C, 7), if the options ask for them."""
    if not options.action_words:
        return model
    assert isinstance(model, HFConfig)
    assert isinstance(coder, PromptCoder)
    return replace(model, words=action_words(model, coder, options.action_words, chunks))


def with_encoder(model: CompactConfig, options: Pretrained) -> tuple[CompactConfig, TextCoder]:
    """The compact network with the options' text encoder. Raises PretrainedError if it cannot be had."""
    coder = SentenceCoder.of(options.text)
    encoder = SentenceConfig.of(options.text, options.tune_text)
    return replace(model, vocab_size=coder.size, max_words=coder.length, encoder=encoder), coder
