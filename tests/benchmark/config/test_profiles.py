"""Profile files: the built-in ones say what they should, and mistakes get one clear line."""

from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark.config.profiles import (
    load_profile,
    profile_content,
    profile_names,
    stated_seconds,
    typical_seconds,
)
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import method_names, resolve_options


@pytest.mark.parametrize("name", profile_names())
def test_built_in_profiles_are_sound(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    for method in profile.methods:
        resolve_options(method, profile, {})
    for method in ("msifla", "plain"):
        assert (
            typical_seconds(stated_seconds(name), method, resolve_options(method, profile, {})) > 0
        )
    assert set(profile.methods) <= set(method_names())


def test_a_profile_may_extend_a_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "quick"\nname = "mine"\nheight = 128\n[train]\nepochs = 2\n'
        "[methods.plain]\nreid_lr = 1e-3\n[typical_seconds]\nplain = 9\n"
    )
    extended, quick = load_profile(path), load_profile("quick")
    assert (extended.name, extended.height, extended.width) == ("mine", 128, quick.width)
    inherited = {name: value for name, value in quick.train.items() if name != "iterations"}
    assert extended.train == {**inherited, "epochs": 2}
    assert extended.methods["plain"] == {"reid_lr": 1e-3}
    assert extended.methods["msifla"] == quick.methods["msifla"]
    assert extended.backbone == quick.backbone
    assert typical_seconds(stated_seconds(path), "plain", {}) == 9
    usual = typical_seconds(stated_seconds("quick"), "bot", {})
    assert typical_seconds(stated_seconds(path), "bot", {}) == usual
    path.write_text('extends = "fast"\nname = "mine"\n')
    with pytest.raises(InputError, match=r"extends must be one of .*quick.*, not 'fast'"):
        load_profile(path)


def test_the_paper_profile_is_the_papers() -> None:
    profile = load_profile("paper")
    assert (profile.height, profile.width, profile.device) == (256, 128, "cuda")
    assert profile.backbone == {"name": "resnet50", "weights": "imagenet", "last_stride": 1}
    assert profile.train == {"epochs": 60, "identities": 5, "hr_images": 2, "lr_images": 2}
    options = resolve_options("msifla", profile, {})
    assert (options["ir_lr"], options["reid_lr"], options["margin"]) == (3e-3, 3e-4, 0.5)


def test_typical_seconds_depend_on_options(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    listed = "msifla = [{ scales = [1], seconds = 3 }, { seconds = 9 }]\nplain = 2"
    path.write_text(
        f'name="p"\nheight=16\nwidth=8\nbackbone={{name="resnet50"}}\ntrain={{epochs=1}}\n'
        f"[typical_seconds]\n{listed}\n"
    )
    assert load_profile(path).name == "p"
    assert typical_seconds(stated_seconds(path), "msifla", {"scales": [1]}) == 3
    assert typical_seconds(stated_seconds(path), "msifla", {"scales": [2, 1]}) == 9
    assert typical_seconds(stated_seconds(path), "plain", {}) == 2
    assert typical_seconds(stated_seconds(path), "other", {}) == 2.5  # the median of the others
    assert typical_seconds({}, "other", {}) == 60


def test_the_content_does_not_say_where_the_weights_lie(tmp_path: Path) -> None:
    here, there = load_profile("paper", tmp_path), load_profile("paper")
    assert here.weights_dir == tmp_path
    assert profile_content(here, "plain") == profile_content(there, "plain")
    assert "weights_dir" not in profile_content(here, "plain")


def test_the_content_holds_the_options_of_one_method() -> None:
    quick = load_profile("quick")
    chosen = profile_content(quick, "bot")["methods"]
    assert list(chosen) == ["bot"]
    assert chosen["bot"].items() >= quick.methods["bot"].items()
    assert profile_content(quick, "unknown")["methods"] == {}


def test_options_for_all_reid_networks_reach_each_that_has_them(profile_path: Path) -> None:
    reid = '\nreid = { part_head = "bnneck", reid_lr = 2e-3 }\n[methods.bot]\nreid_lr = 1e-3\n'
    text = profile_path.read_text()
    profile_path.write_text(text.replace("\n[backbone]", f"{reid}\n[backbone]", 1))
    profile = load_profile(profile_path)
    assert resolve_options("plain", profile, {})["part_head"] == "bnneck"
    assert resolve_options("plain", profile, {"part_head": "pcb"})["part_head"] == "pcb"
    assert resolve_options("bot", profile, {})["reid_lr"] == 1e-3
    assert profile_content(profile, "judea")["methods"] == {}
    # A record, which holds the content for its method alone, resolves to the same options.
    of_record = Profile(**profile_content(profile, "bot"))
    assert resolve_options("bot", of_record, {}) == resolve_options("bot", profile, {})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("height = 16", "", "height is missing"),
        ("height = 16", "height = 4", "height in pixels must be an integer from 8 to 4096, not 4"),
        ("height = 16", 'height = "16"', "height must be an integer, not '16'"),
        ("height = 16", "height = 16\ndepth = 1", "unknown entry 'depth'"),
        ("iterations = 1", "iterations = 1, epochs = 2", "give either epochs or iterations"),
        ("iterations = 1", "identities = 5", "give either epochs or iterations"),
        ("iterations = 1", "iterations = 0", "train: iterations must be an integer from 1 to"),
        ("iterations = 1", "steps = 1", "unknown entry 'steps'"),
        (
            "iterations = 1",
            'iterations = 1, precision = "fp16"',
            "train: precision must be one of 'float32', 'tf32', 'bf16', not 'fp16'",
        ),
        (
            "iterations = 1",
            'iterations = 1, memory_format = "nhwc"',
            "train: memory_format must be one of 'channels_last', 'contiguous', not 'nhwc'",
        ),
        ("iterations = 1", "iterations = 1, compile = 1", "compile must be true or false, not 1"),
        ('name = "resnet-small"', "", "backbone: name is missing"),
        ("width = 8", 'width = 8\ndevice = "tpu"', "device 'tpu' must be cpu, cuda"),
        ("width = 8", "width = 8\nmethods = { plane = {} }", "unknown method 'plane'"),
        (
            "width = 8",
            "width = 8\nmethods = { plain = 1 }",
            "methods.plain must be a table",
        ),
        ("colour = 0.5", "colour = -1", "typical_seconds.colour must be a positive number"),
        ("colour = 0.5", "colour = [{}]", "typical_seconds.colour must be a positive number"),
    ],
)
def test_each_mistake_gets_one_line(profile_path: Path, old: str, new: str, words: str) -> None:
    assert load_profile(profile_path).name == "mini"
    profile_path.write_text(profile_path.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_profile(profile_path)
    assert words in str(caught.value)
    assert str(profile_path) in str(caught.value)


def test_how_networks_compute_is_part_of_the_content_where_it_is_said(profile_path: Path) -> None:
    assert load_profile(profile_path).train == {"iterations": 1}
    told = 'precision = "bf16", memory_format = "contiguous", compile = false'
    text = profile_path.read_text().replace("iterations = 1", f"iterations = 1, {told}", 1)
    profile_path.write_text(text)
    profile = load_profile(profile_path)
    assert profile.train_spec.precision == "bf16"
    assert profile_content(profile, "plain")["train"] == {
        "iterations": 1,
        "precision": "bf16",
        "memory_format": "contiguous",
        "compile": False,
    }


def test_unknown_profiles_are_named() -> None:
    names: Any = ", ".join(profile_names())
    with pytest.raises(InputError, match=f"unknown profile 'fast'; .* {names}"):
        load_profile("fast")
