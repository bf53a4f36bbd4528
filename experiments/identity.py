"""What results depend on besides suite and weights: the worlds that are built and the pictures that are drawn."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

from envs import simulator
from envs.golden import pictures
from envs.scene import PHYSICS_HZ
from envs.scenes import make_scene
from experiments.suites import FROZEN
from policies.published import located
from policies.registry import split_execution
from vla.episode import canonical_json
from vla.results import read_json
from vla.suites import Suite

SAMPLE = 200  # scenes of a suite that are built to know its worlds


def worlds_hash(suite: Suite, most: int = SAMPLE) -> str:
    """16 hex digits over everything that determines the suite's episodes besides the policy.

    That is: which episodes (`Suite.hash`), the physics' constants, and the scenes of `most` of the episodes, evenly
    spread, as they are built (objects, goal, words, perturbations with their magnitudes, robot, time limit).
    """
    requests = suite.requests()
    step = max(1, len(requests) // most) if most else 1
    digest = hashlib.sha256(suite.hash.encode())
    digest.update(
        canonical_json({"hz": PHYSICS_HZ, "gravity": simulator.GRAVITY, "solver": simulator.SOLVER_ITERATIONS})
    )
    for request in requests[::step]:
        digest.update(canonical_json(make_scene(request).to_dict()))
    return digest.hexdigest()[:16]


def identity(suite: Suite, renderer: str, policy: str) -> dict[str, Any]:
    """What an evaluation stores beside the suite's hash.

    Warns if the policy was trained on other pictures, or a published suite's episodes are not the published ones.
    """
    now = pictures(renderer)
    before = trained_on(policy)
    if any(now[name] != value for name, value in before.items()):
        warnings.warn(
            f"{policy} was trained on pictures of another renderer ({before}, now {now}): "
            "success may differ for that reason alone",
            stacklevel=2,
        )
    worlds = worlds_hash(suite)
    published = read_json(FROZEN).get(suite.name, {}) if FROZEN.exists() else {}
    if published.get("hash") == suite.hash and published["worlds"] != worlds:
        warnings.warn(
            f"the episodes of suite {suite.name!r} are not the published ones: worlds {worlds}, "
            f"published {published['worlds']}; something that builds scenes was changed",
            stacklevel=2,
        )
    return {"worlds": worlds, "pictures": now}


def trained_on(policy: str) -> dict[str, str]:
    """Renderer and golden frame of the pictures that a checkpoint was trained on; empty where nothing says so."""
    name, _ = split_execution(policy)
    path = Path(located(name.partition(":")[2] or name))
    for config in (path / "config.json", path / "checkpoints" / "last" / "config.json"):
        if config.is_file():
            notes = read_json(config).get("trained_on", {})
            return {name: notes[name] for name in ("renderer", "golden_frame") if name in notes}
    return {}
