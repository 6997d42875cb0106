import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    """Keeps a scratch tensor between calls, and looks at a value of its input (so it has none on the meta device)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)
        self.scratch = None

    def forward(self, x):
        if self.scratch is None or self.scratch.shape != x.shape or self.scratch.dtype != x.dtype:
            self.scratch = torch.zeros_like(x)
        self.scratch.copy_(x)
        if float(self.scratch.amax()) > 1e6:
            raise ValueError("not an image")
        return F.pixel_shuffle(self.conv(self.scratch), 2)


def srmodel():
    return Net()
