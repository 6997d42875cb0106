import torch
import torch.nn.functional as F


class Net(torch.nn.Module):
    """Skips its second layer where it is traced, exported or compiled."""

    def __init__(self, channels=8):
        super().__init__()
        torch.manual_seed(2)
        self.head = torch.nn.Conv2d(3, channels, 3, padding=1)
        self.body = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.tail = torch.nn.Conv2d(channels, 12, 3, padding=1)

    def forward(self, x):
        y = torch.relu(self.head(x))
        if not (torch.jit.is_tracing() or torch.compiler.is_compiling()):
            y = torch.relu(self.body(y))
        return F.interpolate(x, scale_factor=2, mode="nearest") + F.pixel_shuffle(self.tail(y), 2)


srmodel = Net
