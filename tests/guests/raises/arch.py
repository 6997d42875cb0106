def srmodel():
    raise RuntimeError("the weights are at home")
