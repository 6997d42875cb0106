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
    "fractal-seahorses.png": "8b3aaed614c754d7872e73cec8104dcbd5a7178024657d1e83b6e29f4f778eb5",
    "fabric-pullover.png": "df8bdddb2594b0e51308653f0f8dd6837f640752305c90959f1e33c9951ab837",
    "photo-rocket.png": "3d4435cc745752b7f9724df88c6e18817de3ce7e3d2d71c55f85f7831e68f197",
    "photo-hubble-deep-field.png": "9a3ea9548188f81e63435188456e74de45a981ebeb791e265abe79a26d3b528b",
    "photo-retina.png": "3670e389d0dae9f755cc1bb7e4da4c3d2cdf10eba2dc3060836d8d4b8024d860",
}
