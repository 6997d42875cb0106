import torch

import os
import signal


class Net(torch.nn.Module):
    def forward(self, x):
        y = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        os.kill(os.getpid(), signal.SIGKILL)
        return y


def srmodel():
    return Net()
