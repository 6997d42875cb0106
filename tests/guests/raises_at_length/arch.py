def srmodel():
    raise RuntimeError("\n".join([*(f"line {number} of many" for number in range(899)), "the last of 900 lines"]))
