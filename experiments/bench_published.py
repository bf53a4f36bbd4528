"""What a published policy can do: the numbers of its model card. Verb `published` of `vla bench`.

In distribution for every robot that it was trained on, every axis at one level, the same policy without its words,
without its pictures and, if it is compact, told the places, and its confidence that what is named is in sight.
Resumable: what has been run is not run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vla.contract import EpisodeRequest, Observation
from vla.resampling import suite_rate
from vla.stats import Rate, percent

if TYPE_CHECKING:
    from policies.learned import LearnedPolicy

CONTROLS = ("deaf", "blind")


@dataclass(frozen=True)
class Args:
    """Options of `vla bench published`."""

    policy: str = "base"
    """A published policy, or a checkpoint."""
    run: Path = Path("runs/published")
    """Run folder; a second call goes on with what is there."""
    task: tuple[str, ...] = ()
    """Families; default those that it was trained on."""
    episodes: int = 50
    """Episodes of each family in distribution, on the first robot that the policy was trained on."""
    others: int = 20
    """The same on each other robot, and for the policy without words and without pictures."""
    per_axis: int = 1
    """Episodes of each family on each axis; 0 leaves the axes out."""
    level: int = 3
    """Level of the axes."""
    seed: int = 0
    """Suite seed."""
    workers: int | None = None
    """Worker processes; default the best number here. Results do not depend on it."""
    out: Path | None = None
    """Markdown file, the numbers beside it as JSON; default RUN/published.md."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Run what is not done yet, write the tables."""
    from experiments.telling import tell

    found = numbers(args)
    tell(report(found), found, args.out or args.run / "published.md", as_json=args.json)
    return 0


def numbers(args: Args) -> dict[str, Any]:
    """All numbers, JSON-ready."""
    from experiments.suites import AXES
    from policies.published import checkpoint_path
    from vla import checkpoint
    from vla.provenance import command_line, commit, machine, now

    folder = checkpoint.find(checkpoint_path(args.policy))
    config = checkpoint.load_config(folder)
    families = args.task or tuple(config.trained_on.get("tasks", ()))
    if not families:
        raise ValueError(f"{folder} does not say which families it was trained on: give --task")
    counts = {robot: args.others if i else args.episodes for i, robot in enumerate(_robots(config.robots))}
    robots = {robot: _rates(args, families, count, robot=robot) for robot, count in counts.items()}
    controls = (*CONTROLS, "told") if config.model.backbone == "compact" else CONTROLS
    twins = {name: _rates(args, families, args.others, policy=f"{name}:{args.policy}") for name in controls}
    axes, reasons = _axes(args, families, AXES) if args.per_axis else ({}, {})
    return {
        "policy": args.policy,
        "fingerprint": checkpoint.fingerprint(folder),
        "date": now(),
        "machine": machine(),
        "commit": commit(),
        "command": command_line(),
        "seed": args.seed,
        "level": args.level,
        "families": {robot: {task: rate.to_dict() for task, rate in rates.items()} for robot, rates in robots.items()},
        "controls": {name: {task: rate.to_dict() for task, rate in rates.items()} for name, rates in twins.items()},
        "axes": {axis: rate.to_dict() for axis, rate in axes.items()},
        "reasons": reasons,
        "confidence": _confidence(args, families),
    }


def _robots(names: Sequence[str]) -> list[str]:
    """The Panda first: suites are made for it."""
    return sorted(names, key=lambda name: (name != "panda", name))


def _rates(
    args: Args, families: Sequence[str], episodes: int, *, policy: str = "", robot: str = "panda"
) -> dict[str, Rate]:
    """Success in distribution by family."""
    summary = _evaluation(args, families, ("none",), episodes, policy=policy, robot=robot).summary
    return {task: summary.task(task) for task in families}


def _axes(args: Args, families: Sequence[str], axes: Sequence[str]) -> tuple[dict[str, Rate], Mapping[str, int]]:
    """Success on each axis, over the families to which it applies, and why not."""
    summary = _evaluation(args, families, tuple(axes), args.per_axis).summary
    return {axis: summary.pooled[axis, args.level] for axis in axes if (axis, args.level) in summary.pooled}, dict(
        summary.reasons
    )


