"""Partial success: what the loop counts, what is stored, what is summed up."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.vla.toy import ToyPolicy, ToyWorld
from vla.contract import EpisodeRequest, FloatArray, Observation, StepResult
from vla.in_a_row import in_a_row
from vla.results import Record
from vla.rollout import Recorder, rollout
from vla.store import EpisodeStore
from vla.suites import Cell, Suite
from vla.summary import summarize


class Chained(ToyWorld):
    """The first of three parts is done at step 2, the second at step 5, the third never; each has its own words."""

    def observe(self, inputs: frozenset[str]) -> Observation:
        observation = super().observe(inputs)
        if "instruction" in observation:
            observation["instruction"] = ("go", "then stop", "then rest")[self._done]
        return observation

    @property
    def _done(self) -> int:
        return (self.steps >= 2) + (self.steps >= 5)

    def step(self, action: FloatArray) -> StepResult:
        super().step(action)
        return StepResult(self.steps >= 9, False, "time_limit:tired" if self.steps >= 9 else "", self._done, 3)


def test_parts_are_counted_recorded_and_stored(tmp_path: Path) -> None:
    recorder = Recorder()
    result = rollout(Chained(), ToyPolicy(), EpisodeRequest("Chained", 0), subscribers=[recorder])
    assert (result.outcome, result.parts, result.done_at, result.completed) == ("failure", 3, (2, 5), 2)
    assert result.instruction == "go\nthen stop\nthen rest"
    episode = recorder.episode()
    assert episode is not None
    assert result.said_at == (0, 2, 5)
    assert [episode.said(step) for step in range(7)] == ["go"] * 2 + ["then stop"] * 3 + ["then rest"] * 2
    store = EpisodeStore(tmp_path)
    store.save(episode)
    again = store.load(episode.key)
    assert again.result == result
    assert again.content_hash() == episode.content_hash()


def test_one_part_leaves_the_stored_header_as_it_was() -> None:
    recorder = Recorder()
    result = rollout(ToyWorld(), ToyPolicy(), EpisodeRequest("Toy", 0), subscribers=[recorder])
    assert (result.parts, result.done_at, result.completed) == (1, (), 1)
    episode = recorder.episode()
    assert episode is not None
    assert set(episode.header()["result"]) == {
        "instruction",
        "outcome",
        "reason",
        "steps",
        "traceback",
        "said_at",
        "measures",
    }


def records() -> list[Record]:
    requests = [EpisodeRequest("Chain", index, 0, "eval") for index in range(4)]
    given = [("success", 3, 3), ("failure", 1, 3), ("failure", 1, 2), ("error", 0, 3)]
    return [
        Record(request, "", outcome, "", 9, 0.0, completed=completed, parts=parts)  # type: ignore[arg-type]
        for request, (outcome, completed, parts) in zip(requests, given, strict=True)
    ]


def test_tasks_in_a_row() -> None:
    found = in_a_row(records())
    assert found is not None
    assert found.average == pytest.approx(5 / 3)
    assert [(rate.k, rate.n) for rate in found.rates] == [(3, 3), (1, 3), (1, 2)]
    assert found.text == "1.67 in a row; 1: 3/3, 2: 1/3, 3: 1/2"
    assert in_a_row([Record(EpisodeRequest("Lift", 0), "", "success", "", 9, 0.0)]) is None
    nothing = in_a_row(records()[3:])
    assert nothing is not None
    assert math.isnan(nothing.average)
    assert nothing.to_dict()["average"] is None


def test_a_record_keeps_the_parts_and_the_summary_has_them() -> None:
    assert [Record.from_json(record.to_json()) for record in records()] == records()
    summary = summarize(records())
    assert set(summary.in_a_row) == {Cell("Chain")}
    told = summary.to_dict(Suite("s", ("Chain", "Lift")))["in_a_row"]
    assert told["Chain"]["episodes"] == 3
    assert set(told) == {"Chain"}
