"""Show how a checkpoint reads the words of a sentence, and set whether it gives unknown words a try."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Args:
    """Options of `vla words`."""

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """Checkpoint folder, training run or demo run."""
    text: tuple[str, ...] = ()
    """Sentences to read."""
    reading: Literal["", "plain", "forgiving"] = ""
    """Store how unknown words are read from now on: `forgiving` by spelling and meaning. It needs no training."""
    drop: bool = True
    """With `--reading forgiving`, words that stay unknown are left out; without, they are hashed."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Set, read, print. Raises CheckpointError, and ValueError for a text coder that is no list of words."""
    from vla import checkpoint
    from vla.text import Vocabulary

    if args.reading:
        config = checkpoint.set_reading(args.checkpoint, args.reading, args.drop and args.reading == "forgiving")
    else:
        config = checkpoint.load_config(checkpoint.find(args.checkpoint))
    words = config.vocabulary
    if not isinstance(words, Vocabulary):
        raise ValueError(f"{args.checkpoint} reads with {words.kind!r}, which has no list of known words")
    print(
        f"{len(words.words)} words known; others: {words.reading}, {'left out' if words.drop else 'hashed'} if unknown"
    )
    read = {text: words.read(text) for text in args.text}
    for pairs in read.values():
        print("  " + " ".join(word if word == known else f"{word}[{known or '-'}]" for word, known in pairs))
    if args.json:
        print(json.dumps({"reading": words.reading, "drop": words.drop, "texts": read}))
    return 0
