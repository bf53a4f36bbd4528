"""Film an episode: a stored one (--episodes), or one that a policy plays now (--policy). MP4, drawn from poses.

vla record --episodes runs/demo/eval/after/episodes --key eval-0-Lift-light.3-00002 --out x.mp4

vla record --policy expert --task Lift --seed 0 --out x.mp4

vla record --policy base --task "put the red block in the blue bowl" --out x.mp4
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from envs.scene import SceneSpec
from envs.scenes import make_scene, with_cameras, with_noise
from envs.wishing import Wish, wished
from envs.world import World
from experiments.commands.eval import executed
from experiments.drawing import control_rate, frame_source
from policies.bodies import check_body
from policies.registry import make_policy
from vla.contract import EpisodeRequest, Perturbation
from vla.episode import Episode
from vla.presence import FirstLook, confidence_text
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
    """Policy, published policy or checkpoint that plays the episode now."""
    execution: str = ""
    """How a checkpoint's chunks become actions: receding:STEPS, ensemble:DECAY or realtime:STEPS:DELAY."""
    robot: str = "panda"
    """Registered robot."""
    control: str = "pd_ee_delta_pose"
    """Registered control mode."""
    key: str = ""
    """Key of the episode, for example eval-0-Lift-light.3-00012; without it --task, --index and so on name it."""
    task: str = "Lift"
    """Task of the episode that is played, or a sentence: then the scene is one of the task that it asks for."""
    scene: str = ""
    """With a sentence: put it to a scene of this task as it is, whatever the sentence names."""
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
    wish, confidence = wanted(args), None
    if args.episodes:
        episode = stored(args.episodes, args.key)
    else:
        episode, confidence = played(args, wish.request if wish else request(args), wish)
    look = Look(cameras=args.cameras, fps=control_rate(episode), quality=args.quality)
    frames = frame_source(episode, args.cameras, args.size, renderer=args.renderer)
    write_episode(episode, frames, args.out, look)
    result = episode.result
    print(f"{args.out}: {result.instruction!r}, {result.outcome} ({result.reason}) after {result.steps} steps")
    if wish:
        print(wish.told())
    if confidence is not None:
        print(confidence_text(confidence))
    if args.json:
        print(json.dumps({**summary(args, episode), "understood": noted(wish), "confidence": confidence}))
    return 1 if result.outcome == "error" else 0


def summary(args: Args, episode: Episode) -> dict[str, Any]:
    """What `--json` prints."""
    result = episode.result
    fields = {"video": str(args.out), "key": episode.key, "instruction": result.instruction, "outcome": result.outcome}
    return {**fields, "reason": result.reason, "steps": result.steps, "bytes": args.out.stat().st_size}


def wanted(args: Args) -> Wish | None:
    """The scene for the sentence that `--task` may be; None for a task's name.

    Raises ValueError for options that a sentence leaves no room for, and for one that nothing can be made of.
    """
    sentence = not args.episodes and not args.key and " " in args.task.strip()
    if not sentence:
        if args.scene:
            raise ValueError("--scene FAMILY goes with a sentence: --policy NAME --task 'lift the red block'")
        return None
    if args.axis or args.split != "eval":
        raise ValueError("--axis and --split are for scenes of a task; with a sentence, --seed and --index choose one")
    if args.index < 0:
        raise ValueError(f"expected the number of an episode, 0 or more; got {args.index}")
    options = {"robot": args.robot, "control": args.control, "family": args.scene}
    return wished(args.task.strip(), seed=args.seed, index=args.index, **options)


def noted(wish: Wish | None) -> dict[str, Any] | None:
    """What `--json` prints of how a sentence was understood; None where there was none."""
    if wish is None:
        return None
    understood = wish.understood
    things = [thing.text() for thing in understood.things]
    fields = {"task": understood.task, "things": things, "relation": understood.relation, "read": understood.read}
    return {**fields, "unknown": list(understood.unknown), "absent": wish.absent}


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


class Given(World):
    """A world that has one scene, whichever episode is asked for."""

    def __init__(self, spec: SceneSpec, image_size: int | None, cameras: Sequence[str] | None) -> None:
        """Show `spec` through its own cameras of these names, or others that are registered."""
        super().__init__(image_size=image_size, robot=spec.robot.name, control=spec.robot.control)
        self._given = spec if cameras is None else with_cameras(spec, cameras)

    def reset(self, request: EpisodeRequest) -> None:
        """Build the scene from nothing."""
        self.load(with_noise(self._given, request))


def played(args: Args, asked: EpisodeRequest, wish: Wish | None = None) -> tuple[Episode, float | None]:
    """Let a policy play an episode: `asked`, in the scene of the wish if there is one.

    Returns the episode, and the policy's confidence at the first look that it sees what is named; None if it has none.
    Raises ValueError for unknown names, or if no scene came of it (with why).
    """
    if asked.index < 0:
        raise ValueError(f"expected the number of an episode, 0 or more; got {asked.index}")
    if wish is None:
        make_scene(asked, args.robot, args.control)  # an unknown task or axis is told now
    player = make_policy(executed(args.policy, args.execution))
    check_body(player, args.robot, args.control)
    size, cameras = getattr(player, "image_size", None), getattr(player, "cameras", None)
    if wish is None:
        world = World(image_size=size, robot=args.robot, control=args.control, cameras=cameras)
    else:
        world = Given(wish.spec, size, cameras)
    recorder, look = Recorder({"policy": args.policy}), FirstLook(player)
    try:
        result = rollout(world, player, asked, subscribers=(recorder, look))
    finally:
        world.close()
    episode = recorder.episode()
    if episode is None:
        raise ValueError(f"{asked.key} could not be played: {result.traceback}")
    return episode, look.confidence
