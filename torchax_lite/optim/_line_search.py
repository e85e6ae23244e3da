"""A line search for the strong Wolfe conditions, by cubic interpolation.

Nocedal and Wright, *Numerical optimization*, 2nd edition, algorithms 3.5 and 3.6; constants and safeguards as in
Schmidt's minFunc. Numbers are Python floats, or NumPy scalars of the parameters' dtype where PyTorch has a tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Point(NamedTuple):
    """A trial step.

    Attributes:
        step: its length.
        value: the objective there.
        slope: the derivative along the direction.
        grad: the gradient.
        largest: its largest magnitude.
    """

    step: Any
    value: float
    slope: Any
    grad: Any
    largest: Any


def quotient(a: float, b: Any) -> Any:
    """``a / b``; by the reciprocal where b stands for a tensor, as PyTorch divides a number by one."""
    return a * (1 / b) if isinstance(b, np.generic) else a / b


def cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Return where the cubic through two points with their slopes is least, within the bounds (or between them)."""
    left, right = (a, b) if a.step <= b.step else (b, a)
    low, high = (left.step, right.step) if bounds is None else bounds
    d1 = a.slope + b.slope - quotient(3 * (a.value - b.value), a.step - b.step)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = np.sqrt(square)
    part = (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)
    return min(max(right.step - (right.step - left.step) * part, low), high)


def strong_wolfe(
    evaluate: Callable[[Any], Point],
    start: Point,
    step: Any,
    longest: Any,
    *,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    tolerance_change: float = 1e-9,
    max_evaluations: int = 25,
) -> tuple[Point, int]:
    """Find a step with ``f <= f0 + decrease * step * slope0`` and ``|slope| <= -curvature * slope0``.

    Args:
        evaluate: gives the point at a step.
        start: the point at step 0.
        step: first trial.
        longest: largest component of the direction: brackets are not searched that move no component by more than
            ``tolerance_change``.
        decrease, curvature, tolerance_change: see above.
        max_evaluations: of the objective, after the first.

    Returns:
        the point (the best so far where the conditions could not be met), and the number of evaluations.
    """

    def too_high(p: Point) -> bool:
        return bool(p.value > start.value + decrease * p.step * start.slope)

    def flat(p: Point) -> bool:
        return bool(abs(p.slope) <= -curvature * start.slope)

    # Go on until the conditions hold or an interval is sure to contain such a point.
    last, new = start, evaluate(step)
    tries = 0
    bracket: list[Point] = []
    while tries < max_evaluations:
        if too_high(new) or (tries > 1 and new.value >= last.value):
            bracket = [last, new]
            break
        if flat(new):
            return new, tries + 1
        if new.slope >= 0:
            bracket = [last, new]
            break
        bounds = (new.step + 0.01 * (new.step - last.step), new.step * 10)
        last, new = new, evaluate(cubic_minimum(last, new, bounds))
        tries += 1
    if tries == max_evaluations:
        bracket = [start, new]

    # Shrink the interval; its best end comes first.
    stuck = False
    low, high = _best_first(bracket)
    while tries < max_evaluations and not abs(bracket[1].step - bracket[0].step) * longest < tolerance_change:
        trial, stuck = _within(cubic_minimum(*bracket), bracket, stuck)
        new = evaluate(trial)
        tries += 1
        if too_high(new) or new.value >= bracket[low].value:
            bracket[high] = new
            low, high = _best_first(bracket)
            continue
        done = flat(new)
        if not done and new.slope * (bracket[high].step - bracket[low].step) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = new
        if done:
            break
    return bracket[low], tries + 1


def _best_first(bracket: list[Point]) -> tuple[int, int]:
    return (0, 1) if bracket[0].value <= bracket[1].value else (1, 0)


def _within(step: Any, bracket: list[Point], stuck: bool) -> tuple[Any, bool]:
    """Keep a trial off the ends of the interval: the second time in turn (or at an end) it is moved inwards.

    Returns:
        the trial, and whether it is near an end.
    """
    low, high = min(p.step for p in bracket), max(p.step for p in bracket)
    margin = 0.1 * (high - low)
    if not min(high - step, step - low) < margin:
        return step, False
    if not (stuck or step >= high or step <= low):
        return step, True
    return (high - margin if abs(step - high) < abs(step - low) else low + margin), False
