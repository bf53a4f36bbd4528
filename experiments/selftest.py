"""The five-second self-test of `vla doctor`: one tiny piece of every part of the path, on a real scene.

Each step uses what the one before made; a step whose input is missing fails with that as the reason.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.doctor import Line, check
from vla.contract import EpisodeRequest

if TYPE_CHECKING:
    from envs.renderer.types import Frame
    from envs.world import World
    from vla.episode import Episode

REQUEST = EpisodeRequest("Reach", 0, split="eval")
SIZE = 128
MAX_DEPTH_ERROR_M = 0.005


class SelfTest:
    """Holds what the steps hand on: the world, then the episode."""

    def __init__(self, world: World) -> None:
        """Test in `world`."""
        self.world = world
        self.episode: Episode | None = None

    def build(self) -> str:
        """Build a scene and step it."""
        self.world.reset(REQUEST)
        for _ in range(3):
            self.world.step(np.zeros(7, dtype=np.float32))
        rows = len(self.world.poses())
        if not np.isfinite(self.world.poses()).all():
            raise ArithmeticError("the poses are not finite")
        return f"scene of {REQUEST.key}: {rows} pose rows, 3 steps"

    def draw(self) -> str:
        """Draw the front camera by raster and by TinyRenderer and compare depth."""
        raster, tiny = (self._frame(name) for name in ("raster", "tiny"))
        error = float(np.median(np.abs(raster.depth - tiny.depth)))
        if error > MAX_DEPTH_ERROR_M:
            raise ArithmeticError(f"depth of raster and tiny differs by {1000 * error:.1f} mm (median)")
        return f"depth of raster and tiny at {SIZE} x {SIZE} differs by {1000 * error:.2f} mm (median)"

    def _frame(self, renderer: str) -> Frame:
        from envs.frames import EpisodeRenderer

        drawer = EpisodeRenderer(self.world.spec, renderer=renderer, size=SIZE)
        try:
            return drawer.frames(self.world.poses(), ("front",))["front"]
        finally:
            drawer.close()

    def solve(self) -> str:
        """Let the scripted expert solve one episode."""
        from policies.registry import make_policy
        from vla.rollout import Recorder, rollout

        recorder = Recorder()
        result = rollout(self.world, make_policy("expert"), REQUEST, subscribers=(recorder,))
        self.episode = recorder.episode()
        if result.outcome != "success":
            raise RuntimeError(f"{result.outcome}: {result.reason} {result.traceback}".strip())
        return f"{result.instruction!r}: success in {result.steps} steps"

    def store(self) -> str:
        """Write that episode, read it back."""
        from vla.store import EpisodeStore

        if self.episode is None:
            raise RuntimeError("there is no episode to store")
        with tempfile.TemporaryDirectory() as folder:
            store = EpisodeStore(Path(folder))
            store.save(self.episode)
            same = store.load(self.episode.key).content_hash() == self.episode.content_hash()
            size = store.path(self.episode.key).stat().st_size
        if not same:
            raise RuntimeError("the episode read back differs from the one that was written")
        return f"{len(self.episode)} steps in {size / 1000:.1f} kB, read back unchanged"

    @staticmethod
    def infer() -> str:
        """One forward pass of the network, with random weights."""
        import torch

        from vla.models.compact import CompactVLA
        from vla.models.compact_config import CompactConfig

        config = CompactConfig(vocab_size=64)
        views, side = len(config.cameras), config.image_size
        pixels = torch.zeros(1, views, side, side, 3, dtype=torch.uint8)
        tokens = torch.ones(1, config.max_words, dtype=torch.long)
        with torch.inference_mode():
            model = CompactVLA(config).eval()
            actions = model.act(pixels, tokens, torch.zeros(1, 8), torch.zeros(1, config.chunk, 7))
        if not torch.isfinite(actions).all():
            raise ArithmeticError("the network gave NaN")
        size = sum(parameter.numel() for parameter in model.parameters())
        return f"{size / 1e6:.2f} M parameters, chunk of {config.chunk} actions"


def run() -> Iterator[Line]:
    """All steps, in order."""
    from envs.world import World

    world = World()
    test = SelfTest(world)
    try:
        yield check("self-test", "simulate", test.build)
        yield check("self-test", "render", test.draw)
        yield check("self-test", "expert", test.solve)
        yield check("self-test", "store", test.store)
        yield check("self-test", "network", test.infer)
    finally:
        world.close()
