"""SHA-256 of the raw uint8 RGB bytes of every picture of the built-in set, row by row."""

from __future__ import annotations

PINS = {
    "vector-balloons.png": "789561fb407675c64def446aac580be32a82761da38a9a2cae1191f2dd8162ba",
    "ui-desktop.png": "732fb690e4d6ee00fa5403946965718d1830c7a38625a782bfc0190f52e884ff",
    "fractal-julia.png": "d66450debbe73a2d53a093ad4fc0c45c942260c0d499ab2ebe031caea727facb",
    "fabric-tartan.png": "0e17ed6586a5aeabf8896dc911eeb74535a52ed9e768176d8babb38003c1c150",
    "chart-resolution.png": "71e898c953dd34e7c7804f6193b2515d030f5b64f9007cbac9d39f372e3796a7",
    "nature-foliage.png": "94c520d0e96a44db0e31f4a54966b4350f7f8fb09362090a60b513f34f1aa546",
    "game-courtyard.png": "1c24b7170e6d9b7de5ee2fec22d800a647fa9f73e2e8ecb3f73caa299af1b9a8",
    "nature-lake.png": "cea50cadf6e94b21e8395821f069087a27e76b3b6c1b51e39a0cb6395c46fba0",
    "photo-astronaut.png": "a8c429c18afa7b0fd5673e598d73a21225d94c864a71bbb3885126fdecb41071",
    "photo-chelsea.png": "416b729128bfb2c3d1eb69bf9b1734a796293abc17939267b2dc94f8a5784031",
    "photo-coffee.png": "0ce2b51640b9c95f19617f03eabf40c3f0368589cc1ee1190b70966165ac184f",
}
