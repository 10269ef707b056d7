"""``python uploader.py URL SECONDS BYTES``: the real client's upload under a lease, and how it ended."""

from __future__ import annotations

import sys

from gateway import loop
from gateway.voipms import ApiError, Client
from gateway.worker.lease import Lease, LeaseLostError


async def main(url: str, seconds: float, size: int) -> None:
    client = Client(url=url, username="u", password="p")
    lease = Lease.lasting(seconds)
    print(lease.until, flush=True)
    try:
        await client.send_fax_message(
            to_number="5552341234",
            from_name="Anna",
            from_number="5551234567",
            file=b"%PDF-" + bytes(size),
            guard=lease.check,
        )
    except ApiError as error:
        lost = isinstance(error.__cause__, LeaseLostError)
        print(error.failure.kind, error.failure.code, "lost" if lost else "", flush=True)
    else:
        print("sent", flush=True)
    await client.aclose()


if __name__ == "__main__":
    loop.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
