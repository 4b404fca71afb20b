"""A run folder that grows, is resumed, killed, done: read incrementally."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from posebridge.app import training
from posebridge.app.run_monitor import RunWatch
from posebridge.training.heartbeat import PROGRESS, read_progress

NOW = 1_000_000.0


def gone_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def say(folder: Path, state: str = "training", **more: object) -> None:
    """Return a run's progress: 30 of 100 steps in 60 seconds, written a second ago."""
    word = {
        **{"state": state, "step": 30, "first": 0, "planned": 100, "source": 40},
        **{"started": NOW - 61, "updated": NOW - 1},
        **{"pid": os.getpid(), "host": socket.gethostname()},
    }
    (folder / PROGRESS).write_text(json.dumps({**word, **more}))


def log(folder: Path, *rows: tuple[int, str, float], mode: str = "a") -> None:
    with (folder / "metrics.csv").open(mode) as stream:
        stream.writelines(f"{step},{name},{value}\n" for step, name, value in rows)


def test_rows_are_read_incrementally(tmp_path):
    watch = RunWatch(tmp_path)
    (tmp_path / "metrics.csv").write_text("step,name,value\n0,loss/source,0.5\n1,loss/sou")
    assert watch.look(NOW).curves == {"loss/source": [(1, 0.5)]}
    with (tmp_path / "metrics.csv").open("a") as stream:
        stream.write("rce,0.25\n1,lr,nan\n1,lr\n")
    assert watch.look(NOW).curves == {"loss/source": [(1, 0.5), (2, 0.25)]}
    before = (tmp_path / "metrics.csv").read_bytes()
    log(tmp_path, (2, "validator/agreement", 40.0))
    look = watch.look(NOW)
    assert look.looks == [(3, 40.0)]
    # Rows are read once: changed bytes far before the end are not noticed.
    (tmp_path / "metrics.csv").write_bytes(b"9" + before[1:] + b"2,validator/agreement,40.0\n" * 2)
    assert watch.look(NOW).looks == [(3, 40.0), (3, 40.0)]


def test_rewritten_metrics_are_read_anew(tmp_path):
    watch = RunWatch(tmp_path)
    log(tmp_path, *((step, "loss/source", 1.0) for step in range(50)), mode="w")
    assert len(watch.look(NOW).curves["loss/source"]) == 50
    log(tmp_path, *((step, "loss/source", 2.0) for step in range(20)), mode="w")
    assert [v for _, v in watch.look(NOW).curves["loss/source"]] == [2.0] * 20
    # By the next look the file has grown beyond the old end.
    log(tmp_path, *((step, "loss/source", 3.0) for step in range(200)), mode="w")
    assert [v for _, v in watch.look(NOW).curves["loss/source"]] == [3.0] * 200
    (tmp_path / "metrics.csv").unlink()
    assert watch.look(NOW).curves == {}


def test_every_state_is_reported(tmp_path):
    watch = RunWatch(tmp_path / "run")
    assert watch.look(NOW).state == "not started"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("steps: {source: 40, adaptation: 60}")
    look = watch.look(NOW)
    assert (look.state, look.source, look.planned) == ("preparing", 40, 100)
    say(tmp_path / "run")
    look = watch.look(NOW)
    # 70 steps of two seconds, of which one second has passed.
    assert (look.state, look.step, look.left) == ("training", 30, pytest.approx(139))
    for state in ("stopped", "failed", "done"):
        say(tmp_path / "run", state)
        assert watch.look(NOW).state == state
    say(tmp_path / "run", pid=gone_process())
    assert watch.look(NOW).state == "killed"
    # On another machine only the time decides: two minutes, and twenty steps at the run's pace.
    say(tmp_path / "run", host="elsewhere", pid=1)
    assert watch.look(NOW + 118).state == "training"
    assert watch.look(NOW + 120).state == "killed"
    slow = {"started": NOW - 601, "updated": NOW - 1}
    say(tmp_path / "run", host="elsewhere", **slow)
    assert watch.look(NOW + 398).state == "training"
    assert watch.look(NOW + 400).state == "killed"
    (tmp_path / "run" / PROGRESS).write_text("{}")
    assert read_progress(tmp_path / "run") is None


