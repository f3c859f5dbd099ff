"""redis-py's pipelines with WATCH: a transaction over what another client changed is given up, and nothing is lost."""
import random
import unittest

import redis

from support import URL, fresh_client, race_of_threads, until

THREADS = 8


class OptimisticLocks(unittest.TestCase):
    protocol = 2

    def setUp(self):
        self.client = fresh_client(protocol=self.protocol)
        self.addCleanup(self.client.close)
        self.other = redis.Redis.from_url(URL, decode_responses=True, protocol=self.protocol)
        self.addCleanup(self.other.close)

    def outcome_after(self, *commands):
        """Watches `mine`, lets another client run commands, and returns what the transaction on it gives."""
        with self.client.pipeline() as pipe:
            pipe.watch("mine")
            pipe.get("mine")
            for command in commands:
                self.other.execute_command(*command)
            pipe.multi()
            pipe.set("mine", "ours")
            try:
                return pipe.execute()
            except redis.WatchError:
                return "given up"

    def test_only_a_change_of_the_watched_key_gives_a_transaction_up(self):
        self.client.set("mine", "1")
        self.assertEqual(self.outcome_after(), [True])
        for number in range(200):
            self.assertEqual(self.outcome_after(["SET", "not-mine:%d" % number, "x"]), [True])
        self.assertEqual(self.outcome_after(["GET", "mine"]), [True])
        self.assertEqual(self.outcome_after(["SET", "mine", "theirs"]), "given up")
        self.assertEqual(self.client.get("mine"), "theirs")
        self.assertEqual(self.outcome_after(["DEL", "mine"]), "given up")
        self.assertEqual(self.outcome_after(["DEL", "mine"]), [True])
        self.assertEqual(self.outcome_after(["EXPIRE", "mine", "100"]), "given up")
        self.assertEqual(self.outcome_after(["RENAME", "mine", "away"], ["RENAME", "away", "mine"]), "given up")
        self.assertEqual(self.outcome_after(["FLUSHALL"]), "given up")
        self.assertEqual(self.outcome_after(["FLUSHALL"]), [True])
        self.assertEqual(self.outcome_after(["EVAL", "return redis.call('set', KEYS[1], '2')", "1", "mine"]), "given up")

    def test_a_watched_key_that_expires_gives_a_transaction_up(self):
        with self.client.pipeline() as pipe:
            # A machine that is busy may take longer than the key lives.
            for lifetime_ms in (50, 500, 5000):
                pipe.reset()
                self.other.set("mine", "1", px=lifetime_ms)
                pipe.watch("mine")
                if pipe.get("mine") == "1":
                    break
            until("the key is gone", lambda: not self.other.exists("mine"))
            pipe.multi()
            pipe.set("mine", "ours")
            with self.assertRaises(redis.WatchError):
                pipe.execute()

    def test_a_counter_read_and_written_by_many_loses_nothing(self):
        def count(_):
            client = redis.Redis.from_url(URL, protocol=self.protocol)
            given_up = 0
            for _ in range(25):
                while True:
                    with client.pipeline() as pipe:
                        try:
                            pipe.watch("counter")
                            value = int(pipe.get("counter") or 0)
                            pipe.multi()
                            pipe.set("counter", value + 1)
                            pipe.execute()
                            break
                        except redis.WatchError:
                            given_up += 1
            client.close()
            return given_up

        given_up = sum(race_of_threads(THREADS, count))
        self.assertEqual(self.client.get("counter"), str(25 * THREADS))
        self.assertGreater(given_up, 0, "the race never met a conflict, so it shows nothing")

    def test_money_moved_between_accounts_is_neither_made_nor_lost(self):
        accounts = ["account:%d" % i for i in range(6)]
        self.client.mset({account: 100 for account in accounts})

        def move(index):
            client = redis.Redis.from_url(URL, protocol=self.protocol)
            chance = random.Random(index)
            for _ in range(30):
                source, target = chance.sample(accounts, 2)
                amount = chance.randrange(1, 60)

                def transfer(pipe):
                    rest = int(pipe.get(source)) - amount
                    pipe.multi()
                    if rest >= 0:
                        pipe.decrby(source, amount)
                        pipe.incrby(target, amount)

                client.transaction(transfer, source, target)
            client.close()

        def look(_):
            client = redis.Redis.from_url(URL, protocol=self.protocol)
            sums = {sum(map(int, client.mget(accounts))) for _ in range(200)}
            client.close()
            return sums

        outcomes = race_of_threads(THREADS + 2, lambda index: move(index) if index < THREADS else look(index))
        self.assertEqual(outcomes[-2:], [{600}, {600}])
        balances = list(map(int, self.client.mget(accounts)))
        self.assertEqual(sum(balances), 600)
        self.assertGreaterEqual(min(balances), 0)

    def test_errors_at_queueing_and_at_running_are_told_apart(self):
        with self.client.pipeline() as pipe:
            pipe.set("mine", "1")
            pipe.execute_command("NONSENSE")
            with self.assertRaisesRegex(redis.ResponseError, "unknown command"):
                pipe.execute()
        self.assertFalse(self.client.exists("mine"))
        with self.client.pipeline() as pipe:
            pipe.set("mine", "text").incr("mine").get("mine")
            replies = pipe.execute(raise_on_error=False)
        self.assertEqual([replies[0], replies[2]], [True, "text"])
        self.assertIsInstance(replies[1], redis.ResponseError)


class OptimisticLocksInResp3(OptimisticLocks):
    protocol = 3


if __name__ == "__main__":
    unittest.main(verbosity=2)
