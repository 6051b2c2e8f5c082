"""``python -m monitor`` is ``qianli``."""

from monitor.cli import main

main()
