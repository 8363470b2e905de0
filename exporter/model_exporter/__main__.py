"""`python -m model_exporter`."""

from model_exporter.cli import main

if __name__ == "__main__":
    main()
