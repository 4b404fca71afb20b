"""Adapting with a trained model and target images alone."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from posebridge import api
from posebridge.alignment.bone_lengths import BoneLengths
from posebridge.alignment.bone_prior import BonePrior
from posebridge.alignment.l2sp import L2SP, L2SPConfig
from posebridge.alignment.pseudo_labels import PseudoLabels
from posebridge.checkpoints.model_folder import load_checkpoint, save_checkpoint
from posebridge.cli.main import main
from posebridge.data.formats.coco import read_boxes, read_labeled
from posebridge.data.loaders import PairedBatches
from posebridge.ops import affine
from posebridge.training.adapter import Adapter, make_setup
from posebridge.training.presets import configure
from posebridge.training.run import train
from tests.command_line import posebridge_here
from tests.conftest import TINY, tiny
from tests.run_folders import logged, same, weights

# The tiny settings without those of the model itself: crop, network and source steps.
SHORT = {n: v for n, v in TINY.items() if not n.startswith(("crop", "model", "steps.source"))}

_heard: list[list[str]] = []


def _hear(event: str, given: tuple[Any, ...]) -> None:
    if _heard and event in ("open", "os.listdir", "os.scandir", "glob.glob"):
        _heard[-1].append(str(given[0]))


sys.addaudithook(_hear)  # it cannot be removed, so it records only while a list is set


@contextmanager
def opened_files() -> Iterator[list[str]]:
    _heard.append([])
    try:
        yield _heard[-1]
    finally:
        _heard.pop()


def settings(start: Path, **more: Any):
    overrides = {**SHORT, "init_from": start} | {k.replace("__", "."): v for k, v in more.items()}
    return configure(["demo", "source_free"], overrides=overrides)


@pytest.fixture(scope="module")
def target(figures):
    return read_boxes(figures.target)


@pytest.fixture(scope="module")
def free(finished_run, figures, tmp_path_factory) -> tuple[Path, api.RunResult, list[str]]:
    """Return a whole run with its report, and every file that it opened."""
    folder = tmp_path_factory.mktemp("free") / "run"
    overrides = {**SHORT, "init_from": finished_run, "validation.fraction": 0.5}
    with opened_files() as opened:
        result = api.adapt(
            *(None, figures.target, folder),
            preset=["demo", "source_free"],
            overrides=overrides,
            console=Console(quiet=True),
        )
    return folder, result, opened


def test_no_source_file_is_opened(free, figures):
    _, _, opened = free
    assert any(str(figures.target.parent) in path for path in opened)
    assert not [path for path in opened if str(figures.source.parent) in path]


def test_repeated_call_resumes_a_stopped_run(free, figures, finished_run, tmp_path):
    """Keep crop and model of the initial model, whatever the presets set."""
    whole, _, _ = free
    overrides = {**SHORT, "init_from": finished_run, "validation.fraction": 0.5}
    given = {"target": figures.target, "preset": ["demo", "source_free"], "overrides": overrides}
    for more in ({"stop_after": 3}, {"resume": True}):
        quiet = Console(quiet=True)
        api.adapt(out=tmp_path / "run", **given, **more, page=False, console=quiet)
    assert same(weights(whole, "last"), weights(tmp_path / "run", "last"))


def test_source_free_run_trains_from_the_initial_model(free, finished_run):
    folder, result, _ = free
    assert [step for step, _ in result.validation] == [0, 2, 4, 6]
    config = configure(config=folder / "config.yaml")
    assert (config.source, config.crop.size, config.model.encoder) == (None, 32, "resnet10t")
    rows = (folder / "metrics.csv").read_text().splitlines()[1:]
    losses = {row.split(",")[1] for row in rows if ",loss/" in row}
    assert losses == {"loss/consistency", "loss/pose", "loss/total"}
    assert any("teacher/plausible" in row for row in rows)
    assert same(weights(finished_run, "source"), weights(folder, "source"))
    before, after = weights(folder, "source"), weights(folder, "last")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("running_mean" in name for name in moved)
    assert any(name.startswith("encoder") and "running" not in name for name in moved)
    assert "head.weight" in moved
    assert (folder / "pictures" / "step_000006.png").stat().st_size > 1000


def test_model_passes_on_its_source_statistics(free, finished_run):
    folder, _, _ = free
    first, last = (
        load_checkpoint(run / "checkpoints" / name).results
        for run, name in ((finished_run, "source"), (folder, "last"))
    )
    assert first["source_poses"] == last["source_poses"]
    assert len(last["source_poses"]["bones"]["edges"]) == 14
    assert last["data"]["source"] == first["data"]["source"]
    assert last["data"]["start"] == {"name": str(finished_run)}
    card = (folder / "checkpoints" / "last" / "README.md").read_text()
    assert "its source was not available" in card
    assert "24 subjects" in card


def test_report_compares_with_the_initial_model(free):
    folder, _, _ = free
    report = json.loads((folder / "report" / "report.json").read_text())
    assert report["steps"] == [0, 6]
    assert (report["source_kind"], report["trust"]) == ("none", [])
    rows = {row["name"]: row for row in report["validators"]}
    assert "agreement" in rows and not [name for name in rows if name.startswith("source_pck")]
    # From the shapes in the model; training weights pseudo-labels by bones, so it has no vote.
    assert rows["pose_prior"]["pushed"]
    votes = {f["about"]: f["vote"] for f in report["verdict"]["findings"]}
    assert votes["pose_prior"] == 0
    assert "source_pck@0.05" not in votes
    page = (folder / "report" / "index.html").read_text()
    assert "The run had no source" in page
    assert "without the source" in page
    assert "training on the source for longer" not in page


def test_report_calibrates_on_given_source_images(free, figures, tmp_path):
    folder = Path(shutil.copytree(free[0], tmp_path / "run"))
    made = api.make_report(folder, source_validation=figures.test)
    assert made.judgment.source_kind == "given"
    assert "source_pck@0.05" in {row.name for row in made.judgment.validators}


def test_facing_without_a_source(figures, target, tmp_path, capsys):
    """Leave the output model uncorrected: the fraction on the source is unknown."""
    first, free = tmp_path / "first", tmp_path / "free"
    train(tiny(model__left_right="facing"), read_labeled(figures.source), target, first)
    train(settings(first, ema_decay=0), None, target, free)
    assert "loss/target_facing" in logged(free)
    assert same(weights(first, "source"), weights(free, "source"))
    stored = torch.load(free / "resume.ckpt", weights_only=True)["state_dict"]
    teacher = {n.removeprefix("teacher.module."): v for n, v in stored.items()}
    assert torch.equal(
        teacher["facing.layers.2.bias"], weights(free, "last")["facing.layers.2.bias"]
    )
    given = ["adapt", "--preset", "source_free", "--facing.prior=target", f"--init-from={first}"]
    assert main([*given, f"--target={figures.target}", "--out", str(tmp_path / "no")]) == 2
    said = capsys.readouterr().err
    assert "facing.prior is target" in said and said.count("\n") == 1


def test_target_crops_equal_those_of_a_run_with_source(figures, target):
    source, crops = read_labeled(figures.source), tiny().crop
    for step in (2, 9):
        beside = PairedBatches(source, target, crops, 4, 0, 2)[step]
        alone = PairedBatches(None, target, crops, 4, 0, 2)[step]
        assert alone.source is None and beside.source is not None
        assert alone.target is not None and beside.target is not None
        assert torch.equal(alone.target, beside.target)


def test_l2sp_by_hand():
    """Use rates 0.1 and 0.02, strength 2: a fifth and a twenty-fifth of the way back."""
    layers = [torch.nn.Linear(1, 1, bias=False) for _ in range(2)]
    model = torch.nn.Sequential(*layers)
    one, other = (layer.weight for layer in layers)
    torch.nn.init.constant_(one, 1.0)
    torch.nn.init.constant_(other, 1.0)
    setup = make_setup(tiny(steps__source=0), None, None)

    def anchored(strength):
        level = L2SP(L2SPConfig(strength), setup)
        level.build(model, 0)
        return level

    anchor, stronger = anchored(2.0), anchored(1000.0)
    torch.nn.init.constant_(one, 1.5)
    torch.nn.init.constant_(other, 1.5)
    for level in (anchor, stronger):
        level.begin_step(1, model)  # only the first step of the adaptation sets the anchor
    torch.nn.init.constant_(one, 2.0)
    torch.nn.init.constant_(other, 2.0)
    groups = [{"params": [one], "lr": 0.1}, {"params": [other], "lr": 0.02}]
    optimizer = torch.optim.SGD(groups)
    anchor.after_step(model, optimizer)
    assert (one.item(), other.item()) == pytest.approx((1.8, 1.96))
    stronger.after_step(model, optimizer)  # never beyond the start
    assert (one.item(), other.item()) == (1.0, 1.0)
    torch.nn.init.constant_(one, 3.0)
    anchor.begin_step(0, model)
    anchor.after_step(model, optimizer)
    assert one.item() == 3.0
    assert not L2SP.is_on(L2SPConfig(0.0))


def test_l2sp_keeps_the_student_near_its_start(finished_run, target, tmp_path):
    away = {}
    for anchor in (0, 400):
        folder = tmp_path / str(anchor)
        train(settings(finished_run, l2sp__weight=anchor, ema_decay=0), None, target, folder)
        before, after = weights(folder, "source"), weights(folder, "last")
        learned = [n for n in before if "running" not in n and "num_batches" not in n]
        away[anchor] = sum(float((before[n] - after[n]).square().sum()) for n in learned) ** 0.5
    assert 0 < away[400] < 0.9 * away[0]


def test_bone_prior_weights_pseudo_labels_of_their_view():
    """Name the wrong joint in the crop and in a mirrored view, at its partner's index."""
    bones = BoneLengths(
        torch.tensor([[0, 1], [0, 2], [1, 3], [2, 4]]), torch.ones(4), torch.ones(4), 5
    )
    mirror = torch.tensor([0, 2, 1, 4, 3])
    crop = torch.tensor([[[0.0, 0], [10, 0], [-10, 0], [10, 10], [-10, 90]]])  # joint 4 is far off
    flip = affine.Views(torch.tensor([[[-1.0, 0, 40], [0, 1, 0]]]), torch.tensor([True]))
    points = affine.points_to_view(crop, flip, mirror)
    seen = torch.ones(1, 5, dtype=torch.bool)
    labels = PseudoLabels(points, torch.ones(1, 5), seen, seen, seen, 1.0, torch.zeros(()), None)
    config = tiny(bone_prior__weight=0.5)
    level = BonePrior(config.bone_prior, make_setup(config, None, bones))
    level.build(None, 0)  # pyright: ignore[reportArgumentType]
    found = level.plausible(labels, flip, mirror)
    # In the crop joint 4 scores 0 and joint 2 half; half of that is taken off, and sides swap.
    torch.testing.assert_close(found, torch.tensor([[1, 0.75, 1, 0.5, 1]]))