def _confidence(args: Args, families: Sequence[str]) -> dict[str, Any]:
    """How often the policy is at least half sure of what is there at the first look, and less of what is not.

    The same scenes twice: as they are told, and told of something that they have not (control `absent`).
    """
    from policies.registry import make_policy
    from vla.contract import Perturbation

    policy: Any = make_policy(args.policy)
    if not policy.tells_presence:
        return {}
    told: dict[str, list[bool]] = {"there": [], "absent": []}
    for task in families:
        for index in range(max(1, args.others // 2)):
            plain = EpisodeRequest(task, index, args.seed, "eval")
            absent = replace(plain, perturbations=(Perturbation("absent", 1),))
            for name, request in (("there", plain), ("absent", absent)):
                told[name].append(bool(policy.confidence([first_look(request, policy)])[0] >= 0.5))
    counts = {name: (sum(sure), len(sure)) for name, sure in told.items()}
    k, n = counts["absent"]
    return {"there": Rate(*counts["there"]).to_dict(), "absent": Rate(n - k, n).to_dict()}


def first_look(request: EpisodeRequest, policy: LearnedPolicy) -> Observation:
    """What a policy sees when an episode begins."""
    from envs.world import World

    world = World(image_size=policy.image_size, cameras=policy.cameras)
    world.reset(request)
    try:
        return world.observe(policy.inputs)
    finally:
        world.close()


def _evaluation(
    args: Args, families: Sequence[str], axes: tuple[str, ...], episodes: int, *, policy: str = "", robot: str = "panda"
) -> Any:
    from experiments.commands import eval as command

    part = "in-distribution" if axes == ("none",) else "axes"
    asked = command.Args(
        policy or args.policy,
        suite="standard",
        task=tuple(families),
        axis=axes,
        level=() if part == "in-distribution" else (args.level,),
        episodes=episodes,
        robot=robot,
        seed=args.seed,
        workers="auto" if args.workers is None else args.workers,
        slots=8,
        out=args.run / part,
        keep=3,
    )
    return command.run(asked)


def report(found: Mapping[str, Any]) -> str:
    """The Markdown file."""
    robots, controls = found["families"], found["controls"]
    columns = {**robots, **{f"{name} (panda)": rates for name, rates in controls.items()}}
    families = list(next(iter(robots.values())))
    lines = [
        f"# The policy `{found['policy']}`, judged\n",
        f"- machine: {found['machine']}\n- date: {found['date']}\n- commit: {found['commit']}",
        f"- weights: {found['fingerprint']}\n- command: `{found['command']}`",
        f"- episodes: split `eval`, seed {found['seed']}; Wilson 95 % intervals; errors count as neither\n",
        "## In distribution\n",
        f"| family | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    lines += [f"| {task} | {' | '.join(_rate(rates[task]).text for rates in columns.values())} |" for task in families]
    lines.append(f"| **mean of families** | {' | '.join(_mean(rates) for rates in columns.values())} |")
    if found["confidence"]:
        there, absent = (_rate(found["confidence"][name]).text for name in ("there", "absent"))
        lines.append(
            f"\nConfidence at the first look: at least 0.5 of what is there {there}, less of what is not {absent}."
        )
    lines += _axis_lines(found)
    return "\n".join(lines) + "\n"


def _axis_lines(found: Mapping[str, Any]) -> list[str]:
    """The table of the axes, worst first."""
    axes = found["axes"]
    if not axes:
        return []
    rows = sorted(axes.items(), key=lambda item: (_rate(item[1]).value, item[0]))
    reasons = ", ".join(f"{name} {count}" for name, count in found["reasons"].items())
    return [
        f"\n## Axes at level {found['level']}, worst first\n",
        f"Mean of {len(axes)} axes: **{_mean(axes)}**. Why not: {reasons}.\n",
        "| axis | success |\n|---|---:|",
        *(f"| {axis} | {_rate(rate).text} |" for axis, rate in rows),
    ]


def _rate(stored: Mapping[str, Any]) -> Rate:
    return Rate(stored["k"], stored["n"], stored.get("errors", 0))


def _mean(rates: Mapping[str, Mapping[str, Any]]) -> str:
    """Mean of rates, each counting the same, with the interval of `vla.resampling.suite_rate`."""
    outcomes = {name: [True] * rate["k"] + [False] * (rate["n"] - rate["k"]) for name, rate in rates.items()}
    found = suite_rate({name: each for name, each in outcomes.items() if each})
    return f"{percent(found.value)} % [{percent(found.low)}, {percent(found.high)}]"
