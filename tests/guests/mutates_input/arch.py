import torch


class Net(torch.nn.Module):
    def forward(self, x):
        y = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        x.zero_()
        return y


def srmodel():
    return Net()
