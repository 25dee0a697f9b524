"""Methods in files: what is read with them, what is run, and what is said of bad ones."""

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.datasets import InputError
from crossres.methods.interface import registry
from crossres.methods.interface.declaration import Declaration
from crossres.methods.interface.method_files import (
    MAIN,
    MethodFile,
    declared_in,
    is_file_spec,
    kept_method_file,
    method_of,
    read_sources,
)
from crossres.methods.interface.options import options_as_json, resolve
from tests.methods.file_method import FILE, know_no_method_files, write_method


@pytest.fixture(autouse=True)
def _known_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    know_no_method_files(monkeypatch)


@pytest.mark.parametrize(
    ("text", "says"),
    [("a.py:B", True), ("d/a.py", True), ("c:\\x\\a.py:B", True), ("plain", False), ("a:B", False)],
)
def test_what_names_a_file(text: str, says: bool) -> None:
    assert is_file_spec(text) is says


def test_a_file_is_read_with_what_it_imports_from_beside_it_and_no_more(tmp_path: Path) -> None:
    write_method(tmp_path)
    (tmp_path / "unused.py").write_text("raise RuntimeError\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('Python has its own')\n")
    sources = read_sources("colours.py:Colours", tmp_path)
    assert set(sources.sources) == {MAIN, "stripes", "parts", "parts.scale"}
    assert sources.sources["parts"].is_package
    cls = method_of(sources)
    assert cls.name == "file-colours"
    assert method_of(read_sources(f"{tmp_path}/colours.py:Colours")) is cls
    assert not {"stripes", "parts"} & {p.stem for p in map(Path, sys.path)}


def test_what_counts_is_where_nothing_lies_and_how_the_file_is_called(tmp_path: Path) -> None:
    here, there = (write_method(tmp_path / name) for name in ("here", "there"))
    there.rename(there.with_name("renamed.py"))
    first = read_sources("colours.py:Colours", here.parent)
    second = read_sources("renamed.py:Colours", there.parent)
    assert first.digest == second.digest
    (there.parent / "parts" / "scale.py").write_text("def scaled(x):\n    return x / 2.0\n")
    assert read_sources("renamed.py:Colours", there.parent).digest != first.digest


def test_neighbours_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    made = []
    for factor in ("2.0", "3.0"):
        path = write_method(tmp_path / factor)
        path.with_name("stripes.py").write_text(
            f"def stripes(images, bins):\n    return {factor}\n"
        )
        made.append(method_of(read_sources("colours.py:Colours", path.parent)))
    modules = [sys.modules[cls.__module__] for cls in made]
    assert [module.stripes(None, 1) for module in modules] == [2.0, 3.0]


def test_a_changed_file_is_run_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    path = write_method(tmp_path)
    text = path.read_text()
    path.write_text(
        f"{text}\nwith open({str(tmp_path / 'runs')!r}, 'a') as file:\n    file.write('x')\n"
    )
    for _ in range(2):
        method_of(read_sources("colours.py:Colours", tmp_path))
    assert (tmp_path / "runs").read_text() == "x"
    path.write_text(text.replace('title = "', 'title = "New: '))
    assert method_of(read_sources("colours.py:Colours", tmp_path)).title.startswith("New: ")


