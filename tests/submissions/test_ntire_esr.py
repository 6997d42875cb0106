"""A checkout of an Efficient-SR repository becomes submissions: read as text, copied, and run in the child alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from rtsr_bench.cli import cli
from rtsr_bench.errors import UserError
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.protocol import Size
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child, Loaded
from rtsr_bench.submissions import discover, load_request
from rtsr_bench.submissions.ntire_esr import import_entries, read_entries
from rtsr_bench.submissions.ntire_esr.writing import _toml
from rtsr_bench.wire import Op

SCRIPT = """
import os
import no_such_counter                      # what only the rest of the script wants
import torch
from torch.nn import functional as F
raise SystemExit("the script was run")

def select_model(args, device):
    model_id = args.model_id
    if model_id == 0:
        from models.team00_Nearest import Nearest
        name, data_range = f"{model_id:02}_Nearest_baseline", 255.0
        # model_path = os.path.join('model_zoo', 'old.pth')
        model_path = os.path.join('model_zoo', 'team00.pth')
        model = Nearest()
        model.load_state_dict(torch.load(model_path), strict=True)
    elif model_id == 4:
        import importlib
        module = importlib.import_module(f'models.team{model_id:02}_Called')
        name, data_range = f"{model_id:02}_Called", 1.0
        model = module.Called()
        model.load_state_dict(torch.load(os.path.join('model_zoo', f'team00.pth')))
    elif model_id == 7:
        from models.team07_Wants import Wants
        name, data_range = f"{model_id:02}_Wants", 1.0
        model = Wants()
    elif model_id == 9:
        from models.team00_Nearest import Nearest
        name, data_range = "09_Gone", 1.0
        model_path = "model_zoo/gone.pth"
    elif model_id == 11:
        from models.team00_Nearest import Nearest
        name, data_range = "11_Vague", args.range
    else:
        raise NotImplementedError
    model.eval()
    tile = TILE
    for k, v in model.named_parameters():
        v.requires_grad = False
    model = model.to(device)
    return model, name, data_range, tile

def forward(img_lq, model, tile=None, tile_overlap=8, scale=4):
    if tile is None:
        return model(img_lq)
    out = torch.zeros(*img_lq.shape[:2], *(4 * n for n in img_lq.shape[2:])).type_as(img_lq)
    for top in range(0, img_lq.shape[2], tile):
        out[:, :, 4 * top:4 * (top + tile)] = model(img_lq[:, :, top:top + tile])
    return out

def forward_team04(img_lq, model, tile=None):
    return model(F.pad(img_lq, (0, 0, 0, 0)))

def run(model, args):
    if args.model_id == 4:
        img_sr = forward_team04(img_lr, model, tile)
    else:
        img_sr = forward(img_lr, model, tile)
"""

NEAREST = """
import torch
from models.parts import Enlarge

class Nearest(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.zeros(1))
        self.up = Enlarge()
        self.rows = []
    def forward(self, x):
        self.rows.append(x.shape[2])
        assert x.shape[2] <= {most}, "no tiles were made"
        return self.up(x) * self.gain

if __name__ == "__main__":
    from fvcore_of_the_author import count
