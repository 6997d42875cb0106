"""Which imports a file goes on without."""

from __future__ import annotations

import textwrap

import pytest

from rtsr_bench.guarded import MODULE, guards_of

CATCHES = {
    "ImportError": True,
    "ModuleNotFoundError": True,
    "Exception": True,
    "builtins.ImportError": True,
    "(ValueError, ImportError)": True,
    "errors_of_mine": True,  # it may stand for anything
    "": True,
    "ValueError": False,
    "(OSError, KeyError)": False,
}


@pytest.mark.parametrize("caught", CATCHES)
def test_a_try_guards_what_stands_in_its_body_alone(caught: str) -> None:
    found = guards_of(f"try:\n    import a\nexcept {caught}:\n    import b\nelse:\n    import c\nimport d.e\n")
    assert found.guarded == ({"a"} if CATCHES[caught] else set())
    assert found.plain == {"b", "c", "d"} | (set() if CATCHES[caught] else {"a"})
    assert [found.covers(MODULE, line) for line in range(1, 8)] == [False, CATCHES[caught], *[False] * 5]


def test_a_handler_that_raises_guards_nothing() -> None:
    found = guards_of(
        "try:\n    import a\nexcept ImportError as e:\n    print(1)\n    raise ImportError('get a') from e\n"
    )
    assert (found.guarded, found.plain) == (set(), {"a"})


def test_suppress_guards_and_other_contexts_do_not() -> None:
    found = guards_of("with suppress(ImportError):\n    import a\nwith open('x'):\n    import b\n")
    assert (found.guarded, found.plain) == ({"a"}, {"b"})


def test_a_function_in_a_try_runs_when_it_is_called_and_a_class_at_once() -> None:
    source = """
    try:
        class A:
            import a
        @register
        def make():
            import b
            try:
                from c.d import e
            except ImportError:
                e = None
    except ImportError:
        pass
    from .f import g
    """
    found = guards_of(textwrap.dedent(source))
    assert (found.guarded, found.plain) == ({"a", "c"}, {"b"})
    assert found.covers(("make", 5), 9)
    assert not found.covers(("make", 5), 7)
    assert not found.covers(MODULE, 14)


def test_invalid_python_is_reported() -> None:
    with pytest.raises(SyntaxError):
        guards_of("import (")
