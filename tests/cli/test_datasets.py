"""``posebridge datasets``: what can be named, and whether it is all there."""

from __future__ import annotations

import numpy as np
import pytest

from posebridge.cli.main import main
from posebridge.data.datasets import BENCHMARKS
from posebridge.data.datasets.record import Expected
from posebridge.data.datasets.verify import check_files, find_folder
from tests.command_line import posebridge
from tests.data.datasets.miniatures import MINIATURES
from tests.data.datasets.native_layouts import lsp, surreal_video, tigdog


def test_list_names_every_dataset_and_its_page(capsys):
    assert main(["datasets", "list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in BENCHMARKS)
    assert MINIATURES.keys() == BENCHMARKS.keys()
    assert main(["datasets", "list", "lsp"]) == 0
    said = capsys.readouterr().out
    assert "http://sam.johnson.io/research/lsp.html" in said
    assert "lsp:transductive" in said
    assert "; transductive" in said
    assert main(["datasets", "list", "freihand"]) == 0
    assert "the same hands train and score" in capsys.readouterr().out
    assert main(["datasets", "list", "nothing"]) == 2
    assert "unknown dataset 'nothing'; known are" in capsys.readouterr().err


def test_prepare_counts_reads_and_says_where_the_rest_is(tmp_path, capsys):
    lsp(tmp_path)
    for folder in (tmp_path, tmp_path / "lsp"):
        assert main(["datasets", "prepare", "lsp", str(folder)]) == 2
        said = capsys.readouterr()
        assert "incomplete **/im????.jpg: 6 of 2000" in said.out
        assert "complete   joints.mat: 1 of 1" in said.out
        assert "lsp:train: 3 subjects in 3 images" in said.out
        assert "download lsp from http://sam.johnson.io/research/lsp.html" in said.err
        assert said.err.count("\n") == 1


def test_prepare_says_ready_when_all_is_there(tmp_path, capsys, monkeypatch):
    lsp(tmp_path)
    whole = {"expected": (Expected("joints.mat", 1), Expected("images/*.jpg", 6))}
    record = BENCHMARKS["lsp"]
    monkeypatch.setattr(
        "posebridge.data.datasets.BENCHMARKS", {"lsp": type(record)(**{**vars(record), **whole})}
    )
    assert main(["datasets", "prepare", "lsp", str(tmp_path / "lsp")]) == 0
    assert f"lsp is ready: --data-root {tmp_path}" in capsys.readouterr().out.replace("\n", " ")
    (tmp_path / "lsp" / "joints.mat").write_bytes(b"")
    assert main(["datasets", "prepare", "lsp", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "lsp:test cannot be read: " in said.out
    assert "has no split that can be read" in said.err


def test_prepare_of_nothing(tmp_path, capsys):
    assert main(["datasets", "prepare", "human36m", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "human36m does not exist; download human36m from http://vision.imar.ro" in said
    assert "no redistribution" in said
    assert main(["datasets", "prepare", "human36m", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err
    assert main(["datasets", "prepare", "lsp", str(tmp_path), "--frame-step", "2"]) == 2
    assert "is for surreal_video" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_frames_are_written_once(tmp_path, capsys):
    surreal_video(tmp_path)
    frames = tmp_path / "SURREAL/data/cmu/train/run0/01_01/01_01_c0000_frames"
    for frame in frames.iterdir():
        frame.unlink()
    frames.rmdir()
    assert main(["datasets", "prepare", "surreal_video", str(tmp_path), "--frame-step", "4"]) == 0
    assert "written: 2 frames" in capsys.readouterr().out
    assert sorted(f.name for f in frames.iterdir()) == ["000000.jpg", "000004.jpg"]
    assert main(["datasets", "prepare", "surreal_video", str(tmp_path), "--frame-step", "1"]) == 0
    assert "written: 0 frames" in capsys.readouterr().out
    video = tmp_path / "SURREAL/data/cmu/train/run0/01_01/01_01_c0002.mp4"
    video.write_bytes(b"no video")
    assert main(["datasets", "prepare", "surreal_video", str(tmp_path), "--frame-step", "1"]) == 2
    assert "is not a video that can be read" in capsys.readouterr().err
    assert not list(video.parent.glob("*partial"))


def test_a_published_checksum_is_compared(tmp_path):
    tigdog(tmp_path)
    record = BENCHMARKS["tigdog"]
    states = {
        check.expected.pattern: check
        for check in check_files(record, find_folder(record, tmp_path))
    }
    index = states["../real_animal/tiger/train_idxs_by_video.npy"]
    assert (index.state, index.fine) == ("differs", False)
    (tmp_path / "real_animal/tiger/train_idxs_by_video.npy").unlink()
    checks = check_files(record, find_folder(record, tmp_path))
    index = next(c for c in checks if c.expected.pattern.endswith("tiger/train_idxs_by_video.npy"))
    assert (index.state, index.fine) == ("missing", True)  # the split by shots does without


def test_prepare_says_which_files_differ_from_the_published_ones(tmp_path, capsys):
    tigdog(tmp_path)
    assert main(["datasets", "prepare", "tigdog", str(tmp_path), "--no-read"]) == 2
    said = capsys.readouterr()
    assert "differs    ../real_animal/tiger/train_idxs_by_video.npy" in said.out
    assert "behaviorDiscovery2.0 has another ../real_animal/horse/train" in said.err
    assert "than was published; download tigdog from" in said.err


def test_the_published_checksums_are_those_of_the_published_rows():
    """Each is a sha256, and no two files share one."""
    digests = [e.sha256 for r in BENCHMARKS.values() for e in r.expected if e.sha256]
    assert len(set(digests)) == len(digests) == 12
    assert all(len(d) == 64 and int(d, 16) >= 0 for d in digests)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_records_say_what_a_user_needs(name):
    record = BENCHMARKS[name]
    assert record.page.startswith(("http://", "https://"))
    assert record.transductive <= record.splits.keys()
    assert record.shared.keys() <= record.splits.keys()
    assert all(record.splits.values())
    assert record.licence and record.layout and record.visibility and record.boxes
    assert record.expected
    assert np.array(record.skeleton.pairs, dtype=int).size in (0, 2 * len(record.skeleton.pairs))


def test_as_a_process(tmp_path):
    done = posebridge("datasets", "prepare", "lsp", str(tmp_path))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("posebridge datasets: ")
    assert done.stderr.count("\n") == 1
