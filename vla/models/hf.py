"""Any vision-language model of `transformers` as a backbone: an action expert on what it knows, or actions as words.

    expert   prompt with pictures -> hidden states -> one vector -> proprioception joins -> a head of `vla.models.heads`
    words    prompt with pictures -> proprioception and actions as rare entries of the vocabulary (`hf_tokens`)
    chat     before or beside either, lessons as the model's own chat: next-token training on what is to be answered

The model is trained whole, by low-rank updates (LoRA, arXiv 2106.09685, by peft), or not at all. What is trained is
what a checkpoint stores: a frozen model is read again from where it came and checked to be the same. Everything else
that is needed to build it is in the configuration; nothing that comes with a model is run. Knows no simulator, no task.

Legend as in `vla.models.contract`, and N tokens of a prompt, D width of the language model.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vla.contract import FloatArray
from vla.models.contract import BACKBONES, VLA, AnyBatch, Chats, Lessons, ModelConfig, Prefix, Scenes, make_head
from vla.models.hf_tokens import ActionWords, next_words, saying_loss
from vla.pretrained import PretrainedError, digest, library, load, place
from vla.registry import nearest
from vla.text_prompt import PromptCoder, load_processor, whole_pictures

# What a description of a model may not decide: whose code runs, and which kernels are fetched for it.
NOT_TAKEN = {
    *("_name_or_path", "auto_map", "attn_implementation", "_attn_implementation", "_attn_implementation_internal"),
    *("experts_implementation", "_experts_implementation", "quantization_config", "transformers_version"),
}
TUNES = ("full", "lora", "frozen")
POOLS = ("last", "query")


@dataclass(frozen=True, kw_only=True)
class HFConfig(ModelConfig):
    """A vision-language model and how it acts; stored with the weights.

    Attributes:
        vlm: Where it came from: a folder or a name on the hub. Read again only for what is frozen.
        architecture: Its configuration in `transformers`.
        images: Settings of its image processor.
        digest: Of the weights that it came with, empty if all are trained.
        tune: `full`, `lora` or `frozen`.
        lora_rank: Rank of the updates.
        pool: What of the hidden states the expert gets: the `last` one, or what a learned `query` attends to.
        hidden: Width of the expert's features.
        words: Actions as words of the vocabulary instead of an expert; None for the expert.
        chat: Whether it is taught by lessons: beside an expert too, it keeps the layer that says words.
    """

    backbone: str = "hf"
    vlm: str
    architecture: dict[str, Any]
    images: dict[str, Any]
    digest: str = ""
    tune: str = "full"
    lora_rank: int = 16
    pool: str = "last"
    hidden: int = 384
    words: ActionWords | None = None
    chat: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for names that are not known and combinations that cannot learn."""
        for kind, name, known in (("tuning", self.tune, TUNES), ("pooling", self.pool, POOLS)):
            if name not in known:
                raise nearest(kind, name, list(known))
        if self.words is not None and self.tune == "frozen":
            raise ValueError("a frozen model cannot learn action words: take an action expert, or tune lora or full")
        if self.chat and self.tune == "frozen":
            raise ValueError("a frozen model learns nothing from lessons: leave the stages out, or tune lora or full")
        if min(self.lora_rank, self.hidden) < 1:
            raise ValueError(f"lora_rank and hidden must be at least 1, got {self.lora_rank} and {self.hidden}")


def describe(name: str, **fields: Any) -> tuple[HFConfig, PromptCoder]:
    """Configuration and text coder for the model `name`, a folder or a name on the hub.

    Args:
        name: Where it is; nothing is downloaded if it is a folder or in the local cache.
        fields: Others of `HFConfig`.

    Raises:
        PretrainedError: It cannot be had, or is no vision-language model with weights in safetensors.
    """
    known = load(library().AutoConfig, name)
    if type(known) not in library().AutoModelForImageTextToText._model_mapping:  # noqa: SLF001 - there is no other way
        raise PretrainedError(f"{name!r} is a {known.model_type!r}, which is no vision-language model of transformers")
    architecture = plain(json.loads(known.to_json_string(use_diff=False)))
    _, processor = load_processor(name, known.model_type)
    images = json.loads(processor.image_processor.to_json_string())
    config = HFConfig(vlm=name, architecture=architecture, images=images, **fields)
    if config.tune != "full":
        config = replace(config, digest=digest(pretrained(config).state_dict().items()))
    return config, PromptCoder.of(name, known.model_type, config.views, config.image_size)


def action_words(config: HFConfig, coder: PromptCoder, code: str, actions: FloatArray) -> ActionWords:
    """Words of the model's vocabulary for normalised chunks (N, C, 7), in the code `bins` or `fast`.

    Entries that the tokenizer gives a meaning of their own (turns of a chat, pictures) are not taken.
    """
    tokenizer = coder.opened.tokenizer
    taken = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    text = config.architecture.get("text_config", config.architecture)
    return ActionWords.fit(code, actions, int(text["vocab_size"]), taken)


