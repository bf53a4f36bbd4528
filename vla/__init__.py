"""Contract, rollout loop, episode store, model, trainer, evaluation and report of the toolkit.

This package knows nothing of PyBullet, of any task or of any scripted expert.
"""

__version__ = "0.1.0"
