"""Worker processes: same results however the work is spread, and what errors and killed workers cost."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vla.toy import FailingPolicy, KillerWorld, ToyPolicy, ToyWorld, outcome, requests
from vla.contract import EpisodeRequest, EpisodeResult
from vla.crew import WorkerStartError
from vla.episode import Episode
from vla.noise import ActionNoise
from vla.pool import PREFETCH, run_episodes

Run = dict[str, tuple[EpisodeResult, Episode | None]]


def run(wanted: Any, **settings: Any) -> Run:
    options: dict[str, Any] = {"world_factory": ToyWorld, "policy_factory": ToyPolicy, "workers": 1} | settings
    return {result.request.key: (result, episode) for result, episode in run_episodes(wanted, **options)}


@pytest.mark.parametrize("batched", [False, True])
def test_results_do_not_depend_on_workers_and_slots(batched: bool) -> None:
    policy = functools.partial(ToyPolicy, batched)
    hashes = []
    for workers, slots in [(0, 1), (0, 3), (1, 1), (1, 3), (2, 3)]:
        done = run(
            requests(7),
            policy_factory=policy,
            workers=workers,
            slots_per_worker=slots,
            record=True,
            filter_factory=ActionNoise(0.2),
        )
        assert len(done) == 7
        hashes.append({key: episode.content_hash() for key, (_, episode) in done.items() if episode is not None})
    assert all(h == hashes[0] and len(h) == 7 for h in hashes)


def test_inference_is_batched_and_image_size_reaches_the_world() -> None:
    policy = ToyPolicy(batched=True, image_size=5)
    run(requests(6), policy_factory=lambda: policy, workers=1, slots_per_worker=4)
    assert policy.shapes == {(5, 5, 3)}
    assert max(policy.batches) >= 2


def test_an_exception_costs_one_episode() -> None:
    done = run([*requests(3), EpisodeRequest("Break", 0), EpisodeRequest("Unbuildable", 0), EpisodeRequest("Fail", 0)])
    outcomes = {result.request.task: result for result, _ in done.values()}
    assert outcomes["Toy"].outcome == "success"
    assert outcomes["Fail"].outcome == "failure"
    assert outcomes["Fail"].reason == "time_limit:far"
    assert outcomes["Break"].outcome == "error"
    assert "the gear box broke" in outcomes["Break"].traceback
    assert outcomes["Break"].steps == 1
    assert "no such scene" in outcomes["Unbuildable"].traceback


@pytest.mark.parametrize("workers", [0, 1])
def test_a_batched_policy_that_fails_costs_the_episodes_at_fault(workers: int) -> None:
    done = run(requests(8), policy_factory=functools.partial(FailingPolicy, True), workers=workers, slots_per_worker=4)
    assert len(done) == 8
    wrong = [r for r, _ in done.values() if r.outcome == "error"]
    assert 0 < len(wrong) < 8
    assert all("-" in r.instruction and "the network is confused" in r.traceback for r in wrong)


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    world = functools.partial(KillerWorld, tmp_path / "killed_once")
    wanted = [*requests(4), EpisodeRequest("Kill", 0), *requests(8)[4:]]
    policy = functools.partial(ToyPolicy, True)
    done = run(wanted, world_factory=world, policy_factory=policy, workers=2, slots_per_worker=3)
    assert (tmp_path / "killed_once").exists()
    expected = run(wanted, policy_factory=policy, workers=0)
    assert {k: outcome(r) for k, (r, _) in done.items()} == {k: outcome(r) for k, (r, _) in expected.items()}


def test_an_episode_that_kills_its_worker_is_given_up_alone() -> None:
    wanted = [*requests(4), EpisodeRequest("Kill", 0), *requests(8)[4:]]
    done = run(
        wanted,
        world_factory=KillerWorld,
        policy_factory=functools.partial(ToyPolicy, True),
        workers=1,
        slots_per_worker=3,
        max_retries=1,
    )
    errors = [r for r, _ in done.values() if r.outcome == "error"]
    assert [(r.request.task, r.reason) for r in errors] == [("Kill", "worker_died")]
    assert "SIGKILL" in errors[0].traceback
    assert sum(r.outcome == "success" for r, _ in done.values()) == 8


def test_a_world_that_hangs_is_given_up_and_the_others_go_on() -> None:
    done = run(
        [*requests(3), EpisodeRequest("Hang", 0), *requests(6)[3:]],
        world_factory=KillerWorld,
        workers=1,
        max_retries=0,
        timeout_s=1.5,
    )
    errors = [r for r, _ in done.values() if r.outcome == "error"]
    assert "Hang" in {r.request.task for r in errors}
    assert all(r.reason == "worker_died" and "said nothing for 2 s" in r.traceback for r in errors)
    assert len(errors) <= PREFETCH  # what waited behind it in the same worker is lost with it
    assert sum(r.outcome == "success" for r, _ in done.values()) == 7 - len(errors)


def test_a_world_that_cannot_be_made_is_one_clear_error() -> None:
    def broken() -> ToyWorld:
        raise OSError("no such renderer")

    with pytest.raises(WorkerStartError, match="no such renderer"):
        run(requests(3), world_factory=broken)


def test_workers_that_die_while_starting_are_one_clear_error() -> None:
    def deadly() -> ToyWorld:
        os._exit(3)

    with pytest.raises(WorkerStartError, match="exit code 3"):
        run(requests(3), world_factory=deadly)


def test_wrong_settings_are_refused_at_the_call() -> None:
    with pytest.raises(ValueError, match="workers >= 0"):
        run_episodes([], world_factory=ToyWorld, policy_factory=ToyPolicy, workers=-1)


def test_requests_may_depend_on_results() -> None:
    results: list[EpisodeResult] = []

    def ask() -> Any:
        yield EpisodeRequest("Toy", 0)
        while not results:
            yield None
        yield EpisodeRequest("Toy", results[0].request.index + 1)

    for result, _ in run_episodes(ask(), world_factory=ToyWorld, policy_factory=ToyPolicy, workers=2):
        results.append(result)
    assert [r.request.index for r in results] == [0, 1]


def test_abandoned_runs_leave_no_process() -> None:
    others = set(children_of(os.getpid()))  # of tests before, such as a browser's driver
    episodes = run_episodes(requests(50), world_factory=ToyWorld, policy_factory=ToyPolicy, workers=2)
    next(episodes)
    assert set(children_of(os.getpid())) - others
    episodes.close()
    assert not set(children_of(os.getpid())) - others


SCRIPT = """
import functools, signal, sys
from tests.vla.toy import ToyPolicy, ToyWorld, requests
from vla.pool import run_episodes

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below a shell that runs the tests in background

class Mine(ToyWorld):  # defined in a script without a main guard
    pass

make = functools.partial(Mine, step_s=0.05)
episodes = run_episodes(requests(1000), world_factory=make, policy_factory=ToyPolicy, workers=2)
print("started", flush=True)
for result, _ in episodes:
    print(result.outcome, flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_orphans_when_the_caller_ends(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as caller:
        assert caller.stdout is not None
        while caller.stdout.readline() != "success\n":
            assert caller.poll() is None
        workers = children_of(caller.pid)
        assert len(workers) == 2
        caller.send_signal(how)
        caller.wait(10)
        assert eventually(lambda: not any(alive(pid) for pid in workers), 5.0)


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split() if alive(int(child))]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
