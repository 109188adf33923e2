"""`python -m flowlab` is `flowlab`."""

from .cli import main

main()
