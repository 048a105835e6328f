"""Results as a Markdown table and a bar chart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bench.imports import Case
from bench.peers import Peer


def table(cases: Sequence[Case], peers: Sequence[Peer], *, when: datetime, machine: str, rows: int) -> str:
    head = (
        f"Measured {when:%Y-%m-%d %H:%M} UTC on {machine}. Ratios to `psql \\copy` of the same {rows:,} rows into the "
        "same table (key and unique e-mail) on the same server, medians of rounds that alternate; lower is faster."
    )
    lines = [
        head,
        "",
        "| import into / of | upload to completed | the job alone | goal | seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        own = "" if case.job_ratio is None else f"{case.job_ratio:.2f}"
        goal = "" if case.goal is None else f"≤ {case.goal:g}"
        seconds = statistics.median(case.seconds)
        lines.append(f"| {case.name} | {case.ratio:.2f} | {own} | {goal} | {seconds:.2f} |")
    if peers:
        lines += ["", "| what people use today | ratio to \\copy | seconds |", "| --- | --- | --- |"]
        for peer in peers:
            lines.append(f"| {peer.name} ({peer.rows:,} rows) | {peer.ratio:.2f} | {peer.median:.2f} |")
    return "\n".join(lines) + "\n"


def plot(cases: Sequence[Case], peers: Sequence[Peer], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    bars = [(f"Tablekeep: {case.name}", case.ratio, "#2f6f4f") for case in cases if "MB" not in case.name]
    bars.append(("\\copy", 1.0, "#555555"))
    bars += [(peer.name, peer.ratio, "#b0b0b0") for peer in peers]
    figure, axes = pyplot.subplots(figsize=(8, 0.4 * len(bars) + 1))
    labels, values, colours = zip(*reversed(bars), strict=True)
    drawn = axes.barh(labels, values, color=colours)
    axes.bar_label(drawn, fmt="%.2f", padding=3)
    axes.set_xscale("log")
    axes.set_xlabel("time, as a ratio to psql \\copy (log scale, lower is faster)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)