def pretrained(config: HFConfig) -> Any:
    """The model as it came, float32. Raises PretrainedError if it cannot be had, or is not the one it was."""
    kind = library().AutoModelForImageTextToText
    model = load(kind, config.vlm, use_safetensors=True, dtype=torch.float32)
    if config.digest and (found := digest(model.state_dict().items())) != config.digest:
        raise PretrainedError(
            f"{place(config.vlm)} is not the model that the frozen part of this policy came from "
            f"(its weights are {found}, expected {config.digest})"
        )
    return model


def plain(description: Any) -> Any:
    """A model's description, JSON, without what it may not decide (`NOT_TAKEN`)."""
    if isinstance(description, dict):
        return {name: plain(value) for name, value in description.items() if name not in NOT_TAKEN}
    return [plain(value) for value in description] if isinstance(description, list) else description


def untrained(config: HFConfig) -> Any:
    """A model of the same architecture with random weights, float32. Runs none but the code of transformers."""
    kinds = library().CONFIG_MAPPING
    kind = config.architecture.get("model_type", "")
    if kind not in kinds:
        raise nearest("kind of model in transformers", kind, list(kinds))
    described = kinds[kind].from_dict(plain(config.architecture))
    kind = library().AutoModelForImageTextToText
    return kind.from_config(described, dtype=torch.float32, trust_remote_code=False)


def image_processor(settings: dict[str, Any]) -> Any:
    """The image processor with these settings. Raises ValueError if they name no image processor."""
    name = settings.get("image_processor_type", "")
    kind = getattr(library(), name, None) if name.endswith(("ImageProcessor", "ImageProcessorPil")) else None
    if kind is None:
        raise ValueError(f"{name!r} is no image processor of the installed transformers")
    return kind.from_dict(settings)


