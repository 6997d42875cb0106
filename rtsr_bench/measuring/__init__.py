"""The child's side: loads a guest's model, lets it enhance, times it, counts it. The parent imports none of it.

It is started as `python -m rtsr_bench.measuring.worker` by the sandbox. A guest's code runs in this process, so nothing
that it says is proof; the parent checks what can be checked.
"""
