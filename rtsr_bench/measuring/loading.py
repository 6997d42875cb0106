"""Loading a guest's model from its folder, in the way of the format that it was submitted as."""

from __future__ import annotations

import os
import sys

import torch

from rtsr_bench.execution import Execution
from rtsr_bench.formats import FORMATS
from rtsr_bench.measuring import cuda_calls
from rtsr_bench.measuring.guest import BadGuest, Guest, Notes
from rtsr_bench.measuring.process_state import ProcessState
from rtsr_bench.measuring.stubs import Stubs
from rtsr_bench.measuring.weightfile import complaint
from rtsr_bench.wire import LoadModel


def load(request: LoadModel, device: torch.device) -> Guest:
    """Make a guest of what is asked for: read its folder in the way of its format and build its model once, eager.

    What its code changes in the process is set back. BadGuest where a file that its own code reads is none that
    anybody wanted to submit.
    """
    os.chdir(request.folder)
    if request.allow_pickle:  # what the guest's own code loads without saying how, as before torch 2.6
        os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    if request.packages is not None:  # what the submission requires stands before what is installed
        sys.path.insert(0, str(request.packages))
    notes, state = Notes(), ProcessState(device)
    stubs = Stubs.install() if request.stub_missing else None
    cuda_calls.map_to(device, request.folder, notes.add)
    try:
        build = FORMATS.find(request.format).load(request, device, notes)
        guest = Guest(build=build, device=device, data_range=request.data_range, notes=notes, state=state)
        guest.model(Execution(tf32=request.execution.tf32))
    except Exception as error:
        reason = None if isinstance(error, BadGuest) else complaint(error)
        if reason is None:
            raise
        raise BadGuest(reason) from error
    finally:
        for change in state.restore(loaded=True):
            notes.add(change)
        if stubs is not None:
            stubs.close()
    if stubs is not None:
        guest.stubs = stubs.names
    for name in guest.stubs:
        notes.add(f"{name} is not installed and was replaced by a stub (--stub-missing)")
    return guest