@pytest.mark.parametrize(
    ("preset", "losses"),
    [
        ("multilevel", ["consistency"]),
        ("ccssl", ["consistency"]),
        ("uda_animal", ["consistency", "outer"]),
    ],
)
def test_bone_prior_works_with_a_source(preset, losses, figures, target, tmp_path):
    """Set limits near zero: with bone_prior.weight 1 no pseudo-label counts and the loss is 0."""
    source = read_labeled(figures.source)
    rows: dict[float, str] = {}

    class Narrow(pl.Callback):
        def on_train_start(self, trainer, pl_module):
            assert isinstance(pl_module, Adapter)
            if "bone_prior" in pl_module.levels:
                level = pl_module.levels["bone_prior"]
                assert isinstance(level, BonePrior)
                level.bones.limit.fill_(1e-6)

    for weight in (0.0, 1.0):
        folder = tmp_path / str(weight)
        # Every visible joint is kept: of four images a small ratio may round to none.
        kept = {"consistency.keep_ratio": 1.0, "consistency.keep_ratio_start": 1.0}
        one_step = {"steps.source": 1, "steps.adaptation": 1}
        overrides = {**TINY, "bone_prior.weight": weight, **kept, **one_step}
        config = configure(["demo", preset], overrides=overrides)
        train(config, source, target, folder, callbacks=[Narrow()])
        rows[weight] = (folder / "metrics.csv").read_text()
    for loss in losses:
        assert re.search(rf"1,loss/{loss},[0-9.]*[1-9]", rows[0.0])
        assert f"1,loss/{loss},0\n" in rows[1.0]
    assert "teacher/plausible" not in rows[0.0]
    assert "1,teacher/plausible,0\n" in rows[1.0]


