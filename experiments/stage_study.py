"""The ablation of staged training: does grounding before action help, at equal compute?

Four arms, several seeds each, one folder; every step can be stopped and gone on with. JARVIS-VLA (arXiv 2503.16365)
reports that stages beat action alone and one-stage mixing; here it is measured on the compact network, where it can be.

    RUN/data/   RUN/costs.json   RUN/train/ARM-sSEED/   RUN/eval/ARM-sSEED/   RUN/probe/ARM-sSEED.json
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from experiments.api import collect, evaluate
from experiments.curricula import ACTION, COSTS, GROUNDING, LANGUAGE, SHARES, StagePlan, lesson_sources
from experiments.presets import ModelSize
from experiments.stage_tables import Run
from experiments.stages import Ledger, Stage, as_settings, duration, run_stages
from experiments.suites import DEMO_AXES, TASKS
from experiments.training import TrainJob, train
from experiments.workers import worker_count
from vla import checkpoint
from vla.contract import ACTION_DIM
from vla.models.contract import AnyBatch
from vla.provenance import machine
from vla.results import read_json, write_json
from vla.suites import Suite
from vla.training_config import TrainConfig

BEFORE = SHARES[LANGUAGE] + SHARES[GROUNDING]
ARMS: Mapping[str, tuple[StagePlan, ...]] = {
    "action": (StagePlan(ACTION, 1.0, {ACTION: 1.0}),),
    "grounding-action": (
        StagePlan(GROUNDING, BEFORE, {GROUNDING: 1.0}),
        StagePlan(ACTION, SHARES[ACTION], {ACTION: 1.0}),
    ),
    "mixture": (StagePlan("mixture", 1.0, dict(SHARES)),),
    "all": tuple(StagePlan(name, share, {name: 1.0}) for name, share in SHARES.items()),
}
SPENT = "spent.json"
PROBE_SEED = 90_000  # lessons that no run is trained on
PROBES = 8  # batches of lessons of each kind


@dataclass(frozen=True)
class StudyPreset:
    """All settings of a study.

    Attributes:
        suite: What every run is evaluated on; it also names the tasks.
        demonstrations: Successful episodes of each task.
        train: How to train; `steps` is the compute of every run, in steps of imitation.
        model: Shape of the network.
        seeds: Runs of each arm.
        noise: Share of random motions in the demonstrations.
        labels: Whether stage action teaches where target and place are, as it does in `vla train`; without, actions
            are all that it teaches, as in JARVIS-VLA.
        slots: Episodes that a worker keeps running.
        seconds: What training and evaluating a run takes on two free cores, for the announcement.
    """

    suite: Suite
    demonstrations: Mapping[str, int]
    train: TrainConfig
    model: ModelSize = field(default_factory=lambda: ModelSize(head="l1"))
    seeds: int = 3
    noise: float = 0.12
    labels: bool = True
    slots: int = 8
    seconds: tuple[float, float] = (300.0, 60.0)


FULL = StudyPreset(
    suite=Suite("stages", TASKS, DEMO_AXES, (3,), ("blank", "swapped"), episodes=10, base=50),
    demonstrations={"Reach": 100, "Push": 170, "Lift": 280, "PlaceInto": 200},
    train=TrainConfig(steps=2000, batch_size=64, lr=1e-3),
)
TINY = StudyPreset(
    suite=Suite("stages-tiny", ("Reach", "Lift"), ("light_intensity",), (1,), ("blank",), episodes=1, base=2),
    demonstrations={"Reach": 3, "Lift": 3},
    train=TrainConfig(steps=24, batch_size=16, warmup=2, log_every=4, torch_threads=1),
    model=ModelSize(image_size=48, channels=16, blocks=2, keypoints=4, hidden=64, head="l1"),
    seeds=2,
    seconds=(5.0, 3.0),
)
PRESETS: Mapping[str, StudyPreset] = {"full": FULL, "tiny": TINY}


class StageStudy:
    """One study in a folder.

    Args:
        run: The folder.
        preset: What to do.
        workers: Worker processes of collection and evaluation. Results do not depend on it.
    """

    def __init__(self, run: Path, preset: StudyPreset, workers: int | None = None) -> None:
        """Nothing is done yet. Raises ValueError if `run` was begun with other settings."""
        self.folder, self.preset, self.workers = run, preset, worker_count(workers)
        self.ledger = Ledger(run, as_settings(preset))

    @property
    def names(self) -> list[tuple[str, int]]:
        """Arm and seed of every run: all arms of a seed before the next seed, so that a stop leaves whole rounds."""
        return [(arm, seed) for seed in range(self.preset.seeds) for arm in ARMS]

    def job(self, arm: str, seed: int) -> TrainJob:
        """How a run is trained: words, network, data and compute are those of all others."""
        preset = self.preset
        config = preset.train if preset.labels else replace(preset.train, ground=0.0, position=0.0)
        return TrainJob(
            (self.folder / "data",),
            self.folder / "train" / f"{arm}-s{seed}",
            preset.model,
            replace(config, seed=seed),
            stages=ARMS[arm],
            lessons=True,
            costs=self.folder,
        )

    def steps(self) -> list[Stage]:
        """What is done, in order."""
        counts = ", ".join(f"{count} {task}" for task, count in self.preset.demonstrations.items())
        training, evaluating = self.preset.seconds
        found = [Stage("collect", f"demonstrations: {counts}", 60, self.collect)]
        found.append(Stage("measure", "what a step of each source costs", 20, self.measure))
        for arm, seed in self.names:
            name = f"{arm}-s{seed}"
            found.append(Stage(f"train {name}", "at the compute of all", training, partial(self.train, arm, seed)))
            found.append(Stage(f"evaluate {name}", "and probe", evaluating, partial(self.evaluate, arm, seed)))
        return found

    def plan(self) -> str:
        """How long what is left takes: measured on this study's own runs, as soon as one is finished."""
        known: dict[str, list[float]] = {}
        for name, seconds in self.ledger.seconds.items():
            known.setdefault(name.split()[0], []).append(seconds)
        usual = {kind: sum(times) / len(times) for kind, times in known.items()}
        left = [stage for stage in self.steps() if stage.name not in self.ledger.seconds]
        total = sum(usual.get(stage.name.split()[0], stage.expected_s) for stage in left)
        return f"{len(left)} steps left, about {duration(total)}; this machine: {machine()}."

    def collect(self) -> None:
        """Demonstrations into RUN/data."""
        for task, count in self.preset.demonstrations.items():
            done = collect(self.folder / "data", [task], count, workers=self.workers, noise=self.preset.noise)
            if not done.complete:
                raise ValueError(f"the expert did not give all demonstrations: {done.to_dict()['tasks']}")

    def measure(self) -> None:
        """What a step of each source costs into RUN/costs.json, by a run of one step: no arm is charged for it."""
        job = self.job("action", 0)
        train(replace(job, run=self.folder / "measure", train=replace(job.train, steps=1)), resume=True)

    def train(self, arm: str, seed: int) -> None:
        """One run, going on from its last checkpoint if there is one."""
        job = self.job(arm, seed)
        start = time.process_time()
        folder = train(job, resume=True)
        self._spend(job.run, time.process_time() - start)
        step, steps = checkpoint.progress(folder)
        if step < steps:
            raise KeyboardInterrupt(f"training stopped at step {step} of {steps}")

    def _spend(self, run: Path, seconds: float) -> None:
        """Add to the CPU seconds of a run: the check that all runs cost the same."""
        path = run / SPENT
        before = read_json(path)["cpu_s"] if path.exists() else 0.0
        write_json(path, {"cpu_s": round(before + seconds, 1)})

    def evaluate(self, arm: str, seed: int) -> None:
        """One run on the suite, and what it learnt of lessons."""
        name = f"{arm}-s{seed}"
        self.records(arm, seed)
        probed = probe(self.job(arm, seed).run, self.preset.train)
        write_json(self.folder / "probe" / f"{name}.json", probed)

    def records(self, arm: str, seed: int) -> Run:
        """A run's results; episodes that are there already are not run again."""
        name = f"{arm}-s{seed}"
        source = str(self.job(arm, seed).run / "checkpoints" / "last")
        slots = self.preset.slots
        done = evaluate(source, self.preset.suite, self.folder, name=name, workers=self.workers, slots=slots, keep=0)
        path = self.folder / "probe" / f"{name}.json"
        run = self.job(arm, seed).run
        counts, spent = stage_counts(read_json(run / "train.json")), read_json(run / SPENT)["cpu_s"]
        return Run(arm, seed, done.records, counts, read_json(path) if path.exists() else {}, spent)

    def run(self) -> list[Run]:
        """All that is not finished; then every run."""
        run_stages(self.steps(), self.ledger)
        return [self.records(arm, seed) for arm, seed in self.names]

    def about(self) -> dict[str, Any]:
        """What the tables say about how they were made."""
        preset = self.preset
        return {
            "settings": as_settings(preset),
            "suite": {"name": preset.suite.name, "hash": preset.suite.hash, "episodes": len(preset.suite.requests())},
            "cpu_seconds_a_step": read_json(self.folder / COSTS),
            "wall_s": self.ledger.seconds,
        }


