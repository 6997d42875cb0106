"""The benchmark and leaderboard suite for real-time 4K image super-resolution.

Terms, with one meaning each in code, command line, JSON, pages and documents:

- *track*: what is asked: scale, data sets, degradation, colour and border conventions, score formula
- *protocol*: how it is measured: input size, execution, warm-up, repeats, limits; versioned, with a digest
- *execution*: how a model is run: backend (`eager` or another of `rtsr_bench.backends`), precision, autocast, memory
  format, TF32
- *submission*: a folder or archive submitted by a *team*; holds one or more *models* (one per scale or variant)
- *reference model*: a submission of ours in `reference_models/`, measured like any other
- *guest*: the code of a submission, from the point of view of the sandbox
- *LR, SR, HR*: input, output, ground truth
- *scale*: 2, 3 or 4
- *data set*, *image pair*: named, verified LR/HR images
- *fidelity*: PSNR and SSIM together, always with colour space and border
- *runtime*: milliseconds per frame of the model call only, on a random tensor; *sample*: one timed repetition
- *warm-up*, *repeats*: untimed calls; timed calls
- *precision*: fp32, fp16, bf16, amp-fp16 or amp-bf16
- *params*, *MACs*, *FLOPs*: integers; 1 MAC = 2 FLOPs; always with the input size they hold for
- *score*: the value of the track's published formula, nothing else
- *baseline*: bicubic's PSNR on the same images, as the score formula uses it
- *measurement*: Fidelity, Runtime, Complexity, Memory
- *record*: the stored observations of one model on one track under one protocol on one system
- *system*: the hardware and software measured on
- *failure* / *violation* / *warning*: the guest failed / a rule is not met / a number is unreliable
- *leaderboard*, *report*: ranked rows of one track on one kind of device; the site that shows them
- *official* / *unofficial*: the protocol's digest equals the shipped one / differs in more than the execution
- *closed* / *open division*: rows measured under the track's own execution / under any other
"""

__version__ = "0.1.0"
