"""Write the proxy's configuration for a place: `python -m serving.proxy --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from serving.proxy import Place, profile


def main() -> None:
    """Print the configuration."""
    parser = argparse.ArgumentParser(prog="python -m serving.proxy", description="Print nginx.conf.")
    parser.add_argument("--name", required=True, help="name by which the proxy is called")
    parser.add_argument("--certificate", required=True, type=Path, help="file of the certificate")
    parser.add_argument("--key", required=True, type=Path, help="file of its key")
    parser.add_argument("--listen", default="443", help="address and port on which it is reached")
    parser.add_argument("--upstream", default="127.0.0.1:3000", help="address and port of the service")
    parser.add_argument("--folder", default="/var/lib/vipreco-proxy", type=Path, help="for temporary files")
    parser.add_argument("--connections", default=64, type=int, help="most requests at once of one address")
    sys.stdout.write(profile(Place(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
