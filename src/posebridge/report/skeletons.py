"""Skeletons as tables on the console and as plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from posebridge.errors import InputError
from posebridge.report.plots import write_plot
from posebridge.report.side_colors import MISSING, ON_WHITE
from posebridge.skeleton import Skeleton, SkeletonMatch, builtin_skeletons, match_skeletons
from posebridge.skeleton.files import Layout, read_skeleton_and_layout, typical_pose

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def print_skeleton(console: Console, title: str, skeleton: Skeleton) -> None:
    """Print the keypoints with their mirror partners and groups, and the number of edges."""
    table = Table(title=f"{title}: {len(skeleton)} keypoints of '{skeleton.name}'")
    table.add_column("", justify="right", style="dim")
    table.add_column("keypoint")
    table.add_column("mirrored")
    table.add_column("group")
    mirror = skeleton.mirror
    group_of = {i: group for group, members in skeleton.groups.items() for i in members}
    for index, name in enumerate(skeleton.keypoints):
        partner = skeleton.keypoints[mirror[index]] if mirror[index] != index else "-"
        table.add_row(str(index), name, partner, group_of.get(index, "-"))
    console.print(table)
    console.print(f"{len(skeleton.edges)} edges, {len(skeleton.pairs)} left/right pairs")


def print_pairs(console: Console, skeleton: Skeleton) -> None:
    """Print the number of left/right pairs, and the keypoints that should be in a pair."""
    console.print(
        f"{len(skeleton)} keypoints, {len(skeleton.pairs)} left/right pairs", highlight=False
    )
    if skeleton.unpaired:
        names = ", ".join(f"'{name}'" for name in skeleton.unpaired)
        console.print(
            f"{names}: the name has a side, but no keypoint is its partner; a mirrored view treats "
            "it as its own mirror image. Give pairs in a --skeleton file, or set "
            "--source_view.flip 0 and --student_view.flip 0 and --teacher_view.flip 0.",
            style="yellow",
            highlight=False,
        )


def print_matches(console: Console, match: SkeletonMatch) -> None:
    """Print the table of matches and the keypoints without a partner on either side."""
    table = Table(title=f"{len(match.matched)} of {len(match.target)} keypoints matched")
    table.add_column("keypoint")
    table.add_column("taken from")
    table.add_column("by")
    for target, source, reason in match.rows():
        style = "yellow" if reason == "no partner" else None
        table.add_row(target, source, reason, style=style)
    console.print(table)
    if len(match.matched) < len(match.target):
        console.print(
            "A keypoint without a partner counts as unlabeled. A mapping file can name it: "
            "'posebridge skeleton match'.",
            style="yellow",
            highlight=False,
        )
    if match.unused:
        console.print(f"not used: {', '.join(match.unused)}", style="dim", highlight=False)


def get_layout(name_or_file: Path | str) -> Layout:
    """Return the positions at which a plot shows the keypoints of a built-in skeleton or a file.

    The first that exists: a YAML's own layout; the layout of the built-in skeleton with the same
    keypoints; the pose with most labels in an annotation file; the layout of the built-in skeleton
    that matches most keypoints. The result may be empty.
    """
    skeleton, own = read_skeleton_and_layout(name_or_file)
    lent = own or _lent_layout(skeleton)
    if len(lent) == len(skeleton):
        return lent
    return typical_pose(name_or_file) or lent


def place_keypoints(skeleton: Skeleton, layout: Layout) -> np.ndarray:
    """Return (K, 2) positions for a plot in the unit square, y down.

    Without a layout, distances approximate the path lengths along the edges (classical scaling).
    Where the edges do not connect all joints, the joints form a circle. A joint that is not in the
    layout is placed at the mean of its neighbors.
    """
    places = np.full((len(skeleton), 2), np.nan)
    for index, name in enumerate(skeleton.keypoints):
        if name in layout:
            places[index] = layout[name]
    if np.isnan(places).all():
        places = _scaled_graph(skeleton)
    places = _fill_places(places, skeleton.edges)
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - low) / max(float((high - low).max()), 1e-9)


def draw_skeleton(
    axes: Axes,
    skeleton: Skeleton,
    places: np.ndarray,
    *,
    missing: Sequence[int] = (),
    numbers: bool = True,
) -> None:
    """Draw joints and bones on matplotlib axes, in the colors of their sides.

    Args:
        axes: the axes.
        skeleton: the skeleton.
        places: (K, 2) positions, y down.
        missing: keypoints that are drawn as empty gray rings.
        numbers: write the index into each joint.
    """
    gone = set(missing)
    for (a, b), side in zip(skeleton.edges, skeleton.edge_sides, strict=True):
        x, y = places[[a, b]].T
        shade = MISSING if gone & {a, b} else ON_WHITE[side]
        axes.plot(
            x, y, color=shade, linewidth=2.5, linestyle=":" if shade == MISSING else "-", zorder=1,
            alpha=0.75, solid_capstyle="round",
        )  # fmt: skip
    for index, (x, y) in enumerate(places):
        shade = MISSING if index in gone else ON_WHITE[skeleton.sides[index]]
        face = "white" if index in gone else shade
        axes.scatter(x, y, s=190, color=face, edgecolors=shade, linewidths=1.6, zorder=2)
        if numbers:
            axes.annotate(
                str(index), (x, y), ha="center", va="center_baseline", fontsize=8, zorder=3,
                color=MISSING if index in gone else "white", weight="bold",
            )  # fmt: skip
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.margins(0.12)
    axes.invert_yaxis()


def write_skeleton_picture(path: Path, title: str, skeleton: Skeleton, layout: Layout) -> None:
    """Write a plot of the skeleton with its keypoints numbered and named."""
    figure, (drawing, words) = _figure(1, 2, (9.0, max(5.0, 0.22 * len(skeleton) + 1)))
    draw_skeleton(drawing, skeleton, place_keypoints(skeleton, layout))
    drawing.set_title(f"{title}, {len(skeleton)} keypoints", fontsize=13)
    _name_list(words, skeleton, [skeleton.keypoints[i] for i in range(len(skeleton))])
    _legend(figure, bool(skeleton.pairs))
    write_plot(figure, path, dpi=140, facecolor="white")


def write_match_picture(
    path: Path,
    match: SkeletonMatch,
    titles: tuple[str, str],
    layouts: tuple[Layout, Layout],
) -> None:
    """Write a plot of both skeletons with a list of the matches; gray means no partner."""
    rows = len(match.target) + bool(match.unused)
    figure, (one, other, words) = _figure(1, 3, (13.5, max(5.5, 0.22 * rows + 1)))
    unused = [match.source.keypoints.index(name) for name in match.unused]
    missing = [i for i, partners in enumerate(match.partners) if not partners]
    draw_skeleton(one, match.source, place_keypoints(match.source, layouts[0]), missing=unused)
    draw_skeleton(other, match.target, place_keypoints(match.target, layouts[1]), missing=missing)
    one.set_title(f"from {titles[0]}, {len(match.source)} keypoints", fontsize=12)
    other.set_title(f"to {titles[1]}, {len(match.target)} keypoints", fontsize=12)
    lines = [
        f"{target}  \u2190  "
        + " + ".join(f"{i} {match.source.keypoints[i]}" for i in partners)
        + f"   ({reason})"
        if partners
        else f"{target}   no partner"
        for (target, _, reason), partners in zip(match.rows(), match.partners, strict=True)
    ]
    _name_list(words, match.target, lines, missing)
    _legend(figure, bool(match.target.pairs), gray=bool(unused or missing))
    write_plot(figure, path, dpi=140, facecolor="white")


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns)


def _name_list(
    axes: Axes, skeleton: Skeleton, lines: Sequence[str], missing: Sequence[int] = ()
) -> None:
    axes.set_axis_off()
    axes.set_ylim(max(len(lines), 12), -1)
    for index, line in enumerate(lines):
        shade = MISSING if index in missing else ON_WHITE[skeleton.sides[index]]
        axes.text(0, index, f"{index:>2}", fontsize=10, color=shade, weight="bold", ha="right")
        text = "#777777" if index in missing else "#222222"
        axes.text(0.04, index, line, fontsize=10, color=text)
    axes.set_xlim(-0.05, 1)


def _legend(figure: Any, sided: bool, gray: bool = False) -> None:
    from matplotlib.lines import Line2D

    kinds: list[tuple[str, str]] = list(ON_WHITE.items()) if sided else []
    kinds += [("no partner", MISSING)] if gray else []
    handles = [
        Line2D([], [], marker="o", linestyle="", color=shade, markersize=9, label=text)
        for text, shade in kinds
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False)


def _lent_layout(skeleton: Skeleton) -> Layout:
    best: Layout = {}
    for name in builtin_skeletons():
        other, layout = read_skeleton_and_layout(name)
        try:
            match = match_skeletons(other, skeleton)
        except InputError:
            continue
        lent = {
            skeleton.keypoints[i]: layout[other.keypoints[match.partners[i][0]]]
            for i in match.matched
        }
        best = max(best, lent, key=len)
    return best if 2 * len(best) > len(skeleton) else {}


def _scaled_graph(skeleton: Skeleton) -> np.ndarray:
    count = len(skeleton)
    angle = 2 * np.pi * np.arange(count) / count
    circle = np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    far = np.full((count, count), np.inf)
    np.fill_diagonal(far, 0)
    for a, b in skeleton.edges:
        far[a, b] = far[b, a] = 1
    for middle in range(count):
        far = np.minimum(far, far[:, [middle]] + far[[middle]])
    if np.isinf(far).any():
        return circle
    centered = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-0.5 * centered @ far**2 @ centered)
    return vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0)) + 1e-3 * circle


def _fill_places(places: np.ndarray, edges: Sequence[tuple[int, int]]) -> np.ndarray:
    places = places.copy()
    low, high = np.nanmin(places, axis=0), np.nanmax(places, axis=0)
    empty = [i for i in range(len(places)) if np.isnan(places[i]).any()]
    for order, index in enumerate(empty):
        near = [b if a == index else a for a, b in edges if index in (a, b)]
        known = [places[i] for i in near if not np.isnan(places[i]).any()]
        if len(known) > 1:
            places[index] = np.mean(known, axis=0)
        else:
            side = high[0] + 0.15 * (high[0] - low[0] + 1e-9)
            share = (order + 0.5) / len(empty)
            places[index] = (side, low[1] + share * (high[1] - low[1]))
    return places
