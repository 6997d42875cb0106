"""Registries, and plug-ins that are added from outside the package."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rtsr_bench import plugins
from rtsr_bench.errors import UserError
from rtsr_bench.plugins import Registry

NO_MEMBERS = "rtsr_bench.reproduce"


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plugins.ENVIRONMENT, "")
    monkeypatch.setattr(plugins, "_process", plugins._Process())


def of_files(tmp_path: Path, **texts: str) -> Path:
    folder = tmp_path / "added"
    folder.mkdir()
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_a_member_has_a_name_of_its_own() -> None:
    registry = Registry[str]("word", NO_MEMBERS, str.lower)
    registry.add("A")
    with pytest.raises(UserError, match="word 'a': expected an unused name"):
        registry.add("a")


def test_an_unknown_member_is_refused_with_the_known_ones() -> None:
    registry = Registry[str]("word", NO_MEMBERS, str)
    registry.add("one")
    registry.add("two")
    with pytest.raises(UserError, match="word 'three': expected one of one, two"):
        registry.find("three")


def test_a_path_is_imported_once_and_handed_to_later_processes(tmp_path: Path) -> None:
    folder = of_files(
        tmp_path, count_py="import builtins\nbuiltins.rtsr_count = getattr(builtins, 'rtsr_count', 0) + 1\n"
    )
    plugins.add_path(folder)
    plugins.add_path(folder)
    plugins.load()
    plugins.load()
    import builtins

    assert vars(builtins).pop("rtsr_count") == 1
    assert os.environ[plugins.ENVIRONMENT] == str(folder)


def test_toml_files_are_recognised_by_tables_and_models_by_manifests(tmp_path: Path) -> None:
    folder = of_files(tmp_path, t_toml="[track]\n", d_toml="id = 'set'\nlayout = 'pairs'\n")
    (folder / "model").mkdir()
    (folder / "model" / "submission.toml").touch()
    (folder / "model" / "arch.py").write_text("raise SystemExit", encoding="utf-8")
    plugins.add_path(folder)
    assert plugins.toml_files("track") == (folder / "t.toml",)
    assert plugins.toml_files("layout") == (folder / "d.toml",)
    assert plugins.model_folders() == (folder / "model",)
    assert plugins.python_files() == ()


def test_a_sealed_process_imports_what_its_parent_names_and_nothing_else(tmp_path: Path) -> None:
    folder = of_files(tmp_path, a_py="raise RuntimeError('imported')", b_py="NAMED = True\n")
    plugins.seal([folder / "b.py"])
    os.environ[plugins.ENVIRONMENT] = str(folder)
    plugins.load()
    assert plugins._process.imported == {folder / "b.py"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.py", "raise RuntimeError('no')", "importing it raised RuntimeError: no"),
        ("x.py", "def", "importing it raised SyntaxError"),
        ("x.toml", "= 3", "expected TOML"),
    ],
)
def test_a_broken_plug_in_is_one_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    plugins.add_path(tmp_path / name)
    with pytest.raises(UserError, match=words) as caught:
        plugins.load() if name.endswith("py") else plugins.toml_files("track")
    assert "\n" not in str(caught.value)


def test_a_path_where_nothing_is_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="found nothing there"):
        plugins.add_path(tmp_path / "absent")


def test_a_registry_knows_which_plug_ins_add_to_it(tmp_path: Path) -> None:
    code = "from rtsr_bench.plugins import Registry\nimport builtins\nbuiltins.rtsr_words.add({!r})\n"
    folder = of_files(tmp_path, one_py=code.format("one"), none_py="", two_py=code.format("two"))
    import builtins

    words, others = Registry[str]("word", NO_MEMBERS, str), Registry[str]("other", NO_MEMBERS, str)
    vars(builtins)["rtsr_words"] = words
    words.add("own")
    plugins.add_path(folder)
    assert words.sources() == (folder / "one.py", folder / "two.py")
    assert set(words.all()) == {"own", "one", "two"}
    assert others.sources() == ()
    del vars(builtins)["rtsr_words"]


def test_a_folder_with_an_init_is_one_plug_in_of_several_modules(tmp_path: Path) -> None:
    folder = of_files(tmp_path, value_py="VALUE = 7\n", t_toml="[track]\n")
    (folder / "__init__.py").write_text("from .value import VALUE\n", encoding="utf-8")
    plugins.add_path(folder)
    plugins.load()
    assert plugins.python_files() == (folder,)
    assert plugins._process.imported == {folder}
    assert plugins.toml_files("track") == (folder / "t.toml",)
    assert plugins.model_folders() == ()


def test_an_installed_package_is_imported_once_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, about = tmp_path / "rtsr_bench_theirs", tmp_path / "theirs-1.0.dist-info"
    for place in (package, about):
        place.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[rtsr_bench.plugins]\ntheirs = rtsr_bench_theirs\n")
    (package / "__init__.py").write_text("from rtsr_bench_theirs import member\n")
    (package / "member.py").write_text("")
    (package / "set.toml").write_text("layout = 'pairs'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.load()
    assert plugins._process.imported == {"rtsr_bench_theirs"}
    assert plugins.python_files() == ()
    assert plugins.toml_files("layout") == (package / "set.toml",)


def test_nothing_is_registered_once_a_guests_code_may_run() -> None:
    registry = Registry[str]("word", NO_MEMBERS, str)
    registry.add("one")
    plugins.close()
    with pytest.raises(UserError, match="word 'two': nothing can be registered in a process that runs a guest's code"):
        registry.add("two")
    assert registry.all() == {"one": "one"}
