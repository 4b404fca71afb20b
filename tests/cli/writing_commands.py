"""Commands that write, one for each format and kind of output, for the tests of full disks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from posebridge.bench import read_plan
from tests.bench.plans import write_plan, write_runs


class Given(NamedTuple):
    """What the commands read."""

    run: Path
    figures: Any
    clip: Path
    plan: Path
    style: Sequence[str]


Command = Callable[[Given, Path], list[str]]
"""What is read and the folder to write in -> the arguments."""


def make_given(run: Path, figures: Any, folder: Path, style: Sequence[str]) -> Given:
    """Return what the commands read; a clip of five frames and a plan are made in ``folder``."""
    import av

    with av.open(str(folder / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            picture = np.full((48, 64, 3), 30 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return Given(run, figures, folder / "clip.mp4", write_plan(folder, figures), style)


def _convert(name: str, *more: str) -> Command:
    return lambda given, out: ["convert", str(given.figures.source), str(out / name), *more]


def _predict(name: str, *more: str) -> Command:
    def command(given: Given, out: Path) -> list[str]:
        images = str(given.figures.test.parent / "images")
        places = [str(out / word[1:]) if word.startswith("@") else word for word in more]
        return ["predict", str(given.run), images, "--out", str(out / name), *places]

    return command


def _overlay_video(given: Given, out: Path) -> list[str]:
    places = ["--out", str(out / "a.csv"), "--overlays", str(out / "drawn.mp4")]
    return ["predict", str(given.run), str(given.clip), "--frame-step", "1", *places]


def _export(name: str, *more: str) -> Command:
    return lambda given, out: ["export", str(given.run), "--out", str(out / name), *more]


def _evaluate(given: Given, out: Path) -> list[str]:
    return ["evaluate", str(given.run), str(given.figures.test), "--out", str(out / "r.json")]


def _into_card(given: Given, out: Path) -> list[str]:
    model = out / "model"
    if not model.exists():
        shutil.copytree(given.run / "checkpoints" / "last", model)
    return ["evaluate", str(model), str(given.figures.test), "--update-card"]


def _check(given: Given, out: Path) -> list[str]:
    return ["check", str(given.figures.source), "--out", str(out / "check"), "--workers", "1"]


def _compare(given: Given, out: Path) -> list[str]:
    images = str(given.figures.test)
    models = [str(given.run / "checkpoints" / name) for name in ("source", "last")]
    return ["compare", *models, images, "--pairs", "2", "--out", str(out / "compared")]


def _report(given: Given, out: Path) -> list[str]:
    run = out / "run"
    if not run.exists():
        shutil.copytree(given.run, run)
    return ["report", str(run), "--max-images", "4"]


def _bench(given: Given, out: Path) -> list[str]:
    folder = out / "comparison"
    if not folder.exists():
        write_runs(folder, read_plan(given.plan))
    record = str(out / "record.json")
    return [
        "bench",
        str(given.plan),
        "--out",
        str(folder),
        "--tables-only",
        "--results-file",
        record,
    ]


def _figures(given: Given, out: Path) -> list[str]:
    counts = ["--source", "2", "--target", "2", "--test", "2", "--size", "32"]
    return ["synth", str(out / "figures"), *counts]


def _style(given: Given, out: Path) -> list[str]:
    data = ["--source", str(given.figures.source), "--target", str(given.figures.target)]
    return ["train-style", *data, *given.style, "--out", str(out / "style.safetensors")]


def _skeleton(*words: str) -> Command:
    def command(given: Given, out: Path) -> list[str]:
        places = [str(out / part[1:]) if part.startswith("@") else part for part in (*words,)]
        return ["skeleton", *places]

    return command


COMMANDS: dict[str, Command] = {
    "convert to COCO": _convert("a.json"),
    "convert to YOLO": _convert("set", "--to", "yolo"),
    "convert to a DeepLabCut table": _convert("a.csv"),
    "convert to DeepLabCut's H5": _convert("a.h5"),
    "convert to a DeepLabCut project": _convert("project", "--to", "deeplabcut-project"),
    "convert to SLEAP": _convert("a.slp"),
    "convert to NWB": _convert("a.nwb"),
    "convert to Label Studio": _convert("a.json", "--to", "label-studio"),
    "predict COCO": _predict("a.json"),
    "predict a table": _predict("a.csv"),
    "predict a DeepLabCut table": _predict("a.dlc.csv"),
    "predict DeepLabCut's H5": _predict("a.h5"),
    "predict SLEAP": _predict("a.slp"),
    "predict Label Studio": _predict("a.label-studio.json"),
    "predict overlays": _predict("a.csv", "--overlays", "@overlays"),
    "predict an overlay video": _overlay_video,
    "export to ONNX": _export("a.onnx"),
    "export to OpenVINO": _export("a.xml", "--to", "openvino"),
    "export a program": _export("a.pt2", "--to", "program"),
    "evaluate": _evaluate,
    "evaluate into the card": _into_card,
    "check": _check,
    "compare": _compare,
    "report": _report,
    "bench": _bench,
    "synth": _figures,
    "train-style": _style,
    "skeleton show": _skeleton("show", "coco-17", "--out", "@a.png"),
    "skeleton show as YAML": _skeleton("show", "coco-17", "--out", "@a.yaml"),
    "skeleton match": _skeleton(
        "match", "coco-17", "lsp-14", "--out", "@a.yaml", "--common", "@b.yaml"
    ),
}
"""What is written -> the command."""