def test_the_sources_alone_make_the_class_in_another_process(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    code = (
        "import pickle, sys; from crossres.methods.interface.method_files import method_of; "
        "cls = method_of(pickle.load(sys.stdin.buffer)); print(cls.name, cls.Options().bins)"
    )
    sources = pickle.dumps(read_sources(f"{write_method(folder)}:Colours"))
    for path in folder.rglob("*.py"):
        path.unlink()
    answer = subprocess.run(
        [sys.executable, "-c", code], input=sources, capture_output=True, check=True
    )
    assert answer.stdout.split() == [b"file-colours", b"2"]


def test_reading_and_remembering_run_nothing(tmp_path: Path) -> None:
    path = write_method(tmp_path)
    kept = kept_method_file(read_sources(f"{path}:Colours"))
    path.write_text("raise RuntimeError\n")
    read_sources(f"{path}:Colours")
    registry.remember_file(kept)
    assert registry.is_method("file-colours")
    assert registry.declaration("file-colours").grade == "control"
    assert registry.sources_now("file-colours") is not None
    with pytest.raises(InputError, match=r"colours\.py, line 1: RuntimeError; importing it must"):
        registry.method_class("file-colours")


def test_what_is_kept_of_a_method_is_all_that_reports_ask_of_one(tmp_path: Path) -> None:
    path = write_method(tmp_path)
    sources = read_sources(f"{path}:Colours")
    kept, cls = kept_method_file(sources), method_of(sources)
    declared = declared_in(kept)
    for name in Declaration.__annotations__:
        if name != "Options":
            assert getattr(declared, name) == getattr(cls, name)
    assert options_as_json(declared.Options()) == options_as_json(cls.Options())
    given = {"bins": 3, "rates": [2, 4], "weight": 1}
    for options in (declared.Options, cls.Options):
        assert options_as_json(resolve("x", options, given)) == {**given, "note": None}
    with pytest.raises(InputError, match=r"has no option 'bin' \(did you mean 'bins'\?\)"):
        resolve("x", declared.Options, {"bin": 3})


@pytest.mark.parametrize("declared", ["", "[]", "{}", '{"options": 3}', '{"options": {"a b": 1}}'])
def test_what_is_kept_may_be_damaged(declared: str) -> None:
    with pytest.raises(InputError, match=r"method x: what is kept of /x\.py is damaged"):
        registry.remember_file(MethodFile("x", "/x.py", "X", declared))


def test_nothing_kept_takes_the_place_of_a_method_of_ours(tmp_path: Path) -> None:
    kept = kept_method_file(read_sources(f"{write_method(tmp_path)}:Colours"))
    with pytest.raises(InputError, match="method plain is one of crossres, and in no file"):
        registry.remember_file(replace(kept, name="plain"))
    assert registry.declaration("plain").title == "Plain re-ID network"


def test_a_file_that_is_gone_is_one_line(tmp_path: Path) -> None:
    path = write_method(tmp_path)
    kept = registry.register_method(f"{path}:Colours")
    assert registry.method_class("file-colours").__name__ == "Colours"
    assert registry.file_gone("file-colours") is None
    path.unlink()
    assert registry.file_gone("file-colours") == path
    for call in (registry.sources_now, lambda _: registry.file_as_now(kept)):
        with pytest.raises(
            InputError, match=r"colours\.py is no longer there; put it back, change its path"
        ):
            call("file-colours")


def test_a_method_that_is_called_otherwise_now_is_named(tmp_path: Path) -> None:
    path = write_method(tmp_path)
    kept = registry.register_method(f"{path}:Colours")
    path.write_text(path.read_text().replace("file-colours", "others"))
    with pytest.raises(InputError, match="Colours is called 'others' now, and 'file-colours' in"):
        registry.file_as_now(kept)


class _Point:
    def __init__(self, value: str) -> None:
        self.name, self.value = "file-colours", value


def test_a_name_that_another_method_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = f"{write_method(tmp_path)}:Colours"
    theirs, its_own = [_Point("theirs.methods:Colours")], [_Point("pack.colours:Colours")]
    monkeypatch.setattr(registry, "entry_points", lambda **_: theirs)
    for call in (registry.register_method, registry.method_class):
        with pytest.raises(
            InputError, match=r"called 'file-colours', as a method of theirs\.methods"
        ):
            call(spec)
    # Its own package, installed or in work.
    monkeypatch.setattr(registry, "entry_points", lambda **_: its_own)
    assert registry.register_method(spec).name == "file-colours"
    assert registry.method_class(spec).name == "file-colours"


BAD = {
    "missing.py:Colours": ("", r"missing\.py: there is no such file; correct its path"),
    "a.py:Colour": (FILE, r"a\.py: there is no class 'Colour' \(did you mean 'Colours'\?\); its"),
    "b.py:X": ("X = 3\n", r"b\.py: X is no method; derive it from crossres\.Method or"),
    "c.py:X": ("class X:\n    pass\n", r"c\.py: X is no method; derive it"),
    "d.py:X": ("x = 1\n", r"d\.py: there is no class 'X'; it has no method at all"),
    "e.py:X": ("x = 1\ndef f(:\n", r"e\.py, line 2: invalid syntax; correct it"),
    "f.py:X": ("\n\nimport no_such\n", r"f\.py, line 3: No module named 'no_such'; install it in"),
    "g.py:X": ("from crossres import Methd\n", r"g\.py, line 1: .*\(did you mean 'Method'\?\)"),
    "h.py:X": ("from . import x\n", r"h\.py, line 1: .*; of a file beside it write `import NAME`"),
    "i.py:X": ("1\n2\n3 / 0\n", r"i\.py, line 3: ZeroDivisionError: division by zero; importing"),
    "j.py:X": ("raise SystemExit(3)\n", r"j\.py, line 1: SystemExit: 3"),
    "k.py:X": ("x = '\0'\n", r"k\.py: source code string cannot contain null bytes"),
    "l.py": ("", r"l\.py: name a file and the class of the method in it: FILE\.py:Class"),
    "m.py:a-b": ("", r"m\.py:a-b: name a file and the class"),
    "n.py:Colours": (
        FILE.replace('"file-colours"', '"plain"'),
        r"n\.py: .*as a method of crossres",
    ),
    "o.py:Colours": (
        FILE.replace('"file-colours"', '"a b"'),
        r"o\.py: Colours: name 'a b' must be",
    ),
    "p.py:Colours": (FILE.replace('"control"', '"best"'), r"p\.py: Colours: grade must be one of"),
    "q.py:Colours": (
        FILE.replace("bins: int = 2", "bins: int"),
        r"q\.py: Colours: Options must be",
    ),
    "r.py:Colours": (FILE.replace("= 2", "= object()"), r"r\.py: Colours: options must have plain"),
    "s.py:X": ("import helping\n", r"helping\.py, line 1: No module named 'nor_this'"),
    "t.py:X": ("import broken\n", r"broken\.py, line 1: invalid syntax"),
}


@pytest.mark.parametrize("spec", BAD)
def test_a_bad_file_is_one_line_with_the_remedy(spec: str, tmp_path: Path) -> None:
    content, line = BAD[spec]
    write_method(tmp_path)
    (tmp_path / "helping.py").write_text("import nor_this\n")
    (tmp_path / "broken.py").write_text("def :\n")
    if content:
        (tmp_path / spec.partition(":")[0]).write_text(content)
    with pytest.raises(InputError, match=line) as caught:
        registry.register_method(spec, tmp_path)
    assert "\n" not in str(caught.value)


def test_what_lies_beside_a_file_but_was_not_read_cannot_be_imported(tmp_path: Path) -> None:
    path = write_method(tmp_path)
    (tmp_path / "parts" / "extra.py").write_text("x = 1\n")
    text = path.read_text()
    path.write_text(f'{text}\nimport importlib\nimportlib.import_module("parts.extra")\n')
    with pytest.raises(InputError, match=r"No module named 'parts\.extra'"):
        registry.register_method(f"{path}:Colours")


def test_sources_name_their_file(tmp_path: Path) -> None:
    sources = read_sources(f"{write_method(tmp_path)}:Colours")
    assert sources.spec == f"{tmp_path}/colours.py:Colours"
    assert replace(sources, class_name="X").spec.endswith(".py:X")
