"""A checkout of an Efficient-SR repository becomes submissions: read as text, copied, and run in the child alone."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from rtsr_bench.cli import cli
from rtsr_bench.errors import UserError
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.formats.ntire_esr.script import needed
from rtsr_bench.protocol import Size
from rtsr_bench.record import Failure
from rtsr_bench.sandbox import Child
from rtsr_bench.submissions import discover, load_request
from rtsr_bench.submissions.ntire_esr import import_entries, read_entries
from rtsr_bench.submissions.ntire_esr.writing import _toml
from rtsr_bench.wire import Loaded

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


def test_each_entry_is_reported_in_one_line(checkout: Path, tmp_path: Path) -> None:
    results = {result.entry.model_id: result for result in import_entries(checkout, tmp_path / "out")}
    assert all("\n" not in result.line for result in results.values())
    assert [number for number, result in results.items() if result.folder] == [0, 4, 7]
    assert "not installed here: einops_that_nobody_has (imported by models/team07_Wants.py)" in results[7].line
    assert "model_zoo/gone.pth, which is not there" in results[9].line
    assert "a data range other than 1 or 255" in results[11].line
    assert results[0].lacking == ()
    folder = results[7].folder
    assert folder is not None
    assert (folder / "requirements.txt").read_text() == "einops_that_nobody_has==0.7.0\n"


@pytest.mark.parametrize(
    "call", ["x.cuda()", "x.to('cuda')", "torch.zeros(1, device='cuda:0')", "torch.device('cuda')"]
)
@pytest.mark.parametrize("place", ["models/parts.py", "test_demo.py", "forward"])
def test_requests_for_cuda_are_reported(call: str, place: str, checkout: Path, tmp_path: Path) -> None:
    script = checkout / "test_demo.py"
    if place == "models/parts.py":
        (checkout / place).write_text(f"import torch\ndef Enlarge():\n    x = torch.nn.Identity()\n    return {call}\n")
    else:
        before = "    if tile is None:\n" if place == "forward" else "        model = Nearest()\n"
        indent = before[: len(before) - len(before.lstrip())]
        script.write_text(script.read_text().replace(before, f"{indent}x = {call}\n{before}", 1))
    (result,) = import_entries(checkout, tmp_path / "out", only=(0,))
    named = "models/parts.py" if place == "models/parts.py" else "test_demo.py"
    assert result.line.endswith(f"; asks for CUDA in {named}: gets the measured device instead")


@pytest.mark.parametrize("text", ["torch.cuda.is_available()", "'cuda' if torch.cuda.is_available() else 'cpu'"])
def test_a_question_about_cuda_is_no_request(text: str, checkout: Path, tmp_path: Path) -> None:
    (checkout / "models" / "parts.py").write_text(f"import torch\nEnlarge = torch.nn.Identity\nhere = {text}\n")
    (result,) = import_entries(checkout, tmp_path / "out", only=(0,))
    assert "CUDA" not in result.line


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
        loaded = child.ask(request, limit_s=60)
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
        "3 submissions, 1 of them need packages that are not installed (einops_that_nobody_has 1x); 2 left out"
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
def test_other_folders_are_refused(content: str | None, words: str, tmp_path: Path) -> None:
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
        ("x = " + "+".join("1" * 100_000) + "\n", "expected Python, found an expression that nests too deep"),
        ("from ........... import x\n", "expected imports of files of the checkout, found '...........', which leads"),
        ("from ...models import x\n", "found '...models', which leads out of it"),
        ("def (\n", "expected Python, found a mistake (line 1)"),
    ],
    ids=["minus", "plus", "dots alone", "dots", "no Python"],
)
def test_unreadable_file_affects_only_entries_that_use_it(
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
        ('f"{model_id:400000000}"', "model20"),
        ('f"X{model_id:04}"', "X0020"),
        ('f"{model_id:02}_Y"', "Y"),
        ('f"{model_id:,.9999999f}_Z"', "Z"),
        ('"20_a\x7fb\\x7fc"', "a b c"),
        ('"20_🚀 \\ud800 Net"', "🚀 Net"),
        (f'"20_{"n" * 5000}"', "n" * 100),
        ('"20_"', "model20"),
        ('f"{model_id:11}_VSCINet"', "VSCINet"),
        ('f"{model_id:03}_RFDN"', "RFDN"),
        ('"Team 20 - Net"', "Net"),
        ('f"team{model_id:02}_Net"', "Net"),
        ('"02_Copied"', "Copied"),
        ('"2_stage_net"', "2_stage_net"),
        ('"20" + "_Added"', "Added"),
        ('f"{args.model_id:02}_Of_args"', "Of_args"),
    ],
)
def test_a_name_is_one_short_line_of_the_manifest(name: str, title: str, checkout: Path, tmp_path: Path) -> None:
    with_branch(checkout, name=name)
    (result,) = import_entries(checkout, tmp_path / "out", only=(20,))
    assert result.folder is not None, result.line
    manifest = tomllib.loads((result.folder / "submission.toml").read_text(encoding="utf-8"))
    assert manifest["submission"]["title"] == title
    assert "20_20" not in manifest["submission"]["id"]
    (submission,) = discover(result.folder)
    assert submission.title == title


@pytest.mark.parametrize("text", ["a\x7fb", 'a"b\\c\n\x00\x1f\x80', "é🚀힣", "\\ud800"])
def test_any_text_comes_back_from_toml(text: str) -> None:
    assert tomllib.loads(f"text = {_toml(text)}") == {"text": text}


@pytest.mark.parametrize(("value", "found"), [("1e999", "inf"), ("1" + "0" * 400, "None"), ("1023", "1023.0")])
def test_invalid_data_range_affects_only_its_entry(value: str, found: str, checkout: Path, tmp_path: Path) -> None:
    script = checkout / "test_demo.py"
    script.write_text(script.read_text().replace("args.range", value))
    (result,) = import_entries(checkout, tmp_path / "out", only=(11,))
    assert f"a data range other than 1 or 255 ({found})" in result.line


def test_a_negative_number_is_an_entry_like_any_other(checkout: Path, tmp_path: Path) -> None:
    with_branch(checkout, number="-1", name='f"{model_id:02}_IMDN_baseline"')
    assert [entry.model_id for entry in read_entries(checkout)] == [-1, 0, 4, 7, 9, 11]
    for given in ("--only=-1", "--only -1"):
        out = tmp_path / given.replace(" ", "")
        words = ["import", "ntire-esr", str(checkout), "--out", str(out), *given.split()]
        assert CliRunner().invoke(cli, words).exit_code == 0
        (submission,) = discover(out)
        assert (submission.id, submission.title) == ("team-1_imdn_baseline", "IMDN_baseline")
        assert submission.models[0].args["args"] == {"model_id": -1}


@pytest.mark.parametrize(
    ("test", "numbers"),
    [
        ("20 == args.model_id", [20]),
        ("int(model_id) == 20", [20]),
        ("model_id in (20, -21)", [-21, 20]),
        ("model_id == 20 or model_id == 21", [20, 21]),
        ("model_id == +20", [20]),
    ],
)
def test_numbers_are_read_from_conditions_of_other_forms(test: str, numbers: list[int], checkout: Path) -> None:
    with_branch(checkout, name='f"{model_id:02}_More"')
    script = checkout / "test_demo.py"
    script.write_text(script.read_text().replace("model_id == 20", test))
    found = {entry.model_id: entry for entry in read_entries(checkout)}
    assert sorted(number for number in found if number not in (0, 4, 7, 9, 11)) == numbers
    assert all(found[number].name == "More" and not found[number].trouble for number in numbers)


MATCH = """
def select_model(args, device):
    match args.model_id:
        case 0:
            from models.team00_Nearest import Nearest
            name, data_range = "00_Nearest", 255.0
            model = Nearest()
        case -1 | 3:
            from models.team04_Called import Called
            name: str = "03_Called"
            data_range: float = 1.0
            model = Called()
        case 5 if args.wide:
            model = None.wide()
        case _:
            raise NotImplementedError
    tile = None
    return model, name, data_range, tile
