"""One process that answers: BentoML's application on a socket that its parent opened."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys

from serving.tether import tie_to_parent

KEEP_ALIVE_SECONDS = 75  # longer than a proxy's, so that it is never us who close under a request
DRAIN_SECONDS = 8
# LightGBM takes it along where it is installed: seventy megabytes and a second that no answer needs.
LEFT_OUT = "sklearn"


def main() -> None:
    """Answer until told to stop; finish what is being answered, then end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the listening socket")
    parser.add_argument("--service", default="serving.service:VipReco", help="module:name of the service")
    arguments = parser.parse_args()
    os.umask(0o077)
    sys.modules[LEFT_OUT] = None  # type: ignore[assignment]  # what is None cannot be imported
    tie_to_parent(int(os.environ.get("VIPRECO_PARENT", os.getppid())))
    serve(arguments.service, socket.socket(fileno=arguments.socket))


def serve(name: str, listening: socket.socket) -> None:
    """Run the service of a name on a socket."""
    import uvicorn  # noqa: PLC0415 - after the tie, so that a parent that dies now is noticed

    from serving.mounting import load  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    config = uvicorn.Config(
        load(name).to_asgi(),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        proxy_headers=False,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
