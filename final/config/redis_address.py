"""The address of Redis, in the format of each library that connects to it."""

import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

import redis
from django.core.exceptions import ImproperlyConfigured
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from .environment import check_address

# In seconds. If Redis hangs, visitors wait for a moment, not for ever.
PATIENCE = {"socket_timeout": 2, "socket_connect_timeout": 2}
# A connection that broke while it was idle fails only when it is used again.
RETRY_ONCE = {**PATIENCE, "retry": AsyncRetry(NoBackoff(), 1)}


class RedisAddress(NamedTuple):
    """The address of Redis, in the format that each library needs."""

    broker_url: str  # for Celery
    transport_options: dict  # for Celery
    layer_host: dict  # for channels-redis
    connect: Callable  # returns a redis-py client with the given options


def read_address(value, password):
    """Return the RedisAddress for REDIS_URL and REDIS_PASSWORD.

    The password may contain any character. Raises ImproperlyConfigured, with a message
    that contains no part of the password.
    """
    if value.startswith("sentinel:"):
        return read_sentinels(value, password)
    check_address(value, "REDIS_URL", "redis", "rediss", "unix")
    if password:
        parts = urlsplit(value)
        user, host = parts.username or "", parts.netloc.rpartition("@")[2]
        netloc = f"{user}:{quote(password, safe='')}@{host}"
        value = parts._replace(netloc=netloc).geturl()
    broker_url = value
    if value.startswith("unix:"):
        broker_url = value.replace("unix:", "redis+socket:", 1)
        broker_url = re.sub(r"(?<=[?&])db=", "virtual_host=", broker_url)
    return RedisAddress(
        broker_url,
        PATIENCE,
        {"address": value, **RETRY_ONCE},
        partial(redis.Redis.from_url, value, **PATIENCE),
    )


def read_sentinels(value, password):
    """Return the RedisAddress for a master that is found through Sentinels.

    If a Sentinel is unreachable, the next one is asked, without a retry.
    """
    found = re.fullmatch(
        r"sentinel://(?::([^@]*)@)?"  # the password of Redis
        r"((?:[\w.-]+:\d+,)*[\w.-]+:\d+)/([\w.-]+)(?:/(\d+))?",
        value,
    )
    if not found:
        raise ImproperlyConfigured(
            "REDIS_URL must look like"
            " sentinel://sentinel-1:26379,sentinel-2:26379/NAME_OF_THE_MASTER/0"
        )
    password, name = password or unquote(found[1] or ""), found[3]
    pairs = re.findall(r"([^:,]+):(\d+)", found[2])
    sentinels = [(host, int(port)) for host, port in pairs]
    user = f":{quote(password, safe='')}@" if password else ""
    number = int(found[4] or 0)
    master = {"db": number, "password": password or None}
    ask_once = {**PATIENCE, "retry": Retry(NoBackoff(), 0)}
    client = redis.Sentinel(sentinels, sentinel_kwargs=ask_once)
    return RedisAddress(
        ";".join(f"sentinel://{user}{host}:{port}/{number}" for host, port in pairs),
        {**PATIENCE, "master_name": name, "sentinel_kwargs": ask_once},
        {
            "sentinels": sentinels,
            "master_name": name,
            "sentinel_kwargs": {**PATIENCE, "retry": AsyncRetry(NoBackoff(), 0)},
            **master,
            **RETRY_ONCE,
        },
        partial(client.master_for, name, **master, **PATIENCE),
    )


def explain(error, address):
    """Explain an error of redis-py to an operator, without any secret."""
    reason = find_reason(error, address)
    return reason or f"Redis does not answer ({type(error).__name__})"


def find_reason(error, address):
    """Return what is wrong with the configuration, or None if Redis is only down."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate of Redis is refused: {cause.verify_message}"
    is_tls = address.broker_url.startswith("rediss:")
    if is_tls and isinstance(cause, FileNotFoundError):
        return "REDIS_URL names a file that does not exist"
    if isinstance(error, redis.AuthenticationError):
        return "Redis refuses the password"
    # redis-py begins with HELLO, which Redis has supported since version 6.
    if "unknown command" in str(error) and "HELLO" in str(error):
        version = "unknown"
        # The older protocol works without HELLO.
        with suppress(redis.RedisError), address.connect(protocol=2) as client:
            version = client.info("server")["redis_version"]
        return f"Redis is too old (version {version}): version 6.0 or later is required"
    return None


def find_misconfiguration(address):
    """Return what is wrong with the settings, or None if Redis works or is down."""
    try:
        with address.connect() as client:
            client.ping()
    except redis.RedisError as error:
        return find_reason(error, address)
    except Exception as error:
        return f"REDIS_URL cannot be used: {type(error).__name__}"
    return None
