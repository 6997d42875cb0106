"""Requests and replies: each arrives as it was sent, paired as the table says, and nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from rtsr_bench.execution import EAGER_FP32, Execution, MemoryFormat, Precision
from rtsr_bench.protocol import Size
from rtsr_bench.record import Count, FailureKind
from rtsr_bench.wire import (
    DROPPED,
    EXCHANGES,
    BeginPlaying,
    BeginTiming,
    CheckContract,
    Counted,
    CountOperations,
    Enhanced,
    EnhanceImage,
    Failed,
    Finding,
    Findings,
    Finished,
    FinishTiming,
    Greet,
    Hello,
    Imported,
    ImportPlugins,
    KeepWarm,
    Loaded,
    LoadModel,
    LookAtOutput,
    Looked,
    Message,
    PeakMemory,
    Places,
    Played,
    PlayFrames,
    Prepared,
    PrepareModel,
    Progress,
    ReferenceSamples,
    ReferenceTimed,
    Repeated,
    Request,
    Rlimits,
    TimeCall,
    TimeReference,
    Warmed,
    decode,
    encode,
    plain,
    reply_of,
    request_of,
)

EXECUTION = Execution(
    backend="compile",
    precision=Precision.AMP_BF16,
    memory_format=MemoryFormat.CHANNELS_LAST,
    tf32=True,
    options={"mode": "max", "level": 3, "share": 0.5, "fused": True},
)
SIZE, PLACES = Size(24, 40), Places(output=(3, 1, 2), given=(7,))
REQUESTS: tuple[Request[Any], ...] = (
    ImportPlugins(sources=("a_module", "/plugins/0/b.py")),
    Greet(device="auto", threads=2, limits=Rlimits(memory=1 << 40, processes=9, file=1, cpu_s=60)),
    LoadModel(
        format="onnx",
        folder=Path("/team"),
        entry="arch:net",
        args={"widths": [1, 2.5], "flags": {"deep": True}},
        checkpoint=Path("/team/net.onnx"),
        files={"half": Path("/team/half.onnx")},
        weights_key="ema",
        data_range=255.0,
        scale=3,
        packages=Path("/packages"),
        allow_pickle=True,
        stub_missing=True,
        execution=EXECUTION,
    ),
    PrepareModel(execution=EXECUTION),
    EnhanceImage(size=SIZE, scale=2, execution=EAGER_FP32),
    CheckContract(scale=2, sizes=(SIZE, Size(25, 41)), precisions=(Precision.FP16,)),
    BeginTiming(size=SIZE, batch=1, scale=4, execution=EXECUTION, warmup=0, seed=1 << 47),
    KeepWarm(),
    TimeCall(seed=5, probe=PLACES),
    LookAtOutput(probe=PLACES, whole=True),
    FinishTiming(memory=True),
    BeginPlaying(size=SIZE, scale=2, execution=EXECUTION, rows=7, warmup=3),
    PlayFrames(frames=9, fps=59.94, start=5),
    CountOperations(sizes=(SIZE,), computed=True),
    TimeReference(),
)
REPLIES: tuple[Message, ...] = (
    Imported(),
    Hello(device="cpu", device_name="", device_uuid="", torch="2", python="3", threads=2, facts={"tf32": "False"}),
    Loaded(scale=2, notes=("a note",), stubs=("timm",)),
    Prepared(),
    Enhanced(),
    Findings(findings=(Finding(question="q", ok=None, answer="a"),), multiple=2, least=8),
    Warmed(),
    Repeated(sample_ms=1.5, host_ms=0.1, idle_ms=0.2, probe=(0.5, None), given=(1.0,)),
    Looked(probe=(0.5,), given=(None,)),
    Played(latency_us=(16_700, DROPPED), seen=((0, 7, 255),)),
    Finished(probe=(0.5,), memory=PeakMemory(kind="rss", peak_bytes=2, baseline_bytes=1)),
    Counted(params=9, counts=(Count(input=SIZE, macs=1, flops=2, activations=3, convs=4, uncounted={"fft": 1}),)),
    ReferenceTimed(
        convs=ReferenceSamples(id="convs/1", samples_ms=(1.5, 2.0)),
        bicubic=ReferenceSamples(id="bicubic/1", samples_ms=(0.5,)),
    ),
    Progress(done=3),
    Failed(kind=FailureKind.EXCEPTION, message="no", detail="why", over=True),
)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)
def test_a_request_arrives_as_it_was_sent(request_: Request[Any]) -> None:
    assert request_of(decode(encode(plain(request_)))) == request_


@pytest.mark.parametrize("reply", REPLIES, ids=lambda one: type(one).__name__)
def test_a_reply_arrives_as_it_was_sent(reply: Message) -> None:
    assert reply_of(decode(encode(plain(reply))), type(reply)) == reply


class Text(str):
    """As the version of torch is one."""

    __slots__ = ()


class Number(float):
    """As a number of numpy is one."""


def test_what_behaves_like_a_text_or_a_number_is_sent_as_one() -> None:
    reply = Repeated(sample_ms=Number(1.5), probe=(Number(0.5),))
    assert reply_of(decode(encode(plain(reply))), Repeated) == reply
    failed = Failed(kind=FailureKind.EXCEPTION, message=Text("no"))
    assert reply_of(decode(encode(plain(failed))), Failed) == failed


def test_every_request_stands_in_the_table_with_the_reply_that_it_names() -> None:
    assert set(EXCHANGES) == set(Request.__subclasses__()) == {type(one) for one in REQUESTS}
    for request, exchange in EXCHANGES.items():
        (base,) = request.__orig_bases__  # type: ignore[attr-defined]  # of a generic class
        assert get_args(base) == (exchange.reply,), request.__name__
    assert {one.reply for one in EXCHANGES.values()} <= {type(one) for one in REPLIES}


LOAD = plain(REQUESTS[2])
GOOD = ReferenceSamples(id="one", samples_ms=(1.0,))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({}, "the request 'None' is none of ImportPlugins, Greet, LoadModel"),
        ({**LOAD, "op": "Format"}, "the request 'Format' is none of"),
        ({**LOAD, "extra": 1}, "LoadModel does not fit: Object contains unknown field `extra`"),
        ({**LOAD, "scale": "2"}, r"Expected `int \| null`, got `str`"),
        ({**LOAD, "scale": 5}, r"a scale of 5, expected one of \(2, 3, 4\)"),
        ({**LOAD, "data_range": 0.0}, "a data range of 0.0, expected a finite number above 0"),
        ({**LOAD, "folder": 3}, "expected a path, found a int"),
        ({**LOAD, "execution": {"precision": "fp8"}}, "Invalid enum value 'fp8'"),
        ({"op": "CountOperations", "sizes": [{"height": 0, "width": 3}]}, "an image of 0x3, expected sides of 1 pixel"),
        ({"op": "TimeCall"}, "missing required field `seed`"),
    ],
)
def test_what_is_no_request_is_refused_where_it_is_decoded(message: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        request_of(message)


def test_what_cannot_be_meant_is_refused_where_it_is_made() -> None:
    with pytest.raises(ValueError, match="a scale of 8"):
        EnhanceImage(size=SIZE, scale=8, execution=EAGER_FP32)
    with pytest.raises(ValueError, match="a batch of 0 and 3 untimed calls"):
        BeginTiming(size=SIZE, batch=0, scale=2, execution=EAGER_FP32, warmup=3, seed=1)
    with pytest.raises(ValueError, match="0 frames, expected 1 to 200000"):
        PlayFrames(frames=0)
    with pytest.raises(ValueError, match="inf frames per second"):
        PlayFrames(frames=1, fps=float("inf"))
    with pytest.raises(ValueError, match="a scene of 0 rows"):
        BeginPlaying(size=SIZE, scale=2, execution=EAGER_FP32, rows=0)
    with pytest.raises(TypeError, match="a value of the type object can't be sent"):
        encode(plain(LoadModel(format="python", folder=Path("/team"), args={"one": object()})))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Loaded(scale=7), "a scale of 7"),
        (Loaded(scale=2, notes=("x" * 301,)), "more than 64 notes, or one of more than 300"),
        (Repeated(sample_ms=0.0), "no positive number of milliseconds"),
        (Repeated(sample_ms=1.0, probe=(1e39,)), "beyond what 32 bits hold"),
        (Finished(memory=PeakMemory(kind="rss", peak_bytes=-1, baseline_bytes=0)), "a peak of memory"),
        (Counted(params=-1, counts=()), "negative or astronomic"),
        (Counted(params=10**400, counts=()), "negative or astronomic"),
        (Findings(multiple=0), "no number of pixels"),
        (Played(latency_us=()), "a latency that is no number"),
        (Played(latency_us=(5, -2)), "a latency that is no number"),
        (Played(latency_us=(5,), seen=((1, 0, 0),)), "a value that is of no SR image"),
        (Played(latency_us=(5,), seen=((0, 0, 256),)), "a value that is of no SR image"),
        (Played(latency_us=(5,), seen=((0, -1, 0),)), "a value that is of no SR image"),
        (ReferenceTimed(convs=GOOD, bicubic=ReferenceSamples(id="b", samples_ms=())), "0 samples of a reference"),
        (ReferenceTimed(convs=ReferenceSamples(id="c", samples_ms=(0.0,)), bicubic=GOOD), "no positive number"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Message) else "",
)
def test_a_reply_that_means_nothing_can_be_made_and_is_refused_by_the_parent(reply: Message, words: str) -> None:
    with pytest.raises(ValueError, match=f"the answer does not fit: .*{words}"):
        reply_of(json.loads(encode(plain(reply))), type(reply))


@pytest.mark.parametrize(
    "message",
    [
        {"event": "done"},
        {"event": "done", "scale": 2, "more": 1},
        {"event": "done", "scale": True},
        {"event": "failed", "scale": 2},
    ],
)
def test_another_shape_is_no_reply(message: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the answer does not fit"):
        reply_of(message, Loaded)
