"""How many words of reworded instructions a vocabulary of the training words finds, read plainly and forgivingly.

    python -m experiments.words_table [EPISODES]   # a family and level; prints Markdown

Nothing acts: an instruction is compared with what the same episode says without the axis.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from envs.scenes import make_scene
from envs.tasks.base import TASKS, training_vocabulary
from envs.variations import AXES
from vla.contract import EpisodeRequest, Perturbation
from vla.text import PAD, Vocabulary

WORDINGS = (
    "typos",
    "synonyms",
    "unseen_color",
    "other_language",
    "paraphrase",
    "politeness",
    "common_sense",
    "word_order",
    "reference",
)
LEVELS = (1, 2, 3, 4, 5)
Pairs = list[tuple[str, str]]  # what training says, what the axis says


def pairs(axis: str, level: int, episodes: int) -> Pairs:
    """Instructions of the first episodes of every family that the axis applies to."""
    found = []
    for task in TASKS:
        for index in range(episodes) if AXES[axis].applies(TASKS[task]) else ():
            said = EpisodeRequest(task, index, 0, "eval", (Perturbation(axis, level),))
            found.append((make_scene(said.twin).instruction, make_scene(said).instruction))
    return found


def alike(words: Vocabulary, said: Pairs) -> tuple[float, float, float]:
    """Shares of equal ids and of words found, and words too many.

    Returns:
        The share of instructions with the very ids of what training says, the share of its words that are found in any
        order, and the known words read beyond them, as a share of its words.
    """
    plain = Vocabulary(words.words, words.buckets, words.max_words)
    wanted, read = plain.encode([old for old, _ in said]), words.encode([new for _, new in said])
    bags = [(known(words, one), known(words, other)) for one, other in zip(wanted.tolist(), read.tolist(), strict=True)]
    total = sum(one.total() for one, _ in bags)
    found, beyond = (sum(bag.total() for bag in part) / total for part in zip(*map(compared, bags), strict=True))
    return float((wanted == read).all(1).mean()), found, beyond


def compared(bags: tuple[Counter[int], Counter[int]]) -> tuple[Counter[int], Counter[int]]:
    """What both bags hold, and what only the second does."""
    wanted, read = bags
    return wanted & read, read - wanted


def known(words: Vocabulary, ids: Iterable[int]) -> Counter[int]:
    """The known words among ids, without padding and buckets."""
    return Counter(i for i in ids if i != PAD and i < words.first_bucket)


def row(axis: str, episodes: int) -> str:
    """A line of the table: at each level, the words found, those too many and the instructions with equal ids."""
    plain = Vocabulary.build(training_vocabulary())
    cells = []
    for level in LEVELS:
        said = pairs(axis, level, episodes)
        before, after = alike(plain, said), alike(plain.forgiving(), said)
        shares = [f"{100 * one:.0f} → {100 * other:.0f}" for one, other in zip(before, after, strict=True)]
        cells.append(f"{shares[1]}; {shares[2]}; {shares[0]}")
    return f"| `{axis}` | {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    episodes = int(arguments[0]) if arguments else 1
    print("| axis | " + " | ".join(map(str, LEVELS)) + " |\n|---" + "|---" * len(LEVELS) + "|")
    for axis in WORDINGS:
        print(row(axis, episodes), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
