"""Protocols and tracks: what is official, and what an override changes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, field, fields, make_dataclass, replace
from pathlib import Path

import pytest

from rtsr_bench.backends import BACKENDS
from rtsr_bench.eligibility import differences
from rtsr_bench.errors import UserError
from rtsr_bench.execution import EAGER_FP32, Execution, MemoryFormat, Precision
from rtsr_bench.protocol import EVEN, Colour, Convention, Limits, Protocol, Size
from rtsr_bench.tracks import all_tracks, find_track, load_track, quick


def test_the_shipped_tracks_are_the_ones_promised() -> None:
    assert set(all_tracks()) >= {
        *(f"classic-x{scale}" for scale in (2, 3, 4)),
        *(f"builtin-x{scale}" for scale in (2, 3, 4)),
        *(f"esr{year}-x4" for year in (2024, 2025, 2026)),
        "open4k-x2",
        "open4k-x3",
        "rtsr2023-x2",
        "rtsr2023-x3",
    }


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_the_efficiency_tracks_time_fp32_and_gate_psnr(year: int) -> None:
    track = find_track(f"esr{year}-x4")
    assert track.protocol.precision == {"cuda": Precision.FP32, "cpu": Precision.FP32}
    assert (track.protocol.warmup, track.protocol.repeats, track.protocol.input) == (50, 244, Size(339, 510))
    assert track.score.gates == {"div2k-lsdir-valid": 26.90, "div2k-lsdir-test": 26.99}
    assert track.score.convention == Convention(Colour.RGB, 4)
    assert track.score.lower_is_better
    assert not find_track("classic-x4").score.lower_is_better


FAMILIES = ("rtsr2023", "open4k", "classic", "builtin")
CHALLENGE_LIKE = [track for track in all_tracks().values() if track.id.rpartition("-")[0] in FAMILIES]


@pytest.mark.parametrize("track", CHALLENGE_LIKE, ids=lambda track: track.id)
def test_the_tracks_of_the_challenges_protocol_time_4k_output(track: object) -> None:
    rules = all_tracks()[track.id].protocol  # type: ignore[attr-defined]  # the parameter is a Track
    assert rules.input.times(rules.scale) == Size(2160, 3840)
    assert (rules.warmup, rules.repeats, rules.batch) == (50, 244, 1)
    assert rules.precision == {"cuda": Precision.FP16, "cpu": Precision.FP32}


def test_classic_tracks_report_y_with_the_border_of_the_literature() -> None:
    track = find_track("classic-x3")
    assert Convention(Colour.Y, 3) in track.headline
    assert Convention(Colour.Y_NTIRE23, 0, EVEN) in track.protocol.conventions


def test_every_measuring_rule_changes_the_digest() -> None:
    rules = find_track("builtin-x2").protocol
    others = [
        replace(rules, warmup=49),
        replace(rules, repeats=243),
        replace(rules, input=Size(1080, 1919)),
        replace(rules, precision={**rules.precision, "cpu": Precision.BF16}),
        replace(rules, images=3),
        replace(rules, degradation="pillow-bicubic+jpeg90"),
        replace(rules, data_sets=("set5",)),
        replace(rules, tf32=True),
        replace(rules, backend="channels-last"),
        replace(rules, memory_format=MemoryFormat.CHANNELS_LAST),
        replace(rules, options={"mode": "fast"}),
        replace(rules, metrics=("psnr", "ssim", "ms_ssim")),
        replace(rules, limits=replace(rules.limits, runtime_s=1.0)),
        quick(rules),
    ]
    digests = {rules.digest, *(other.digest for other in others)}
    assert len(digests) == len(others) + 1
    assert replace(rules).digest == rules.digest


def test_a_field_added_later_is_no_part_of_the_digest_at_its_default_and_every_first_one_is() -> None:
    """So that records of before keep theirs: what is hashed is what was hashed when the first were published."""
    rules = find_track("builtin-x2").protocol
    first = {
        "version", "scale", "data_sets", "degradation", "conventions", "input", "batch", "precision", "warmup",
        "repeats", "images", "limits",
    }  # fmt: skip
    hashed = {name: asdict(rules)[name] for name in first}
    assert hashed["limits"].pop("export_s") == Limits().export_s
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    assert rules.digest == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_a_new_field_needs_no_list_to_keep_old_digests() -> None:
    rules = find_track("builtin-x2").protocol
    kept = {one.name: getattr(rules, one.name) for one in fields(rules)}
    more = [("fresh", dict[str, int], field(default_factory=dict)), ("other", str, field(default="usual"))]
    grown = make_dataclass("Protocol", more, bases=(Protocol,), frozen=True, kw_only=True)
    assert grown(**kept).digest == rules.digest
    assert len({rules.digest, grown(**kept, fresh={"a": 1}).digest, grown(**kept, other="rare").digest}) == 3


def test_an_execution_is_what_the_rules_say_of_a_kind_of_device() -> None:
    rules = find_track("builtin-x2").protocol
    assert rules.execution("cpu") == EAGER_FP32
    assert rules.execution("cuda") == Execution(precision=Precision.FP16)
    other = replace(rules, tf32=True, **BACKENDS.find("channels-last").rules()).execution("cpu")
    assert other == Execution(backend="channels-last", memory_format=MemoryFormat.CHANNELS_LAST, tf32=True)
    assert (other.in_precision(Precision.AMP_BF16).weights, other.autocast) == (Precision.FP32, None)
    assert Execution(precision=Precision.AMP_BF16).autocast is Precision.BF16


def test_a_track_may_name_an_execution_and_another_one_is_said_in_words(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "rtsr_bench" / "tracks" / "builtin-x2.toml"
    text = source.read_text().replace("repeats = 244", 'repeats = 244\nexecution = "channels-last"')
    (tmp_path / "mine.toml").write_text(text)
    mine, shipped = load_track(tmp_path / "mine.toml").protocol, find_track("builtin-x2").protocol
    assert mine.execution("cpu").memory_format is MemoryFormat.CHANNELS_LAST
    assert differences(mine, shipped) == (
        "execution channels-last instead of eager",
        "memory format channels-last instead of contiguous",
    )


def test_a_track_may_ask_for_tf32_and_another_protocol_is_said_in_words(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "rtsr_bench" / "tracks" / "builtin-x2.toml"
    (tmp_path / "mine.toml").write_text(source.read_text().replace("repeats = 244", "repeats = 244\ntf32 = true"))
    mine, shipped = load_track(tmp_path / "mine.toml").protocol, find_track("builtin-x2").protocol
    assert (mine.tf32, shipped.tf32) == (True, False)
    assert differences(mine, shipped) == ("TF32 on instead of off",)


def test_a_track_may_list_metrics_and_psnr_and_ssim_are_the_default(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "rtsr_bench" / "tracks" / "builtin-x2.toml"
    for names in ("psnr", "ssim"), ("psnr", "ssim", "ms_ssim"):
        listed = ", ".join(f'"{name}"' for name in names)
        (tmp_path / "mine.toml").write_text(source.read_text().replace("[runtime]", f"metrics = [{listed}]\n[runtime]"))
        mine, shipped = load_track(tmp_path / "mine.toml").protocol, find_track("builtin-x2").protocol
        assert mine.metrics == names
        assert (mine.digest == shipped.digest) is (names == ("psnr", "ssim"))
    assert differences(mine, shipped) == ("metrics psnr, ssim, ms_ssim instead of psnr, ssim",)


def test_the_digests_of_the_shipped_tracks_are_pinned() -> None:
    """A digest that changes makes every record of its track unofficial: that must be meant."""
    pinned = Path(__file__).with_name("track_digests.txt").read_text().split()
    found = [part for track in all_tracks().values() for part in (track.id, track.protocol.digest)]
    assert found == pinned, "a new track: add its line, ID DIGEST, in the order of `rtsr-bench tracks`"


def test_quick_takes_no_more_calls_than_the_track_and_keeps_even_sides() -> None:
    rules = replace(find_track("builtin-x2").protocol, input=Size(270, 1), warmup=1, repeats=4)
    assert (quick(rules).input, quick(rules).warmup, quick(rules).repeats) == (Size(66, 1), 1, 4)
    assert quick(find_track("builtin-x2").protocol).input == Size(270, 480)
    assert quick(find_track("builtin-x4").protocol).input == Size(134, 240)


def test_an_unknown_track_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no track 'builtin-x5': expected one of .*builtin-x2"):
        find_track("builtin-x5")


TRACK_MISTAKES = [
    ("warmup = 50\n", "", "[runtime] warmup: expected a whole number of at least 0, found nothing; write warmup = 50"),
    (
        "warmup = 50",
        "warmup = 1.9",
        "[runtime] warmup: expected a whole number of at least 0, found the number 1.9; write warmup = 50",
    ),
    (
        "warmup = 50",
        "warmup = -5",
        "[runtime] warmup: expected a whole number of at least 0, found the number -5; write warmup = 50",
    ),
    (
        "repeats = 244",
        'repeats = "4"',
        "[runtime] repeats: expected a whole number of at least 1, found the text '4'; write repeats = 244",
    ),
    (
        "repeats = 244",
        "repeats = 0",
        "[runtime] repeats: expected a whole number of at least 1, found the number 0; write repeats = 244",
    ),
    (
        "repeats = 244",
        "repeats = 244\nrepeat = 3",
        (
            "[runtime]: unknown key 'repeat', did you mean \"repeats\"? expected one of input, batch, precision, "
            "warmup, repeats, tf32, execution; correct or remove it"
        ),
    ),
    (
        "batch = 1",
        "batch = true",
        "[runtime] batch: expected a whole number of at least 1, found the boolean true; write batch = 1",
    ),
    ("scale = 2", "scale = 2.5", "[track] scale: expected 2 or 3 or 4, found the number 2.5; write scale = 2"),
    ("scale = 2", "scale = 5", "[track] scale: expected 2 or 3 or 4, found the number 5; write scale = 2"),
    ("scale = 2", 'scale = "2"', "[track] scale: expected 2 or 3 or 4, found the text '2'; write scale = 2"),
    (
        'id = "builtin-x2"',
        'id = "../x"',
        (
            "[track] id: expected lower-case letters, digits, - and _, with a letter or digit first, found "
            "the text '../x'; "
            'write id = "my-x2"'
        ),
    ),
    ("order = 40", "order = 1.5", "[track] order: expected a whole number from -1000000 to 1000000, found the number "),
    ('yields_to = "open4k-x2"', "yields_to = 4", "[track] yields_to: expected a line of text of at most 1000 "),
    (
        'sets = ["builtin"]',
        'sets = "toy"',
        "[data] sets: expected an array of texts, found the text 'toy'; write sets = [\"toy\"]",
    ),
    (
        'sets = ["builtin"]',
        "sets = []",
        '[data] sets: expected an array of texts, found an empty array; write sets = ["..."]',
    ),
    (
        'sets = ["builtin"]',
        'sets = ["builtin", 3]',
        '[data] sets: expected an array of texts, found the number 3 in it; write sets = ["..."]',
    ),
    (
        "input = [1080, 1920]",
        "input = [0, -40]",
        (
            "[runtime] input: expected an array of 2 whole numbers of at least 1, found the number 0 in it; "
            "write input = [1080, 1920]"
        ),
    ),
    (
        "input = [1080, 1920]",
        "input = [1080, 1920, 3]",
        (
            "[runtime] input: expected an array of 2 whole numbers of at least 1, found 3 of them; "
            "write input = [1080, 1920]"
        ),
    ),
    (
        "input = [1080, 1920]",
        "input = 1080",
        (
            "[runtime] input: expected an array of 2 whole numbers of at least 1, found the number 1080; "
            "write input = [1080, 1920]"
        ),
    ),
    (
        'cpu = "fp32"',
        'tpu = "fp32"',
        "[runtime] precision: unknown key 'tpu', did you mean \"cpu\"? expected one of cpu, cuda; correct or remove it",
    ),
    (
        'cpu = "fp32"',
        'cpu = "fp-32"',
        (
            "[runtime] precision cpu: expected fp32 or fp16 or bf16 or amp-fp16 or amp-bf16, found the text 'fp-32'; "
            'write cpu = "fp32"'
        ),
    ),
    (
        '{ cuda = "fp16", cpu = "fp32" }',
        "{ }",
        (
            "[runtime] precision: expected a precision for cpu or cuda, found a table; "
            'write precision = { cuda = "fp16", cpu = "fp32" }'
        ),
    ),
    (
        "repeats = 244",
        "repeats = 244\ntf32 = 1",
        "[runtime] tf32: expected true or false, found the number 1; write tf32 = true",
    ),
    (
        "repeats = 244",
        'repeats = 244\nexecution = "channel-last"',
        "[runtime] execution: expected channels-last or compile or cuda-graph or eager or ",
    ),
    (
        'headline = ["rgb/0", "y/0"]',
        'headline = "rgb/0"',
        "[fidelity] headline: expected an array of texts, found the text 'rgb/0'; write headline = [\"rgb/0\"]",
    ),
    *(
        (
            'also = ["y_ntire23/0"]',
            f'also = ["{convention}"]',
            (
                "[fidelity] also: expected colour/border or colour/border/even, with colour rgb or y or y_ntire23 and "
                f'border in pixels or scale, found the text \'{convention}\'; write it as "rgb/0" or "y/scale"'
            ),
        )
        for convention in ("rgb", "rgb/0/odd", "red/0", "rgb/-1", "rgb/wide")
    ),
    ('metric = "rgb/0"', 'metric = "y/2"', "[score] metric: expected one of [fidelity] headline, found the text 'y/2'"),
    (
        'formula = "ntire23-rtsr"',
        'formula = "ntire-23-rtsr"',
        (
            "[score] formula: expected ntire23-rtsr or ntire-esr-2024 or ntire-esr-2025 or ntire-esr-2026, found "
            "the text 'ntire-23-rtsr'; write formula = \"ntire23-rtsr\""
        ),
    ),
    (
        'metric = "rgb/0"',
        'metric = "rgb/0"\nsets = ["bultin"]',
        (
            "[score] sets: expected some of [data] sets, found the text 'bultin' in it; correct or remove it"
            ', did you mean "builtin"?'
        ),
    ),
    (
        'metric = "rgb/0"',
        'metric = "rgb/0"\ngates = { builtin = "30" }',
        "[score] gates builtin: expected a number from 0 to 1000, found the text '30'; write builtin = 30",
    ),
    (
        'metric = "rgb/0"',
        'metric = "rgb/0"\n[limits]\nload = 3',
        "[limits]: unknown key 'load', did you mean \"load_s\"? expected one of load_s, enhance_s, runtime_s, ",
    ),
    (
        'metric = "rgb/0"',
        'metric = "rgb/0"\n[limits]\nload_s = 0',
        "[limits] load_s: expected a number from 0.001 to 999999, found the number 0; write load_s = 60",
    ),
    ("[score]", "[scores]", "unknown key 'scores', did you mean \"score\"? expected one of track, data, fidelity, "),
    ("[score]", "[[score]]", "expected a table [score], found an array; see docs/tracks.md for the form"),
]


@pytest.mark.parametrize(("old", "new", "said"), TRACK_MISTAKES)
def test_a_mistake_in_a_track_file_is_one_line_that_says_where(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (Path(__file__).parents[2] / "rtsr_bench" / "tracks" / "builtin-x2.toml").read_text()
    assert old in text
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_track(mine)
    assert str(caught.value).startswith(f"{mine}: {said}")
    assert "\n" not in str(caught.value)


def test_a_name_that_nothing_is_like_is_answered_with_a_known_one(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "rtsr_bench" / "tracks" / "builtin-x2.toml").read_text()
    for name, hint in ("channel-last", "channels-last"), ("zzz", "channels-last"), ("eagre", "eager"):
        (tmp_path / "mine.toml").write_text(text.replace("batch = 1", f'execution = "{name}"'))
        with pytest.raises(UserError, match=f'; write execution = "{hint}"$'):
            load_track(tmp_path / "mine.toml")


def test_an_execution_in_words_names_what_is_not_usual() -> None:
    assert Execution().words == "eager, fp32"
    one = Execution(backend="compile", precision=Precision.FP16, tf32=True, options={"mode": "fast"})
    assert one.words == "compile, fp16, TF32, mode fast"
