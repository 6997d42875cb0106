"""A metric from outside: the largest difference of a value, on 0..255."""

from rtsr_bench.metric import METRICS, Metric


def largest(sr, hr, convention):  # uint8 H x W x 3 in, one number out; import what is heavy here
    from rtsr_bench.metrics.planes import planes

    return max(float(abs(x - y).max()) for x, y in planes(sr, hr, convention))


METRICS.add(
    Metric(
        name="largest",
        title="Largest",
        unit="levels",
        digits=0,
        better="lower",
        bounds=(0, 255),
        measure=largest,
        explanation="Mean over images of the largest difference",
    )
)
