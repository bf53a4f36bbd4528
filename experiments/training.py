"""Training as a function: a folder of demonstrations to a checkpoint. Wires the trainer to renderer and grammar."""

from __future__ import annotations

import functools
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envs.augment import augmentation
from envs.dyeing import ColorExchange
from envs.golden import pictures
from envs.grounding import DemoView
from envs.lessons.answers import answer_words
from envs.lessons.vocabulary import LONGEST, lesson_words
from envs.naming import named_things
from envs.scene import SceneSpec
from envs.tasks.base import training_vocabulary
from envs.world import World
from experiments.curricula import (
    SCENES,
    TOLD,
    StagePlan,
    known_costs,
    lesson_sources,
    phases,
    scene_source,
    teach_lessons,
    told_source,
    weights_of_lessons,
)
from experiments.presets import BASELINES, COMPACT, ModelSize
from experiments.pretrained import Pretrained, vision_language, with_encoder, with_words
from experiments.workers import worker_count
from policies.learned import LearnedPolicy
from vla import checkpoint
from vla.batches import Demonstrations
from vla.checkpoint import PolicyConfig
from vla.contract import EpisodeRequest
from vla.curriculum import Phase, Source
from vla.episode import Episode
from vla.execution import Execution
from vla.history import History
from vla.models.compact_config import CompactConfig
from vla.models.contract import BACKBONES, HEADS, HeadConfig, ModelConfig
from vla.normalize import Normalizer, check_mode
from vla.pool import run_episodes
from vla.provenance import commit
from vla.store import EpisodeStore
from vla.text import TextCoder, Vocabulary, words_of
from vla.trainer import Evaluator, Trainer
from vla.training_config import TrainConfig

FITTED_ON = 20_000  # chunks of actions that a head may learn its own code from


@dataclass(frozen=True)
class ViewMaker:
    """Makes the drawer of a scene (`vla.views.ViewFactory`)."""

    cameras: tuple[str, ...]
    size: int

    def __call__(self, spec: SceneSpec | dict[str, Any]) -> DemoView:
        """Prepare a scene, or one as it is stored, for drawing."""
        return DemoView(spec, self.cameras, self.size)


@dataclass(frozen=True)
class TrainJob:
    """What to train on and how.

    Attributes:
        data: Folders of demonstrations.
        run: Where checkpoints and logs go.
        model: Shape of the network.
        train: How to train.
        cameras: Camera names.
        skip_damaged: Leave damaged episode files out instead of stopping.
        normalize: Mode of the statistics, `vla.normalize.Normalizer`.
        stages: Stages instead of imitation alone; `train.steps` is then the compute, in steps of imitation.
        lesson_tasks: Families that lessons are about; by default those of the demonstrations.
        lessons: Give the network the words and the heads of lessons, or the layer that says words, although no stage
            has any: for comparisons.
        costs: Folder that keeps what a step of each source costs; by default that of the run.
        start: Checkpoint that training goes on from: its weights, words and statistics; None begins from nothing.
        refit: Mode of new statistics for `start`; "" keeps those that it has.
        new_head: Action head that `start` gets instead of its own; "" keeps it.
        without: A sense that the network is trained and acts without: `words` or `pixels`; "" for none.
        pretrained: Models from elsewhere that the network is built on.
    """

    data: tuple[Path, ...]
    run: Path
    model: ModelSize = field(default_factory=ModelSize)
    train: TrainConfig = field(default_factory=TrainConfig)
    cameras: tuple[str, ...] = ("front", "wrist")
    skip_damaged: bool = False
    normalize: str = "mean_std"
    stages: tuple[StagePlan, ...] = ()
    lesson_tasks: tuple[str, ...] = ()
    lessons: bool = False
    costs: Path | None = None
    start: Path | None = None
    refit: str = ""
    new_head: str = ""
    without: str = ""
    pretrained: Pretrained = field(default_factory=Pretrained)

    def __post_init__(self) -> None:
        """Raise UnknownNameError for names that nobody registered: now, not after the data has been read."""
        HEADS[self.model.head]
        HEADS[self.new_head or self.model.head]
        BACKBONES[self.model.backbone]
        check_mode(self.normalize)


def train(job: TrainJob, *, resume: bool = False, evaluator: Evaluator | None = None) -> Path:
    """Train a policy, from nothing or from `job.start`. Returns the folder of the last checkpoint.

    Raises:
        ValueError: No episodes, or a damaged one.
        FileExistsError: The run folder is in use and `resume` is off.
    """
    episodes = load(job)
    begun = None if job.start is None else checkpoint.load_config(checkpoint.find(job.start))
    demos = demonstrations(job, episodes, None if begun is None else begun.model)
    policy = policy_config(job, demos) if begun is None else continued(begun, demos, job.refit)
    if job.new_head:
        policy = with_new_head(policy, job, demos)
    config = replace(job.train, corruption=job.train.corruption.without(policy.without))
    stages, lessons = staged(replace(job, train=config), policy, demos)
    trainer = Trainer(
        job.run,
        config,
        policy,
        demos,
        resume=resume,
        evaluator=evaluator,
        start=job.start,
        fresh_head=bool(job.new_head),
        phases=stages,
        sources=lessons,
    )
    return trainer.train()


