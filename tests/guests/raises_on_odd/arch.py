import torch


class Net(torch.nn.Module):
    def forward(self, x):
        y = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        if x.shape[-1] % 2:
            raise ValueError("odd width")
        return y


def srmodel():
    return Net()
