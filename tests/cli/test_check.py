"""``posebridge check`` from the command line, on figures and on the samples of published sets."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from rich.console import Console

import posebridge
from posebridge.cli.main import main
from posebridge.synthetic.figures import SyntheticBenchmark, write_synthetic_benchmark
from tests import command_line
from tests.conftest import TINY

ROOT = Path(__file__).parents[2]
DATA = ROOT / os.environ.get("POSEBRIDGE_DATA", "../shared/data")
READABLE = [
    "animalpose/test_animalpose.json",
    "ap10k/test_ap10k.json",
    "atrw/test_atrw.json",
    "coco/test_coco.json",
    "coco/test_coco_wholebody.json",
    "fly/test_fly.json",
    "freihand/test_freihand.json",
    "h36m/h36m_coco.json",
    "horse10/test_horse10.json",
    "locust/test_locust.json",
    "macaque/test_macaque.json",
    "mpii/test_mpii_trb.json",
    "onehand10k/test_onehand10k.json",
    "zebra/test_zebra.json",
]
HARMLESS = {"never labeled", "no pairs", "no bones", "repeated", "hardly labeled", "small"}


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> SyntheticBenchmark:
    return write_synthetic_benchmark(tmp_path_factory.mktemp("sets"), 0, 48, 32, 32, 32)


def found(out: Path) -> list[dict]:
    return json.loads((out / "findings.json").read_text())["findings"]


def test_clean_figures_make_a_page_that_needs_nothing_else(sets, tmp_path, capsys):
    out = tmp_path / "check"
    arguments = ["--source", str(sets.source), "--target", str(sets.target.parent / "images")]
    arguments += ["--test", str(sets.test), "--strict", "--out", str(out)]
    assert main(["check", *arguments]) == 0
    said = capsys.readouterr().out
    assert "nothing found" in said
    assert f"{out}/index.html"[:30] in said
    assert found(out) == []
    page = (out / "index.html").read_text()
    # Nothing is loaded from elsewhere, no script runs, and every picture is in the page.
    assert re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?!data:)[^"'\s>]+""", page) == []
    assert "<script" not in page
    assert page.count("data:image/jpeg;base64,") == 3 * 12
    assert page.count('<figure class="chart">') == 9
    for name in ("source", "target", "test"):
        assert (out / f"{name}.jpg").stat().st_size > 5000
    assert not list(out.glob("*.partial"))


def test_keypoints_of_a_target_are_not_read(sets, tmp_path):
    content = json.loads(sets.test.read_text())
    for annotation in content["annotations"]:
        annotation["keypoints"] = ["these", "are", "not", "looked", "at"]
    target = sets.test.with_name("target.json")
    target.write_text(json.dumps(content))
    assert main(["check", "--target", str(target), "--out", str(tmp_path)]) == 0
    summary = json.loads((tmp_path / "findings.json").read_text())["sets"][0]["summary"]
    assert (summary["subjects"], summary["keypoints"]) == ("32", "-")


def test_data_named_like_a_role_has_none(sets, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(sets.source.parent.parent)
    out = tmp_path / "check"
    given = ["target", "--source", "source/annotations.json", "--out", str(out)]
    assert main(["check", *given]) in (0, 2)
    said = capsys.readouterr().out
    assert "target (1)" in said
    # Labels of what is called 'target' and given as any other data are looked at.
    assert main(["check", "source", "source", "--out", str(out)]) in (0, 2)
    assert "source (1)" in (said := capsys.readouterr().out) and "source (2)" in said


def test_exit_codes_and_names_as_a_process(sets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    broken = sets.source.with_name("other.json")
    content = json.loads(sets.source.read_text())
    content["annotations"][0]["keypoints"][:2] = [-9, 20]
    content["info"]["description"] = "<script>alert(1)</script>"
    content["categories"][0]["keypoints"][0] = "<b>ankle</b>"
    broken.write_text(json.dumps(content))
    done = command_line.posebridge("check", broken, "--strict")
    assert done.returncode == 1, done.stderr
    assert "1 labeled point of 1 subject" in done.stdout
    kinds = {f["kind"]: f["severity"] for f in found(tmp_path / "check")}
    assert kinds["point outside"] == "warning"
    page = (tmp_path / "check" / "index.html").read_text()
    assert "<b>ankle" not in page
    assert "&lt;b&gt;ankle" in page
    for image in (sets.source.parent / "images").iterdir():
        (tmp_path / image.name).write_bytes(b"")
    done = command_line.posebridge_here("check", "*.jpg", "--out", "glob")
    assert done.returncode == 2
    assert [f["kind"] for f in found(tmp_path / "glob")] == ["unreadable"]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no data is given"),
        (["nothing.json"], "nothing.json does not exist"),
        (["--source", "{folder}"], "annotations.json does not exist"),
        (["{folder}", "--workers", "0"], "--workers is 0"),
        (["{folder}", "{folder}", "--image-root", "x"], "--image-root is for exactly one DATA"),
        (["{file}"], "is not valid JSON"),
        (["{pictures}", "--out", "{file}"], "is a file"),
    ],
)
def test_unusable_input_gets_a_sentence(arguments, words, sets, tmp_path, capsys):
    file = tmp_path / "broken.json"
    file.write_text("{")
    places = {"folder": tmp_path, "file": file, "pictures": sets.target.parent / "images"}
    assert main(["check", *(a.format(**places) for a in arguments)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.skipif(not (DATA / "samples").is_dir(), reason=f"{DATA / 'samples'} is missing")
def test_every_sample_of_published_sets(tmp_path):
    for name in READABLE:
        assert main(["check", str(DATA / "samples" / name), "--out", str(tmp_path)]) == 0, name
        kinds = {f["kind"] for f in found(tmp_path)}
        assert kinds <= HARMLESS, name
    # FreiHAND shows each hand four times, before other backgrounds: these two are 32,560 apart.
    assert main(["check", str(DATA / "samples" / READABLE[6]), "--out", str(tmp_path)]) == 0
    (twice,) = [f for f in found(tmp_path) if f["kind"] == "repeated"]
    assert re.findall(r"(\d{8})\.jpg", twice["details"][0]) == ["00032915", "00065475"]


@pytest.mark.skipif(not (DATA / "samples").is_dir(), reason=f"{DATA / 'samples'} is missing")
@pytest.mark.parametrize("name", READABLE)
def test_a_trial_on_every_sample(name, tmp_path):
    file = DATA / "samples" / name
    steps = {"steps.source": 10, "steps.adaptation": 20, "steps.batch": 2, "steps.log_every": 10}
    result = posebridge.adapt(
        file,
        # MPII's file has centers and scales instead of boxes: its images are a target as they are.
        file.parent if name.startswith("mpii") else file,
        tmp_path / "run",
        preset="demo",
        overrides={**TINY, **steps, "style.method": "none"},
        stop_after=20,
        console=Console(quiet=True),
    )
    assert (result.steps, result.finished, list(result.skipped)) == (20, False, [])


@pytest.mark.skipif(not (DATA / "samples_native").is_dir(), reason="samples_native is missing")
def test_native_images_without_labels(tmp_path):
    images = DATA / "samples_native" / "lspet" / "images"
    assert main(["check", str(images), "--strict", "--out", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "findings.json").read_text())
    assert content["sets"][0]["summary"]["images"] == "60"
    assert content["findings"] == []
