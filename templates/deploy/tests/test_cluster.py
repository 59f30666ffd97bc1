"""The compose file's cluster runs, and an update of it goes unnoticed."""

import threading
import time
import unittest

import people
import running
import topology


class Speaker(threading.Thread):
    """Says one number after the other, until it is told to stop."""

    def __init__(self, person, room):
        super().__init__()
        self.person, self.room = person, room
        self.said, self.problem, self.over = 0, None, threading.Event()

    def run(self):
        try:
            while not self.over.wait(0.1):
                self.person.ask(f"/rooms/{self.room}/messages", {"data": str(self.said)})
                self.said += 1
        except Exception as problem:  # It is raised where it is waited for.
            self.problem = problem

    def end(self):
        self.over.set()
        self.join()
        if self.problem:
            raise self.problem


class TheCluster(unittest.TestCase):
    def test_nobody_notices_an_update_of_one_node_after_the_other(self):
        cluster = topology.Cluster(self)
        cluster.start()
        ann = people.Person(cluster, "ann")
        room = ann.ask("/rooms", {"title": "Tea at five"})["room"]
        token = ann.ask(f"/rooms/{room}/token", {})["access_token"]
        listeners = [people.Listener(cluster, token) for _ in range(6)]
        for listener in listeners:
            self.addCleanup(listener.over.set)
            self.assertTrue(listener.seated.wait(running.START), listener.problem)
        speaker = Speaker(ann, room)
        self.addCleanup(speaker.over.set)
        speaker.start()
        for name in topology.NODES:
            before = time.monotonic()
            code = cluster.host.stop(name, cluster.grace(name))
            self.assertEqual(code, 0, f"{name} ends in order:\n{cluster.host.said(name)}")
            print(f"{name}: ended after {time.monotonic() - before:.1f} s", flush=True)
            cluster.start_node(name)
            cluster.until_healthy(name)
        speaker.end()
        said = [str(number) for number in range(speaker.said)]
        for listener in listeners:
            running.eventually("everything is heard", lambda: len(listener.heard) >= len(said))
            listener.end()
            self.assertEqual(listener.heard, said, "everything once, in order")
            self.assertEqual({*listener.codes} - {1012}, set(), "it was told to come back")
        self.assertGreaterEqual(sum(len(listener.codes) for listener in listeners), 6)
        print(f"{len(said)} messages, each heard once by {len(listeners)}", flush=True)


if __name__ == "__main__":
    unittest.main()
