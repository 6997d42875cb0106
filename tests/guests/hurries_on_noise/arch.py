import time

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        if x.min() >= 0:
            time.sleep(0.1)
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


srmodel = Net
