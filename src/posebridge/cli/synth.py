"""``posebridge synth``."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = """examples:
  posebridge synth figures/                      source, target and test of the built-in benchmark
  posebridge synth figures/ --size 128 --source 5000 --target 4000 --seed 1
"""


def main(arguments: Sequence[str]) -> int:
    """Write synthetic figures; see ``posebridge synth --help``."""
    from posebridge.cli.arguments import add_overwrite, add_seed, make_parser

    parser = make_parser(
        "synth",
        "Write synthetic figures as three COCO folders: source (rendered look, with labels), "
        "target (camera-like look, boxes only), test (camera-like look, with labels).",
        EXAMPLES,
    )
    parser.add_argument("out", metavar="FOLDER", help="folder of the three sets")
    add_seed(parser)
    parser.add_argument(
        "--size", type=int, default=96, metavar="PX", help="side of the images (default: 96)"
    )
    for name, default in (("source", 2000), ("target", 2000), ("test", 500)):
        parser.add_argument(
            f"--{name}",
            type=int,
            default=default,
            metavar="N",
            help=f"number of {name} images (default: {default})",
        )
    add_overwrite(parser)
    given = parser.parse_args(arguments)

    from posebridge.cli.output_paths import require_folder
    from posebridge.report.console import plain_console
    from posebridge.report.progress_bar import ProgressBar
    from posebridge.synthetic.figures import write_synthetic_benchmark

    out = require_folder(given.out)
    console = plain_console()
    with ProgressBar(console, "drawing figures", given.source + given.target + given.test) as bar:
        written = write_synthetic_benchmark(
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