"""

FILES = {
    "models/team00_Nearest.py": NEAREST.format(most=10_000),
    "models/team04_Called.py": "from .team00_Nearest import Nearest as Called\n",
    "models/team07_Wants.py": "import einops_that_nobody_has.layers\n"
    "try:\n    import speed\nexcept ImportError:\n    pass\n",
    "models/parts.py": "import torch\nEnlarge = lambda: torch.nn.Upsample(scale_factor=4)\n",
    "requirements.txt": "numpy==1.0\neinops_that_nobody_has==0.7.0\n",
    "LICENSE": "free\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "esr")


def lay_out(folder: Path, *, tile: int | None = None, most: int = 10_000) -> Path:
    files = {**FILES, "test_demo.py": SCRIPT.replace("TILE", str(tile)),
             "models/team00_Nearest.py": NEAREST.format(most=most)}  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "model_zoo").mkdir()
    torch.save({"gain": torch.ones(1)}, folder / "model_zoo" / "team00.pth")
    return folder


def test_each_branch_is_read_and_nothing_is_run(checkout: Path) -> None:
    entries = {entry.model_id: entry for entry in read_entries(checkout)}
    assert list(entries) == [0, 4, 7, 9, 11]
    first = entries[0]
    assert (first.name, first.data_range, first.tile, first.forward) == ("Nearest_baseline", 255.0, None, "forward")
    assert first.weights == ("model_zoo/team00.pth",)
    assert entries[4].forward == "forward_team04"
    assert "models.team04_Called" in entries[4].modules
    assert entries[11].data_range is None


def test_what_becomes_of_each_entry_is_one_line(checkout: Path, tmp_path: Path) -> None:
    results = {result.entry.model_id: result for result in import_entries(checkout, tmp_path / "out")}
    assert all("\n" not in result.line for result in results.values())
    assert [number for number, result in results.items() if result.folder] == [0, 4, 7]
    assert "not installed here: einops_that_nobody_has (imported by models/team07_Wants.py)" in results[7].line
    assert "model_zoo/gone.pth, which is not there" in results[9].line
    assert "a data range that is not told" in results[11].line
    assert results[0].lacking == ()
    folder = results[7].folder
    assert folder is not None
    assert (folder / "requirements.txt").read_text() == "einops_that_nobody_has==0.7.0\n"


def test_what_asks_for_a_gpu_is_said(checkout: Path, tmp_path: Path) -> None:
    (checkout / "models" / "parts.py").write_text(
        "import torch\ndef Enlarge():\n    return torch.nn.Identity().cuda()\n"
    )
    (result,) = import_entries(checkout, tmp_path / "out", only=(0,))
    assert result.line.endswith("; calls .cuda() in models/parts.py: may want a GPU")


def test_the_files_of_a_team_are_copied_as_they_are_and_no_others(checkout: Path, tmp_path: Path) -> None:
    (result,) = import_entries(checkout, tmp_path / "out", only=(4,))
    assert result.folder == tmp_path / "out" / "team04_called"
    copied = {path.relative_to(result.folder).as_posix() for path in result.folder.rglob("*") if path.is_file()}
    assert copied == {"LICENSE", "submission.toml", "test_demo.py", "models/parts.py", "models/team00_Nearest.py",
                      "models/team04_Called.py", "model_zoo/team00.pth"}  # fmt: skip
    for name in copied - {"submission.toml"}:
        assert (result.folder / name).read_bytes() == (checkout / name).read_bytes()


def test_the_manifest_keeps_data_range_and_way_to_run(checkout: Path, tmp_path: Path) -> None:
    list(import_entries(checkout, tmp_path / "out"))
    models = {one.id: one.models[0] for one in discover(tmp_path / "out")}
    assert models["team00_nearest_baseline"].data_range == 255.0
    assert models["team00_nearest_baseline"].scale == 4
    assert models["team04_called"].args == {"args": {"model_id": 4}, "forward": "forward_team04"}


@pytest.mark.parametrize(
    ("number", "tile", "most", "works"),
    [(0, None, 40, True), (0, 16, 16, True), (0, None, 16, False), (4, None, 40, True)],
    ids=["whole images", "tiles as the script makes them", "a whole image where tiles were due", "its own forward"],
)
def test_the_child_runs_an_entry_as_the_script_does(
    number: int, tile: int | None, most: int, works: bool, tmp_path: Path
) -> None:
    folder = lay_out(tmp_path / "esr", tile=tile, most=most)
    list(import_entries(folder, tmp_path / "out", only=(number,)))
    (submission,) = discover(tmp_path / "out")
    request = load_request(submission.models[0], submission, None)
    size = Size(40, 24)
    pixels = bytes(range(240)) * (size.pixels * 3 // 240)
    with Child(device="cpu") as child:
        loaded = child.ask(Op.LOAD, Loaded, {**request, "scale": 4}, limit_s=60)
        assert isinstance(loaded, Loaded), loaded
        answer = child.enhance(pixels, size=size, scale=4, execution=EAGER_FP32, limit_s=60)
    if works:
        assert not isinstance(answer, Failure), answer
        given = torch.tensor(list(pixels)).reshape(40, 24, 3)
        got = torch.tensor(list(answer)).reshape(160, 96, 3)
        assert torch.equal(got, given.repeat_interleave(4, 0).repeat_interleave(4, 1))
    else:
        assert isinstance(answer, Failure)
        assert "no tiles were made" in answer.message


def test_the_command_names_what_is_left_out(checkout: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["import", "ntire-esr", str(checkout), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == (
        "3 submissions, 1 of them need packages that are not installed; 2 left out"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "expected a checkout of an NTIRE Efficient-SR repository with test_demo.py"),
        ("def select(): pass", "expected a function select_model"),
        ("def select_model(:", "expected Python, found a mistake (line 1)"),
        ("x = " + "-" * 20_000 + "1", "expected Python, found an expression that nests too deep"),
    ],
)
def test_what_is_no_checkout_is_told_so(content: str | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "test_demo.py").write_text(content)
    with pytest.raises(UserError) as caught:
        read_entries(tmp_path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_overwritten_and_unknown_numbers_are_named(checkout: Path, tmp_path: Path) -> None:
    list(import_entries(checkout, tmp_path / "out", only=(0,)))
    with pytest.raises(UserError, match="expected no such folder, found one"):
        list(import_entries(checkout, tmp_path / "out"))
    with pytest.raises(UserError, match=r"expected numbers of entries \(0, 4, 7, 9, 11\), found 8"):
        list(import_entries(checkout, tmp_path / "out", only=(8,)))


BRANCH = """
    elif model_id == NUMBER:
        from models.team00_Nearest import Nearest
        name, data_range = NAME, 1.0
        model = Nearest()
