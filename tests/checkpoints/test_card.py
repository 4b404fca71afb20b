"""The model card shows what the results record, in the hub's own format."""

from __future__ import annotations

import json

import pytest
from huggingface_hub import ModelCard

from posebridge.checkpoints.card import model_card
from posebridge.checkpoints.results_file import parse_results
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton
from posebridge.training.config import AdaptConfig

HAND = Skeleton.from_names("hand", ["wrist", "thumb"])
RESULTS = {
    "step": 40,
    "weights": "selected",
    "posebridge": "0.1.0",
    "data": {
        "source": {"name": "/home/ann/renders/annotations.json", "subjects": 500},
        "target": {"name": "/home/ann/photographs", "subjects": 80, "held_out": 8},
    },
    "validator": {"name": "agreement of two views", "value": 71.26},
}
SCORES = {
    "metrics": {
        "pck@0.05": {"wrist": 30.0, "thumb": None, "all": 30.0},
        "epe": {"wrist": 4.26, "thumb": None, "all": 4.26},
        "oks": {"AP": 20.0},
    },
    "protocol": {
        **{"dataset": "/home/ann/test/annotations.json", "joints": 90, "subjects": 50},
        **{"normalizer": "crop", "pooling": "all joints count once"},
    },
}


def test_a_card_of_a_run():
    config = AdaptConfig()
    text = model_card(HAND, config.to_dict(), {**RESULTS, "levels": config.level_lines()})
    card = ModelCard(text)
    assert card.data.library_name == "posebridge"
    assert card.data.pipeline_tag == "keypoint-detection"
    for words in (
        "# hand pose model, 2 keypoints",
        "source (labeled): renders/annotations.json, 500 subjects",
        "target (no label of it was read): ann/photographs, 80 subjects, 8 of them held out",
        "step 40, the checkpoint that the label-free validator preferred",
        "agreement of two views: 71.3",
        "No score on labeled images is recorded",
        "Its error on the target is not known",
        "may be worse than before the adaptation",
        "crops of 256 px to heatmaps of 64 cells",
        "mean teacher with consistency, domain discriminator, information maximization",
    ):
        assert words in text
    assert "/home" not in text


def test_front_matter_holds_the_scores():
    text = model_card(HAND, {}, {**RESULTS, "scores": [SCORES]})
    (pck, epe) = ModelCard(text).data.eval_results
    assert (pck.metric_type, pck.metric_value, pck.dataset_name) == (
        *("pck@0.05", 30.0, "test/annotations.json"),
    )
    assert (epe.metric_type, epe.metric_value) == ("epe", 4.26)
    assert "| wrist | 30.0 | 4.3 |" in text
    assert "| thumb | - | - |" in text
    assert "not known: no labels" not in text


def test_unknown_facts_are_left_out():
    text = model_card(HAND, {"model": {}, "crop": {}}, {})
    assert "does not record the training data" in text
    assert "- checkpoint:" not in text
    assert "Adapted" not in text
    source = model_card(HAND, AdaptConfig().to_dict(), {**RESULTS, "weights": "source"})
    assert "from before the adaptation" in source
    assert "may be worse" not in source


@pytest.mark.parametrize("levels", [3, "mean teacher", [None], [{"class_path": "os.system"}]])
def test_invalid_levels_are_refused_on_reading(levels):
    with pytest.raises(InputError, match=r"^results\.json: levels is .*; give a list of texts"):
        parse_results(json.dumps({"levels": levels}), "results.json")
