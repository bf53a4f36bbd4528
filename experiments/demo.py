"""The whole path in one job: collect, train, evaluate, record, report. Every number is a field of a preset.

RUN/data/          demonstrations            RUN/train/    checkpoints and training log
RUN/eval/POLICY/   results and episodes      RUN/videos/   RUN/report.html   RUN/summary.json
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from experiments.api import collect, evaluate
from experiments.commands import report as report_command
from experiments.drawing import frame_source
from experiments.presets import ModelSize
from experiments.stages import Ledger, Stage, as_settings, duration, run_stages
from experiments.suites import SUITES
from experiments.training import TrainJob, train
from experiments.workers import worker_count
from vla import checkpoint
from vla.contract import EpisodeRequest
from vla.evaluation import EPISODES
from vla.provenance import machine, versions
from vla.report_data import gallery, load_run
from vla.results import write_json
from vla.seeding import episode_seed
from vla.store import EpisodeStore
from vla.suites import Suite
from vla.trainer import TrainConfig
from vla.video import Look, write_episode

SUMMARY = "summary.json"
REPORT = "report.html"
CAMERAS = ("front", "wrist")


@dataclass(frozen=True)
class ReportClips:
    """How many clips the report shows, and how large (pixels a side; the expert is beside the policy)."""

    failures: int = 9
    successes: int = 9
    others: int = 2
    size: int = 320


@dataclass(frozen=True)
class DemoPreset:
    """All settings of a demo.

    Attributes:
        suite: What the trained policy is evaluated on; it also names the tasks.
        control_episodes: In-distribution episodes a task for the policies that it is compared with.
        demonstrations: Successful episodes of each task: more where the policy has more to learn.
        noise: Share of random motions in the demonstrations.
        data_seed: Seed of the training split.
        model: Shape of the network.
        train: How to train; `seconds` counts if `steps` is 0.
        slots: Episodes that a worker keeps running.
        video_size: Pixels a side of each camera in RUN/videos.
        failures_filmed: Failures among them, beside one success a task.
        report: Which clips the report shows.
        expected_s: Seconds a stage takes on two free cores, for the announcement.
    """

    suite: Suite
    control_episodes: int
    demonstrations: Mapping[str, int]
    noise: float = 0.12
    data_seed: int = 0
    model: ModelSize = field(default_factory=ModelSize)
    train: TrainConfig = field(default_factory=TrainConfig)
    slots: int = 8
    video_size: int = 320
    failures_filmed: int = 3
    report: ReportClips = field(default_factory=ReportClips)
    expected_s: Mapping[str, float] = field(default_factory=dict)


# Every published run of the demo had an l1 head (experiments/results/learning.md); flow, the default elsewhere, has not
# been measured on it.
DEMO = DemoPreset(
    suite=SUITES["demo"],
    control_episodes=20,
    demonstrations={"Reach": 300, "Push": 500, "Lift": 850, "PlaceInto": 600},
    model=ModelSize(head="l1"),
    train=TrainConfig(steps=0, seconds=285.0, batch_size=64, lr=1e-3),
    expected_s={"collect": 85, "train": 365, "evaluate": 85, "record": 15, "report": 11},
)
TINY = DemoPreset(
    suite=Suite(
        "tiny", ("Reach", "Lift"), axes=("light_intensity",), levels=(1,), controls=("blank",), episodes=1, base=2
    ),
    control_episodes=2,
    demonstrations={"Reach": 3, "Lift": 3},
    model=ModelSize(image_size=32, channels=16, blocks=2, keypoints=4, hidden=64),
    train=TrainConfig(steps=4, batch_size=8, warmup=1, log_every=1),
    video_size=96,
    failures_filmed=1,
    report=ReportClips(failures=1, successes=1, others=1, size=64),
    expected_s={"collect": 2, "train": 2, "evaluate": 5, "record": 2, "report": 2},
)
PRESETS: dict[str, DemoPreset] = {"demo": DEMO, "tiny": TINY}


class Demo:
    """One demo in a folder.

    Args:
        run: The folder.
        preset: What to do.
        workers: Worker processes; 0 runs in this process. Results do not depend on it.
    """

    def __init__(self, run: Path, preset: DemoPreset, workers: int | None = None) -> None:
        """Nothing is done yet. Raises ValueError if `run` was begun with other settings."""
        self.run_folder, self.preset = run, preset
        self.workers = worker_count(workers)
        self.ledger = Ledger(run, as_settings(preset))
        self.data, self.training = run / "data", run / "train"

    @property
    def checkpoint(self) -> str:
        """What names the trained policy."""
        return str(self.training / "checkpoints" / "last")

    @property
    def policies(self) -> dict[str, str]:
        """Display name to policy name. Blind and deaf are the trained network with a sense taken away."""
        return {
            "trained": self.checkpoint,
            "expert": "expert",
            "random": "random",
            "blind": f"blind:{self.checkpoint}",
            "deaf": f"deaf:{self.checkpoint}",
        }

    def stages(self) -> list[Stage]:
        """What is done, in order."""
        preset, suite = self.preset, self.preset.suite
        episodes = len(suite.requests())
        others = (len(self.policies) - 1) * len(suite.tasks) * preset.control_episodes
        counts = ", ".join(f"{count} {task}" for task, count in preset.demonstrations.items())
        plan = {
            "collect": (f"demonstrations by the scripted expert: {counts}", self.collect),
            "train": ("one policy for all tasks, from nothing, on what the cameras see and the words say", self.train),
            "evaluate": (
                f"{episodes} episodes of the trained policy, {others} of those to compare with",
                self.evaluate,
            ),
            "record": ("videos of the trained policy, drawn again from poses", self.record),
            "report": ("one HTML file with everything", self.report),
        }
        return [Stage(name, says, preset.expected_s.get(name, 1), do) for name, (says, do) in plan.items()]

    def plan(self) -> str:
        """How long the stages that are left take."""
        left = sum(stage.expected_s for stage in self.stages() if stage.name not in self.ledger.seconds)
        return f"About {duration(left)} on two free cores; this machine: {machine()}."

    def collect(self) -> None:
        """Demonstrations into RUN/data."""
        preset = self.preset
        for task, count in preset.demonstrations.items():
            collection = collect(
                self.data, [task], count, workers=self.workers, noise=preset.noise, seed=preset.data_seed
            )
            if not collection.complete:
                raise ValueError(f"the expert did not give all demonstrations: {collection.to_dict()['tasks']}")

    def train(self) -> None:
        """RUN/data to RUN/train, going on from the last checkpoint if there is one."""
        self.check_seeds()
        job = TrainJob((self.data,), self.training, self.preset.model, self.preset.train)
        resume = (self.training / "checkpoints" / "last").exists()
        folder = train(job, resume=resume)
        step, steps = checkpoint.progress(folder)
        if step < steps:
            raise KeyboardInterrupt(f"training stopped at step {step} of {steps}")

    def check_seeds(self) -> None:
        """The evaluated episodes are none of those trained on: neither their names nor their seeds."""
        suite, stored = self.preset.suite, EpisodeStore(self.data).keys()
        candidates = (
            EpisodeRequest(task, index, self.preset.data_seed)
            for task, count in self.preset.demonstrations.items()
            for index in range(4 * count + 20)
        )
        trained = {request.key: episode_seed(request) for request in candidates}
        unknown = set(stored) - trained.keys()
        assert not unknown, f"episodes of unknown seeds in {self.data}: {sorted(unknown)[:3]}"
        evaluated = {episode_seed(request) for request in suite.requests()}
        assert not evaluated & {trained[key] for key in stored}, "an evaluated episode was trained on"

    def evaluate(self) -> None:
        """Every policy into RUN/eval/POLICY; what is there already is not run again."""
        suite = self.preset.suite
        for name, policy in self.policies.items():
            evaluate(
                policy,
                suite if name == "trained" else in_distribution(suite, self.preset.control_episodes),
                self.run_folder,
                name=name,
                workers=self.workers,
                slots=self.preset.slots,
                keep=suite.episodes,
            )

    def record(self) -> None:
        """Videos of the trained policy into RUN/videos: one success a task, then failures, spread over the axes."""
        trained = next(policy for policy in load_run(self.run_folder).policies if policy.name == "trained")
        tasks = len(self.preset.suite.tasks)
        store = EpisodeStore(trained.folder / EPISODES)
        for record in gallery(trained, failures=self.preset.failures_filmed, successes=tasks):
            episode = store.load(record.key)
            path = self.run_folder / "videos" / f"{record.outcome}-{record.key}.mp4"
            write_episode(episode, frame_source(episode, CAMERAS, self.preset.video_size), path, Look(CAMERAS))

    def report(self) -> None:
        """RUN/report.html."""
        clips = asdict(self.preset.report)
        report_command.main(report_command.Args(self.run_folder, self.run_folder / REPORT, **clips))

    def summary(self) -> dict[str, Any]:
        """What `summary.json` says. `success` is the rate in distribution by policy and task."""
        seconds = self.ledger.seconds
        evaluations = {policy.name: policy.summary for policy in load_run(self.run_folder).policies}
        tasks = self.preset.suite.tasks
        rates = {name: {task: found.task(task) for task in tasks} for name, found in evaluations.items()}
        return {
            "wall_s": round(sum(seconds.values()), 2),
            "stages": seconds,
            "resumed": self.ledger.resumed,
            "success": {name: {task: rate.value for task, rate in row.items()} for name, row in rates.items()},
            "mean_success": {
                name: round(math.fsum(rate.value for rate in row.values()) / len(row), 4) for name, row in rates.items()
            },
            "intervals": {name: {task: rate.to_dict() for task, rate in row.items()} for name, row in rates.items()},
            "errors": {name: found.errors for name, found in evaluations.items()},
            "axes": evaluations["trained"].to_dict(self.preset.suite)["axes"],
            "controls": evaluations["trained"].to_dict(self.preset.suite)["controls"],
            "checkpoint": self.checkpoint,
            "report": str(self.run_folder / REPORT),
            "machine": machine(),
            "versions": versions(),
        }

    def run(self, install_s: float = 0.0) -> dict[str, Any]:
        """All stages that are not finished, then `summary.json`.

        Args:
            install_s: Seconds that the installation took before; counted as a stage.
        """
        if install_s and "install" not in self.ledger.seconds:
            self.ledger.note("install", install_s)
        run_stages(self.stages(), self.ledger)
        summary = self.summary()
        write_json(self.run_folder / SUMMARY, summary)
        return summary


def in_distribution(suite: Suite, episodes: int) -> Suite:
    """The in-distribution cells of a suite."""
    return replace(suite, axes=(), controls=(), episodes=episodes, base=0)
