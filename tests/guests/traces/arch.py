import ctypes

import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    library = ctypes.CDLL(None, use_errno=True)
    if library.ptrace(0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'ptrace')
    return Net()
