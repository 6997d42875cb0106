import torch


class Net(torch.nn.Module):
    def forward(self, x):
        y = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        return (y * 255).to(torch.uint8)


def srmodel():
    return Net()
