"""Baselines side by side: ours, ACT, Diffusion Policy, the deaf and the blind twin of ours. `vla bench baselines`.

RUN/data/           one set of demonstrations for all        RUN/costs.json   CPU seconds of a step of each arm
RUN/ARM-SEED/       training runs                            RUN/eval/        results, one folder a run
RUN/baselines.md    the table, and its numbers as JSON

Fair means: the same demonstrations, pictures, batches in the same order, statistics, schedule and moving average; the
same suite and execution; and the same compute. Compute is CPU seconds: a step of each network is timed in CPU time of
the process (waiting for a busy core costs none), and each gets as many steps as its budget pays for. Drawing the frames
is the same for all and not counted. The twins are trained without their sense, like ours otherwise, and act without it.

Stop it at any moment: finished stages are not repeated, training and evaluation go on where they were.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments import api
from experiments.curricula import measure
from experiments.presets import ModelSize, model_size
from experiments.stages import Ledger, Stage, as_settings, run_stages
from experiments.training import TrainJob, demonstrations, load, policy_config, train
from experiments.workers import worker_count
from policies.learned import LearnedPolicy
from vla import checkpoint
from vla.batches import BatchSource
from vla.contract import Observation
from vla.evaluation import Evaluation
from vla.models.contract import make_model
from vla.provenance import command_line, commit, machine, now
from vla.results import read_json, write_json
from vla.stats import Rate
from vla.suites import Suite
from vla.training_config import ACTION, TrainConfig

COSTS = "costs.json"
MEASURED_ON = 20  # episodes
LOOKS = 20  # chunks of which latency is the median


@dataclass(frozen=True)
class Arm:
    """One way to imitate: a network, and the sense that it has to do without."""

    model: ModelSize
    without: str = ""
    says: str = ""


OURS = model_size("small")
ARMS = {
    "ours": Arm(OURS, says="compact network with grounding, `vla train`"),
    "act": Arm(model_size("act"), says="ACT, arXiv 2304.13705, with words"),
    "diffusion_policy": Arm(model_size("diffusion_policy"), says="Diffusion Policy, arXiv 2303.04137, with words"),
    "deaf": Arm(OURS, "words", says="ours, trained and acting without words"),
    "blind": Arm(OURS, "pixels", says="ours, trained and acting without pictures"),
}


@dataclass(frozen=True)
class Preset:
    """All settings.

    Attributes:
        suite: What every arm is evaluated on; it also names the families.
        episodes: Demonstrations of each family.
        cpu_s: CPU seconds of training of each run.
        seeds: Runs of each arm.
        train: How to train; the steps follow from `cpu_s`, the learning rates are those of the networks.
        image_size: Pixels a side.
        model: Replaces the shape of ours, for quick tries.
        noise: Share of random motions in the demonstrations.
    """

    suite: Suite
    episodes: int = 200
    cpu_s: float = 1800.0
    seeds: int = 1
    train: TrainConfig = field(default_factory=lambda: TrainConfig(batch_size=64, torch_threads=1))
    image_size: int = 96
    model: ModelSize | None = None
    noise: float = 0.12


FAMILIES = ("Reach", "Push", "Lift", "PlaceInto", "PlaceOn", "Stack", "OpenDrawer", "PressButton")
TINY = ModelSize(channels=16, blocks=1, keypoints=4, hidden=32, text_dim=16)
PRESETS = {
    "full": Preset(Suite("baselines", FAMILIES, controls=("swapped",), episodes=50)),
    "tiny": Preset(
        Suite("baselines-tiny", ("Reach", "Lift"), controls=("swapped",), episodes=2),
        episodes=3,
        cpu_s=2.0,
        train=TrainConfig(batch_size=8, warmup=1, threads=0, torch_threads=1, log_every=1, save_every=10),
        image_size=32,
        model=TINY,
    ),
}


class Baselines:
    """One comparison in a folder.

    Args:
        run: The folder.
        preset: What to do.
        arms: Names of the arms.
        workers: Worker processes; None for the best number here.

    Raises:
        ValueError: `run` was begun with other settings.
    """

    def __init__(self, run: Path, preset: Preset, arms: tuple[str, ...], workers: int | None = None) -> None:
        """Nothing is done yet."""
        self.folder, self.preset, self.arms = run, preset, arms
        self.workers = worker_count(workers)
        self.ledger = Ledger(run, as_settings(preset))

    def run(self) -> dict[str, Any]:
        """Do what is not done yet; all numbers, JSON-ready."""
        run_stages(self.stages(), self.ledger)
        about = {"date": now(), "machine": machine(), "commit": commit(), "command": command_line()}
        settings = {"settings": self.ledger.settings, "costs": self.costs()}
        return {**about, **settings, "arms": {arm: self.numbers(arm) for arm in self.arms}}

    def stages(self) -> list[Stage]:
        """What is done, in order: seed by seed, so that a stop leaves whole comparisons."""
        runs = [(arm, seed) for seed in range(self.preset.seeds) for arm in self.arms]
        stages = [Stage("collect", "demonstrations for all", 300, self.collect)]
        stages.append(Stage("costs", "CPU seconds of a step of each network", 60, self.measure_costs))
        for arm, seed in runs:
            name, cost = f"{arm}-{seed}", self.preset.cpu_s
            stages.append(Stage(f"train-{name}", ARMS[arm].says, cost, _bound(self.train, arm, seed)))
            stages.append(Stage(f"eval-{name}", "the suite", 300, _bound(self.evaluate, arm, seed)))
        return stages

    def collect(self) -> None:
        """RUN/data."""
        preset = self.preset
        tasks, data = preset.suite.tasks, self.folder / "data"
        collection = api.collect(data, tasks, preset.episodes, workers=self.workers, noise=preset.noise)
        if not collection.complete:
            raise ValueError(f"the expert did not give all demonstrations: {collection.to_dict()['tasks']}")

    def job(self, arm: str, seed: int = 0) -> TrainJob:
        """The training of an arm; its steps are not known yet."""
        preset, way = self.preset, ARMS[arm]
        ours = preset.model is not None and way.model.backbone == OURS.backbone
        model = replace(preset.model if ours and preset.model else way.model, image_size=preset.image_size)
        config = replace(preset.train, seed=seed, lr=way.model.lr)
        return TrainJob((self.folder / "data",), self.folder / f"{arm}-{seed}", model, config, without=way.without)

    def costs(self) -> dict[str, float]:
        """Median CPU seconds of a step of each arm; twins cost what ours costs."""
        found: dict[str, float] = read_json(self.folder / COSTS)
        return found

    def measure_costs(self) -> None:
        """Time a step of each network, on the first episodes."""
        found: dict[str, float] = {}
        same: dict[ModelSize, float] = {}
        for arm in ARMS:  # all of them, so that arms can be added to a run
            job = self.job(arm)
            if job.model not in same:
                demos = demonstrations(job, load(job)[:MEASURED_ON])
                demos.draw_all(1, lambda count: None)
                policy = policy_config(job, demos)
                source = BatchSource(demos, policy.normalizer, policy.vocabulary, job.train.batch_size, 0)
                same[job.model] = measure(policy, job.train, {ACTION: source})[ACTION]
            found[arm] = same[job.model]
        write_json(self.folder / COSTS, found)

    def train(self, arm: str, seed: int) -> None:
        """One run, for as many steps as the budget pays."""
        job = self.job(arm, seed)
        steps = max(1, round(self.preset.cpu_s / self.costs()[arm]))
        done, planned = checkpoint.progress(train(replace(job, train=replace(job.train, steps=steps)), resume=True))
        if done < planned:  # it was asked to stop, and saved
            raise KeyboardInterrupt

    def evaluate(self, arm: str, seed: int) -> Evaluation:
        """One run on the suite; at once where that has been done."""
        policy = str(checkpoint.find(self.folder / f"{arm}-{seed}"))
        return api.evaluate(policy, self.preset.suite, self.folder, name=f"{arm}-{seed}", workers=self.workers, keep=2)

    def numbers(self, arm: str) -> dict[str, Any]:
        """What the table says of an arm."""
        done = [self.evaluate(arm, seed).summary for seed in range(self.preset.seeds)]
        rates = [summary.overall for summary in done]
        folder = checkpoint.find(self.folder / f"{arm}-0")
        config = checkpoint.load_config(folder)
        swapped = [summary.pooled.get(("swapped", 1), Rate(0, 0)) for summary in done]
        return {
            "says": ARMS[arm].says,
            "parameters": sum(p.numel() for p in make_model(config.model).parameters()),
            "steps": checkpoint.progress(folder)[1],
            "success": _pooled(rates).to_dict(),
            "by_seed": [rate.to_dict() for rate in rates],
            "by_family": {t: _pooled([s.task(t) for s in done]).to_dict() for t in self.preset.suite.tasks},
            "swapped": _pooled(swapped).to_dict(),
            **latency(folder),
        }


def latency(folder: Path) -> dict[str, float]:
    """Median CPU milliseconds of a chunk, alone on one core, and of an action that is executed."""
    policy = LearnedPolicy(folder, batch_size=1)
    side, spent = policy.image_size, []
    pictures = {camera: np.zeros((side, side, 3), np.uint8) for camera in policy.cameras}
    look: Observation = {"pixels": pictures, "agent_pos": np.zeros(8, np.float32), "instruction": "lift the red block"}
    for step in range(LOOKS + 3):
        look["step"] = step
        start = time.process_time()
        policy.act([look])
        spent.append(1000 * (time.process_time() - start))
    chunk = statistics.median(spent[3:])
    return {"chunk_ms": round(chunk, 2), "action_ms": round(chunk / policy.execute, 2)}


def _pooled(rates: list[Rate]) -> Rate:
    """All episodes of several runs."""
    return Rate(sum(rate.k for rate in rates), sum(rate.n for rate in rates), sum(rate.errors for rate in rates))


def _bound(do: Callable[[str, int], object], arm: str, seed: int) -> Callable[[], None]:
    def bound() -> None:
        do(arm, seed)

    return bound


def report(found: dict[str, Any]) -> str:
    """The Markdown file."""
    settings, arms = found["settings"], found["arms"]
    tasks = settings["suite"]["tasks"]
    lines = [
        "# Baselines, side by side\n",
        f"- machine: {found['machine']}\n- date: {found['date']}\n- commit: {found['commit']}",
        f"- command: `{found['command']}`",
        f"- data: {settings['episodes']} demonstrations of each of {', '.join(tasks)}; the same for all",
        f"- compute: {settings['cpu_s']:g} CPU seconds of training each, which pay for `steps` (CPU seconds of a step: "
        + ", ".join(f"{arm} {cost:g}" for arm, cost in found["costs"].items())
        + f"); {settings['seeds']} seed{'s' * (settings['seeds'] > 1)}",
        f"- evaluation: suite `{settings['suite']['name']}`; Wilson 95 % intervals over episodes, those of all seeds",
        "- latency: median CPU time of one core for a chunk, and for one of the actions that are executed of it\n",
        "| arm | what | parameters | steps | success | by seed | words swapped | ms a chunk | ms an action |",
        "|---|---|---:|---:|---|---|---|---:|---:|",
    ]
    for arm, row in arms.items():
        seeds = ", ".join(f"{100 * rate['rate']:.0f}" for rate in row["by_seed"] if rate["rate"] is not None)
        lines.append(
            f"| {arm} | {row['says']} | {row['parameters'] / 1e6:.2f} M | {row['steps']} | {_text(row['success'])} | "
            f"{seeds} | {_text(row['swapped'])} | {row['chunk_ms']} | {row['action_ms']} |"
        )
    lines += ["\nSuccess by family:\n", f"| arm | {' | '.join(tasks)} |", "|---|" + "---|" * len(tasks)]
    for arm, row in arms.items():
        lines.append(f"| {arm} | {' | '.join(_text(row['by_family'][task]) for task in tasks)} |")
    lines.append(
        "\n`words swapped`: the instruction asks for another goal of the scene, and success is counted for the one "
        "that was not asked for: a policy that listens hardly ever succeeds there, a deaf one as often as ever."
    )
    return "\n".join(lines) + "\n"


def _text(rate: dict[str, Any]) -> str:
    return Rate(rate["k"], rate["n"], rate.get("errors", 0)).text
