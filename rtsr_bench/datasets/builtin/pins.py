"""SHA-256 of the raw uint8 RGB bytes of every picture of the built-in set, row by row."""

from __future__ import annotations

PINS = {
    "vector-balloons.png": "789561fb407675c64def446aac580be32a82761da38a9a2cae1191f2dd8162ba",
    "ui-desktop.png": "732fb690e4d6ee00fa5403946965718d1830c7a38625a782bfc0190f52e884ff",
    "fractal-julia.png": "d66450debbe73a2d53a093ad4fc0c45c942260c0d499ab2ebe031caea727facb",
    "fabric-tartan.png": "0e17ed6586a5aeabf8896dc911eeb74535a52ed9e768176d8babb38003c1c150",
    "nature-foliage.png": "128073aa5d163d61070b2731d68034b2b81949d3eaf68ea7b5a57532321af575",
    "game-courtyard.png": "188e6405d86b8cb0de7f64566c6b0dc5bbcc933934d2beb1e48141d10b8cc3a3",
    "nature-lake.png": "40a4ea5fa48f91502bd20f4c23014101a2f0cca6f91d3cfceccfdc93e4952bf1",
    "photo-astronaut.png": "a8c429c18afa7b0fd5673e598d73a21225d94c864a71bbb3885126fdecb41071",
    "photo-chelsea.png": "416b729128bfb2c3d1eb69bf9b1734a796293abc17939267b2dc94f8a5784031",
    "photo-coffee.png": "0ce2b51640b9c95f19617f03eabf40c3f0368589cc1ee1190b70966165ac184f",
    "vector-city-map.png": "aa1be06c8e02099228cf0ac2ba5fb2df7c55cab3ca954f61e7f1e8b98a3566db",
    "print-newspaper.png": "7bdbd55496a63dfebfc3b4c57d26ebed915051ad03bcbe89f3b3ceffd41e1070",
    "fractal-seahorses.png": "8b3aaed614c754d7872e73cec8104dcbd5a7178024657d1e83b6e29f4f778eb5",
    "fabric-pullover.png": "df8bdddb2594b0e51308653f0f8dd6837f640752305c90959f1e33c9951ab837",
    "nature-pebbles.png": "d2885bd99a5169966bb4ca4b58e4e8888159515f7e52e904294598603e17e941",
    "nature-canyon.png": "6f47121e71cad83532c89a6b6dd746f9d0086cbe3fdffc2dc9033aac18ccd734",
    "game-street.png": "bf7c74a6cbece7f1926ed21a3e246541ba92cae21cea3d223da9837492c46e26",
    "game-terrace.png": "159b0a71087acf875757ec4de2c9dabcbe5324fe88ffabced0fa8fb995cf23de",
    "photo-rocket.png": "3d4435cc745752b7f9724df88c6e18817de3ce7e3d2d71c55f85f7831e68f197",
    "photo-hubble-deep-field.png": "9a3ea9548188f81e63435188456e74de45a981ebeb791e265abe79a26d3b528b",
    "photo-retina.png": "3670e389d0dae9f755cc1bb7e4da4c3d2cdf10eba2dc3060836d8d4b8024d860",
}
