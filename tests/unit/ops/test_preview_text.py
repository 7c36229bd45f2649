"""What a reader of a preview comment gets to see."""

import pytest

from ops import engine
from ops.preview_text import LIMIT, Place, Preview, clean, headline, marker, render, shorten

PLACE = Place(root="/home/runner/work/infra/infra", home="/home/runner", prefix="/opt/python")

FAILED = """\
Previewing update (web.dev):
  pulumi:pulumi:Stack: (same)
error: Program failed with an unhandled exception:
Traceback (most recent call last):
  File "/home/runner/work/infra/infra/__main__.py", line 18, in <module>
    declare(settings)
    ^^^^^^^^^^^^^^^^^
  File "/opt/python/lib/x.py", line 3, in declare
    raise ValueError("imageTag in stacks/Pulumi.web.dev.yaml is empty")
ValueError: imageTag in stacks/Pulumi.web.dev.yaml is empty

Diagnostics:
  pulumi:pulumi:Stack (infra-web.dev):
    Traceback (most recent call last):
      File "/home/runner/bin/pulumi-language-python-exec", line 191, in <module>
        loop.run_until_complete(coro)
      File "/opt/python/lib/asyncio/base_events.py", line 640, in run_until_complete
        self.run_forever()
    KeyboardInterrupt

    During handling of the above exception, another exception occurred:

    Traceback (most recent call last):
      File "/home/runner/bin/pulumi-language-python-exec", line 201, in <module>
        executor.shutdown(wait=True)
    KeyboardInterrupt
    error: preview failed
"""

CHANGED = """\
Previewing update (web.dev):
  pulumi:pulumi:Stack: (same)
    ~ command:local:Command: (update)
      ~ environment: {
          ~ IMAGE: "repo:v1" => "repo:v2"
        }
    + aws:s3:Bucket: (create)
Resources:
    ~ 1 to update
    + 2 to create
    +-1 to replace
    30 unchanged
"""


def preview(output: str = "", code: int = 0, failure: str | None = None) -> Preview:
    return Preview(stack="web.dev", code=code, output=output, failure=failure)


def test_interrupt_tracebacks_go_and_real_ones_stay() -> None:
    text = clean(FAILED, PLACE)
    assert "KeyboardInterrupt" not in text
    assert "During handling" not in text
    assert "ValueError: imageTag in stacks/Pulumi.web.dev.yaml is empty" in text
    assert text.endswith("error: preview failed")


def test_paths_of_the_machine_go() -> None:
    text = clean(FAILED, PLACE)
    assert "/home/runner" not in text
    assert "/opt/python" not in text
    assert 'File "__main__.py", line 18' in text


def test_colours_and_progress_go() -> None:
    assert clean("@ Previewing update....\n\x1b[32m+ a\x1b[0m\r\n", PLACE) == "+ a"


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (FAILED, "ValueError: imageTag in stacks/Pulumi.web.dev.yaml is empty"),
        ("warning: x\nerror: no stack named 'a.b' found\n", "no stack named 'a.b' found"),
        ("    error: aws: access denied\nerror: preview failed\n", "aws: access denied"),
        ("something\nlast words\n\n", "last words"),
        ("", "it said nothing"),
    ],
)
def test_reason(output: str, sentence: str) -> None:
    assert engine.reason(output) == sentence


def test_headline_tells_release_and_counts() -> None:
    line = headline(preview(CHANGED))
    assert line == "### `web.dev`: release `repo:v1` → `repo:v2`; 1 to update, 2 to create, 1 to replace"


def test_headline_of_an_unchanged_stack() -> None:
    assert headline(preview("Resources:\n    31 unchanged\n")) == "### `web.dev`: no changes"


def test_headline_of_a_failure_is_one_line_without_markup() -> None:
    line = headline(preview(code=255, failure="bad `thing`\n@everyone <b>"))
    assert line == "> [!CAUTION]\n> ❌ **The preview of `web.dev` failed** (code 255): `bad 'thing' @everyone <b>`"


def test_comment_begins_with_its_mark_and_colours_its_signs() -> None:
    body = render(preview(CHANGED))
    assert body.startswith(marker("web.dev") + "\n###")
    assert "\n!    command:local:Command" not in body
    assert "\n!     command:local:Command: (update)" in body
    assert "\n+     aws:s3:Bucket: (create)" in body


def test_output_cannot_leave_its_fence() -> None:
    body = render(preview("a\n```\n# free\n````\n"))
    assert "`````diff\na\n" in body


@pytest.mark.parametrize("unit", ["+ a resource with many words", "배포 미리보기", "x" * 3_000])
def test_long_previews_keep_head_and_summary(unit: str) -> None:
    output = "Previewing update (web.dev):\n" + f"{unit}\n" * 5_000 + "Resources:\n    + 5000 to create\n"
    body = render(preview(output))
    assert len(body.encode()) <= LIMIT
    assert len(body.encode()) > LIMIT - 3_000
    assert "Previewing update (web.dev):" in body
    assert "+    5000 to create" in body or "5000 to create" in body
    assert "lines left out" in body


def test_a_long_summary_keeps_its_end() -> None:
    text = "head\n" + "Diagnostics:\n" + "    error: x\n" * 5_000 + "Resources:\n    1 unchanged"
    short = shorten(text, 2_000)
    assert len(short.encode()) <= 2_000
    assert short.startswith("head\n")
    assert short.endswith("Resources:\n    1 unchanged")


def test_short_text_is_untouched() -> None:
    assert shorten("a\nb", 3) == "a\nb"
