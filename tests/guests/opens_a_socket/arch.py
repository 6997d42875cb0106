import socket

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(('192.0.2.1', 53))
    raise RuntimeError('connected')
    return Net()
