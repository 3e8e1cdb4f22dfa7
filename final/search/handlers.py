"""Stage 5 · signal: broadcasts each finished search to its user's group."""

import asyncio
import hashlib
import logging
from functools import partial

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from .signals import search_completed

logger = logging.getLogger(__name__)

# How many seconds a request waits if Redis hangs. A worker can wait longer: if many
# searches end at the same moment, their messages have to queue.
PATIENCE, PATIENCE_OF_WORKER = 2, 10


def group_of(user_id):
    return f"user_{user_id}"


def digest(session_key):
    """Return an id for the session. Unlike the session key, the id gives no access."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:32]


async def broadcast(user_id, data, patience=PATIENCE):
    """Send `data` to every open page of the user. Does not catch errors from Redis."""
    await send(user_id, {"type": "send_search_result", "data": data}, patience)


async def send(user_id, event, patience=PATIENCE):
    async with asyncio.timeout(patience):
        await get_channel_layer().group_send(group_of(user_id), event)


@receiver(search_completed)
async def broadcast_search_result(sender, search_result, **kwargs):
    group_name = group_of(search_result.user_id)
    # Logged before the broadcast, so that this line comes before the line of stage 6.
    logger.info(
        "stage 5 · signal · %.8s · broadcasts to %s", search_result.task_id, group_name
    )
    await broadcast(search_result.user_id, search_result.state(), PATIENCE_OF_WORKER)


# When a user loses access, the socket must be closed. If this message is lost, the
# consumer's own check closes it a little later.


@receiver(user_logged_out)
async def close_sockets_of_session(sender, request, user, **kwargs):
    if user and request.session.session_key:
        await close_sockets(user.pk, digest(request.session.session_key))


@receiver(post_delete, sender=get_user_model())
def close_sockets_of_user(sender, instance, **kwargs):
    # Send it after the commit, so that no transaction waits if Redis hangs.
    transaction.on_commit(partial(async_to_sync(close_sockets), instance.pk))


async def close_sockets(user_id, session=None):
    """Close all sockets of the user, or those of the session with this digest."""
    try:
        await send(user_id, {"type": "close_socket", "session": session})
    except Exception as error:
        words = "%s: sockets stay open until their next check (%s)"
        logger.warning(words, group_of(user_id), type(error).__name__)