def demonstrations(job: TrainJob, episodes: Sequence[Episode], model: ModelConfig | None = None) -> Demonstrations:
    """Episodes as samples of what a network sees: `model` if there is one, else the one that the job begins."""
    if model is None:
        cameras, size, chunk = job.cameras, job.model.image_size, job.model.chunk
        history = History(job.model.history, job.model.stride)
    else:
        cameras, size, chunk, history = model.cameras, model.image_size, model.chunk, model.seen
    augment = augmentation(job.train.augment, cameras)
    naming = named_things if job.train.corruption.absent else None
    return Demonstrations(
        episodes,
        ViewMaker(cameras, size),
        chunk=chunk,
        history=history,
        augment=augment,
        exchange=ColorExchange() if job.train.recolor else None,
        naming=naming,
    )


def staged(
    job: TrainJob, policy: PolicyConfig, demos: Demonstrations
) -> tuple[tuple[Phase, ...], Mapping[str, Source]]:
    """Stages of a job and the sources that they have beside imitation; none where that is all.

    Raises ValueError for stages without a number of steps to share.
    """
    if not job.stages:
        return (), {}
    if job.train.steps < 1:
        raise ValueError("stages share the compute of a number of steps: give --steps")
    sources: dict[str, Source] = {}
    if job.lessons or teach_lessons(job.stages):
        sources.update(lesson_sources(policy, job.train, job.lesson_tasks or policy.trained_on["tasks"]))
    if any(TOLD in plan.mix for plan in job.stages):
        if not isinstance(policy.model, CompactConfig):
            raise ValueError(f"stage {TOLD!r} trains the compact network, not {policy.model.backbone!r}")
        sources[TOLD] = told_source(policy, job.train, demos)
    if any(SCENES in plan.mix for plan in job.stages):
        if not isinstance(policy.model, CompactConfig):
            raise ValueError(f"stage {SCENES!r} trains the compact network, not {policy.model.backbone!r}")
        sources[SCENES] = scene_source(policy, job.train)
    costs = known_costs(job.costs or job.run, policy, job.train, demos, sources)
    return phases(job.stages, job.train, costs, weights_of_lessons(policy)), sources


def load(job: TrainJob) -> list[Episode]:
    """All episodes of the job's folders, in the order of their keys, whatever wrote them in what order."""
    stores = [EpisodeStore(folder, create=False) for folder in job.data]
    for store in stores:
        _compare_pictures(store)
    episodes = [episode for store in stores for episode in store.episodes(skip_damaged=job.skip_damaged)]
    if not episodes:
        raise ValueError(
            f"no episodes in {', '.join(map(str, job.data)) or 'no folder at all'}: run `vla collect` first"
        )
    return sorted(episodes, key=lambda episode: episode.key)


def _compare_pictures(store: EpisodeStore) -> None:
    """Warn if the demonstrations were recorded when the renderer drew otherwise than now."""
    for run in store.info().get("runs", []):
        before = {name: run[name] for name in pictures() if name in run}
        if before and before != pictures():
            warnings.warn(
                f"{store.folder} was recorded when pictures were drawn otherwise ({before}, now {pictures()})",
                stacklevel=3,
            )
            return


def policy_config(job: TrainJob, demos: Demonstrations) -> PolicyConfig:
    """Configuration of a new policy for these demonstrations."""
    size, normalizer = job.model, demos.normalizer(job.normalize)
    chunks = normalizer.actions(demos.chunks(FITTED_ON))
    model, coder = network(job, normalizer)
    model = with_words(model, coder, job.pretrained, chunks)
    model = replace(model, head=HEADS[size.head].fit(chunks, model.head))
    robots, control = bodies(demos)
    return PolicyConfig(
        model,
        coder,
        normalizer,
        Execution(execute=size.execute),
        robots,
        control,
        trained_on(demos),
        job.without,
    )


def network(job: TrainJob, normalizer: Normalizer) -> tuple[ModelConfig, TextCoder]:
    """Configuration of the job's network, and what turns instructions into its tokens.

    Raises ValueError for options that do not go together, and for pretrained models that cannot be had.
    """
    size, options, taught = job.model, job.pretrained, job.lessons or teach_lessons(job.stages)
    options.check(size.backbone)
    if size.backbone == "hf":
        seen = {"cameras": job.cameras, "image_size": size.image_size, "history": size.history, "stride": size.stride}
        return vision_language(options, head=HeadConfig(size.head, size.chunk, size.hidden), chat=taught, **seen)
    words = Vocabulary.build(lesson_words(), max_words=LONGEST) if taught else Vocabulary.build(training_vocabulary())
    model = model_config(size, words, normalizer, job.cameras, answer_words() if taught else ())
    if isinstance(model, CompactConfig) and options.text:
        return with_encoder(model, options)
    return model, words


