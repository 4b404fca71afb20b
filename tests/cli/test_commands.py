"""The command line as a subprocess, from data to predictions."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from posebridge.cli.main import COMMANDS, main
from posebridge.files.locks import LOCK
from posebridge.skeleton import read_skeleton
from posebridge.synthetic.figures import FIGURE_SKELETON
from posebridge.training.heartbeat import read_progress
from tests.command_line import posebridge
from tests.conftest import TINY

SETTINGS = [f"--{name}={value}" for name, value in TINY.items()]


@pytest.fixture(scope="module")
def run(figures, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "run"
    done = posebridge(
        *("adapt", "--preset", "demo", *SETTINGS, "--out", out),
        *("--source", figures.source, "--target", figures.target.parent / "images"),
    )
    assert done.returncode == 0, done.stderr
    assert "left" in done.stdout  # the time left
    assert "agreement of two views" in done.stdout
    assert str(out)[:20] in done.stdout
    return out


def test_adapt_leaves_models_and_pictures(run):
    assert {p.name for p in (run / "checkpoints").iterdir()} == {"source", "last", "selected"}
    assert (run / "pictures" / "step_000010.png").stat().st_size > 1000


def test_predict_writes_coco_and_overlays(run, figures, tmp_path, capsys):
    images = figures.test.parent / "images"
    out, overlays = tmp_path / "predictions.json", tmp_path / "overlays"
    assert (
        main(["predict", str(run), str(images), "--out", str(out), "--overlays", str(overlays)])
        == 0
    )
    content = json.loads(out.read_text())
    assert len(content["annotations"]) == len(content["images"]) == 8
    keypoints = np.array([a["keypoints"] for a in content["annotations"]]).reshape(8, 14, 3)
    assert keypoints[..., 2].min() >= 0
    assert keypoints[..., 2].max() <= 1
    assert keypoints[..., :2].min() > -5
    assert keypoints[..., :2].max() < 69
    assert {p.name for p in overlays.iterdir()} == {p.name for p in images.iterdir()}


def test_predict_takes_videos_and_boxes_of_a_detector(run, figures, tmp_path, monkeypatch):
    import av

    monkeypatch.setenv("POSEBRIDGE_CACHE", str(tmp_path / "cache"))
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(7):
            picture = np.full((48, 64, 3), 30 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    out = tmp_path / "of_clip.json"
    clip = str(tmp_path / "clip.mp4")
    assert main(["predict", str(run), clip, "--frame-step", "3", "--out", str(out)]) == 0
    content = json.loads(out.read_text())
    names = [Path(image["file_name"]).name for image in content["images"]]
    assert names == ["frame_00000000.jpg", "frame_00000003.jpg", "frame_00000006.jpg"]

    images = figures.test.parent / "images"
    name = sorted(images.iterdir())[0].name
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(
        f"image,x,y,w,h,score\n{name},5,5,40,50,0.9\n{name},5,5,9,9,0.8\n{name},1,1,50,50,0.1\n"
    )
    chosen = ["--image-root", str(images), "--min-score", "0.5", "--min-box-size", "10"]
    out = tmp_path / "make_boxes.json"
    assert main(["predict", str(run), str(boxes), *chosen, "--out", str(out)]) == 0
    (row,) = json.loads(out.read_text())["annotations"]
    assert row["bbox"] == [5, 5, 40, 50]


def test_evaluate_writes_scores_and_their_protocol(run, figures, tmp_path, capsys):
    out = tmp_path / "results.json"
    assert main(["evaluate", str(run), str(figures.test), "--out", str(out)]) == 0
    results = json.loads(out.read_text())
    assert {"all", "knee"} <= results["metrics"]["pck@0.05"].keys()
    assert {"pck@0.10", "epe", "auc", "oks", "pck_published@0.05"} <= results["metrics"].keys()
    assert results["protocol"]["subjects"] == 8
    assert results["protocol"]["selection"] == "last"
    assert "knee" in capsys.readouterr().out


def test_a_score_says_which_weights_the_model_has(run, figures, tmp_path, capsys):
    out = tmp_path / "results.json"
    selected = run / "checkpoints" / "selected"
    assert main(["evaluate", str(selected), str(figures.test), "--out", str(out)]) == 0
    assert json.loads(out.read_text())["protocol"]["selection"] == "selected"
    capsys.readouterr()
    given = [str(selected), str(figures.test), "--checkpoint", "source", "--out", str(out)]
    assert main(["evaluate", *given]) == 2
    assert "is for a run folder" in capsys.readouterr().err


def test_evaluating_does_not_wait_for_lightning_to_load(run, figures):
    """It takes seconds to import, and only a training needs it."""
    script = (
        "import sys\nfrom posebridge.cli.main import main\ncode = main(sys.argv[1:])\n"
        "sys.exit(code or 'lightning' in sys.modules)"
    )
    command = [sys.executable, "-c", script, "evaluate", str(run), str(figures.test)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_evaluate_asks_about_several_views_and_says_so(run, figures, tmp_path, capsys):
    out = tmp_path / "results.json"
    tta = ["--tta-views", "3", "--tta-flip", "--out", str(out)]
    assert main(["evaluate", str(run), str(figures.test), *tta]) == 0
    protocol = json.loads(out.read_text())["protocol"]
    assert (protocol["views"], protocol["flip"]) == (3, True)
    assert main(["evaluate", str(run), str(figures.test), "--tta-views", "65"]) == 2
    assert "give 1 to 64" in capsys.readouterr().err


def test_resume_of_a_finished_run_changes_nothing(run, capsys):
    before = (run / "checkpoints" / "last" / "model.safetensors").read_bytes()
    assert main(["adapt", "--resume", "--out", str(run)]) == 0
    assert (run / "checkpoints" / "last" / "model.safetensors").read_bytes() == before
    assert main(["adapt", "--resume", "--out", str(run), "--seed", "3"]) == 2
    assert "takes new paths of moved data alone" in capsys.readouterr().err


def test_figures(tmp_path, capsys):
    sizes = ["--source", "2", "--target", "2", "--test", "2", "--size", "48"]
    assert main(["synth", str(tmp_path / "f"), *sizes]) == 0
    assert main(["synth", str(tmp_path / "f"), *sizes]) == 2
    target = (tmp_path / "f" / "target" / "annotations.json").read_text()
    assert '"num_keypoints"' not in target


def test_demo_compares_equal_lengths_and_starts_again_only_when_told(tmp_path, capsys):
    out = tmp_path / "demo"
    settings = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
    arguments = ["demo", "--out", str(out), "--figures", "9", *settings]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("source", "adapted", "change", "before and after"))
    for name in ("source_only", "adapted"):
        results = json.loads((out / f"{name}.json").read_text())
        assert results["protocol"]["step"] == 10
        assert results["protocol"]["subjects"] == 3
        assert "--figures 9 --set" in results["protocol"]["command"]
    assert (out / "pictures" / "before_and_after.png").stat().st_size > 1000
    assert main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    before = sorted(out.rglob("*"))
    for wrong in (["--figures", "0"], ["--set", "steps.sauce=3"]):
        assert main([*arguments, "--overwrite", *wrong]) == 2
    assert sorted(out.rglob("*")) == before
    assert main([*arguments, "--overwrite"]) == 0


def test_what_is_no_demo_is_never_removed(finished_run, tmp_path, capsys):
    out = Path(shutil.copytree(finished_run, tmp_path / "run"))
    before = sorted(out.rglob("*"))
    assert main(["demo", "--out", str(out), "--overwrite"]) == 2
    assert "not a demo" in capsys.readouterr().err
    assert sorted(out.rglob("*")) == before


def test_figures_are_not_cleared_for_numbers_that_cannot_be(tmp_path, capsys):
    given = ["synth", str(tmp_path), *("--source", "1", "--target", "1", "--test", "1")]
    assert main(given) == 0
    before = sorted(tmp_path.rglob("*"))
    for wrong in (["--test", "0"], ["--size", "-1"]):
        assert main([*given, "--overwrite", *wrong]) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_style_trains_a_decoder_that_adapt_takes(figures, tmp_path, capsys):
    file = tmp_path / "style.safetensors"
    weights = {"encoder": "resnet10t", "encoder_weights": "none"}
    style = {**weights, "feature_levels": "[0, 1]", "steps": 3, "batch": 2}
    settings = [f"--style.network.{name}={value}" for name, value in style.items()]
    settings += ["--style.method=adain", f"--source={figures.source}", f"--target={figures.target}"]
    assert main(["train-style", "--preset", "demo", *SETTINGS, *settings, "--out", str(file)]) == 0
    assert file.stat().st_size > 1000
    assert file.with_suffix(".png").stat().st_size > 1000
    adapt = ["adapt", "--preset", "demo", *SETTINGS, *settings, "--out", str(tmp_path / "run")]
    assert main([*adapt, f"--style.decoder={file}"]) == 0
    assert not (tmp_path / "run" / "style").exists()
    file.write_bytes(file.read_bytes()[:200])
    arguments = [a for a in adapt if a != str(tmp_path / "run")] + [str(tmp_path / "other")]
    assert main([*arguments, f"--style.decoder={file}"]) == 2
    assert "style.safetensors" in capsys.readouterr().err


def relabeled(figures, tmp_path, names: dict[str, str], order: list[int]) -> list[str]:
    """The test figures with keypoints renamed and in another order, as arguments of evaluate."""
    content = json.loads(figures.test.read_text())
    kept = content["categories"][0]["keypoints"]
    content["categories"][0] |= {
        "keypoints": [names.get(kept[i], kept[i]) for i in order],
        "skeleton": [],
    }
    for annotation in content["annotations"]:
        points = np.array(annotation["keypoints"]).reshape(-1, 3)[order]
        annotation["keypoints"] = points.reshape(-1).tolist()
    labels = tmp_path / "annotations.json"
    labels.write_text(json.dumps(content))
    return [str(labels), "--image-root", str(figures.test.parent / "images")]


def test_labels_of_another_skeleton_are_matched(run, figures, tmp_path, capsys):
    def scores(*arguments: str) -> dict:
        out = tmp_path / "scores.json"
        assert main(["evaluate", str(run), *arguments, "--out", str(out)]) == 0
        return json.loads(out.read_text())

    plain = scores(str(figures.test))
    assert "matched_keypoints" not in plain["protocol"]
    capsys.readouterr()
    # Another order and other spellings change no score.
    spelled = {"left_knee": "LKnee", "right_wrist": "r_wrist"}
    order = list(range(13, -1, -1))
    again = scores(*relabeled(figures, tmp_path, spelled, order))
    assert again["metrics"] == plain["metrics"]
    assert again["protocol"]["matched_keypoints"]["left_knee"] == "LKnee"
    assert "14 of 14 keypoints matched" in capsys.readouterr().out
    # A joint without partner is not scored, until a mapping names it.
    odd = relabeled(figures, tmp_path, {"neck": "collar"}, order)
    assert scores(*odd)["protocol"]["joints"] == plain["protocol"]["joints"] * 13 // 14
    assert "no partner" in capsys.readouterr().out
    mapping = tmp_path / "joints.yaml"
    mapping.write_text("neck: collar\n")
    assert scores(*odd, "--keypoint-mapping", str(mapping))["metrics"] == plain["metrics"]


def test_a_comparison_takes_labels_of_another_skeleton(run, figures, tmp_path, capsys):
    """And leaves nothing of an earlier one in its folder."""
    content = json.loads(figures.test.read_text())
    names = content["categories"][0]["keypoints"]
    content["categories"][0]["keypoints"] = [*names, "nose"]
    content["categories"][0]["skeleton"] = []
    for row in content["annotations"]:
        row["keypoints"] += [1, 1, 2]
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps(content))
    out, images = tmp_path / "compared", figures.test.parent / "images"
    both = ["compare", str(run), str(run), "--checkpoint-a", "source", "--out", str(out)]
    given = [str(labels), "--image-root", str(images)]
    assert main([*both, *given, "--pairs", "3"]) == 0
    assert (out / "sheet.png").is_file() and (out / "scores_a.json").is_file()
    protocol = json.loads((out / "scores_a.json").read_text())["protocol"]
    assert protocol["keypoints"] == names
    assert protocol["labels_skeleton"] == [*names, "nose"]
    assert protocol["matched_keypoints"] == {name: name for name in names}
    assert main([*both, str(images), "--pairs", "1"]) == 0
    assert not list(out.glob("scores_*")) and len(list((out / "pairs").iterdir())) == 1


def test_a_skeleton_with_nothing_in_common_is_refused(run, figures, tmp_path, capsys):
    odd = {name: f"thing {i}" for i, name in enumerate(FIGURE_SKELETON.keypoints)}
    assert main(["evaluate", str(run), *relabeled(figures, tmp_path, odd, list(range(14)))]) == 2
    said = capsys.readouterr().err
    assert "no keypoint of 'person'" in said
    assert said.count("\n") == 1
    assert main(["evaluate", str(tmp_path), str(figures.test)]) == 2
    assert "neither a model folder" in capsys.readouterr().err


def test_a_trial_says_how_to_go_on(figures, tmp_path, capsys):
    out = str(tmp_path / "run")
    arguments = ["--source", str(figures.source), "--target", str(figures.target), *SETTINGS]
    assert main(["adapt", "--preset", "demo", *arguments, "--stop-after", "2", "--out", out]) == 0
    said = capsys.readouterr().out
    assert "stopped after 2 of" in said and f"posebridge adapt --resume --out {out}" in said
    assert not (tmp_path / "run" / "report").exists()
    assert main(["adapt", "--resume", "--out", out, "--stop-after", "3"]) == 0
    assert "stopped after 3 of" in capsys.readouterr().out
    assert main(["adapt", "--resume", "--out", out, "--no-report"]) == 0
    assert "stopped after" not in capsys.readouterr().out
    assert main(["adapt", *arguments, "--stop-after", "0", "--out", out]) == 2
    assert "--stop-after is 0" in capsys.readouterr().err


def test_adapting_to_a_skeleton_that_is_asked_for(figures, tmp_path, capsys):
    mapping = tmp_path / "joints.yaml"
    mapping.write_text("nose: head_top\npelvis: [left_hip, right_hip]\n")
    wanted = tmp_path / "wanted.yaml"
    wanted.write_text("keypoints: [nose, l_knee, r_knee, pelvis, tail]\n")
    out = tmp_path / "run"
    arguments = ["--source", str(figures.source), "--target", str(figures.target)]
    arguments += ["--skeleton", str(wanted), "--keypoint-mapping", str(mapping), *SETTINGS]
    assert main(["adapt", "--preset", "demo", *arguments, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "4 of 5 keypoints matched" in said
    assert said.index("4 of 5") < said.index("source: 24 labeled subjects")
    skeleton = read_skeleton(out)
    assert skeleton.keypoints == ("nose", "l_knee", "r_knee", "pelvis", "tail")
    assert skeleton.pairs == ((1, 2),)
    assert (
        main(
            [
                "adapt",
                "--preset",
                "demo",
                *arguments[:4],
                "--keypoint-mapping",
                str(mapping),
                "--out",
                "x",
            ]
        )
        == 2
    )
    assert "no skeleton to map to" in capsys.readouterr().err


def test_help(capsys):
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in COMMANDS)
    assert main(["nonsense"]) == 2
    assert "known are" in capsys.readouterr().err
    for name in COMMANDS:
        with pytest.raises(SystemExit) as done:
            main([name, "--help"])
        assert done.value.code == 0
        assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_interrupted_says_so_and_goes_on(number, code, figures, tmp_path):
    settings = [s for s in SETTINGS if not s.startswith("--steps.source")]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "posebridge.cli.main", "adapt", "--preset", "demo", *settings),
            *("--steps.source=100000", "--source", str(figures.source)),
            *("--target", str(figures.target), "--out", str(tmp_path / "run")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A background job of a shell ignores Ctrl-C, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    state = tmp_path / "run" / "resume.ckpt"
    for _ in range(600):
        if state.exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    said = ""
    for _ in range(3):
        process.send_signal(number)
        try:
            _, said = process.communicate(timeout=40)
            break
        except subprocess.TimeoutExpired:
            pass  # Python drops an exception that falls into a finalizer: press again
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert "--resume" in said
    assert state.exists()
    assert not (tmp_path / "run" / LOCK).exists()
    word = read_progress(tmp_path / "run")
    assert word is not None and word.state == "stopped"
