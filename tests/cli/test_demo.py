"""The demonstration's baseline learns from the source alone, whatever is set."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from posebridge.cli.demo import _baseline
from posebridge.cli.main import main
from posebridge.training.presets import configure
from tests.conftest import TINY
from tests.run_folders import same, weights

LEVELS = {
    "consistency.weight": 2,
    "coarse_to_fine.weight": 1,
    "feature.weight": 0.5,
    "regda.weight": 0.1,
    "pose.weight": 0.2,
    "batchnorm_stats": "both",
    "style.source_to_target": 1,
}


def test_no_override_makes_the_baseline_an_adapted_model(tmp_path):
    for settings in (
        {**LEVELS, "style.method": "fourier", "style.target_to_source": 1},
        # A whole group, given after one of its fields.
        {
            "style.method": "fourier",
            "style": "{method: color, source_to_target: 1.0, target_to_source: 1.0}",
        },
    ):
        assert configure(["demo"], overrides=settings).uses_target
        config = configure(["demo"], overrides=_baseline(settings, tmp_path))
        assert not config.uses_target
        assert config.init_from == str(tmp_path)
    # Options that are not of a level count in both.
    config = configure(["demo"], overrides=_baseline({"steps.batch": 3}, tmp_path))
    assert config.steps.batch == 3


def test_the_baseline_that_is_trained_is_the_source_alone(tmp_path):
    def demo(name: str, **levels: object) -> None:
        settings = {**TINY, "steps.source": 2, "steps.adaptation": 2, **levels}
        given = [
            part for field, value in settings.items() for part in ("--set", f"{field}={value}")
        ]
        assert main(["demo", "--out", str(tmp_path / name), "--figures", "9", *given]) == 0

    demo("plain")
    demo("set", **LEVELS)
    stored = yaml.safe_load((tmp_path / "set" / "source_only" / "config.yaml").read_text())
    assert stored["consistency"]["weight"] == 0
    assert same(*(weights(tmp_path / name / "source_only", "last") for name in ("plain", "set")))
    assert not same(*(weights(tmp_path / name, "last") for name in ("plain", "set")))
    assert json.loads((tmp_path / "set" / "source_only.json").read_text())["protocol"]["step"] == 4


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("seed=3", "--set seed has no effect in the demonstration: give --seed instead."),
        ("source=a.json", "--set source has no effect.*posebridge adapt"),
        ("target=photographs", "--set target has no effect.*posebridge adapt"),
        ("init-from=runs/other", "--set init_from has no effect.*same new network"),
        ("steps.adaptation=0", "steps.adaptation is 0, which leaves nothing to compare"),
    ],
)
def test_settings_that_the_demonstration_chooses_itself(tmp_path, capsys, setting, words):
    assert main(["demo", "--out", str(tmp_path / "demo"), "--set", setting]) == 2
    assert re.search(words, " ".join(capsys.readouterr().err.split()))
    assert not (tmp_path / "demo").exists()
