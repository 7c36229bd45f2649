"""The graph over time as an SVG: one bar per step, the critical path in another colour, lines to what it waited for."""

from collections.abc import Callable, Sequence
from html import escape

from actions.bake.graph import Path, Step, wall

LEFT, WIDTH, RIGHT = 130, 720, 70  # names, bars, seconds
ROW, BAR, TOP, BOTTOM = 24, 14, 44, 34
TICKS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200)  # seconds between two lines
CRITICAL, OTHER, LINE, GRID = "#c2410c", "#7393b3", "#9ca3af", "#e5e7eb"
MOST_LINES = 10

Place = Callable[[float], float]  # where a second lies


def draw(title: str, steps: Sequence[Step], path: Path) -> str:
    """The text of the picture."""
    total = max(wall(steps), 0.001)
    height = TOP + ROW * len(steps) + BOTTOM
    rows = {step.name: place for place, step in enumerate(steps)}

    def x(seconds: float) -> float:
        return LEFT + seconds / total * WIDTH

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{LEFT + WIDTH + RIGHT}" height="{height}" fill="white"/>',
        f'<text x="10" y="22" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    tick = next((tick for tick in TICKS if total / tick <= MOST_LINES), TICKS[-1])
    for count in range(int(total / tick) + 1):
        at, bottom = x(count * tick), TOP + ROW * len(steps)
        parts.append(f'<line x1="{at:.1f}" y1="{TOP - 6}" x2="{at:.1f}" y2="{bottom}" stroke="{GRID}"/>')
        parts.append(f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{count * tick:g} s</text>')
    for step in steps:
        parts += [_wait(x, rows, step, other) for other in steps if other.name in step.after]
    for step in steps:
        parts += _bar(x, rows[step.name], step, critical=step.name in path.names)
    return "\n".join([*parts, "</svg>", ""])


def _bar(x: Place, row: int, step: Step, *, critical: bool) -> list[str]:
    top, colour = TOP + ROW * row, CRITICAL if critical else OTHER
    width = max(x(step.ended) - x(step.began), 1.0)
    text = f"{step.seconds:.1f} s"
    return [
        f'<text x="{LEFT - 8}" y="{top + 12}" text-anchor="end">{escape(step.name)}</text>',
        f'<rect x="{x(step.began):.1f}" y="{top}" width="{width:.1f}" height="{BAR}" rx="2" fill="{colour}">'
        f"<title>{escape(step.name)}: {text}</title></rect>",
        f'<text x="{x(step.ended) + 5:.1f}" y="{top + 12}" fill="#374151">{text}</text>',
    ]


def _wait(x: Place, rows: dict[str, int], step: Step, other: Step) -> str:
    """From the end of what it waited for to its own beginning."""
    start, end = x(other.ended), x(step.began)
    from_y, to_y = TOP + ROW * rows[other.name] + BAR / 2, TOP + ROW * rows[step.name] + BAR / 2
    return f'<path d="M{start:.1f},{from_y} V{to_y} H{end:.1f}" fill="none" stroke="{LINE}" stroke-dasharray="2 2"/>'
