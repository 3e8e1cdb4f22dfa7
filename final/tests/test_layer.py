"""What the channel layer does while Redis is down, and when a socket ends."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from config.layer import AT_ONCE, PAUSES, RestoringChannelLayer

SUBSCRIBE = "channels_redis.pubsub.RedisSingleShardConnection.subscribe"


@pytest.fixture
def layer(monkeypatch):
    """Return a layer with four connections to a Redis server that is down."""
    monkeypatch.setattr("config.layer.PAUSES", [0.0] * len(PAUSES))
    return RestoringChannelLayer(hosts=["redis://127.0.0.1:1/0"] * 4)


@pytest.mark.parametrize(
    ("failures", "is_made"), [(0, True), (len(PAUSES), True), (len(PAUSES) + 1, False)]
)
async def test_a_channel_is_created_when_the_connection_is_back(
    layer, monkeypatch, failures, is_made
):
    left = [RuntimeError("another coroutine is already waiting")] * failures

    async def subscribe(self, channel):
        if left and "heartbeat" not in channel:
            raise left.pop()

    monkeypatch.setattr(SUBSCRIBE, subscribe)
    if is_made:
        assert (await layer.new_channel()).startswith("asgispecific.")
    else:
        with pytest.raises(RuntimeError):
            await layer.new_channel()


def own_channels(layer):
    """Return the layer's channels, not counting those of the heartbeats."""
    return layer.channels.keys() - {watch.channel for watch in layer.watches}


async def test_a_socket_that_cannot_open_leaves_no_channel_behind(layer):
    for _ in range(3):
        with pytest.raises(RedisConnectionError):
            await layer.new_channel()
    assert not own_channels(layer)


async def test_a_socket_that_ends_leaves_no_channel_or_group_behind(layer, monkeypatch):
    """After an exception in a handler, Channels itself does not remove the channel."""
    monkeypatch.setattr(SUBSCRIBE, nothing)
    channel = await layer.new_channel()
    await layer.group_add("user_1", channel)
    await layer.group_discard("user_1", channel)
    assert not own_channels(layer)
    assert not layer.groups


async def nothing(self, channel):
    """Replaces the method that subscribes to a channel in Redis."""


async def test_each_socket_gets_one_snapshot_when_redis_is_back(layer, monkeypatch):
    # Refresh all sockets at the same moment. If a second snapshot were sent by mistake,
    # it would then arrive together with the first one.
    monkeypatch.setattr("config.layer.REFRESHED_PER_SECOND", 1e9)
    monkeypatch.setattr(SUBSCRIBE, nothing)
    channel = await layer.new_channel()
    await layer.group_add("user_1", channel)
    for watch in layer.watches:
        watch.has_missed = True
    for watch in layer.watches:  # the connections recover one after the other
        watch.has_missed = False
        watch.refresh()
    async with asyncio.timeout(5):
        event = await layer.receive(channel)
    assert event == {"type": "send_snapshot"}
    assert layer.channels[channel].empty()


async def test_messages_are_sent_in_parallel_up_to_a_limit(layer, monkeypatch):
    sent, may_go_on, are_enough = [], asyncio.Event(), asyncio.Event()

    async def publish(self, channel, message):
        sent.append(message)
        if len(sent) == AT_ONCE:
            are_enough.set()
        await may_go_on.wait()

    monkeypatch.setattr("redis.asyncio.Redis.publish", publish)
    sending = [
        asyncio.create_task(layer.group_send("user_1", {"type": "x", "number": number}))
        for number in range(2 * AT_ONCE)
    ]
    async with asyncio.timeout(5):
        await are_enough.wait()
        assert len(sent) == AT_ONCE, "the others wait until one has been sent"
        may_go_on.set()
        await asyncio.gather(*sending)
    assert len(sent) == 2 * AT_ONCE