def test_the_command_line_from_a_model_folder(finished_run, figures, tmp_path):
    """Adapt as a user does: with a model folder and images, without anything else."""
    model = Path(shutil.copytree(finished_run / "checkpoints" / "last", tmp_path / "model"))
    short = [f"--{n}={v}" for n, v in SHORT.items() if not n.startswith("steps.source")]
    given = ("adapt", "--preset", "source_free", "--target", figures.target.parent / "images")
    out = tmp_path / "run"
    done = posebridge_here(*given, "--init-from", model, *short, "--out", out)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "source: none; adapting the model" in said
    assert "Did the adaptation help?" in said
    assert same(load_file(model / "model.safetensors"), weights(out, "source"))
    refused = posebridge_here(*given, *short, "--out", tmp_path / "other")
    assert refused.returncode == 2
    assert "--init-from" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--feature.weight=0.1"], "feature.weight is 0.1 and needs source images"),
        (
            ["--style.method=fourier", "--style.target_to_source=0.5"],
            "style.target_to_source is 0.5 and needs source",
        ),
        (
            ["--style.method=fourier", "--style.source_to_target=1"],
            "style.source_to_target is 1 and needs",
        ),
        (["--regda.weight=1"], "regda.weight is 1 and needs source images"),
        (["--coarse_to_fine.weight=1"], "coarse_to_fine.weight is 1 and needs source images"),
        (["--batchnorm-stats=both"], "batchnorm_stats is both and needs source images"),
        (
            ["--keypoint-mapping=joints.yaml"],
            "keypoint_mapping joints.yaml maps the source's keypoints",
        ),
        (["--pose.weight=0", "--consistency.weight=0"], "nothing is learned from the target"),
        (["--steps.adaptation=0"], "steps.adaptation is 0"),
        (["--skeleton=coco-17"], "the skeleton coco-17 has 17 keypoints"),
        (["--bone_prior.weight=2"], "bone_prior.weight is 2"),
        (["--l2sp.weight=-1"], "l2sp.weight is -1"),
    ],
)
def test_impossible_source_free_settings_are_refused(
    arguments, words, finished_run, figures, tmp_path, capsys
):
    given = ["adapt", "--preset", "source_free", "--init-from", str(finished_run)]
    given += [f"--target={figures.target}", *arguments, "--out", str(tmp_path / "run")]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_bone_prior_refuses_a_model_without_bones(finished_run, figures, target, tmp_path, capsys):
    """Refuse models of earlier versions, and of sources with few labels: they have no lengths."""
    found = load_checkpoint(finished_run / "checkpoints" / "source")
    bare = {name: part for name, part in found.results.items() if name != "source_poses"}
    old = tmp_path / "old"
    save_checkpoint(old, found.model, found.skeleton, found.config, bare)
    given = ["adapt", "--preset", "source_free", "--init-from", str(old)]
    given += [f"--target={figures.target}", "--out", str(tmp_path / "run")]
    assert main(given) == 2
    assert "has no bone lengths of its source; set it to 0" in capsys.readouterr().err
    train(settings(old, bone_prior__weight=0, steps__adaptation=1), None, target, tmp_path / "run")
    assert load_checkpoint(tmp_path / "run").results["source_poses"] == {}


def test_a_style_network_needs_a_source(finished_run, figures, tmp_path, capsys):
    given = ["train-style", "--preset", "source_free", "--init-from", str(finished_run)]
    given += [f"--target={figures.target}", "--out", str(tmp_path / "style.safetensors")]
    assert main(given) == 2
    assert "a style network needs source images" in capsys.readouterr().err
