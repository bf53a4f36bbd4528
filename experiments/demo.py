"""The whole path in one job: collect, train, evaluate, record, report. Every number is a field of a preset.

With a base policy that is fine-tuned, it is evaluated before too. Without one, a policy is trained from nothing.

RUN/data/          demonstrations            RUN/train/    checkpoints and training log
RUN/eval/POLICY/   results and episodes      RUN/videos/   RUN/report.html   RUN/summary.json
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from experiments.api import collect, evaluate
from experiments.commands import report as report_command
from experiments.demo_films import film_gallery, film_pairs
from experiments.demo_presets import DemoPreset
from experiments.stages import Ledger, Stage, as_settings, duration, run_stages
from experiments.training import TrainJob, train
from experiments.workers import worker_count
from policies.learned import LearnedPolicy
from policies.registry import make_policy
from vla import checkpoint
from vla.contract import EpisodeRequest
from vla.provenance import machine, versions
from vla.report_data import load_run
from vla.results import write_json
from vla.seeding import episode_seed
from vla.store import EpisodeStore
from vla.suites import UNPERTURBED, Suite

SUMMARY = "summary.json"
REPORT = "report.html"
# Display names: of the trained policy and, where one is fine-tuned, of what it was and has become.
TRAINED, BEFORE, AFTER = "trained", "before", "after"
CONTROLS = ("expert", "random", "blind", "deaf")


@dataclass(frozen=True)
class Base:
    """The policy that a demo fine-tunes.

    Attributes:
        folder: Its checkpoint.
        families: Task families that it was trained on, sorted.
        fingerprint: Identifies its weights.
    """

    folder: Path
    families: tuple[str, ...]
    fingerprint: str


def load_base(name: str) -> Base:
    """The policy called `name`, or the checkpoint at that path.

    Raises ValueError if there is none, or if it is none that learns.
    """
    policy = make_policy(name)
    if not isinstance(policy, LearnedPolicy):
        raise ValueError(f"policy {name!r} has no weights to fine-tune: expected the name or the path of a checkpoint")
    families: set[str] = set()
    lesson: Mapping[str, Any] | None = policy.config.trained_on
    while lesson:  # newest first, down to what it learnt from nothing
        families.update(lesson["tasks"])
        lesson = lesson.get("before")
    return Base(policy.folder, tuple(sorted(families)), policy.fingerprint)


class Demo:
    """One demo in a folder.

    Args:
        run: The folder.
        preset: What to do.
        workers: Worker processes; 0 runs in this process. Results do not depend on it.
    """

    def __init__(self, run: Path, preset: DemoPreset, workers: int | None = None) -> None:
        """Nothing is done yet.

        Raises ValueError if `run` was begun with other settings or another base, or if there is no such base.
        """
        self.run_folder, self.preset = run, preset
        self.workers = worker_count(workers)
        self.base = load_base(preset.base) if preset.base else None
        weights = self.base.fingerprint if self.base else ""  # a name may come to mean another policy
        self.ledger = Ledger(run, {**as_settings(preset), "weights": weights})
        self.data, self.training = run / "data", run / "train"

    @property
    def checkpoint(self) -> str:
        """What names the trained policy."""
        return str(self.training / "checkpoints" / "last")

    @property
    def subject(self) -> str:
        """Display name of the trained policy."""
        return AFTER if self.base else TRAINED

    @property
    def unseen(self) -> list[str]:
        """Evaluated families that the base policy was not trained on."""
        return [task for task in self.preset.suite.tasks if self.base and task not in self.base.families]

    @property
    def policies(self) -> dict[str, str]:
        """Display name to policy name. Blind and deaf are the trained network with a sense taken away."""
        return {
            **({BEFORE: self.preset.base} if self.base else {}),
            self.subject: self.checkpoint,
            "expert": "expert",
            "random": "random",
            "blind": f"blind:{self.checkpoint}",
            "deaf": f"deaf:{self.checkpoint}",
        }

    def stages(self) -> list[Stage]:
        """What is done, in order."""
        preset, suite = self.preset, self.preset.suite
        episodes = len(suite.requests())
        others = len(CONTROLS) * len(suite.tasks) * preset.control_episodes
        counts = ", ".join(f"{count} {task}" for task, count in preset.demonstrations.items())
        plan = {"collect": (f"demonstrations by the scripted expert: {counts}", self.collect)}
        if self.base:
            counted = f"{len(in_distribution(suite).requests())} episodes"
            new = f"; it has not seen {', '.join(self.unseen)}" if self.unseen else ""
            plan["before"] = (f"{counted} of the policy {preset.base}, as it is{new}", self.evaluate_base)
            how = f"{preset.base} is fine-tuned on all of them"
        else:
            how = "one policy for all tasks, from nothing, on what the cameras see and the words say"
        plan |= {
            "train": (how, self.train),
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
        """RUN/data to RUN/train, from the base policy if there is one; goes on from the last checkpoint of the run."""
        self.check_seeds()
        start = self.base.folder if self.base else None
        job = TrainJob((self.data,), self.training, self.preset.model, self.preset.train, start=start)
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

    def evaluate_base(self) -> None:
        """The base policy, in distribution, into RUN/eval/before."""
        self.evaluate_one(BEFORE, in_distribution(self.preset.suite))

    def evaluate(self) -> None:
        """The trained policy and its controls into RUN/eval/POLICY; what is there already is not run again."""
        suite = self.preset.suite
        self.evaluate_one(self.subject, suite)
        for name in CONTROLS:
            self.evaluate_one(name, in_distribution(suite, self.preset.control_episodes))

    def evaluate_one(self, name: str, suite: Suite) -> None:
        """The policy with that display name on a suite, into RUN/eval/NAME."""
        evaluate(
            self.policies[name],
            suite,
            self.run_folder,
            name=name,
            workers=self.workers,
            slots=self.preset.slots,
            keep=self.preset.suite.episodes,
        )

    def record(self) -> None:
        """Videos into RUN/videos.

        Of the trained policy: one success a task, then failures, spread over the axes. Where there is a base policy,
        it is shown beside the trained one on the same episodes.
        """
        folder, size = self.run_folder / "videos", self.preset.video_size
        found = {policy.name: policy for policy in load_run(self.run_folder).policies}
        if self.base:
            film_pairs(found[BEFORE], found[AFTER], folder, size)
        tasks = len(self.preset.suite.tasks)
        film_gallery(found[self.subject], folder, size, failures=self.preset.failures_filmed, successes=tasks)

    def report(self) -> None:
        """RUN/report.html."""
        clips = asdict(self.preset.report)
        report_command.main(report_command.Args(self.run_folder, self.run_folder / REPORT, **clips))

    def summary(self) -> dict[str, Any]:
        """What `summary.json` says. `success` is the rate in distribution by policy and task."""
        seconds = self.ledger.seconds
        found = {policy.name: policy.summary for policy in load_run(self.run_folder).policies}
        evaluations = {name: found[name] for name in self.policies}
        tasks = self.preset.suite.tasks
        rates = {name: {task: each.task(task) for task in tasks} for name, each in evaluations.items()}
        return {
            "wall_s": round(sum(seconds.values()), 2),
            "stages": seconds,
            "resumed": self.ledger.resumed,
            "success": {name: {task: rate.value for task, rate in row.items()} for name, row in rates.items()},
            "mean_success": {
                name: round(math.fsum(rate.value for rate in row.values()) / len(row), 4) for name, row in rates.items()
            },
            "intervals": {name: {task: rate.to_dict() for task, rate in row.items()} for name, row in rates.items()},
            "errors": {name: each.errors for name, each in evaluations.items()},
            "axes": evaluations[self.subject].to_dict(self.preset.suite)["axes"],
            "controls": evaluations[self.subject].to_dict(self.preset.suite)["controls"],
            "unseen": self.unseen,
            "base": {"policy": self.preset.base, "weights": self.base.fingerprint} if self.base else {},
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


def in_distribution(suite: Suite, episodes: int = 0) -> Suite:
    """The in-distribution cells of a suite; with `episodes`, other than its own, in each."""
    return replace(suite, axes=(), controls=(), episodes=episodes or suite.count(UNPERTURBED), base=0)
