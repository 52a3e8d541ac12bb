"""relay.py PATH TARGET MILLISECONDS: a slow way to a node, from one unix socket to another.

Everything takes MILLISECONDS in each direction. USR1: the connections that exist now die without a word; what comes
after is forwarded.
"""
import asyncio
import signal
import sys

path, target, delay = sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000
generation = 0


async def forward(reader, writer, born):
    loop = asyncio.get_running_loop()
    while data := await reader.read(65536):
        if born != generation:
            continue
        loop.call_later(delay, writer.write, data)
    if born == generation:
        loop.call_later(delay, writer.close)


async def serve(reader, writer):
    born = generation
    there, back = await asyncio.open_unix_connection(target)
    await asyncio.gather(forward(reader, back, born), forward(there, writer, born), return_exceptions=True)


def die_silently():
    global generation
    generation += 1


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, die_silently)
    server = await asyncio.start_unix_server(serve, path)
    async with server:
        await server.serve_forever()


asyncio.run(main())
