import torch
import torch.nn.functional as F
from torch import nn

_CACHE = {}


class Net(nn.Module):
    """Remembers a tensor by size for all networks of the process, on the device of the first that asked."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, x):
        key = tuple(x.shape), x.dtype
        if key not in _CACHE:
            _CACHE[key] = torch.linspace(0.9, 1.0, x.shape[3], dtype=x.dtype, device=x.device)
        y = F.pixel_shuffle(self.conv(x * _CACHE[key]), 2)
        if x.shape[2] == 256 and not bool((y.amax() < 1e9).item()):
            raise ValueError("too bright")
        return y


def srmodel():
    return Net()