def test_state_without_progress_file_comes_from_other_files(finished_run, tmp_path):
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    (run / PROGRESS).unlink()
    written = (run / "metrics.csv").stat().st_mtime
    look = RunWatch(run).look(written + 1)
    assert (look.state, look.step, look.source, look.planned) == ("done", 10, 4, 10)
    rows = (run / "metrics.csv").read_text().splitlines(keepends=True)
    (run / "metrics.csv").write_text("".join(r for r in rows if not r.startswith(("8,", "9,"))))
    os.utime(run / "metrics.csv", (NOW, NOW))
    assert RunWatch(run).look(NOW + 100).state == "training"
    assert RunWatch(run).look(NOW + 130).state == "killed"


def test_pictures_come_in_order_and_only_those_of_steps(tmp_path):
    (tmp_path / "pictures").mkdir()
    for name in ("step_000400.png", "step_001000.png", "step_000001.png", "before_and_after.png"):
        (tmp_path / "pictures" / name).write_bytes(b"")
    assert [step for step, _ in RunWatch(tmp_path).look(NOW).pictures] == [1, 400, 1000]


def test_status_shows_step_stage_and_time_left(tmp_path):
    say(tmp_path)
    shown = training.status(RunWatch(tmp_path).look(NOW), NOW)
    assert "<b>Training</b>" in shown
    assert "step <b>30</b> of 100" in shown
    assert "learning the source" in shown and "2:19 left" in shown
    assert 'style="width:30.00%"' in shown and 'left:40.00%"' in shown
    say(tmp_path, "stopped", step=60)
    shown = training.status(RunWatch(tmp_path).look(NOW), NOW)
    assert "adapting" in shown and "left</span>" not in shown
    assert f"posebridge adapt --resume --out {tmp_path}" in shown


def test_tables_show_the_best_validation_and_newest_metrics(tmp_path):
    log(tmp_path, *((s, "validator/agreement", v) for s, v in ((39, 20.0), (59, 35.5), (79, 31.0))))
    log(tmp_path, (0, "loss/source", 0.5), (70, "loss/source", 0.1234), (70, "teacher/kept", 0.5))
    # The run's own validator selected another step than the one with the best agreement.
    selected = tmp_path / "checkpoints" / "selected" / "results.json"
    selected.parent.mkdir(parents=True)
    selected.write_text(json.dumps({"step": 80}))
    shown = training.tables(RunWatch(tmp_path).look(NOW))
    for name, step, value in (
        ("source", 40, "20.0"),
        ("selected", 80, "31.0"),
        ("last", 80, "31.0"),
    ):
        assert f'<th>{name}</th><td class="num">{step}</td><td class="num">{value} %</td>' in shown
    row = (
        '<th>source loss</th><td class="num">71</td><td class="num">0.500</td><td class="num">0.123'
    )
    assert row in shown
    assert '<th>pseudo-labels kept</th><td class="num">71</td><td class="num">50.0 %' in shown


def test_long_curves_are_means_of_neighbors():
    curve = [(step, float(step % 2)) for step in range(1, 1001)]
    made = training.thinned(curve, scale=10.0, most=100)
    assert len(made) == 100
    assert made[0] == (5.5, 5.0) and made[-1] == (995.5, 5.0)
    assert training.thinned(curve[:100], most=100) == [(float(s), v) for s, v in curve[:100]]
    assert training.thinned([]) == []


def test_charts_in_the_source_stage_announce_the_adaptation(tmp_path):
    say(tmp_path)
    log(tmp_path, (0, "loss/source", 0.5), (20, "loss/source", 0.25))
    shown = training.charts(RunWatch(tmp_path).look(NOW))
    assert shown.count("<polyline") == 1
    assert shown.count("Begins with the adaptation, at step 40.") == 3
