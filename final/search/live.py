"""Brings news to a user's open pages: a search's state, or a chunk of its answer."""

import asyncio
import hashlib

from channels.layers import get_channel_layer

# Seconds. A Redis that hangs must not hold up the answer, which the database keeps.
PATIENCE = 2


def group_of(user_id):
    return f"user_{user_id}"


def digest(session_key):
    """Names a session where others may read it: whoever has the key is its owner."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:32]


async def broadcast(user_id, data):
    """Send `data` to every open page of the user. Raises what Redis raises."""
    await _send(user_id, {"type": "send_search_result", "data": data})


async def close_sockets(user_id, session=None):
    """Close the user's sockets: all, or those of the session with that digest."""
    await _send(user_id, {"type": "close_socket", "session": session})


async def _send(user_id, event):
    async with asyncio.timeout(PATIENCE):
        await get_channel_layer().group_send(group_of(user_id), event)
