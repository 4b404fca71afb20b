"""Config files are plain data: nothing in them names code, and every number has a range."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from posebridge.bench import read_plan
from posebridge.cli.main import main
from posebridge.errors import InputError
from posebridge.skeleton import read_skeleton
from posebridge.skeleton.matching import read_mapping
from posebridge.training.config import AdaptConfig, OptimizerConfig
from posebridge.training.merged_settings import known_settings
from posebridge.training.presets import configure

NUMBERS = [name for name, hint in known_settings().items() if "float" in str(hint)]


def code(trap: Path) -> dict[str, Any]:
    """Return a value that made jsonargparse run a command."""
    return {"class_path": "os.system", "init_args": {"command": f"touch {trap}"}}


def nested(name: str, value: Any) -> dict[str, Any]:
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def as_config(file: Path, settings: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(settings))
    configure(config=file)


def as_run(file: Path, settings: dict[str, Any]) -> None:
    (file.parent / "config.yaml").write_text(yaml.safe_dump(settings))
    code = main(["adapt", "--resume", "--out", str(file.parent)])
    if code == 2:
        raise InputError("refused")


def as_base(file: Path, settings: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(settings))
    configure(base=file)


def as_plan(file: Path, settings: dict[str, Any]) -> None:
    plan = {"pairs": {"p": {"test": "t.json"}}, "methods": {"m": {"config": settings}}}
    file.write_text(yaml.safe_dump(plan))
    read_plan(file)


def as_listed_plan(file: Path, settings: dict[str, Any]) -> None:
    plan = {"pairs": {"p": {"test": "t.json"}}, "methods": {"m": None}, "budget": settings}
    file.write_text(yaml.safe_dump(plan))
    if main(["bench", str(file), "--out", str(file.parent / "out"), "--status"]) == 2:
        raise InputError("refused")


def as_overrides(file: Path, settings: dict[str, Any]) -> None:
    configure(overrides=settings)


READERS = [as_config, as_run, as_base, as_plan, as_listed_plan, as_overrides]


@pytest.mark.parametrize("read", READERS)
def test_no_setting_names_code(read: Callable, tmp_path, capsys, monkeypatch):
    trap = tmp_path / "trap"
    # This builds the help, a tenth of a second for each command.
    monkeypatch.setattr("posebridge.training.presets.add_settings", lambda parser: None)
    # The seed of a run replaces the seed in the plan's settings.
    plan = read in (as_plan, as_listed_plan)
    for name in [n for n in known_settings() if not (plan and n == "seed")]:
        for value in (code(trap), {"n": code(trap)}, [code(trap)]):
            with pytest.raises(InputError):
                read(tmp_path / "file.yaml", nested(name, value))
    with pytest.raises(InputError):
        read(tmp_path / "file.yaml", code(trap))
    capsys.readouterr()
    assert not trap.exists()


@pytest.mark.parametrize("name", list(known_settings()))
def test_no_option_names_code(name, tmp_path, capsys):
    trap = tmp_path / "trap"
    for option in (f"--{name}.n", f"--{name}"):
        value = yaml.safe_dump(code(trap), default_flow_style=True, width=1000).strip()
        main(
            ["adapt", f"{option}={value}", "--out", str(tmp_path / "out"), "--source", "gone.json"]
        )
    main(["adapt", f"--{name}.class_path=os.system", "--out", str(tmp_path / "out")])
    assert "Traceback" not in capsys.readouterr().err
    assert not trap.exists()


@pytest.mark.parametrize("read", [read_skeleton, read_mapping])
@pytest.mark.parametrize("place", ["", "name", "keypoints", "edges", "groups", "layout"])
def test_no_skeleton_or_mapping_names_code(read, place, tmp_path):
    file, trap = tmp_path / "file.yaml", tmp_path / "trap"
    content = {"name": "arm", "keypoints": ["a", "b"]} | (
        {place: code(trap)} if place else code(trap)
    )
    file.write_text(yaml.safe_dump(content))
    with suppress(InputError):
        read(file)
    assert not trap.exists()


def test_a_tag_names_no_code(tmp_path):
    file, trap = tmp_path / "file.yaml", tmp_path / "trap"
    file.write_text(f"seed: !!python/object/apply:os.system ['touch {trap}']\n")
    with pytest.raises(InputError, match="file.yaml is not valid YAML"):
        configure(config=file)
    assert not trap.exists()


@pytest.mark.parametrize("group", ["model", "style.network"])
@pytest.mark.parametrize(
    "args",
    [
        {"pretrained_cfg": {"file": "x.pth"}},
        {"pretrained_cfg_overlay": {"url": "http://x"}},
        {"checkpoint_path": "x.pth"},
        {"cache_dir": "x"},
        {"pretrained": True},
        {"features_only": False},
        {"act_layer": "torch.nn.ReLU"},
        {"norm_layer": "os.system"},
        {"embed_dim": 10**6},
        {"img_size": 10**9},
        {"bn_eps": math.nan},
        {"drop_rate": True},
        {"pad_type": ["same"]},
    ],
    ids=lambda args: next(iter(args)),
)
def test_only_harmless_arguments_reach_an_encoder(group, args):
    with pytest.raises(InputError, match=f"{group}.encoder_args"):
        configure(overrides={f"{group}.encoder_args": args})


def test_harmless_arguments_pass():
    args = {"pad_type": "same", "bn_eps": 0.001, "output_stride": 16, "img_size": [64, 64]}
    config = configure(overrides={"model.encoder_args": args, "model.encoder_args.drop_rate": 0.5})
    assert config.model.encoder_args == {**args, "drop_rate": 0.5}


@pytest.mark.parametrize(
    "encoder", ["hf-hub:user/model", "local-dir:/x", "hf_hub:a/b", "a" * 10**6]
)
def test_an_encoder_is_not_an_address(encoder):
    with pytest.raises(InputError, match="is not the name of a timm model"):
        configure(overrides={"model.encoder": encoder})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "1e999"])
def test_numbers_are_finite(name, number, tmp_path):
    file = tmp_path / "config.yaml"
    value = f"[{number}, {number}]" if name.endswith(".scale") else number
    text = yaml.safe_dump(nested(name, "VALUE")).replace("VALUE", value)
    file.write_text(text)
    with pytest.raises(InputError, match=f"config.yaml: {name}"):
        configure(config=file)
    with pytest.raises(InputError, match=name):
        configure(overrides={name: value})


def test_numbers_given_from_python_are_finite():
    with pytest.raises(InputError, match="optimizer.lr is nan"):
        AdaptConfig(optimizer=OptimizerConfig(lr=math.nan))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model.decoder_depth", 10**6),
        ("model.decoder_channels", 10**6),
        ("model.heatmap_size", 10**6),
        ("model.feature_level", 10**9),
        ("crop.size", 10**6),
        ("steps.batch", 10**9),
        ("consistency.teacher_views", 10**6),
        ("consistency.self_training_rounds", 10**9),
        ("feature.width", 10**7),
        ("coarse_to_fine.width", 10**7),
        ("style.bank_size", 10**9),
        ("style.network.width", 10**6),
        ("style.network.feature_levels", list(range(10**4))),
        ("student_view.blur", 10**6),
        ("workers", 10**6),
        ("seed", 10**400),
    ],
)
def test_numbers_have_a_range(name, value):
    started = time.perf_counter()
    with pytest.raises(InputError, match=name):
        configure(overrides={name: value})
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "name", [n for n, h in known_settings().items() if type(None) not in get_args(h)]
)
def test_empty_value_is_refused(name, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(nested(name, None)))
    with pytest.raises(InputError, match=f"config.yaml: {name} is None"):
        configure(config=file)


@pytest.mark.parametrize("depth", [100, 1000, 100_000])
def test_deep_values_are_refused(depth, tmp_path, capsys):
    deep = "[" * depth + "]" * depth
    file = tmp_path / "config.yaml"
    file.write_text(f"crop: {deep}\n")
    with pytest.raises(InputError, match="config.yaml is nested"):
        configure(config=file)
    with pytest.raises(InputError, match="crop.size is nested"):
        configure(overrides={"crop.size": deep})
    for option in ("--crop.size", "--stop-after", "--out", "--unknown", "--model.unknown"):
        assert main(["adapt", f"{option}={deep}", "--out", str(tmp_path / "o")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_unknown_key_is_reported_with_its_file(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("consistency: {wieght: 1}\n")
    words = r"the setting .consistency.wieght. does not exist. Did you mean consistency.weight"
    with pytest.raises(InputError, match=words):
        configure(config=file)


def test_value_out_of_range_is_reported_with_its_file(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("steps: {batch: 0}\ntta: {views: 100}\n")
    with pytest.raises(InputError, match="config.yaml: tta: the number of views is 100"):
        configure(config=file)
    with pytest.raises(InputError, match="config.yaml: steps.batch is 0"):
        configure(config=file, overrides={"tta.views": 1})


def test_numbers_without_a_point_and_names_that_are_numbers_are_read(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("optimizer: {lr: 1e-4}\nprecision: 32\nsteps.source: 10\n")
    config = configure(config=file)
    assert (config.optimizer.lr, config.precision, config.steps.source) == (1e-4, "32", 10)


def test_a_stored_configuration_reads_back(tmp_path):
    config = configure(["makehuman_lspet"], overrides={"seed": 3})
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config.to_dict()))
    assert configure(config=file) == config
    assert is_dataclass(config)


def test_plan_with_too_many_runs_is_refused(tmp_path):
    file = tmp_path / "plan.yaml"
    pairs = {f"p{i}": {"test": "t.json"} for i in range(200)}
    methods = {f"m{i}": None for i in range(200)}
    file.write_text(yaml.safe_dump({"pairs": pairs, "methods": methods}))
    with pytest.raises(InputError, match="plan.yaml: 200 pairs, 200 methods .* are more than"):
        read_plan(file)


@pytest.mark.parametrize("name", ["x" * 10_000, "../demo", "demo.yaml"])
def test_unknown_preset_is_refused(name):
    with pytest.raises(InputError, match="unknown preset"):
        configure([name])
    with pytest.raises(InputError, match="config file .* does not exist"):
        configure(config=name)


def test_no_text_holds_a_zero_byte(tmp_path):
    plan = {
        "pairs": {"p": {"test": "t.json", "config": {"source": "a\0b", "target": "t"}}},
        "methods": {"m": {"preset": "source_only"}},
    }
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    with pytest.raises(InputError, match=r"source is 'a\\x00b'; give a text"):
        read_plan(tmp_path / "plan.yaml")
