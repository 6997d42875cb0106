import torch


class Net(torch.nn.Module):
    def forward(self, x):
        y = (x * 7.3 + 11) / 7.3 - 11 / 7.3  # costs bits wherever there are few of them
        return torch.nn.functional.interpolate(y, scale_factor=2, mode="nearest")


srmodel = Net
