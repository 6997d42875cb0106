"""The one table of which reply belongs to which request, and how both are sent and decoded.

Parent and child look up every request here, so a request cannot get the reply of another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rtsr_bench.record import Stage
from rtsr_bench.wire.replies import (
    Counted,
    Enhanced,
    Findings,
    Finished,
    Hello,
    Imported,
    Loaded,
    Looked,
    Message,
    Played,
    Prepared,
    ReferenceTimed,
    Repeated,
    Reply,
    Warmed,
)
from rtsr_bench.wire.requests import (
    Answer,
    BeginPlaying,
    BeginTiming,
    CheckContract,
    CountOperations,
    EnhanceImage,
    FinishTiming,
    Greet,
    ImportPlugins,
    KeepWarm,
    LoadModel,
    LookAtOutput,
    PlayFrames,
    PrepareModel,
    Request,
    TimeCall,
    TimeReference,
)

_Message = TypeVar("_Message", bound=Message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A request, its reply, and the stage of a measurement that fails if the request fails."""

    request: type[Request[Any]]
    reply: type[Reply]
    stage: Stage


def _of(request: type[Request[Answer]], reply: type[Answer], stage: Stage) -> Exchange:
    """Pair a request with its reply; with any other reply the type checker cannot solve `Answer`."""
    return Exchange(request=request, reply=reply, stage=stage)


EXCHANGES: dict[type[Request[Any]], Exchange] = {
    one.request: one
    for one in (
        _of(ImportPlugins, Imported, Stage.LOAD),
        _of(Greet, Hello, Stage.LOAD),
        _of(LoadModel, Loaded, Stage.LOAD),
        _of(PrepareModel, Prepared, Stage.LOAD),
        _of(EnhanceImage, Enhanced, Stage.ENHANCE),
        _of(CheckContract, Findings, Stage.ENHANCE),
        _of(BeginTiming, Warmed, Stage.RUNTIME),
        _of(KeepWarm, Warmed, Stage.RUNTIME),
        _of(TimeCall, Repeated, Stage.RUNTIME),
        _of(LookAtOutput, Looked, Stage.RUNTIME),
        _of(FinishTiming, Finished, Stage.RUNTIME),
        _of(BeginPlaying, Warmed, Stage.RUNTIME),
        _of(PlayFrames, Played, Stage.RUNTIME),
        _of(TimeReference, ReferenceTimed, Stage.RUNTIME),
        _of(CountOperations, Counted, Stage.COMPLEXITY),
    )
}
"""All requests, by class."""

_BY_NAME = {one.__name__: one for one in EXCHANGES}


def plain(value: Request[Any] | Message) -> dict[str, Any]:
    """Return a request or an answer as data that JSON can hold."""
    message: dict[str, Any] = msgspec.to_builtins(value, enc_hook=_as_builtin)
    return message


def request_of(message: dict[str, Any]) -> Request[Any]:
    """Return the request that `plain` turned into this message; ValueError with a sentence for anything else."""
    kind = _BY_NAME.get(str(message.get("op")))
    if kind is None:
        raise ValueError(f"the request {str(message.get('op'))[:40]!r} is none of {', '.join(_BY_NAME)}")
    try:
        request: Request[Any] = msgspec.convert(message, kind, dec_hook=_path_of_text)
    except msgspec.ValidationError as error:
        raise ValueError(f"the request {kind.__name__} does not fit: {error}") from None
    return request


def reply_of(message: dict[str, Any], kind: type[_Message]) -> _Message:
    """Return a child's answer as a checked value of its class; ValueError with a sentence if it does not fit."""
    try:
        answer = msgspec.convert(message, kind)
        answer.check()
    except ValueError as error:  # msgspec's own are such, too
        raise ValueError(f"the answer does not fit: {error}") from None
    return answer


def _as_builtin(value: object) -> str | int | float:
    """Convert paths and subclasses of str, int and float, such as the version of torch; TypeError for anything else."""
    match value:
        case Path():
            return str(value)
        case str():
            return str.__str__(value)
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
    raise TypeError(f"a value of the type {type(value).__name__} can't be sent")


def _path_of_text(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"expected a path, found a {type(value).__name__}")
