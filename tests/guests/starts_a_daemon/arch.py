import torch

import subprocess


class Net(torch.nn.Module):
    def forward(self, x):
        y = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        subprocess.Popen(["sleep", "61.25"])
        return y


def srmodel():
    return Net()
