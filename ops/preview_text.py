"""From the raw output of `pulumi preview --diff` to the text of a comment: pure functions, text in and text out."""

import re
from dataclasses import dataclass

LIMIT = 65_536  # GitHub's limit for a comment's body; held here in bytes, which are never fewer than characters

TRACEBACK = re.compile(r"^(?P<indent>[ \t]*)Traceback \(most recent call last\):[ \t]*$")
CHAINED = re.compile(r"^[ \t]*(During handling of the above exception|The above exception was the direct cause)")
SUMMARY = re.compile(r"^(Diagnostics|Outputs|Resources|Policies|Policy Violations):?")
MARKED = re.compile(r"^( *)([-+~])(.*)$")
IMAGE = re.compile(r'^\s*~?\s*IMAGE\s*: "(?P<old>[^"]*)" => "(?P<new>[^"]*)"', re.MULTILINE)
COUNTS = re.compile(r"^ +(?:[-+~]{0,2} ?)(\d+ (?:to [a-z-]+|unchanged))\s*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Directories of the machine that made the preview, and what a reader is shown in their stead."""

    root: str  # the checkout
    home: str
    prefix: str  # the Python installation


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What one preview of one stack came to."""

    stack: str
    code: int
    output: str  # cleaned
    failure: str | None  # the sentence to show first when it failed
    commit: str = ""
    run_url: str = ""


def clean(output: str, place: Place) -> str:
    """The output without the interrupt tracebacks of the language host and without this machine's paths."""
    text = without_interrupts(output)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    text = re.sub(r"^@ (?:Previewing|Updating) .*\n", "", text, flags=re.MULTILINE)
    for path, shown in ((place.root + "/", ""), (place.prefix + "/", "<python>/"), (place.home + "/", "~/")):
        if len(path) > 2:
            text = text.replace(path, shown)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def without_interrupts(output: str) -> str:
    """Without each traceback that ends in KeyboardInterrupt: the host interrupts the program after any failure."""
    lines = output.replace("\r\n", "\n").split("\n")
    kept: list[str] = []
    place = 0
    while place < len(lines):
        start = TRACEBACK.match(lines[place])
        end = _traceback_end(lines, place, start["indent"]) if start else None
        if end is not None and lines[end].strip().startswith("KeyboardInterrupt"):
            while kept and (not kept[-1].strip() or CHAINED.match(kept[-1])):
                kept.pop()
            place = end + 1
        else:
            kept.append(lines[place])
            place += 1
    return "\n".join(kept)


def _traceback_end(lines: list[str], start: int, indent: str) -> int | None:
    """The line that names the exception: the first one after the frames that is indented like the headline."""
    for place in range(start + 1, len(lines)):
        line = lines[place]
        if line.strip() and not line.startswith(indent + " "):
            return place if line.startswith(indent) else None
    return None


def headline(preview: Preview) -> str:
    """What a reader takes in at a glance: failure with its reason, or the release and the counts."""
    if preview.code != 0:
        reason = _inline(preview.failure or "it gave no reason")
        return f"> [!CAUTION]\n> ❌ **The preview of `{preview.stack}` failed** (code {preview.code}): {reason}"
    releases = [f"release `{_plain(m['old'])}` → `{_plain(m['new'])}`" for m in IMAGE.finditer(preview.output)]
    counts = [count for count in COUNTS.findall(preview.output) if not count.endswith("unchanged")]
    return f"### `{preview.stack}`: " + (
        "; ".join([*releases, *([", ".join(counts)] if counts else [])]) or "no changes"
    )


def _inline(text: str) -> str:
    """One line as code: nothing in it can be a mention, a link or markup."""
    return f"`{_plain(' '.join(text.split()))[:500]}`"


def _plain(text: str) -> str:
    return text.replace("`", "'")


def marker(stack: str) -> str:
    """The hidden first line by which the stack's comment is found again."""
    return f"<!-- infra-release preview {stack} -->"


def render(preview: Preview, limit: int = LIMIT) -> str:
    """The comment: marker, headline, the diff within the limit, and where it comes from."""
    diff = _coloured(preview.output)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", diff)), default=0))
    source = " · ".join(
        part for part in (f"commit {preview.commit[:12]}" if preview.commit else "", _link(preview.run_url)) if part
    )
    unfolded = "" if preview.code == 0 else " open"
    before = (
        f"{marker(preview.stack)}\n{headline(preview)}\n\n"
        f"<details{unfolded}><summary>Details</summary>\n\n{fence}diff\n"
    )
    after = f"\n{fence}\n\n</details>\n" + (f"\n<sub>{source}</sub>\n" if source else "")
    return before + shorten(diff, limit - len((before + after).encode())) + after


def _link(url: str) -> str:
    return f"[run]({url})" if url else ""


def _coloured(text: str) -> str:
    """The sign of a change in the first column, where a reader's `diff` colours look for it."""

    def move(line: str) -> str:
        found = MARKED.match(line)
        if not found:
            return line
        spaces, sign, rest = found.groups()
        return f"{'!' if sign == '~' else sign}{spaces}{rest}"

    return "\n".join(move(line) for line in text.split("\n"))


def shorten(text: str, limit: int) -> str:
    """The text in at most `limit` bytes: its beginning and its summary stay, whole lines go from between."""
    if len(text.encode()) <= limit:
        return text
    lines = text.split("\n")
    summary = next((place for place, line in enumerate(lines) if SUMMARY.match(line)), len(lines))
    room = limit - 100  # for the line that tells what is missing
    tail = _fill(lines[summary:][::-1], room * 2 // 3)[::-1]
    head = _fill(lines[:summary], room - sum(len(line.encode()) + 1 for line in tail))
    missing = len(lines) - len(head) - len(tail)
    return "\n".join([*head, f"… {missing} lines left out: the run's log has them …", *tail])


def _fill(lines: list[str], room: int) -> list[str]:
    """As many lines from the start as fit; one that alone is too long is cut."""
    taken: list[str] = []
    for line in lines:
        if len(line.encode()) > 2_000:
            line = line.encode()[:2_000].decode(errors="ignore") + "…"
        room -= len(line.encode()) + 1
        if room < 0:
            break
        taken.append(line)
    return taken
