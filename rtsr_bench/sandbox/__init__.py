"""The parent's side of the boundary: one child process that runs a guest: started, limited, monitored and killed.

**At both levels.** A guest's code never runs in the harness. It gets a copy of what was submitted (without the images
in `results/`), none of the harness's environment variables, descriptors or memory, and never a path to an HR image.
It is bound in CPU time, memory, processes and threads, file size, scratch (bytes and files) and wall time; its output
is drained and its end kept. Pixels pass through files without a name whose sizes are the parent's; what it answers is
read as bounded, strict JSON, with the number of the question. When it ends, or the harness does, everything it
started ends with it. A child has one guest; one that was started ahead (`stock`) waits for it with an empty sandbox.

**`bubblewrap`** (Linux, where `bwrap` works: tried at the start of each run with the very flags): namespaces of its
own, no network, no other process visible, no capability, an unprivileged user, system calls that no model needs denied
by seccomp, and of the file system only the interpreter, its environment, the system's libraries, the packages of this
project that the child runs, the user's plug-ins that add backends or formats, and the copy, all read-only, beside a
private `/tmp` of a limited size.

**`process`** (without bubblewrap; the run says why): a process of the same user with the limits above, below a keeper
that ends what it left. It can read and write what that user may, open sockets, trace and kill that user's other
processes, the harness and the keeper too, and then outlive the run. Run strangers' code in a container then.

**Words** of a guest (messages, names, output) have what steers a terminal spelled out before anything shows them, and
its numbers are finite and of a size that means something. **Pickles** that are more than weights are read in the child
only, at `bubblewrap` only, and only with `--allow-pickle`; the record says so.

**Runtime** is conducted from here (`evaluate.runtime`): a new random input per repeat from a seed drawn for it, and the
harness's own clock around each. Among the repeats stand, at random places: at least 16 new image crops,
whose times must be those of random numbers (1.25 times plus 3 % of a frame, at five quantiles); images that must give
the SR image that fidelity was measured on, pixel by pixel but for what rounding, number formats and algorithms make (60
dB in fp32 and 50 in fp16 on a CPU, 42 on a card), at places named after the call, where the image has most detail; and
inputs of the warm-up, which must not be answered from memory. The output for random numbers must not be the same
everywhere.
The fixed references beside it (`evaluate.references`) are timed in a process that no guest enters, before this guest is
there and when all of it is gone.
Processor time is held to the threads that were given. A disagreement is INCONSISTENT. Times are evidence only where the
machine was known to be quiet (`evaluate.quiet`).

**What a determined guest could still do.**

- The harness's code in the child shares its process with the guest, who can rewrite it. What protects the runtime is
  what the parent sees: a guest can under-report by up to 5 % of a frame's time, 1.5 times what a repeat costs without a
  model (some 60 ms at 1080x1920 on a CPU, measured before the guest comes) and 5 ms on a CPU, 1 ms on CUDA. A model of
  a few milliseconds on a GPU is not much longer than that: read such a row together with its code.
- What is timed may be another network than what is measured where both make the same pixels at the places with most
  detail, but for the tolerance above: on a card, and in bf16, that is much for a picture with little detail.
- **Counts and peak memory are the child's word.** A guest can hold weights where no parameter is registered, or answer
  with other numbers; nothing compares them. Scores that use them (Efficient SR) need a review of the code.
- Latencies of `rtsr-bench realtime` are the child's word (docs/decisions/0030-real-time.md); they enter no ranking.
- A model may be up to a quarter quicker on random numbers than on images, and skip its work for one random input in
  twenty.
- Where a runtime is taken over from another track, a model may be a tenth slower on this one.
- A model may recognise public test images and have their HR, or their SR, inside its weights.
- The kernel, the GPU's driver and bubblewrap are trusted, and of libraries Pillow with the PNGs in `results/` (only of
  8 bits and the expected size). On CUDA a guest's process sees the measured GPU only (`CUDA_VISIBLE_DEVICES`), but
  the device nodes of all are in its sandbox: what it starts could name another. That and its tolerances are not yet
  tried on a card. A guest may use up shared caches, memory bandwidth or the GPU's clocks, on CUDA any number of
  processors, and memory that hangs in pipes and sockets (some hundred MB).
- With `bubblewrap`, files under `/usr`, in the interpreter's environment and in packages installed into it as editable
  are readable: keep no images there. The superuser's processes are counted four times a second only, not by the kernel.
- At `process` two children of a run can tell each other things through files, and System V memory outlives the guest.
- Where the kernel does not tell which processes are whose children (no `/proc`), only wall time and rlimits hold.
"""

from rtsr_bench.sandbox.bounds import Bounds
from rtsr_bench.sandbox.child import Child
from rtsr_bench.sandbox.counting import count_model
from rtsr_bench.sandbox.levels import Isolation, Level, allow_pickles, obtainable, require
from rtsr_bench.sandbox.needs import why_not
from rtsr_bench.sandbox.settings import ChildSettings, wants_gpu
from rtsr_bench.sandbox.stock import Stock

__all__ = [
    "Bounds",
    "Child",
    "ChildSettings",
    "Isolation",
    "Level",
    "Stock",
    "allow_pickles",
    "count_model",
    "obtainable",
    "require",
    "wants_gpu",
    "why_not",
]
