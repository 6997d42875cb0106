"""Training: the recipes behind the reference models' own weights, and what carries them out.

    recipe.toml --Recipe--> Pictures (cached, none of a test set) --> samples, each a function of seed and number
                                                                          |
    weights.safetensors + card.json  <-- EMA, deployed form <-- loop of steps, checkpoints that resume to the bit

Nothing else in the project imports this room but `rtsr-bench train`.
"""
