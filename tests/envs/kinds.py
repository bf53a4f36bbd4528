"""Which kinds of objects tests go through: every procedural one, and of those made from files a sample."""

from __future__ import annotations

from envs.objects import OBJECT_KINDS
from envs.objects.scans import BLOBS, MODELS

EVERY = 12  # of the unnamed scans, one in so many
SCANS = (*MODELS, *(f"scan_{number:03d}" for number in BLOBS[::EVERY]))
_FROM_FILES = {*MODELS, *(f"scan_{number:03d}" for number in BLOBS)}
PROCEDURAL = tuple(name for name in OBJECT_KINDS if name not in _FROM_FILES)
