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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("scale = 2", "scale = 5"), "scale: expected one of"),
        (("warmup = 50\n", ""), "key 'warmup' is missing"),
        (('formula = "ntire23-rtsr"', 'formula = "best"'), "score formula"),
        (("repeats = 244", "repeats = 244\nrepeat = 3"), "unknown key 'repeat'"),
        (('["rgb/0", "y/0"]', '["y/0"]'), "expected one of .* headline"),
        (('"rgb/0", "y/0"', '"rgb/0/odd", "y/0"'), "expected colour/border"),
        (('cpu = "fp32"', 'cpu = "half"'), "half"),
        (("repeats = 244", "repeats = 244\ntf32 = 1"), "tf32: expected true or false, found 1"),
        (
            ("repeats = 244", 'repeats = 244\nexecution = "lazy"'),
            "execution 'lazy': expected one of channels-last, compile, cuda-graph, eager",
        ),
    ],
)
def test_a_track_file_that_breaks_the_form_says_where(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    source = Path(__file__).parents[2] / "rtsr_bench" / "tracks" / "builtin-x2.toml"
    text = source.read_text()
    assert change[0] in text
    (tmp_path / "mine.toml").write_text(text.replace(*change))
    with pytest.raises(UserError, match=words) as caught:
        load_track(tmp_path / "mine.toml")
    assert "mine.toml" in str(caught.value)


def test_an_execution_in_words_names_what_is_not_usual() -> None:
    assert Execution().words == "eager, fp32"
    one = Execution(backend="compile", precision=Precision.FP16, tf32=True, options={"mode": "fast"})
    assert one.words == "compile, fp16, TF32, mode fast"
