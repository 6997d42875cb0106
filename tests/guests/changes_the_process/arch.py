import argparse
import gc
import os
import sys
import warnings

import numpy as np
import torch

argparse.ArgumentParser().parse_args()
torch.set_default_dtype(torch.float64)


def disturb():
    torch.set_default_dtype(torch.float16)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.autograd.set_detect_anomaly(True)
    torch.manual_seed(7)
    np.seterr(all="raise")
    np.random.seed(7)
    warnings.simplefilter("error")
    sys.setrecursionlimit(400)
    sys.stdout = sys.stderr = None
    os.chdir("/")
    os.environ.clear()
    gc.disable()


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 1, bias=False)
        self.conv.weight.data.copy_(torch.eye(3)[:, :, None, None])

    def forward(self, x):
        y = torch.nn.functional.interpolate(self.conv(x), scale_factor=2, mode="nearest")
        disturb()
        return y


def srmodel():
    net = Net()
    disturb()
    return net
