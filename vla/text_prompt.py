"""Instructions and lessons as the chat of a vision-language model: its template, its image tokens, its tokenizer.

The pictures have one size, so that a prompt has the same image tokens whatever they show; the tokens of a batch need no
pictures. The processor's files (JSON and text) are part of the coder and are stored with the weights. Knows no weights.
"""

from __future__ import annotations

import functools
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import Self

from vla import side_files
from vla.pretrained import PretrainedError, library, load
from vla.text import PAD, IdArray, TextCoder

Messages = Sequence[dict[str, Any]]  # as `apply_chat_template` takes them; contents are lists of entries
PROMPT = "What action should the robot take to {instruction}?"
KEPT = 4096  # encoded instructions that are kept
# Processors that need packages for videos, and the one that does the same for pictures.
STAND_INS = {"SmolVLMProcessor": "Idefics3Processor"}
_LOCK = threading.Lock()  # fast tokenizers may not be used by two threads at once


def processor_class(name: str) -> Any:
    """The processor `name` of `transformers`, for pictures only: its video part would need torchvision.

    Raises PretrainedError for a name that is no processor.
    """
    kind = getattr(library(), STAND_INS.get(name, name), None)
    if not (isinstance(kind, type) and name.endswith("Processor") and hasattr(kind, "get_attributes")):
        raise PretrainedError(f"{name!r} is no processor of the installed transformers")
    attributes = [attribute for attribute in kind.get_attributes() if attribute != "video_processor"]
    return type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda cls: attributes)})


def load_processor(name: str, model_type: str) -> tuple[str, Any]:
    """The name of its class, and the processor of the model `name`, a folder or a name on the hub.

    Pictures are always prepared by the PIL backend, so that a policy sees the same with and without torchvision.
    Raises PretrainedError.
    """
    library()
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    kind = PROCESSOR_MAPPING_NAMES.get(model_type)
    if kind is None:
        raise PretrainedError(f"{name!r} is a {model_type!r}, for which the installed transformers has no processor")
    return kind, load(processor_class(kind), name, backend="pil")


def whole_pictures(image_processor: Any) -> dict[str, Any]:
    """Options that keep a processor from cutting a picture into tiles, which would cost ten times the tokens."""
    options = {name: False for name in ("do_image_splitting", "crop_to_patches") if hasattr(image_processor, name)}
    return options | {"input_data_format": "channels_last"}


