import pytest
from channels_redis.pubsub import RedisPubSubLoopLayer

from config.layer import PAUSES, RestoringChannelLayer


@pytest.mark.parametrize(
    ("failures", "is_had"), [(0, True), (len(PAUSES), True), (len(PAUSES) + 1, False)]
)
async def test_a_channel_is_had_once_the_connection_is_back(
    monkeypatch, failures, is_had
):
    left = [RuntimeError("another coroutine is already waiting")] * failures

    async def new_channel(self):
        if left:
            raise left.pop()
        return "a channel"

    monkeypatch.setattr("config.layer.PAUSES", [0.0] * len(PAUSES))
    monkeypatch.setattr(RedisPubSubLoopLayer, "new_channel", new_channel)
    layer = RestoringChannelLayer(hosts=["redis://127.0.0.1:1/0"])
    if is_had:
        assert await layer.new_channel() == "a channel"
    else:
        with pytest.raises(RuntimeError):
            await layer.new_channel()
