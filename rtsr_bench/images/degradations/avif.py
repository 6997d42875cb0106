"""`avifQ`: AVIF of quality Q by Pillow's libavif."""

import functools

from PIL import features

from rtsr_bench.errors import UserError
from rtsr_bench.images.degradations import DEGRADATIONS, Codec, Pixels, Settings
from rtsr_bench.images.pillow_codec import SETTINGS, codec_words, encoded_by_pillow


@functools.cache
def _has_avif() -> bool:
    return "avif" in features.get_supported_modules()  # `check` warns where Pillow is too old to know it


def _encode(image: Pixels, settings: Settings) -> bytes:
    if not _has_avif():
        raise UserError("degradation avif: this Pillow has no AVIF encoder: install Pillow's own wheel, 11.3 or newer")
    return encoded_by_pillow(image, "AVIF", settings)


DEGRADATIONS.add(
    Codec(
        name="avif",
        settings=SETTINGS,
        form="avifQ (as jpegQ)",
        words=functools.partial(codec_words, "AVIF"),
        encode=_encode,
    )
)
