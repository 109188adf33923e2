"""Threads of a job, which share a queue."""

import threading
from collections.abc import Callable

import jax

Work = Callable[[], None]


def in_threads(work: Work, count: int, on_error: Callable[[], object]) -> None:
    """Run `work` in `count` threads, this one among them.

    Args:
        work: what each of them does.
        count: how many.
        on_error: called when one of them fails, to make the others stop; the first error is then
            raised here.
    """
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
            on_error()

    threads = [threading.Thread(target=in_64_bits, args=(guarded,)) for _ in range(count - 1)]
    for thread in threads:
        thread.start()
    try:
        guarded()
    finally:
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]


def in_64_bits(work: Work) -> None:
    """Do `work` in 64 bits: a thread does not inherit `with jax.enable_x64():` from its parent."""
    with jax.enable_x64(True):
        work()
