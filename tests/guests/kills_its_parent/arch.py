import os
import signal
import time

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1)
    return Net()
