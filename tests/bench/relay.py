#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A git host at a distance: a relay on loopback that delivers each byte half a round trip after it came.

A connection costs a round trip before its first byte, as TCP's handshake does. Bandwidth is not limited, and nothing is lost.
"""

import argparse
import asyncio
import subprocess
import sys
import urllib.parse

CHUNK = 256 << 10


class Relay:
    """In a process of its own, which ends with this object."""

    def __init__(self, address, round_trip_ms):
        parts = urllib.parse.urlsplit(address)
        command = [sys.executable, __file__, str(parts.port), str(round_trip_ms)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        port = int(self.process.stdout.readline())
        self.address = parts._replace(netloc=f"127.0.0.1:{port}").geturl()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(5)
        self.process.stdout.close()


async def carry(reader, writer, delay, not_before):
    """Takes in at once and gives out later, in order."""
    loop = asyncio.get_running_loop()
    waiting = asyncio.Queue()

    async def deliver():
        while True:
            at, data = await waiting.get()
            await asyncio.sleep(max(0, at - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    delivery = asyncio.create_task(deliver())
    try:
        data = b"-"
        while data:
            data = await reader.read(CHUNK)
            waiting.put_nowait((max(loop.time(), not_before) + delay, data))
        await delivery
    except ConnectionError:
        delivery.cancel()
        writer.close()


async def serve(port, round_trip):
    async def meet(reader, writer):
        shaken = asyncio.get_running_loop().time() + round_trip
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            carry(reader, far_writer, round_trip / 2, shaken),
            carry(far_reader, writer, round_trip / 2, 0),
        )

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("round_trip_ms", type=float)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.round_trip_ms / 1000))


if __name__ == "__main__":
    main()
