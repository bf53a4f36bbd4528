"""Make `vla/thesaurus.txt`: what frequent English words mean in the words of the training grammar, by MiniLM alone.

    python -m experiments.thesaurus            # write the file and say how the trials went
    python -m experiments.thesaurus --show     # each trial too

Words are those that MiniLM's tokenizer has whole, most frequent first. How near two are is the mean of two
cosines, each from the mean of all words: of the vectors that stand for them in its table, and of what these become when
the word stands alone. Nothing of how policies are evaluated goes in, neither words nor modules; a test sees to that.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from experiments.thesaurus_trials import trials
from vla.pretrained import library, load, place
from vla.text import SIMILAR, words_of
from vla.thesaurus import FILE, Relatives

MODEL = "minilm"
HEADER = "# Frequent words of English; behind them words of training, percents of similarity. See vla/thesaurus.py."
FLOOR = 20  # percents of similarity of relatives that are written down
BATCH = 256
MOST = 3  # relatives of a word
FREQUENT = 12000  # words that are listed without relatives too, since they are no misspellings

# Words of the training grammar and of lessons that carry meaning. Other words are in every sentence or mean too much:
# `of`, `it`, `to`, `way`. A test compares both lists with the grammar.
MEANING = words_of("""
black blue cyan green orange pink purple red white yellow color
ball block bottle bowl box brush button cone cup cylinder door drawer gripper hole knob letter lever metal mug peg plate
ring robot room row shape square star table tower tray wood zone base plastic rubber
close collect cover exchange find flip grasp group hide lay lift look move open pick place press pull push put raise
reach remove rotate shove shut slide sort stack stand swap sweep touch turn unstack
round larger largest smaller smallest little long upright next nearest closer farthest leftmost rightmost left right
middle first second third halfway same opposite together
around away back behind between into onto over under up in on
three five six forty eighty ninety hundred quarter degrees millimeters
""")
NO_MEANING = words_of("""
a all and arch archs balls blocks bottles bowls boxes buttons by cones count covers cups cylinders describe does doors
drawers each from front go holes is it its j knobs l letters levers line make mean mugs name not of one or pegs places
plates rings shapes stars t target task than that the them then thing things to top trays true v way what with y
zones
""")

Vectors = NDArray[np.float32]


def frequent_words() -> list[str]:
    """The words of English letters that the tokenizer has whole, most frequent first."""
    lines = (Path(place(MODEL)) / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.fullmatch("[a-z]{3,}", line)]


def centred(vectors: Vectors, count: int) -> Vectors:
    """Directions (W, E) from the mean of the first `count` rows."""
    away = vectors - vectors[:count].mean(0)
    directions: Vectors = away / np.linalg.norm(away, axis=1, keepdims=True)
    return directions


def similarities(words: list[str], known: list[str]) -> Vectors:
    """How near each word is to each of `known`, (W, K), at most 1."""
    tokenizer = load(library().AutoTokenizer, MODEL)
    model = load(library().AutoModel, MODEL, use_safetensors=True, dtype=torch.float32).eval()
    parts = [words[start : start + BATCH] for start in range(0, len(words), BATCH)] + [[word] for word in known]
    first, alone = [], []
    with torch.inference_mode():
        for part in parts:  # of one length each: words are one token, known ones may be several
            ids = torch.tensor(tokenizer(part)["input_ids"])
            hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            first.append(model.get_input_embeddings()(ids)[:, 1:-1].mean(1))
            alone.append(hidden[:, 1:-1].mean(1))
    near = np.zeros((len(words), len(known)), np.float32)
    for rows in (first, alone):
        vectors = centred(torch.cat(rows).numpy(), len(words))
        near += vectors[: len(words)] @ vectors[len(words) :].T / 2
    return near


def relatives(word: str, near: Vectors, known: list[str]) -> Relatives:
    """The nearest of `known`, with percents, given how near each is (K,)."""
    order = sorted(range(len(known)), key=lambda i: (-round(100 * float(near[i])), known[i]))
    found = [(known[i], round(100 * float(near[i]))) for i in order if known[i] != word]
    return tuple((other, percent) for other, percent in found[:MOST] if percent >= FLOOR)


def written(found: dict[str, Relatives]) -> str:
    """The text of the file: frequent words, and others that have relatives, in alphabetical order."""
    frequent = set(list(found)[:FREQUENT])
    listed = sorted(word for word, others in found.items() if others or word in frequent)
    lines = [" ".join([word, *(f"{other} {percent}" for other, percent in found[word])]) for word in listed]
    return "\n".join([HEADER, *lines]) + "\n"


def outcome(found: dict[str, Relatives], least: int) -> dict[str, float]:
    """Shares of the trials at a threshold: related words read right and wrong, unrelated ones that are read."""
    counts: dict[str, Any] = {"right": 0, "wrong": 0, "unrelated": 0}
    wanted = trials()
    for word, right in wanted.items():
        nearest = found.get(word, ())[:1]
        if nearest and nearest[0][1] >= least:
            counts["unrelated" if not right else "right" if nearest[0][0] in right else "wrong"] += 1
    related = sum(1 for right in wanted.values() if right)
    totals = {"right": related, "wrong": related, "unrelated": len(wanted) - related}
    return {name: count / totals[name] for name, count in counts.items()}


def main(arguments: list[str]) -> int:
    """Compute, write, try."""
    torch.set_num_threads(1)
    words = frequent_words()
    near = similarities(words, MEANING)
    found = {word: relatives(word, near[i], MEANING) for i, word in enumerate(words)}
    FILE.write_text(written(found), encoding="utf-8")
    print(f"{FILE.name}: {len(words)} words, {sum(1 for others in found.values() if others)} with relatives")
    for least in range(FLOOR, 61, 5):
        shares = ", ".join(f"{name} {share:.0%}" for name, share in outcome(found, least).items())
        print(f"  from {least} %{' (taken)' if least == SIMILAR else ''}: {shares}")
    for word in trials() if "--show" in arguments else ():
        print(f"  {word}: {found.get(word, ())}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