class Pooling(nn.Module):
    """Hidden states (B, N, D) to one vector (B, D): the last one, or by attention from a learned query."""

    def __init__(self, width: int, kind: str) -> None:
        """Create the layers."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query = nn.Parameter(torch.randn(width) * width**-0.5) if kind == "query" else None

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """`mask` (B, N) is True on what may be looked at; the last place always is."""
        hidden = self.norm(hidden.float())
        if self.query is None:
            return hidden[:, -1]
        scores = (hidden @ self.query).masked_fill(~mask, float("-inf"))
        return (scores.softmax(1)[:, None] @ hidden)[:, 0]


@BACKBONES.register("hf")
class HFVLA(VLA):
    """The network: a vision-language model, and an action expert on it or words for actions in it."""

    config_class = HFConfig
    config: HFConfig

    def __init__(self, config: HFConfig) -> None:
        """Create the layers, trained weights drawn at random, frozen ones read.

        Raises PretrainedError if frozen weights cannot be had or are others.
        """
        super().__init__()
        self.config = config
        self.pictures = image_processor(config.images)
        self._adopt(untrained(config) if config.tune == "full" else pretrained(config))
        if config.words is None:
            width = int(self.vlm.get_input_embeddings().weight.shape[1])
            self.pool = Pooling(width, config.pool)
            self.join = nn.Linear(width + config.state_dim, config.hidden)
            self.head = make_head(config.hidden, config.head)
        self.register_state_dict_post_hook(_forget)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_do_not_miss)  # type: ignore[no-untyped-call]

    def load_pretrained(self) -> None:
        """Begin with the weights that the model came with. Raises PretrainedError if they cannot be had."""
        if self.config.tune == "full":
            self._adopt(pretrained(self.config))

    def _adopt(self, model: Any) -> None:
        """Make `model` the backbone; an expert that takes no lessons needs no output layer."""
        self.vlm = model if self.config.words is not None or self.config.chat else model.base_model
        self.vlm.requires_grad_(self.config.tune == "full")
        if self.config.tune == "lora":
            self.vlm = _with_updates(self.vlm, self.config.lora_rank)
        base = getattr(self.vlm, "base_model", self.vlm)
        self.takes: frozenset[str] = frozenset(inspect.signature(base.forward).parameters)
        ids = self.vlm.config
        self.image_id = int(ids.image_token_id if hasattr(ids, "image_token_id") else ids.image_token_index)

    def train(self, mode: bool = True) -> HFVLA:
        """Training mode; what is frozen stays in evaluation mode."""
        super().train(mode)
        if self.config.tune == "frozen":
            self.vlm.eval()
        return self

    def recompute_activations(self) -> None:
        """From now on, the model's layers are computed again when gradients are wanted; a frozen one keeps none."""
        if self.config.tune != "frozen":
            self.vlm.activation_checkpointing_enable({"use_reentrant": False})

    def unstored(self) -> set[str]:
        """Names of the state that checkpoints leave out: what is frozen, and second names of tied weights."""
        names = {name for name, _ in self.named_parameters(remove_duplicate=False)}
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return names - trained

    def see(self, pixels: Tensor) -> dict[str, Tensor]:
        """Pictures (B, V, H, W, 3) uint8 as the model's own image processor makes them; nothing for none."""
        if pixels.shape[1] == 0:
            return {}
        rows = [list(row) for row in pixels.cpu().numpy()]
        found = self.pictures(rows, return_tensors="pt", **whole_pictures(self.pictures))
        return {name: value.to(pixels.device) for name, value in found.items() if name in self.takes}

    def read(self, tokens: Tensor) -> dict[str, Tensor]:
        """Inputs of the language model from prompts (B, N) as `PromptCoder` makes them."""
        mask = tokens > 0
        ids = torch.where(mask, tokens - 1, int(self.image_id == 0))  # anything but a picture
        found = {"input_ids": ids, "attention_mask": mask.long()}
        if "mm_token_type_ids" in self.takes:
            found["mm_token_type_ids"] = (ids == self.image_id).int()
        if "token_type_ids" in self.takes:
            found["token_type_ids"] = torch.zeros_like(ids)  # a prefix, which attends in both directions
        return found

    def observed(self, pixels: Tensor, tokens: Tensor) -> dict[str, Tensor]:
        """Inputs of the language model from what a policy sees, shapes as in `Batch`.

        Raises ValueError for pictures of other sizes, or another number of them.
        """
        side = self.config.image_size
        if pixels.shape[1:] != (self.config.views, side, side, 3):
            raise ValueError(
                f"pictures are {tuple(pixels.shape[1:])}, the model was made for {(self.config.views, side, side, 3)}"
            )
        return self.read(tokens) | self.see(pixels)

    def features(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> Tensor:
        """What the expert acts on, (B, hidden). Shapes as in `Batch`."""
        inputs = self.observed(pixels, tokens)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.config.tune != "frozen"):
            hidden = self.vlm.base_model(**inputs, use_cache=False).last_hidden_state
        pooled = self.pool(hidden, inputs["attention_mask"].bool())
        return nnf.gelu(self.join(torch.cat([pooled, agent_pos], 1)))

    def forward(self, batch: AnyBatch, noise: Tensor, time: Tensor) -> dict[str, Tensor]:
        """Scalar loss `action`: the head's, or the cross-entropy of the action words. Chats have those of `chats`."""
        assert not isinstance(batch, Lessons | Scenes)  # those are for heads on a trunk
        if isinstance(batch, Chats):
            return self.chats(batch)
        if self.config.words is not None:
            inputs = self.observed(batch.pixels, batch.tokens)
            return {"action": self.config.words.loss(self.vlm, inputs, batch)}
        features = self.features(batch.pixels, batch.tokens, batch.agent_pos)
        return {"action": self.head.loss(features, batch.actions, batch.action_valid, noise, time)}

    def chats(self, batch: Chats) -> dict[str, Tensor]:
        """Scalar losses: `answer`, the mean cross-entropy of the tokens of the answers, and `answered`.

        That is the share of answers whose every token is the likeliest one, the tokens before it given. Raises
        ValueError if the network was made for actions alone.
        """
        if not self.config.chat:
            raise ValueError("this network takes no lessons: its configuration has no chat")
        said = batch.answers > 0
        entries = self.read(batch.answers)["input_ids"]
        logits = next_words(self.vlm, self.read(batch.tokens) | self.see(batch.pixels), entries)
        right = ((logits.argmax(-1) == entries) | ~said).all(1)
        return {"answer": saying_loss(logits, entries, said.float()), "answered": right.float().mean()}

    @torch.inference_mode()
    def answer(self, pixels: Tensor, tokens: Tensor, ends: Sequence[int], longest: int = 64) -> Tensor:
        """What the model says to questions as in `Chats`: ids (B, T) as of `Chats.answers`, T at most `longest`.

        Greedy, up to one of the tokenizer's ids `ends`. Raises ValueError if the network was made for actions alone.
        """
        if not self.config.chat:
            raise ValueError("this network answers no questions: its configuration has no chat")
        stop = list(ends)
        config = library().GenerationConfig(
            max_new_tokens=longest, do_sample=False, pad_token_id=stop[0], eos_token_id=stop
        )
        inputs = self.read(tokens) | self.see(pixels)
        found: Tensor = self.vlm.generate(**inputs, generation_config=config)
        return found[:, tokens.shape[1] :] + 1

    def act(
        self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor, noise: Tensor, prefix: Prefix | None = None
    ) -> Tensor:
        """Normalised actions (B, C, 7); words are decoded greedily and use neither `noise` nor `prefix`."""
        if self.config.words is not None:
            return self.config.words.act(self.vlm, self.observed(pixels, tokens), agent_pos)
        return self.head.act(self.features(pixels, tokens, agent_pos), noise, prefix)


def _with_updates(model: Any, rank: int) -> Any:
    """`model` with low-rank updates beside its linear layers; these alone are trained."""
    try:
        import peft
    except ImportError as error:
        raise PretrainedError("--tune lora needs peft: pip install 'vla-bench[hf]'") from error
    inject: Callable[..., Any] = peft.inject_adapter_in_model
    return inject(peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"), model)


def _forget(module: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    assert isinstance(module, HFVLA)
    for name in module.unstored():
        state.pop(prefix + name, None)


def _do_not_miss(module: nn.Module, keys: Any) -> None:
    assert isinstance(module, HFVLA)
    unstored = module.unstored()
    keys.missing_keys[:] = [name for name in keys.missing_keys if name not in unstored]
