"""So many requests a minute for each client, in a table that cannot grow without end."""

from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.web.rate_limit import RateLimit, client_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_minute_s_requests_may_come_at_once_and_then_one_an_interval(clock):
    limit = RateLimit(6, clock=clock)

    assert [limit.seconds_to_wait("a") for _ in range(6)] == [0.0] * 6
    assert limit.seconds_to_wait("a") == pytest.approx(10.0)
    clock.now += 4.0
    assert limit.seconds_to_wait("a") == pytest.approx(6.0)
    clock.now += 6.0
    assert limit.seconds_to_wait("a") == 0.0
    assert limit.seconds_to_wait("a") == pytest.approx(10.0)


def test_one_client_s_requests_are_not_another_s(clock):
    limit = RateLimit(1, clock=clock)

    assert limit.seconds_to_wait("a") == 0.0
    assert limit.seconds_to_wait("b") == 0.0
    assert limit.seconds_to_wait("a") > 0.0


def test_who_waits_as_long_as_told_is_let_in(clock):
    limit = RateLimit(7, clock=clock)
    for _ in range(50):
        wait = limit.seconds_to_wait("a")
        if wait:
            clock.now += wait
            assert limit.seconds_to_wait("a") == 0.0


def test_it_lets_in_what_a_bucket_that_leaks_lets_in(clock):
    """The other form of the same algorithm: a bucket of `per_minute` tokens that fills at that rate."""
    generator = np.random.default_rng(5)
    limit, tokens, seen = RateLimit(10, clock=clock), 10.0, clock.now
    for pause in generator.exponential(4.0, 500):
        clock.now += pause
        tokens, seen = min(10.0, tokens + (clock.now - seen) * 10 / 60), clock.now
        let_in = tokens >= 1
        tokens -= let_in
        assert (limit.seconds_to_wait("a") == 0.0) == let_in


def test_the_table_forgets_who_was_seen_longest_ago(clock):
    limit = RateLimit(1, most_clients=2, clock=clock)
    for client in ("a", "b", "c"):
        limit.seconds_to_wait(client)

    assert len(limit) == 2
    assert limit.seconds_to_wait("b") > 0.0
    assert limit.seconds_to_wait("a") == 0.0  # forgotten, so it starts anew


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("somewhere", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_client_is_an_address_of_ipv4_or_a_network_of_ipv6(host, client):
    assert client_of(host) == client
