"""relay.py PATH TARGET MILLISECONDS: a slow way to a node, from one unix socket to another.

Everything takes MILLISECONDS in each direction. USR1: the connections that exist now die without a word; what comes
after is forwarded. USR2: the same, but only when the next acquire has been forwarded: its answer is lost, and the
abandon.
"""
import asyncio
import signal
import sys

path, target, delay = sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000
generation = 0
dies_at_acquire = False


async def forward(reader, writer, born):
    loop = asyncio.get_running_loop()
    while data := await reader.read(65536):
        if born != generation:
            continue
        loop.call_later(delay, writer.write, data)
        if dies_at_acquire and b"'granted'" in data:
            die_silently()
    if born == generation:
        loop.call_later(delay, writer.close)


async def serve(reader, writer):
    born = generation
    try:
        there, back = await asyncio.open_unix_connection(target)
    except OSError:
        return writer.close()
    await asyncio.gather(forward(reader, back, born), forward(there, writer, born), return_exceptions=True)


def die_silently():
    global generation, dies_at_acquire
    generation += 1
    dies_at_acquire = False


def die_at_acquire():
    global dies_at_acquire
    dies_at_acquire = True


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, die_silently)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, die_at_acquire)
    server = await asyncio.start_unix_server(serve, path)
    async with server:
        await server.serve_forever()


asyncio.run(main())
