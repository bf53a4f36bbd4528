"""Demonstrations in other colours: pictures and words stay about the same things."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.dyeing import GROUPS, SHADES, ColorExchange
from envs.grammar import phrase
from envs.grounding import DemoView
from envs.scenes import make_scene
from envs.world import World
from policies.expert import ExpertPolicy
from vla.batches import BatchSource, Corruption, Demonstrations
from vla.contract import EpisodeRequest
from vla.episode import Episode
from vla.rollout import Recorder, rollout
from vla.sampling import Sampling
from vla.text import Vocabulary, words_of

QUIET = Corruption(0, 0, 0)


def said(text: str, words: dict[str, str]) -> str:
    return " ".join(words.get(word, word) for word in text.split())


def test_colors_are_exchanged_one_for_one() -> None:
    words = ColorExchange().draw(np.random.default_rng(1))
    for colors in GROUPS:
        assert {words[color] for color in colors} == set(colors)
    assert words != ColorExchange().draw(np.random.default_rng(2))


@pytest.mark.parametrize("task", ["PlaceInto", "PushTogether", "OpenDrawer", "Refer", "PlaceBetween"])
def test_the_instruction_names_the_same_things_afterwards(task: str) -> None:
    exchange = ColorExchange()
    for index in range(4):
        spec = make_scene(EpisodeRequest(task, index, split="train"))
        words = dict(exchange.draw(np.random.default_rng(index)))
        before, after = spec.to_dict(), exchange.scene(spec.to_dict(), words)
        assert before == spec.to_dict()
        text = said(spec.instruction, words)
        for old, new in zip(before["objects"], after["objects"], strict=True):
            assert new["color"] == words[old["color"]]
            assert (phrase(old["color"], old["kind"]) in spec.instruction) == (
                phrase(new["color"], new["kind"]) in text
            )
            if old["texture"]["rgb"] == list(SHADES[old["color"]]):
                np.testing.assert_allclose(new["texture"]["rgb"], SHADES[new["color"]], atol=1e-4)


def played(index: int) -> Episode:
    world, recorder = World(), Recorder({"policy": "expert"})
    rollout(world, ExpertPolicy(), EpisodeRequest("Reach", index), subscribers=[recorder])
    world.close()
    episode = recorder.episode()
    assert episode is not None
    return episode


def view(spec: Any) -> DemoView:
    return DemoView(spec, ("front",), 32)


def test_a_batch_is_drawn_and_told_alike_and_anew_in_each_epoch() -> None:
    episodes = [played(0), played(1)]
    coder = Vocabulary.build(
        [f"{color} {thing}" for color in SHADES for thing in episodes[0].result.instruction.split()]
    )
    plain = Demonstrations(episodes, view, chunk=2)
    dyed = Demonstrations(episodes, view, chunk=2, exchange=ColorExchange())
    sources = [BatchSource(data, plain.normalizer(), coder, len(data), 0, QUIET, Sampling()) for data in (plain, dyed)]
    as_it_was, first, again, second = (
        source.batch(step) for source, step in ((sources[0], 0), (sources[1], 0), (sources[1], 0), (sources[1], 1))
    )
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first.pixels != as_it_was.pixels).any()
    assert (first.points == as_it_was.points).all()
    assert (first.actions == as_it_was.actions).all()
    assert (first.tokens != as_it_was.tokens).any()
    samples, epoch = sources[1].samples(0)
    for number in set(dyed.episode_of(samples).tolist()):
        words = dict(dyed._exchanged(number, epoch))
        rows = np.flatnonzero(dyed.episode_of(samples) == number)
        text = said(episodes[number].result.instruction, words)
        assert (first.tokens[rows].numpy() == coder.encode([text])).all()
        assert any(color in words_of(text) for color in SHADES)
    assert sorted(second.tokens.sum(1).tolist()) != sorted(first.tokens.sum(1).tolist())
