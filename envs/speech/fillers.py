"""What people say around an instruction without meaning anything by it: courtesies, and talk about other things.

Said before and after, so that a policy that reads the first twenty words only still hears at least a part of what it is
told. Every pair has exactly as many words as its key says.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

FILLERS: Mapping[int, tuple[tuple[str, str], ...]] = {  # number of words -> what is said before and after
    3: (
        ("could you please", ""),
        ("would you kindly", ""),
        ("please", "thank you"),
        ("", "if you please"),
    ),
    6: (
        ("hello there robot could you please", ""),
        ("would you be so kind and", ""),
        ("please", "when you have a moment"),
        ("if you do not mind please", ""),
    ),
    10: (
        ("remember how we tidied up yesterday so now could you", ""),
        ("good morning robot i hope you slept well please", "thanks"),
        ("could you do me a favor and", "before lunch today"),
        ("if it is not too much trouble please", "thank you"),
    ),
    15: (
        ("remember how we tidied up yesterday well please", "and tomorrow we will have time off"),
        ("my sister is visiting us today so please", "because she always wanted to see this"),
        ("it has been raining for hours so could you", "while we wait for better weather"),
        ("i really enjoyed our chat this morning please", "as nicely as you did last time"),
    ),
    22: (
        (
            "good afternoon robot did you hear the news about the weather please",
            "since my parents will come over for dinner this evening",
        ),
        (
            "remember how we tidied up yesterday and laughed so much now please",
            "while i make some tea and read my mail again",
        ),
        (
            "i have been thinking about our holidays all day long could you",
            "and do not worry we have plenty of time today",
        ),
        (
            "yesterday somebody told me that robots love a good joke anyway please",
            "because everybody here is really looking forward to it today",
        ),
    ),
}


def padded(line: str, count: int, rng: np.random.Generator) -> str:
    """A line with `count` words more (a key of `FILLERS`); an empty one stays empty."""
    before, after = FILLERS[count][int(rng.integers(len(FILLERS[count])))]
    return " ".join(filter(None, (before, line, after))) if line else line