def stage_counts(settings: Mapping[str, Any]) -> dict[str, int]:
    """Steps of every source over all stages of a run, from its `train.json`."""
    if not settings["stages"]:  # one stage
        return {ACTION: int(settings["steps"])}
    counts: dict[str, int] = {}
    for phase in settings["stages"]:
        for source, share in phase["mix"].items():
            counts[source] = counts.get(source, 0) + round(share)
    return counts


@torch.inference_mode()
def probe(run: Path, config: TrainConfig) -> dict[str, float]:
    """What a trained network knows of lessons that it has not seen: right answers, loss of where and of boxes."""
    folder = checkpoint.find(run)
    policy = checkpoint.load_config(folder)
    model = checkpoint.load_model(folder, policy)
    asked = lesson_sources(policy, replace(config, seed=PROBE_SEED), policy.trained_on["tasks"])
    found = {}
    for name, source in asked.items():
        rows = [_losses(model, source.batch(step), policy.model.chunk) for step in range(PROBES)]
        for key in rows[0]:
            found[f"{name}_{key}"] = round(sum(row[key] for row in rows) / len(rows), 4)
    return found


def _losses(model: torch.nn.Module, batch: AnyBatch, chunk: int) -> dict[str, float]:
    zeros = torch.zeros(len(batch.tokens), chunk, ACTION_DIM)
    return {name: float(value) for name, value in model(batch, zeros, zeros[:, 0, 0]).items()}
