"""An ordinary asyncio server: prints its port, greets everyone with the address it sees, and closes."""

import asyncio
import sys


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _ = writer.get_extra_info("peername")
    writer.write(f"hello {host}\n".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    server = await asyncio.start_server(greet, sys.argv[1], 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
