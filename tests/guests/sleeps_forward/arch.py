import torch

import time


class Net(torch.nn.Module):
    def forward(self, x):
        y = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        if x.shape[-1] > 64:  # the scale is found, the first image hangs
            time.sleep(3600)
        return y


def srmodel():
    return Net()
