"""The backward graph as a picture: SVG by itself, PNG through matplotlib."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from ..tensor.modes import modes
from ..tensor.tape import AccumulateGrad, GradNode, OpGradNode
from ..tensor.tensor import Tensor
from .engine import edge_of

_CHAR, _LINE, _PAD, _GAP_X, _GAP_Y, _MARGIN = 7.0, 15.0, 8.0, 24.0, 42.0, 16.0
_COLORS = {"output": "#d9efd2", "op": "#e8e8ec", "leaf": "#cfe3f7", "saved": "#fbe3c0"}


@dataclass(eq=False)
class Box:
    """One box of the picture.

    Attributes:
        kind: ``output``, ``op``, ``leaf`` or ``saved``; ``via`` for a place that a long edge passes.
        lines: its text.
        layer: row, counted from the outputs.
        x, y: centre, in pixels.
    """

    kind: str
    lines: list[str]
    layer: int = 0
    x: float = 0.0
    y: float = 0.0
    below: list[Box] = field(default_factory=list)

    @property
    def width(self) -> float:
        return _CHAR * max((len(line) for line in self.lines), default=-1) + 2 * _PAD

    @property
    def height(self) -> float:
        return _LINE * len(self.lines) + 2 * _PAD - 3 if self.lines else 0.0


@dataclass
class Drawing:
    """A laid-out graph.

    Attributes:
        boxes: every node, outputs first.
        edges: (from, to) in the direction in which gradients flow.
        routes: for each edge the boxes it passes, its ends included.
    """

    boxes: list[Box]
    edges: list[tuple[Box, Box]]
    routes: list[list[Box]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def svg(self) -> str:
        """The picture as an SVG document."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.0f}" height="{self.height:.0f}" '
            f'viewBox="0 0 {self.width:.0f} {self.height:.0f}" font-family="monospace" font-size="11.5">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>',
            f'<rect width="{self.width:.0f}" height="{self.height:.0f}" fill="white"/>',
        ]
        for route in self.routes:
            start, *curves = _path(route)
            bends = " ".join("C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in curve) for curve in curves)
            parts.append(
                f'<path class="edge" d="M{start[0][0]:.1f} {start[0][1]:.1f} {bends}" fill="none" stroke="#555" '
                'marker-end="url(#tip)"/>'
            )
        for box in self.boxes:
            left, top = box.x - box.width / 2, box.y - box.height / 2
            parts.append(
                f'<g class="node {box.kind}"><rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" '
                f'height="{box.height:.1f}" rx="4" fill="{_COLORS[box.kind]}" stroke="#555"/>'
            )
            for k, line in enumerate(box.lines):
                y = top + _PAD + _LINE * (k + 0.65)
                parts.append(f'<text x="{box.x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(line)}</text>')
            parts.append("</g>")
        parts.append("</svg>")
        return "\n".join(parts) + "\n"

    def _repr_svg_(self) -> str:
        return self.svg()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture; the file's ending says how (``.svg``, or ``.png`` through matplotlib).

        Raises:
            ValueError: another ending.
            ImportError: a PNG without matplotlib.
        """
        ending = os.path.splitext(os.fspath(path))[1].lower()
        if ending == ".svg":
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.svg())
        elif ending == ".png":
            self._save_png(path)
        else:
            raise ValueError(f"draw_graph writes .svg and .png files, got {os.fspath(path)!r}")

    def _save_png(self, path: Any) -> None:
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
            from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
            from matplotlib.path import Path
        except ImportError as e:
            raise ImportError("a PNG of the graph needs matplotlib (pip install matplotlib); .svg needs nothing") from e
        dots = 100.0
        figure = Figure(figsize=(self.width / dots, self.height / dots), dpi=dots)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, self.width)
        axes.set_ylim(self.height, 0)
        axes.axis("off")
        for route in self.routes:
            points = [point for curve in _path(route) for point in curve]
            line = Path(points, [Path.MOVETO] + [Path.CURVE4] * (len(points) - 1))
            axes.add_patch(FancyArrowPatch(path=line, arrowstyle="-|>", mutation_scale=8, color="#555", lw=0.9))
        for box in self.boxes:
            axes.add_patch(
                FancyBboxPatch(
                    (box.x - box.width / 2 + 3, box.y - box.height / 2 + 3), box.width - 6, box.height - 6,
                    boxstyle="round,pad=3", facecolor=_COLORS[box.kind], edgecolor="#555", lw=0.9,
                )
            )  # fmt: skip
            axes.text(
                box.x,
                box.y,
                "\n".join(box.lines),
                ha="center",
                va="center",
                family="monospace",
                fontsize=8,
                linespacing=1.3,
            )
        figure.savefig(path, dpi=dots)


def _path(route: list[Box]) -> list[list[tuple[float, float]]]:
    """A start point, then for each step of the route the three points of a Bezier curve."""
    made = [[(route[0].x, route[0].y + route[0].height / 2)]]
    for a, b in zip(route[:-1], route[1:], strict=True):
        top, bottom = a.y + a.height / 2, b.y - b.height / 2
        bend = (bottom - top) / 2
        made.append([(a.x, top + bend), (b.x, bottom - bend), (b.x, bottom)])
    return made


def draw_graph(
    tensor: Tensor | Iterable[Tensor], path: str | os.PathLike[str] | None = None, params: Any = None,
    show_saved: bool = False,
) -> Drawing:  # fmt: skip
    """Draw the graph that a backward from ``tensor`` would walk: outputs on top, leaves at the bottom.

    Args:
        tensor: one tensor or several that require grad.
        path: file to write, ``.svg`` or ``.png``; nothing is written without it.
        params: names of leaves: a module, a mapping from names to tensors, or pairs as ``named_parameters()`` gives.
        show_saved: also show what each op keeps for the backward.

    Raises:
        RuntimeError: a tensor does not require grad.
    """
    outs = [tensor] if isinstance(tensor, Tensor) else list(tensor)
    names = {id(t): name for name, t in _named(params)}
    drawing = _collect(outs, names, show_saved)
    _layout(drawing)
    if path is not None:
        drawing.save(path)
    return drawing


def _named(params: Any) -> list[tuple[str, Any]]:
    if params is None:
        return []
    if hasattr(params, "named_parameters"):
        return list(params.named_parameters())
    return list(params.items() if isinstance(params, Mapping) else params)


def _shape(a: Any) -> str:
    return "(" + ", ".join(str(n) for n in a.shape) + ")"


def _collect(outs: list[Tensor], names: dict[int, str], show_saved: bool) -> Drawing:
    boxes: dict[GradNode, Box] = {}
    drawing = Drawing([], [])

    def add(kind: str, lines: list[str]) -> Box:
        box = Box(kind, lines)
        drawing.boxes.append(box)
        return box

    def link(a: Box, b: Box) -> None:
        drawing.edges.append((a, b))
        a.below.append(b)

    pending: list[GradNode] = []

    def box_of(node: GradNode) -> Box:
        if node not in boxes:
            boxes[node] = add(*_describe(node, names))
            pending.append(node)
        return boxes[node]

    for t in outs:
        edge = edge_of(t)
        if edge is None:
            raise RuntimeError("draw_graph: the tensor does not require grad, so it has no graph")
        top = add("output", [names.get(id(t), "output"), _shape(t._aval)])
        link(top, box_of(edge[0]))
    while pending:
        node = pending.pop(0)
        if show_saved and isinstance(node, OpGradNode):
            for name, a in _saved(node):
                link(boxes[node], add("saved", [f"saved {name}", _shape(a)]))
        for edge in node._edges:
            if edge is not None:
                link(boxes[node], box_of(edge[0]))
    return drawing


def _describe(node: GradNode, names: dict[int, str]) -> tuple[str, list[str]]:
    if isinstance(node, AccumulateGrad):
        leaf = node.variable
        return "leaf", [names.get(id(leaf)) or leaf._name or "leaf", _shape(leaf._aval)]
    shapes = [_shape(a) for a in node._out_avals if a is not None]
    return "op", [node.name(), ", ".join(shapes[:3]) + (", …" if len(shapes) > 3 else "")]


def _saved(node: OpGradNode) -> list[tuple[str, Any]]:
    op = getattr(node.site, "op", None)
    if op is None or modes.saved_hooks:
        return []
    from ..ops.registry import ArraySpec

    flat = [
        p.name
        for p, t in zip(op.tensor_params, node.site.binding.tensors, strict=True)
        for _ in (t if isinstance(t, list) else [t] if isinstance(t, ArraySpec) else [])
    ]
    made = [(flat[i], s.aval) for i, s in zip(node.site.saves_in, node.saved, strict=False)]
    return made + [("result", s.aval) for s in node.saved_out]


def _layout(drawing: Drawing) -> None:
    """Rows by longest path from the outputs; within a row by the mean place of the neighbours, twice over.

    An edge over several rows gets a narrow place of its own in each, so that it passes between the boxes.
    """
    above: dict[Box, list[Box]] = {b: [] for b in drawing.boxes}
    for a, b in drawing.edges:
        above[b].append(a)
    left = {b: len(ups) for b, ups in above.items()}
    ready = [b for b in drawing.boxes if left[b] == 0]
    for box in ready:
        for b in box.below:
            b.layer = max(b.layer, box.layer + 1)
            left[b] -= 1
            if left[b] == 0:
                ready.append(b)
    rows: dict[int, list[Box]] = {}
    for box in ready:
        rows.setdefault(box.layer, []).append(box)
    above = {b: [] for b in drawing.boxes}
    below: dict[Box, list[Box]] = {b: [] for b in drawing.boxes}
    for a, b in drawing.edges:
        vias = [Box("via", [], layer) for layer in range(a.layer + 1, b.layer)]
        route = [a, *vias, b]
        drawing.routes.append(route)
        for via in vias:
            rows[via.layer].append(via)
            above[via], below[via] = [], []
        for upper, lower in zip(route[:-1], route[1:], strict=True):
            above[lower].append(upper)
            below[upper].append(lower)
    for row in rows.values():
        _spread(row)
    for sweep in range(4):
        down = sweep % 2 == 0
        for _, row in sorted(rows.items(), reverse=not down):
            wish = {}
            for b in row:
                near = above[b] if down else below[b]
                wish[b] = sum(n.x for n in near) / len(near) if near else b.x
            row.sort(key=lambda b: wish[b])
            _spread(row, wish)
    least = min(b.x - b.width / 2 for row in rows.values() for b in row)
    y = _MARGIN
    for _, row in sorted(rows.items()):
        tall = max(b.height for b in row)
        for b in row:
            b.x += _MARGIN - least
            b.y = y + tall / 2
        y += tall + _GAP_Y
    drawing.width = max(b.x + b.width / 2 for row in rows.values() for b in row) + _MARGIN
    drawing.height = y - _GAP_Y + _MARGIN


def _spread(row: list[Box], wish: dict[Box, float] | None = None) -> None:
    """Place a row's boxes side by side, near where they wish to be."""
    x = 0.0
    places = []
    for b in row:
        places.append(x + b.width / 2)
        x += b.width + _GAP_X
    if wish is None:
        shift = -(x - _GAP_X) / 2
        for b, p in zip(row, places, strict=True):
            b.x = p + shift
        return
    edge = None
    for b in row:
        b.x = wish[b] if edge is None else max(wish[b], edge + b.width / 2)
        edge = b.x + b.width / 2 + _GAP_X
    shift = sum(wish[b] - b.x for b in row) / len(row)
    for b in row:
        b.x += shift


__all__ = ["Box", "Drawing", "draw_graph"]
