"""``python -m agentalign_lc.cli``: the command without its script."""

from agentalign_lc.cli.main import main

if __name__ == "__main__":
    main()