"""


def with_branch(checkout: Path, *, number: str = "20", name: str = '"20_More"') -> Path:
    """Give the script one more entry."""
    script = checkout / "test_demo.py"
    branch = BRANCH.replace("NUMBER", number).replace("NAME", name).lstrip("\n")
    script.write_text(
        script.read_text().replace("    else:\n        raise Not", branch + "    else:\n        raise Not")
    )
    return checkout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "-" * 20_000 + "1\n", "expected Python, found an expression that nests too deep"),
        ("x = " + "+".join("1" * 3000) + "\n", "expected Python, found an expression that nests too deep"),
        ("from ........... import x\n", "expected imports of files of the checkout, found '...........', which leads"),
        ("from ...models import x\n", "found '...models', which leads out of it"),
        ("def (\n", "expected Python, found a mistake (line 1)"),
    ],
    ids=["minus", "plus", "dots alone", "dots", "no Python"],
)
def test_a_file_that_cannot_be_read_costs_only_the_entries_that_want_it(
    text: str, words: str, checkout: Path, tmp_path: Path
) -> None:
    (checkout / "models" / "team07_Wants.py").write_text(text)
    results = {result.entry.model_id: result for result in import_entries(checkout, tmp_path / "out")}
    assert [number for number, result in results.items() if result.folder] == [0, 4]
    assert words in results[7].line
    assert "\n" not in results[7].line


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\ny = x" + ".real" * 2500 + "\n",
        f"import {'a' * 300}\n",
        'import importlib\nimportlib.import_module("../../etc")\n',
    ],
    ids=["attributes", "long name", "no module"],
)
def test_what_is_odd_and_harmless_is_imported(text: str, checkout: Path, tmp_path: Path) -> None:
    (checkout / "models" / "team04_Called.py").write_text(text)
    (result,) = import_entries(checkout, tmp_path / "out", only=(4,))
    assert result.folder is not None, result.line


def test_deep_expressions_in_a_branch_are_read(checkout: Path) -> None:
    with_branch(checkout, name=f'"20_Deep", 1.0\n        path = model{".real" * 2500}\n        other = "a"')
    assert [entry.model_id for entry in read_entries(checkout)] == [0, 4, 7, 9, 11, 20]


def test_a_number_of_thousands_of_digits_is_no_entry(checkout: Path, tmp_path: Path) -> None:
    with_branch(checkout, number=f"0x{'f' * 6000}")
    results = list(import_entries(checkout, tmp_path / "out"))
    assert sum(result.folder is not None for result in results) == 3
    assert "left out: entry with a huge number: expected a branch" in results[-1].line
    with pytest.raises(UserError, match="0, 4, 7, 9, 11, with a huge number"):
        list(import_entries(checkout, tmp_path / "out", only=(8,)))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ('f"{model_id:0400000000}_Wide"', "Wide"),
        ('f"{model_id:400000000}"', "20"),
        ('f"X{model_id:04}"', "X0020"),
        ('f"{model_id:02}_Y"', "Y"),
        ('f"{model_id:,.9999999f}_Z"', "Z"),
        ('"20_a\x7fb\\x7fc"', "a b c"),
        ('"20_🚀 \\ud800 Net"', "🚀 Net"),
        (f'"20_{"n" * 5000}"', "n" * 100),
        ('"20_"', "model20"),
    ],
)
def test_a_name_is_one_short_line_of_the_manifest(name: str, title: str, checkout: Path, tmp_path: Path) -> None:
    with_branch(checkout, name=name)
    (result,) = import_entries(checkout, tmp_path / "out", only=(20,))
    assert result.folder is not None, result.line
    manifest = tomllib.loads((result.folder / "submission.toml").read_text(encoding="utf-8"))
    assert manifest["submission"]["title"] == title
    (submission,) = discover(result.folder)
    assert submission.title == title


@pytest.mark.parametrize("text", ["a\x7fb", 'a"b\\c\n\x00\x1f\x80', "é🚀힣", "\\ud800"])
def test_any_text_comes_back_from_toml(text: str) -> None:
    assert tomllib.loads(f"text = {_toml(text)}") == {"text": text}


@pytest.mark.parametrize(("value", "found"), [("1e999", "inf"), ("1" + "0" * 400, "None"), ("1023", "1023.0")])
def test_a_data_range_that_is_none_costs_only_its_entry(value: str, found: str, checkout: Path, tmp_path: Path) -> None:
    script = checkout / "test_demo.py"
    script.write_text(script.read_text().replace("args.range", value))
    (result,) = import_entries(checkout, tmp_path / "out", only=(11,))
    assert f"a data range that is not told as 1 or 255 ({found})" in result.line