def model_config(
    size: ModelSize,
    words: Vocabulary,
    normalizer: Normalizer,
    cameras: tuple[str, ...],
    answers: tuple[str, ...] = (),
) -> ModelConfig:
    """Configuration of a network of this kind and size; with `answers` it has heads for lessons.

    Raises UnknownNameError for an unknown backbone, ValueError for answers of one that has no such heads.
    """
    if answers and size.backbone != "compact":
        raise ValueError(f"stages with lessons train the backbones compact and hf, not {size.backbone!r}")
    fields: dict[str, Any] = {"cameras": cameras, "image_size": size.image_size}
    fields |= {"history": size.history, "stride": size.stride}
    fields["head"] = HeadConfig(size.head, size.chunk, size.head_hidden)
    if size.backbone == "compact":
        fields |= {name: getattr(size, name) for name in COMPACT} | {"answers": answers}
    return BACKBONES[size.backbone].config_class.for_data(words, normalizer, **fields)


def bodies(demos: Demonstrations) -> tuple[tuple[str, ...], str]:
    """Names of the robots of these demonstrations, and their control mode. Raises ValueError for two modes."""
    robots = [episode.spec["robot"] for episode in demos.episodes]
    modes = sorted({robot["control"] for robot in robots})
    if len(modes) > 1:
        raise ValueError(f"one policy has actions of one control mode; the demonstrations have {', '.join(modes)}")
    return tuple(sorted({robot["name"] for robot in robots})), modes[0]


def continued(begun: PolicyConfig, demos: Demonstrations, refit: str = "") -> PolicyConfig:
    """The policy `begun`, to be trained on: its network and words, and unless `refit` names a mode its statistics.

    Words that it does not know share the ids that it has for such words: a warning says which they are. Raises
    ValueError for demonstrations of another control mode.
    """
    robots, control = bodies(demos)
    if control != begun.control:
        raise ValueError(f"the checkpoint's actions are {begun.control!r}, the demonstrations' are {control!r}")
    if isinstance(begun.vocabulary, Vocabulary):
        new = sorted({word for text in demos.texts for word in words_of(text)} - set(begun.vocabulary.words))
        if new:
            warnings.warn(f"the checkpoint does not know the words {', '.join(new)}", stacklevel=3)
    together = tuple(sorted({*begun.robots, *robots}))
    before = replace(begun, robots=together, trained_on={**trained_on(demos), "before": begun.trained_on})
    if not refit:
        return before
    normalizer = demos.normalizer(refit)
    offset, scale = normalizer.state_offset[:6], normalizer.state_scale[:6]
    metres: dict[str, Any] = {"ee_mean": offset, "ee_std": scale} if hasattr(begun.model, "ee_mean") else {}
    return replace(before, normalizer=normalizer, model=replace(begun.model, **metres))


def with_new_head(policy: PolicyConfig, job: TrainJob, demos: Demonstrations) -> PolicyConfig:
    """`policy` with the job's new action head, as wide as the size says, for as long a chunk as before.

    Raises ValueError for a network that decodes by itself.
    """
    if policy.model.backbone in BASELINES or getattr(policy.model, "words", None):
        raise ValueError(f"a checkpoint of {policy.model.backbone!r} that decodes by itself has no head to be replaced")
    head = HeadConfig(job.new_head, policy.model.chunk, job.model.head_hidden)
    fitted = HEADS[job.new_head].fit(policy.normalizer.actions(demos.chunks(FITTED_ON)), head)
    return replace(policy, model=replace(policy.model, head=fitted))


def trained_on(demos: Demonstrations) -> dict[str, Any]:
    """Provenance of the training data, stored with the weights."""
    requests = [episode.request for episode in demos.episodes]
    return {
        "tasks": sorted({request.task for request in requests}),
        "episodes": len(requests),
        "samples": len(demos),
        "splits": sorted({request.split for request in requests}),
        "seeds": sorted({request.seed for request in requests}),
        **pictures(),
        "commit": commit(),
    }


def evaluator(episodes: int = 20, workers: int | None = None) -> Evaluator:
    """An evaluation in the simulator for the trainer to call: success in distribution by task, over all its robots.

    It runs on split `eval` with a seed of its own (1000): it neither trains on nor peeks at the episodes of suites.
    Training stands still meanwhile, so that `workers` are as many as `vla eval` would start (None).
    """

    def evaluate(checkpoint: Path) -> dict[str, float]:
        policy = LearnedPolicy(checkpoint)
        tasks: list[str] = policy.config.trained_on["tasks"]
        requests = [EpisodeRequest(task, i, seed=1000, split="eval") for task in tasks for i in range(episodes)]
        wins: Counter[str] = Counter()
        for robot in policy.robots:
            results = run_episodes(
                requests,
                world_factory=functools.partial(World, robot=robot, control=policy.control),
                policy_factory=lambda: policy,
                workers=worker_count(workers),
                slots_per_worker=8,
            )
            wins.update(result.request.task for result, _ in results if result.outcome == "success")
        return {task: wins[task] / (episodes * len(policy.robots)) for task in tasks}

    return evaluate
