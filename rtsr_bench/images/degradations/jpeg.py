"""`jpegQ`: JPEG of quality Q by Pillow's libjpeg-turbo, as the NTIRE 2023 challenge compresses LR."""

from functools import partial

from rtsr_bench.images.degradations import DEGRADATIONS, Codec, Pixels, Settings
from rtsr_bench.images.pillow_codec import SETTINGS, codec_words, encoded_by_pillow


def _encode(image: Pixels, settings: Settings) -> bytes:
    return encoded_by_pillow(image, "JPEG", settings)


DEGRADATIONS.add(
    Codec(
        name="jpeg",
        settings=SETTINGS,
        form="jpegQ (Q 0..100, then -422 or -444 for a subsampling other than 4:2:0)",
        words=partial(codec_words, "JPEG"),
        encode=_encode,
        suffix=".jpg",
    )
)
