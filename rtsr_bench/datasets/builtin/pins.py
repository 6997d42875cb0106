"""SHA-256 of the raw uint8 RGB bytes of every picture of the built-in set, row by row."""

from __future__ import annotations

PINS = {
    "vector-balloons.png": "789561fb407675c64def446aac580be32a82761da38a9a2cae1191f2dd8162ba",
    "ui-desktop.png": "732fb690e4d6ee00fa5403946965718d1830c7a38625a782bfc0190f52e884ff",
    "fractal-julia.png": "f6f6db98b480193eff4bcf4bf9a44d9d2f3a69bc996874b29d67ac4d81af8558",
    "fabric-tartan.png": "520c3f2347499fdab8dc610875223066183ed1071cc6a72079e62c65a53b9b5c",
    "photo-astronaut.png": "a8c429c18afa7b0fd5673e598d73a21225d94c864a71bbb3885126fdecb41071",
    "photo-chelsea.png": "416b729128bfb2c3d1eb69bf9b1734a796293abc17939267b2dc94f8a5784031",
    "photo-coffee.png": "0ce2b51640b9c95f19617f03eabf40c3f0368589cc1ee1190b70966165ac184f",
    "fractal-seahorses.png": "8908cf66f928c878573cf01ef7f47b317c5f6a6dc9c993e447b20b7743c894a6",
    "fabric-pullover.png": "df8bdddb2594b0e51308653f0f8dd6837f640752305c90959f1e33c9951ab837",
    "photo-rocket.png": "3d4435cc745752b7f9724df88c6e18817de3ce7e3d2d71c55f85f7831e68f197",
    "photo-hubble-deep-field.png": "9a3ea9548188f81e63435188456e74de45a981ebeb791e265abe79a26d3b528b",
    "photo-retina.png": "3670e389d0dae9f755cc1bb7e4da4c3d2cdf10eba2dc3060836d8d4b8024d860",
}
