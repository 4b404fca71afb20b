"""``posebridge figures``."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = """examples:
  posebridge figures figures/                    source, target and test of the built-in benchmark
  posebridge figures figures/ --size 128 --source 5000 --target 4000 --seed 1
"""


def main(arguments: Sequence[str]) -> int:
    """Write figures; see ``posebridge figures --help``."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="posebridge figures",
        description="Write procedural figures as three COCO folders: source (rendered look, with "
        "labels), target (camera-like look, boxes only), test (camera-like look, with labels).",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", help="folder for the three sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=96, help="side of the images, px (default: 96)")
    parser.add_argument("--source", type=int, default=2000, help="number of images (default: 2000)")
    parser.add_argument("--target", type=int, default=2000, help="number of images (default: 2000)")
    parser.add_argument("--test", type=int, default=500, help="number of images (default: 500)")
    parser.add_argument("--overwrite", action="store_true", help="replace earlier figures")
    given = parser.parse_args(arguments)

    from posebridge.cli.output_paths import require_folder
    from posebridge.report.console import plain_console
    from posebridge.report.progress_bar import ProgressBar
    from posebridge.synthetic.figures import write_figure_benchmark

    out = require_folder(given.out)
    console = plain_console()
    with ProgressBar(console, "drawing figures", given.source + given.target + given.test) as bar:
        written = write_figure_benchmark(
            out,
            given.seed,
            given.size,
            given.source,
            given.target,
            given.test,
            overwrite=given.overwrite,
            progress=bar.update,
        )
    for path in (written.source, written.target, written.test):
        console.print(f"written: {path}", highlight=False)
    return 0
