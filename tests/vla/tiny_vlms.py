"""Tiny vision-language models with random weights and tokenizers of their own, saved as `transformers` folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

SAID = (
    "what action should the robot take to touch red green dot block bowl put lift push in on left right of and a an "
    "user assistant What human : ? . , describe image "
    "0 1 2 3 4 5 6 7 8 9 - ( ) ; is color where opposite point box cameras state front wrist not seen yes no "
    "big small up down open shut"
)
WORDS = SAID.split()
ROWS = 640  # of the embedding: rare ids enough for 256 bins beside the words
CHAT = (
    "{% for m in messages %}{{ m['role'] }} {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %} {% endfor %}"
    "{% if add_generation_prompt %}assistant {% endif %}"
)


def tokenizer(**special: str) -> Any:
    """Words split at white space and punctuation, digits one by one; `special` tokens are attributes of it too.

    What it decodes has no spaces but between words.
    """
    names = ["<pad>", "<unk>", "<s>", "</s>", *special.values()]
    vocabulary = {word: i for i, word in enumerate([*names, *dict.fromkeys(WORDS)])}
    fast = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # type: ignore[no-untyped-call, unused-ignore]
    split: list[Any] = [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]  # type: ignore[no-untyped-call, unused-ignore]
    fast.pre_tokenizer = pre_tokenizers.Sequence(split)  # type: ignore[no-untyped-call, unused-ignore]
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=fast,
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=special,
    )


TEXT = {
    "vocab_size": ROWS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


def qwen(folder: Path) -> None:
    """Qwen2.5-VL: pictures of any size, one token for 2 x 2 patches, positions in three dimensions."""
    words = tokenizer(image_token="<image>", video_token="<video>", start="<|vision_start|>", end="<|vision_end|>")
    text = TEXT | {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}}
    vision = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 8, "out_hidden_size": 32,
        "spatial_merge_size": 2, "window_size": 32, "fullatt_block_indexes": [1],
    }  # fmt: skip
    ids = {f"{name}_token_id": words.convert_tokens_to_ids(f"<{name}>") for name in ("image", "video")}
    ids |= {f"vision_{n}_token_id": words.convert_tokens_to_ids(f"<|vision_{n}|>") for n in ("start", "end")}
    config = transformers.Qwen2_5_VLConfig(text_config=text, vision_config=vision, **ids)
    images = transformers.Qwen2VLImageProcessorPil(patch_size=8, merge_size=2, min_pixels=16 * 16, max_pixels=32 * 32)
    chat = CHAT.replace("<image>", "<|vision_start|><image><|vision_end|>")
    write(folder, config, words, images, chat)


def smolvlm(folder: Path) -> None:
    """SmolVLM (Idefics3): pictures padded to a square, pixels shuffled into fewer tokens."""
    words = tokenizer(
        image_token="<image>", fake="<fake_token_around_image>", end="<end_of_utterance>", whole="<global-img>"
    )
    config = transformers.SmolVLMConfig(
        text_config=TEXT | {"model_type": "llama"},
        vision_config=VISION,
        scale_factor=2,
        image_token_id=words.image_token_id,
        pad_token_id=0,
    )
    images = transformers.SmolVLMImageProcessorPil(
        size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, do_image_splitting=False
    )
    write(folder, config, words, images, CHAT, {"processor_class": "SmolVLMProcessor", "image_seq_len": 4})


def paligemma(folder: Path) -> None:
    """PaliGemma: no chat template, the prefix attends in both directions."""
    words = tokenizer(image_token="<image>")
    config = transformers.PaliGemmaConfig(
        text_config=TEXT | {"model_type": "gemma", "head_dim": 8, "vocab_size": 2048},  # it has words for places
        vision_config=VISION | {"projection_dim": 32},
        projection_dim=32,
        image_token_index=words.image_token_id,
    )
    images = transformers.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    images.image_seq_length = 16
    write(folder, config, words, images, "")


def deepseek(folder: Path) -> None:
    """DeepSeek-VL: a SigLIP tower, a two-layer aligner, a Llama."""
    words = tokenizer(image_token="<image>")
    config = transformers.DeepseekVLConfig(
        text_config=TEXT | {"model_type": "llama"}, vision_config=VISION, image_token_id=words.image_token_id
    )
    images = transformers.DeepseekVLImageProcessorPil(size={"height": 32, "width": 32}, min_size=8)
    write(folder, config, words, images, CHAT, {"num_image_tokens": 16})


def internvl(folder: Path) -> None:
    """InternVL: its own vision tower, pixels shuffled, a Qwen2."""
    words = tokenizer(
        start_image_token="<img>", end_image_token="</img>", context_image_token="<image>", video_token="<video>"
    )
    config = transformers.InternVLConfig(
        text_config=TEXT | {"model_type": "qwen2"},
        vision_config=VISION | {"image_size": [32, 32], "patch_size": [8, 8]},
        image_token_id=words.context_image_token_id,
        image_seq_length=4,
    )
    images = transformers.GotOcr2ImageProcessorPil(size={"height": 32, "width": 32}, crop_to_patches=False)
    write(folder, config, words, images, CHAT, {"image_seq_length": 4})


def write(folder: Path, config: Any, words: Any, images: Any, chat: str, more: dict[str, Any] | None = None) -> None:
    """Save model, tokenizer and processor files as the hub has them."""
    import json

    torch.manual_seed(0)
    model = transformers.AutoModelForImageTextToText.from_config(config)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    images.save_pretrained(folder)
    name = type(images).__name__.removesuffix("Pil")
    settings = json.loads((folder / "preprocessor_config.json").read_text()) | {"image_processor_type": name}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    kind = {
        "qwen2_5_vl": "Qwen2_5_VLProcessor", "smolvlm": "SmolVLMProcessor", "paligemma": "PaliGemmaProcessor",
        "deepseek_vl": "DeepseekVLProcessor", "internvl": "InternVLProcessor",
    }[config.model_type]  # fmt: skip
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": kind, **(more or {})}))
    if chat:
        (folder / "chat_template.jinja").write_text(chat)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "qwen": qwen,
    "smolvlm": smolvlm,
    "paligemma": paligemma,
    "deepseek": deepseek,
    "internvl": internvl,
}
