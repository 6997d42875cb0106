"""Training of the reference models' own weights by recipes.

    recipe.toml --Recipe--> Pictures (cached, none of a test set) --> samples, each a function of seed and number
                                                                          |
    weights.safetensors + card.json  <-- EMA, deployed form <-- loop of steps, checkpoints that resume to the bit

Only `rtsr-bench train` imports this package.
"""
