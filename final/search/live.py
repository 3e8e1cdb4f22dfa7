"""Sends to a user's open pages: the state of a search, or a chunk of its answer."""

import asyncio
import hashlib

from channels.layers import get_channel_layer

# Seconds that a request waits for a Redis that hangs. A worker can wait longer: if many
# searches end at the same moment, their news has to queue.
PATIENCE = 2
PATIENCE_OF_WORKER = 10


def group_of(user_id):
    return f"user_{user_id}"


def digest(session_key):
    """A name for the session in messages. Not its key: the key gives access."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:32]


async def broadcast(user_id, data, patience=PATIENCE):
    """Send `data` to every open page of the user. Raises what Redis raises."""
    await _send(user_id, {"type": "send_search_result", "data": data}, patience)


async def close_sockets(user_id, session=None):
    """Close the user's sockets: all, or those of the session with that digest."""
    await _send(user_id, {"type": "close_socket", "session": session})


async def _send(user_id, event, patience=PATIENCE):
    async with asyncio.timeout(patience):
        await get_channel_layer().group_send(group_of(user_id), event)
