"""The edit of a values file: the named tags change, every other byte stays."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.errors import ReleaseError
from actions.gitops import values

COMPONENTS = ("core", "batch", "monitor", "frontend")
PATHS = {name: ("astrago", name, "imageTag") for name in COMPONENTS}
SAME = "stage-ba01"  # every component has the same tag: only the place tells them apart

comment = st.text(alphabet="abc :#'\"{}한글é-", max_size=12).map(lambda text: f" # {text}".rstrip())
quote = st.sampled_from(["", "'", '"'])
tag = st.from_regex(r"[a-z]{2,8}-stage-[0-9a-f]{8}", fullmatch=True)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file as text, with <component> in the place of each tag."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [f"# values{draw(comment)}", "defaults: &defaults {replicas: 1, imageTag: other}", "", "astrago:"]
    for name in draw(st.permutations(COMPONENTS)):
        mark, anchor = draw(quote), draw(st.sampled_from(["", f"&{name} "]))
        flow = draw(st.booleans())
        written = f"{anchor}{mark}<{name}>{mark}"
        if flow:
            lines.append(f'  "{name}": {{ repository: "xiilab/x",  imageTag: {written} , z: [1, {{imageTag: no}}]}}')
        else:
            lines += [f"  {name}:{draw(comment)}", f"      repository: 'a'{draw(comment)}"]
            lines += [f"      imageTag:  {written}{draw(comment)}", "      <<: *defaults", draw(comment).strip()]
    lines += ["imageTag: " + SAME, "text: |", "  imageTag: core-stage-ba01"]
    return end.join(lines) + draw(st.sampled_from(["", end, end * 2]))


def filled(template: str, tags: dict[str, str]) -> str:
    for name, value in tags.items():
        template = template.replace(f"<{name}>", value)
    return template


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(template=files(), tags=st.fixed_dictionaries({}, optional={name: tag for name in COMPONENTS}))
def test_every_byte_outside_the_named_tags_survives(template: str, tags: dict[str, str]) -> None:
    before = dict.fromkeys(COMPONENTS, SAME)
    text = filled(template, before)
    changed = values.edit(text, {PATHS[name]: value for name, value in tags.items()}, "values.yaml")
    assert changed == filled(template, {**before, **tags})
    assert values.tags(changed, PATHS, "values.yaml") == {**before, **tags}


def edit(text: str, value: str = "core-stage-2") -> str:
    return values.edit(text, {PATHS["core"]: value}, "values.yaml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("astrago: [", r"values.yaml is not YAML: .*line 1"),
        ("astrago: {core: {repository: x}}", "values.yaml has no astrago.core.imageTag of its own"),
        ("{{ if .Values }}\nastrago: 1\n{{ end }}", "is not YAML"),
        ("astrago:\n  core: {imageTag: a}\n  core: {imageTag: b}\n", "stands twice"),
        ("astrago: {core: {imageTag: a}}\n---\na: 1\n", "holds 2 YAML documents"),
        ("astrago:\n  core:\n    imageTag: |\n      a\n", "is a block of lines"),
        (
            "astrago:\n  core: {imageTag: &t a}\n  batch: {imageTag: *t}\n",
            "astrago.batch.imageTag in values.yaml would change from 'a' to 'core-stage-2' as well",
        ),
        (
            "base: &b {imageTag: a}\nastrago:\n  core:\n    <<: *b\n",
            "has no astrago.core.imageTag of its own",
        ),
        ("astrago:\n  core:\n    imageTag:\n", "astrago.core.imageTag in values.yaml is empty"),
        ("", "has no astrago.core.imageTag"),
    ],
)
def test_what_cannot_be_edited_is_said(text: str, sentence: str) -> None:
    with pytest.raises(ReleaseError, match=sentence):
        edit(text)


def test_an_alias_becomes_a_value_of_its_own() -> None:
    text = "astrago:\n  batch: {imageTag: &t a}\n  core: {imageTag: *t}\n"
    assert edit(text) == "astrago:\n  batch: {imageTag: &t a}\n  core: {imageTag: core-stage-2}\n"


@pytest.mark.parametrize("value", ["1.10", "1e3", "0x1f", "true", "null", "2024-01-01"])
def test_a_plain_tag_that_yaml_would_read_as_something_else_is_quoted(value: str) -> None:
    assert edit("astrago: {core: {imageTag: a}}", value) == f'astrago: {{core: {{imageTag: "{value}"}}}}'


def test_a_byte_order_mark_survives() -> None:
    assert edit("\ufeffastrago:\n  core:\n    imageTag: a\n") == "\ufeffastrago:\n  core:\n    imageTag: core-stage-2\n"
