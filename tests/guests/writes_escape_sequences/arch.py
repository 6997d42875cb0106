import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    print("\x1b]0;owned\x07\x1b[2J printed")
    raise RuntimeError("\x1b[31mred\x1b[0m \u202eevil\x07\rover")