"""


def test_branches_of_a_match_statement_are_read(checkout: Path, tmp_path: Path) -> None:
    (checkout / "test_demo.py").write_text(MATCH)
    results = {result.entry.number: result for result in import_entries(checkout, tmp_path / "out")}
    assert {number for number, result in results.items() if result.folder} == {"-1", "0", "3"}
    assert results["3"].entry.data_range == 1.0
    assert "found `case 5` (line 13)" in results["without a number"].line


def test_a_branch_whose_number_cannot_be_read_is_named(checkout: Path, tmp_path: Path) -> None:
    with_branch(checkout)
    script = checkout / "test_demo.py"
    script.write_text(script.read_text().replace("model_id == 20", "model_id > 20 and args.wide"))
    results = list(import_entries(checkout, tmp_path / "out"))
    assert sum(result.folder is not None for result in results) == 3
    assert results[-1].line.startswith("left out: entry without a number: expected a branch of test_demo.py for ")
    assert "found `model_id > 20 and args.wide` (line " in results[-1].line
    list(import_entries(checkout, tmp_path / "some", only=(0,)))


def test_of_two_branches_for_a_number_python_takes_the_first(checkout: Path, tmp_path: Path) -> None:
    with_branch(checkout, number="0", name='"00_Never"')
    results = list(import_entries(checkout, tmp_path / "out"))
    assert results[0].entry.name == "Nearest_baseline"
    assert "a second branch for this number" in results[-1].line


@pytest.mark.parametrize(
    "body", ["pass", "raise ValueError('withdrawn')", "'Express Team'", "print('none')", "return None"]
)
def test_a_placeholder_is_called_one_and_is_no_failure(body: str, checkout: Path, tmp_path: Path) -> None:
    script, before = checkout / "test_demo.py", "    elif model_id == 9:"
    script.write_text(script.read_text().replace(before, f"    elif model_id == 8:\n        {body}\n{before}"))
    results = {result.entry.model_id: result for result in import_entries(checkout, tmp_path / "out")}
    assert results[8].line == "entry 8 is a placeholder: its branch builds no model"
    words = ["import", "ntire-esr", str(checkout), "--out", str(tmp_path / "some"), "--only=8"]
    alone = CliRunner().invoke(cli, words)
    assert alone.output.splitlines()[-1] == "0 submissions; 0 left out; 1 placeholders without a model"
    assert alone.exit_code == 1
    assert CliRunner().invoke(cli, [*words, "--only=0"]).exit_code == 0


SURROUNDINGS = {
    "span_op/setup.py": "setup(name='span_attention')\n",
    "span_op/csrc/span.cu": "// code\n",
    "span_op/__pycache__/x.pyc": "",
    "models/team20_More/__init__.py": "",
    "models/team20_More/net.py": "import numpy as np\nfrom . import fused\nimport span_attention\n"
    "means = np.load('models/means.npy')\ntable = open(__file__.replace('net.py', 'x') + '/y')\n",
    "models/team20_More/fused.cpython-39-x86_64-linux-gnu.so": "compiled",
    "models/team20_More/data/stats.yaml": "a: 1\n",
    "models/means.npy": "means",
    "models/other.npy": "of another team",
    "model_zoo/other.pth": "of another team",
}


def test_what_lies_beside_a_teams_code_is_copied_and_no_other_teams(checkout: Path, tmp_path: Path) -> None:
    for name, text in SURROUNDINGS.items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    with_branch(checkout)
    script = checkout / "test_demo.py"
    script.write_text(
        script.read_text().replace(
            '        from models.team00_Nearest import Nearest\n        name, data_range = "20_More"',
            "        import sys\n        sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'span_op'))\n"
            '        from models.team20_More.net import Nearest\n        name, data_range = "20_More"',
        )
    )
    (result,) = import_entries(checkout, tmp_path / "out", only=(20,))
    assert result.folder is not None, result.line
    copied = {path.relative_to(result.folder).as_posix() for path in result.folder.rglob("*") if path.is_file()}
    others = {"models/other.npy", "model_zoo/other.pth", "span_op/__pycache__/x.pyc"}
    assert copied == (SURROUNDINGS.keys() - others) | {"LICENSE", "submission.toml", "test_demo.py"}
    assert "; with 4 files beside its code from models, models/team20_More/data, span_op/csrc and 1 more" in result.line
    assert result.lacking == (), "span_attention is built from span_op, and no index has it"


def test_a_pin_is_found_under_any_spelling_of_its_name(checkout: Path, tmp_path: Path) -> None:
    pins = "numpy==1.0\nEinops.that-nobody_has==0.7.0\nother @ file:///home/team/other\n"
    (checkout / "requirements.txt").write_text(pins)
    with (checkout / "models" / "team07_Wants.py").open("a") as file:
        file.write("import other\n")
    (result,) = import_entries(checkout, tmp_path / "out", only=(7,))
    assert result.folder is not None
    assert (result.folder / "requirements.txt").read_text() == "Einops.that-nobody_has==0.7.0\nother\n"


HELPERS = """
try:
    from models.team04_Called import Called
