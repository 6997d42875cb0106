import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.eye(3)[:, :, None, None])

    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            y = self.conv(x)
            (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
            return torch.nn.functional.interpolate(y + 0.0 * slope, scale_factor=2, mode="nearest")


def srmodel():
    return Net()
