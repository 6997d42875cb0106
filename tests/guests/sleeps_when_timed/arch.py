import time

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        time.sleep(3600 if x.min() < 0 else 0)
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


srmodel = Net
