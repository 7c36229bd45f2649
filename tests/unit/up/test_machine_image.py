"""The machine image is built anew when, and only when, something it is made of has changed."""

from pathlib import Path

import pytest

from localcloud.up import debian, docker, machine_image
from localcloud.up.debian import DebianImage


def test_the_recipe_follows_the_packages() -> None:
    image = DebianImage(name="a/b:c", packages=("curl", "python3"))
    assert image.recipe == DebianImage(name="a/b:c", packages=("curl", "python3")).recipe
    assert image.recipe != DebianImage(name="a/b:c", packages=("curl",)).recipe


def test_an_image_of_another_recipe_is_not_the_one_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    image = DebianImage(name="a/b:c", packages=("curl",))
    labels = {"a/b:c": image.recipe}
    monkeypatch.setattr(docker, "output", lambda *words: labels.get(words[-1]))
    assert image.present()
    labels["a/b:c"] = "another"
    assert not image.present()
    assert debian.recipe_of("a/b:missing") is None


@pytest.mark.parametrize("change", ["content", "mode", "name"])
def test_the_recipe_follows_every_file_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(machine_image, "SOURCE", tmp_path)
    script = tmp_path / "rootfs" / "boot"
    script.parent.mkdir()
    script.write_text("true\n")
    before = machine_image.recipe()
    assert machine_image.recipe() == before
    match change:
        case "content":
            script.write_text("false\n")
        case "mode":
            script.chmod(0o755)
        case "name":
            script.rename(script.with_name("first-boot"))
    assert machine_image.recipe() != before
