"""Actions as words of a language model: rare entries of its vocabulary stand for the ids of an action tokenizer.

OpenVLA (arXiv 2406.09246) takes the last 256 entries, JARVIS-VLA (arXiv 2503.16365) the least used ones; in a
vocabulary made by pair encoding the last ones are the rarest, so the two agree. Proprioception is said in the same
words before the actions, as pi0-FAST does (arXiv 2501.09747). No weights are added: training is next-token prediction,
acting is greedy decoding. Knows no prompt and no pictures.

Legend: B batch, N tokens of the prompt, T tokens of the actions, S numbers of proprioception.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as nnf

from vla.bin_tokens import ActionTokenizer, BinTokenizer
from vla.contract import ACTION_DIM, FloatArray
from vla.fast_tokens import FastTokenizer
from vla.models.contract import Batch
from vla.pretrained import library
from vla.registry import nearest

CODES: dict[str, Callable[[dict[str, Any]], ActionTokenizer]] = {
    "bins": BinTokenizer.from_json,
    "fast": FastTokenizer.from_json,
}
FITS: dict[str, Callable[[FloatArray], ActionTokenizer]] = {"bins": BinTokenizer.fit, "fast": FastTokenizer.fit}
STATE_BINS = 128
STATE_RANGE = 3.0  # of normalised proprioception; what lies outside is said as the outermost word


def rare_entries(rows: int, taken: Collection[int], count: int) -> tuple[int, ...]:
    """The last `count` of `rows` entries that are not `taken`. Raises ValueError if there are not as many."""
    used = set(taken)
    found = [entry for entry in range(rows - 1, -1, -1) if entry not in used][:count]
    if len(found) < count:
        raise ValueError(f"the vocabulary has {len(found)} entries that actions may use, {count} are needed")
    return tuple(found)


@dataclass(frozen=True)
class ActionWords:
    """Which words say which actions; stored with the weights.

    Attributes:
        code: Action tokenizer: `bins` or `fast`.
        fitted: What it learnt of the data.
        entries: Entries of the vocabulary; entry i says id i, and the one after the tokenizer's last says the end.
    """

    code: str
    fitted: dict[str, Any] = field(default_factory=dict)
    entries: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for a code that is not known, or too few entries for it."""
        if self.code not in CODES:
            raise nearest("code for action words", self.code, list(CODES))
        needed = max(self.coder.size + 1, STATE_BINS)
        if len(set(self.entries)) < needed:
            raise ValueError(f"{needed} entries of the vocabulary are needed for {self.code}, got {len(self.entries)}")

    @staticmethod
    def fit(code: str, actions: FloatArray, rows: int, taken: Collection[int]) -> ActionWords:
        """Words for normalised chunks (N, C, 7), of a vocabulary with `rows` entries of which some are `taken`."""
        if code not in FITS:
            raise nearest("code for action words", code, list(FITS))
        coder = FITS[code](actions)
        return ActionWords(code, coder.to_json(), rare_entries(rows, taken, max(coder.size + 1, STATE_BINS)))

    @functools.cached_property
    def coder(self) -> ActionTokenizer:
        """The action tokenizer."""
        return CODES[self.code](self.fitted)

    def said(self, agent_pos: Tensor) -> Tensor:
        """Entries (B, S) that say normalised proprioception (B, S)."""
        bins = ((agent_pos / STATE_RANGE + 1) / 2 * STATE_BINS).long().clamp(0, STATE_BINS - 1)
        return torch.tensor(self.entries, device=agent_pos.device)[bins]

    def targets(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Entries (B, T) that say the chunks, and their weights (B, T): 0 past the end of the chunk or the episode."""
        rows = [self.coder.encode(chunk) for chunk in batch.actions.detach().cpu().numpy()]
        fixed = len(rows[0]) if self.code == "bins" else 0
        longest = fixed or max(map(len, rows)) + 1
        ids, weight = np.full((len(rows), longest), self.coder.size), np.zeros((len(rows), longest), np.float32)
        for row, found in enumerate(rows):
            ids[row, : len(found)] = found
            weight[row, : longest if fixed else len(found) + 1] = 1
        device = batch.actions.device
        weights = torch.from_numpy(weight).to(device)
        if fixed:
            weights = weights * batch.action_valid.repeat_interleave(ACTION_DIM, 1)
        return torch.tensor(self.entries, device=device)[torch.from_numpy(ids).to(device)], weights

    def loss(self, vlm: Any, inputs: dict[str, Tensor], batch: Batch) -> Tensor:
        """Mean cross-entropy of the next word over the words of the actions."""
        entries, weights = self.targets(batch)
        logits = next_words(vlm, _with_words(inputs, self.said(batch.agent_pos), 0), entries)
        return saying_loss(logits, entries, weights)

    def act(self, vlm: Any, inputs: dict[str, Tensor], agent_pos: Tensor) -> Tensor:
        """Chunks (B, C, 7) by greedy decoding among the words that mean something."""
        size, bounded = self.coder.size, self.code == "bins"
        end = self.entries[size]
        allowed = torch.tensor(self.entries[: size + (not bounded)], device=agent_pos.device)
        config = library().GenerationConfig(
            max_new_tokens=self.coder.longest + (not bounded),
            do_sample=False,
            pad_token_id=end,
            eos_token_id=None if bounded else end,
        )
        spoken = _with_words(inputs, self.said(agent_pos), 0)
        start = spoken["input_ids"].shape[1]
        found = vlm.generate(**spoken, generation_config=config, logits_processor=[_Only(allowed)])[:, start:]
        meant = {entry: i for i, entry in enumerate(self.entries[:size])}
        rows = [[meant[entry] for entry in row if entry in meant] for row in found.tolist()]
        chunks = np.stack([self.coder.decode(row) for row in rows])
        return torch.from_numpy(chunks).to(agent_pos.device, torch.float32)


def next_words(vlm: Any, inputs: dict[str, Tensor], entries: Tensor) -> Tensor:
    """Logits (B, T, rows of the vocabulary) of each of `entries` (B, T), of which each sees those before it."""
    spoken = _with_words(inputs, entries, 1)
    logits: Tensor = vlm(**spoken, logits_to_keep=entries.shape[1] + 1, use_cache=False).logits[:, :-1]
    return logits.float()


def saying_loss(logits: Tensor, entries: Tensor, weights: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, T, rows) for `entries` (B, T) with `weights` (B, T); 0 if nothing weighs."""
    each = nnf.cross_entropy(logits.flatten(0, 1), entries.flatten(), reduction="none")
    return (each * weights.flatten()).sum() / weights.sum().clamp(min=1)


def _with_words(inputs: dict[str, Tensor], entries: Tensor, suffix: int) -> dict[str, Tensor]:
    """`inputs` (B, N) followed by `entries` (B, M); `suffix` 1 if each may see only what comes before it."""
    longer = dict(inputs)
    longer["input_ids"] = torch.cat([inputs["input_ids"], entries], 1)
    for name, value in (("attention_mask", 1), ("mm_token_type_ids", 0), ("token_type_ids", suffix)):
        if name in inputs:
            longer[name] = torch.cat([inputs[name], torch.full_like(entries, value, dtype=inputs[name].dtype)], 1)
    return longer


class _Only:
    """Keeps decoding to some entries of the vocabulary (a logits processor of `transformers`)."""

    def __init__(self, entries: Tensor) -> None:
        self.entries = entries

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        kept = torch.full_like(scores, float("-inf"))
        kept[:, self.entries] = scores[:, self.entries]
        return kept
