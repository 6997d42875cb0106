import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    """nn.MultiheadAttention over rows of 64 pixels."""

    def __init__(self):
        super().__init__()
        self.inp = nn.Conv2d(3, 16, 1)
        self.att = nn.MultiheadAttention(16, 2, batch_first=True)
        self.out = nn.Conv2d(16, 12, 1)

    def forward(self, x):
        b, _, h, w = x.shape
        x = F.pad(x, (0, -w % 8, 0, -h % 8), mode="replicate")
        hh, ww = x.shape[2:]
        t = self.inp(x).reshape(b, 16, hh // 8, 8, ww // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(-1, 64, 16)
        a, _ = self.att(t, t, t, need_weights=False)
        a = a.reshape(b, hh // 8, ww // 8, 8, 8, 16).permute(0, 5, 1, 3, 2, 4).reshape(b, 16, hh, ww)
        return F.pixel_shuffle(self.out(a), 2)[:, :, : 2 * h, : 2 * w]


def srmodel():
    return Net()
