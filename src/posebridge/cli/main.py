"""``posebridge COMMAND``: finds the command, and turns errors into a sentence and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import posebridge
from posebridge.cli.arguments import print_any_name, require_usable
from posebridge.cli.renamed_options import require_new_command, require_new_names
from posebridge.errors import InputError
from posebridge.memory import keep_freed_memory
from posebridge.termination import Terminated, terminated_by_sigterm

COMMANDS = {
    "adapt": "train on a labelled source and adapt to unlabelled photographs",
    "evaluate": "score a model on labelled images",
    "predict": "find the keypoints in images",
    "report": "did it help? a page on a finished run, without labels or with a few",
    "compare": "two models on the same images: where they disagree most",
    "app": "a page on this machine: try models on images, watch a training",
    "export": "write a model as ONNX, OpenVINO or a program of torch.export",
    "push": "put a model on the Hugging Face hub",
    "bench": "compare methods over seeds, with tables",
    "check": "look at data before training: labels, boxes, duplicates, two domains side by side",
    "skeleton": "show the keypoints of a skeleton, or match two",
    "convert": "turn an annotation file into another format",
    "train-style": "train the style network's decoder on two domains",
    "datasets": "list published benchmarks, or check one that was downloaded",
    "synth": "write the built-in synthetic figures as COCO folders",
    "demo": "the whole way on the built-in figures, in some minutes",
}

_GOES_ON = {
    "adapt": " and --resume goes on from the last checkpoint",
    "bench": " and the same command goes on",
    "predict": " and the same command goes on with a video",
    "train-style": " and the same command goes on from the last checkpoint",
}

EXAMPLES = """examples:
  posebridge demo
  posebridge adapt --preset multilevel_plus --source renders/annotations.json \\
      --target photographs/ --out runs/people
  posebridge predict runs/people photographs/ --out predictions.json --overlays overlays/
  posebridge evaluate runs/people test/annotations.json --out results.json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Exit codes: 0 done, 1 failed while training, 2 unusable input, 130 stopped by Ctrl-C, 143 stopped
    by SIGTERM.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(usage())
        return 0
    if given[0] == "--version":
        print(posebridge.__version__)
        return 0
    name, rest = given[0], given[1:]
    # Before torch loads OpenMP: threads that wait must not keep the cores from the workers.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_freed_memory()
    try:
        require_new_command(name)
    except InputError as error:
        print(f"posebridge: {error}", file=sys.stderr)
        return 2
    if name not in COMMANDS:
        print(
            f"posebridge: unknown command '{name}'; known are {', '.join(COMMANDS)}.",
            file=sys.stderr,
        )
        return 2
    print_any_name()
    with terminated_by_sigterm():
        return _run(name, rest)


def _run(name: str, rest: Sequence[str]) -> int:
    try:
        require_usable(rest)
        require_new_names(name, rest)
        command = importlib.import_module(f"posebridge.cli.{name.replace('-', '_')}")
        return int(command.main(rest))
    except InputError as error:
        print(f"posebridge {name}: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Terminated) as error:
        hint = _GOES_ON.get(name, "")
        print(f"posebridge {name}: stopped; what was written is kept{hint}.", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 143
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except EOFError:
        print(
            f"posebridge {name}: the input ended before the answer; nothing was done.",
            file=sys.stderr,
        )
        return 2
    except OSError as error:
        # A place that can't be written, a full disk: no command can tell all of them beforehand.
        files = [
            os.fsdecode(f) for f in (error.filename, error.filename2) if isinstance(f, (str, bytes))
        ]
        place = f"{' to '.join(files)}: " if files else ""
        print(f"posebridge {name}: {place}{error.strerror or error}.", file=sys.stderr)
        return 2
    except MemoryError:
        print(
            f"posebridge {name}: the memory of this machine is not enough for this; give smaller "
            "input, or a smaller batch or image size.",
            file=sys.stderr,
        )
        return 2
    except RecursionError:
        print(
            f"posebridge {name}: the input is nested too deeply; give a file that the tool that "
            "made it wrote.",
            file=sys.stderr,
        )
        return 2
    except RuntimeError as error:
        sentence = _failure(error, _GOES_ON.get(name, ""))
        if sentence is None:
            raise
        print(f"posebridge {name}: {sentence}", file=sys.stderr)
        return 1


def _failure(error: RuntimeError, hint: str) -> str | None:
    """Return a sentence on what failed during the work; None for a fault of the program."""
    kind, text = type(error).__name__, str(error)
    if kind == "NonFiniteLoss":
        return text
    if kind == "OutOfMemoryError":
        return (
            "the memory of the accelerator is not enough for this; give a smaller batch or image "
            f"size. What was written is kept{hint}."
        )
    if text.startswith("DataLoader worker"):
        return (
            "a process that loads images was ended from outside, often for lack of memory; what was "
            f"written is kept{hint}."
        )
    return None


def usage() -> str:
    """The text of ``posebridge --help``."""
    lines = "\n".join(f"  {name:<12} {text}" for name, text in COMMANDS.items())
    return (
        "usage: posebridge COMMAND [...]\n\n"
        "Adapts a pose model from labelled rendered images to unlabelled photographs.\n\n"
        f"commands:\n{lines}\n\nposebridge COMMAND --help explains a command.\n\n{EXAMPLES}"
    )


if __name__ == "__main__":
    sys.exit(main())
