import os
import time

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    os.closerange(0, 1024)
    time.sleep(3600)
    return Net()
