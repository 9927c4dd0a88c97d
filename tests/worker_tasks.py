"""Tasks that worker processes import by name."""

from __future__ import annotations

import os
import signal
import time

from vtbench.errors import BadInput


def square(number):
    print("noise that must not reach standard output")
    if number < 0:
        raise BadInput("It is negative.")
    return number * number


def fall(number):
    if number == 1:
        os._exit(7)
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 3:
        raise SystemExit("bye")
    return number


class Panic(BaseException):
    """What some compiled libraries raise."""


def panic(number):
    raise Panic("out of luck") if number else KeyboardInterrupt


def grow(number):
    _ = bytearray(number) and None
    return os.getpid()


def pid(number):
    return os.getpid()


def rest(number):
    time.sleep(number)
    return number
