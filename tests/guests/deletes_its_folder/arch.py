import shutil
from pathlib import Path

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    shutil.rmtree(Path(__file__).parent)
    return Net()
