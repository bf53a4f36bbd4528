"""Random actions in every family for a while; `vla bench soak` does it for 200,000 steps."""

from envs.tasks.base import TASKS
from experiments.bench_soak import Args, measure


def test_random_actions_break_nothing() -> None:
    answer = measure(Args(steps=2000, size=16, robots=("panda",), longest=40))
    assert answer["good"], (answer["errors"][:3], answer["not_finite"], answer["lost"], answer["unnoticed"])
    assert answer["steps"] == 2000
    assert answer["ends"].get("error", 0) == 0
    assert set(answer["episodes"]) == set(TASKS)