@dataclass(frozen=True)
class PromptCoder(TextCoder):
    """Prompts (B, L), padded on the left; id 0 is padding and id i + 1 is the tokenizer's i.

    Attributes:
        processor: Class of the processor in `transformers`.
        files: Names of its files -> SHA-256.
        views: Pictures V of a sample.
        image_size: Their side, pixels.
        prompt: What the model is asked; `{instruction}` is replaced.
        room: Tokens that an instruction may take; the end of a longer one is dropped.
    """

    processor: str
    files: dict[str, str]
    views: int
    image_size: int
    prompt: str = PROMPT
    room: int = 32
    kind: str = "prompt"
    _data: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raise ValueError for a prompt without instruction, and for numbers that mean nothing."""
        if "{instruction}" not in self.prompt:
            raise ValueError(f"a prompt has to contain {{instruction}}, got {self.prompt!r}")
        for name in ("views", "image_size", "room"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} of a prompt must be at least 1, got {getattr(self, name)}")

    @classmethod
    def of(cls, name: str, model_type: str, views: int, image_size: int, **more: Any) -> Self:
        """The coder of the model `name`, a folder or a name on the hub. Raises PretrainedError."""
        kind, processor = load_processor(name, model_type)
        data = side_files.collect(processor)
        return cls(kind, side_files.sums(data), views, image_size, _data=data, **more)

    def write_files(self, folder: Path) -> tuple[str, ...]:
        """Write the processor's files; their names."""
        return side_files.write(self._data, folder)

    def read_files(self, folder: Path) -> Self:
        """With the processor's files. Raises ValueError if one is missing or another."""
        return replace(self, _data=side_files.read(folder, self.files))

    @functools.cached_property
    def opened(self) -> Any:
        """The processor."""
        with tempfile.TemporaryDirectory(prefix="vla-processor-") as folder:
            side_files.write(self._data, Path(folder))
            return load(processor_class(self.processor), folder, backend="pil")

    @functools.cached_property
    def length(self) -> int:
        """Tokens L of every prompt."""
        return len(self._ids("")) + self.room

    @functools.cached_property
    def _rows(self) -> dict[str, IdArray]:
        return {}

    def encode(self, texts: Sequence[str]) -> IdArray:
        """Ids (B, L); instructions that were encoded before are remembered."""
        with _LOCK:
            return np.stack([self._row(text) for text in texts])

    def _row(self, text: str) -> IdArray:
        row = self._rows.get(text)
        if row is None:
            row = np.full(self.length, PAD, np.int64)
            ids = self._ids(text)
            words = text.split()
            while len(ids) > self.length:
                words.pop()
                ids = self._ids(" ".join(words))
            row[self.length - len(ids) :] = np.array(ids) + 1
            if len(self._rows) >= KEPT:
                self._rows.clear()
            self._rows[text] = row
        return row

    def _ids(self, instruction: str) -> list[int]:
        """The tokenizer's ids of a prompt, image tokens included."""
        asked = self.prompt.replace("{instruction}", self._harmless(instruction))
        content = [{"type": "image"}] * self.views + [{"type": "text", "text": asked}]
        return self._prompt([{"role": "user", "content": content}])[0]

    def _harmless(self, text: str) -> str:
        """`text` without special tokens, which would be pictures or turns of the chat."""
        for special in self.opened.tokenizer.all_special_tokens:
            text = text.replace(special, " ")
        return text

    def _prompt(self, chat: Messages) -> tuple[list[int], str]:
        """Ids of a chat up to where the model is to speak, image tokens included, and its text before they are."""
        processor, side = self.opened, self.image_size
        entries = [entry for message in chat for entry in message["content"]]
        pictures = sum(entry["type"] == "image" for entry in entries)
        if self._templated:
            asked = processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        else:  # a base model
            asked = processor.image_token * pictures + " ".join(e["text"] for e in entries if e["type"] == "text")
        if not pictures:  # not every processor takes texts alone; a base model's ends the question with a line
            return processor.tokenizer(asked if self._templated else f"{asked}\n")["input_ids"], asked
        black = [np.zeros((side, side, 3), np.uint8)] * pictures
        options = whole_pictures(processor.image_processor)
        found = processor(text=[asked], images=[black], return_tensors="np", **options)
        ids: list[int] = np.asarray(found["input_ids"])[0].tolist()
        return ids, asked

    @property
    def _templated(self) -> bool:
        return bool(getattr(self.opened, "chat_template", None))

    @functools.cached_property
    def ends(self) -> tuple[int, ...]:
        """The tokenizer's ids that end what the model says: its special tokens, but for the one for unknown words."""
        tokenizer = self.opened.tokenizer
        added = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
        return tuple(sorted({*tokenizer.all_special_ids, *added} - {tokenizer.unk_token_id}))

    def converse(self, chats: Sequence[Messages]) -> tuple[IdArray, IdArray]:
        """What is asked (B, L), padded on the left, and what is to be said (B, T), padded on the right.

        Args:
            chats: Messages of a user, then of the assistant; all with as many pictures.

        Raises:
            PretrainedError: The model's template does not begin an answer as it asks for one.
        """
        with _LOCK:
            rows = [self._turns(chat) for chat in chats]
        asked, said = ([row[side] for row in rows] for side in (0, 1))
        tokens, answers = (np.full((len(rows), max(map(len, each))), PAD, np.int64) for each in (asked, said))
        for number, (question, answer) in enumerate(rows):
            tokens[number, tokens.shape[1] - len(question) :] = np.array(question) + 1
            answers[number, : len(answer)] = np.array(answer) + 1
        return tokens, answers

    def _turns(self, chat: Messages) -> tuple[list[int], list[int]]:
        """Ids of a question, and of its answer up to the first token that ends it."""
        tokenizer = self.opened.tokenizer
        chat = [
            {
                **turn,
                "content": [e | {"text": self._harmless(e["text"])} if "text" in e else e for e in turn["content"]],
            }
            for turn in chat
        ]
        asked, text = self._prompt(chat[:1])
        said = chat[1]["content"][0]["text"]
        if self._templated:
            whole = self.opened.apply_chat_template(chat, tokenize=False)
            if not whole.startswith(text):
                raise PretrainedError(
                    f"the chat template of this {self.processor} does not begin an answer as it asks for one "
                    f"({text[-20:]!r}): it cannot be taught by lessons"
                )
            said = whole[len(text) :]
        ids: list[int] = tokenizer(said, add_special_tokens=False)["input_ids"]
        end = next((i for i, token in enumerate(ids) if token in self.ends), None)
        return asked, [*ids, tokenizer.eos_token_id] if end is None else ids[: end + 1]

    def spoken(self, ids: IdArray) -> list[str]:
        """Texts of what the model said, ids (B, T) as in `converse`, up to the first token that ends it."""
        found = []
        for row in ids:
            said = (row[row > PAD] - 1).tolist()
            end = next((i for i, token in enumerate(said) if token in self.ends), len(said))
            found.append(self.opened.tokenizer.decode(said[:end]).strip())
        return found
