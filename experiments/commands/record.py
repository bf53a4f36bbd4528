"""Film an episode: a stored one (--episodes), or one that a policy plays now (--policy). MP4, drawn from poses.

vla record --episodes runs/demo/eval/after/episodes --key eval-0-Lift-light.3-00002 --out x.mp4

vla record --policy expert --task Lift --seed 0 --out x.mp4
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from envs.scenes import make_scene
from envs.world import World
from experiments.commands.eval import executed
from experiments.drawing import control_rate, frame_source
from policies.bodies import check_body
from policies.registry import make_policy
from vla.contract import EpisodeRequest, Perturbation
from vla.episode import Episode
from vla.registry import nearest
from vla.rollout import Recorder, rollout
from vla.store import EpisodeStore
from vla.suites import request_of
from vla.video import Look, write_episode


@dataclass(frozen=True)
class Args:
    """Options of `vla record`."""

    out: Path
    """The MP4 file."""
    episodes: Path | None = None
    """Folder of stored episodes to draw from."""
    policy: str = ""
    """Policy or checkpoint that plays the episode now."""
    execution: str = ""
    """How a checkpoint's chunks become actions: receding:STEPS, ensemble:DECAY or realtime:STEPS:DELAY."""
    robot: str = "panda"
    """Registered robot."""
    control: str = "pd_ee_delta_pose"
    """Registered control mode."""
    key: str = ""
    """Key of the episode, for example eval-0-Lift-light.3-00012; without it --task, --index and so on name it."""
    task: str = "Lift"
    """Task of the episode that is played."""
    seed: int = 0
    """Its seed."""
    index: int = 0
    """Its number."""
    axis: str = ""
    """Axis that is turned on."""
    level: int = 1
    """Level of the axis."""
    split: Literal["train", "eval"] = "eval"
    """Seed space."""
    cameras: tuple[str, ...] = ("front", "wrist")
    """One camera, or several side by side: the scene's, or overview, side, top."""
    size: int = 480
    """Pixels a side of each camera."""
    renderer: Literal["raster", "tiny", "egl"] = "raster"
    """What draws."""
    quality: int = 20
    """x264 rate factor: 18 looks lossless, 28 is small."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Write the video; 1 if the episode ended in an error."""
    if (args.episodes is None) == (not args.policy):
        raise ValueError("give either --episodes FOLDER (a stored episode) or --policy NAME (one that is played now)")
    if args.size < 16:
        raise ValueError(f"expected --size of at least 16 pixels, got {args.size}")
    episode = stored(args.episodes, args.key) if args.episodes else played(args, request(args))
    look = Look(cameras=args.cameras, fps=control_rate(episode), quality=args.quality)
    frames = frame_source(episode, args.cameras, args.size, renderer=args.renderer)
    write_episode(episode, frames, args.out, look)
    result = episode.result
    print(f"{args.out}: {result.instruction!r}, {result.outcome} ({result.reason}) after {result.steps} steps")
    if args.json:
        print(json.dumps(summary(args, episode)))
    return 1 if result.outcome == "error" else 0


def summary(args: Args, episode: Episode) -> dict[str, Any]:
    """What `--json` prints."""
    result = episode.result
    fields = {"video": str(args.out), "key": episode.key, "instruction": result.instruction, "outcome": result.outcome}
    return {**fields, "reason": result.reason, "steps": result.steps, "bytes": args.out.stat().st_size}


def stored(folder: Path, key: str) -> Episode:
    """An episode of a folder, the first one without a key. Raises UnknownNameError (a ValueError) for another key."""
    store = EpisodeStore(folder, create=False)
    keys = store.keys()
    if not keys:
        raise ValueError(f"no episodes in {folder}")
    if key and key not in keys:
        raise nearest("episode key", key, keys[:20])
    return store.load(key or keys[0])


def request(args: Args) -> EpisodeRequest:
    """The episode that the options name."""
    if args.key:
        return request_of(args.key)
    asked = EpisodeRequest(args.task, args.index, args.seed, args.split)
    return replace(asked, perturbations=(Perturbation(args.axis, args.level),)) if args.axis else asked


def played(args: Args, asked: EpisodeRequest) -> Episode:
    """Let a policy play an episode. Raises ValueError for unknown names, or if no scene came of it (with why)."""
    if asked.index < 0:
        raise ValueError(f"expected the number of an episode, 0 or more; got {asked.index}")
    make_scene(asked, args.robot, args.control)  # an unknown task or axis is told now
    player = make_policy(executed(args.policy, args.execution))
    check_body(player, args.robot, args.control)
    size, cameras = getattr(player, "image_size", None), getattr(player, "cameras", None)
    world = World(image_size=size, robot=args.robot, control=args.control, cameras=cameras)
    recorder = Recorder({"policy": args.policy})
    try:
        result = rollout(world, player, asked, subscribers=(recorder,))
    finally:
        world.close()
    episode = recorder.episode()
    if episode is None:
        raise ValueError(f"{asked.key} could not be played: {result.traceback}")
    return episode
