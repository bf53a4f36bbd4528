"""Lessons that a simulator has for free, without limit: about words (stage 1) and about pictures (stage 2).

After JARVIS-VLA's ActVLP (arXiv 2503.16365): knowledge, then visual grounding, then action. `words` asks about
instructions of the grammar, `pictures` draws scenes of the training distribution without physics, `questions` asks
about what is seen in them. Nothing here uses a held-out template, synonym, value or seed; the words of questions are
none that only held-out instructions have. Knows no network.
"""

from __future__ import annotations

LESSON_SEED = 4242  # of the scenes, in the split `train`: no suite and no training preset has it
