import torch


class Nearest(torch.nn.Module):
    def __init__(self, scale=2):
        super().__init__()
        self.scale = scale
        self.conv = torch.nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.eye(3)[:, :, None, None])

    def forward(self, x):
        return torch.nn.functional.interpolate(self.conv(x), scale_factor=self.scale, mode="nearest")


def srmodel():
    return Nearest()