except ImportError:
    Called = None
import package_of_another_team as theirs
WIDTH = 3
if WIDTH > 2:
    depth = WIDTH
class Wrapper:
    depth = depth

def build():
    from models.parts import Enlarge
    return Wrapper, Enlarge, Called

def select_model(args, device):
    model_id = args.model_id
    if model_id == 0:
        name, data_range = "00_Helped", 1.0
        model = build()
    elif model_id == 1:
        name, data_range = "01_Other", 1.0
        model = theirs.Net()
    tile = None
    return model, name, data_range, tile

if __name__ == "__main__":
    Wrapper = theirs
"""


def test_an_entry_takes_what_it_uses_of_the_script_and_not_what_others_use(checkout: Path) -> None:
    (checkout / "test_demo.py").write_text(HELPERS)
    helped, other = read_entries(checkout)
    assert {"models.parts", "models.parts.Enlarge"} <= {*helped.modules}
    assert "package_of_another_team" not in helped.modules
    assert other.modules == ("package_of_another_team",)
    kept = ast.unparse(ast.Module(body=needed(ast.parse(HELPERS), ["select_model"], 0), type_ignores=[]))
    assert [line for line in kept.splitlines() if "theirs" in line] == ["        model = theirs.Net()"]
    for word in ("from models.team04_Called", "WIDTH = 3", "depth = WIDTH", "class Wrapper", "def build"):
        assert word in kept
