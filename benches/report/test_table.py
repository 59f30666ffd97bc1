"""Figures and goals, as benches print them."""

import unittest

from table import measure, number, verdict


class Verdicts(unittest.TestCase):
    def test_a_goal_without_a_unit_is_for_the_ratio(self):
        row = ["CPU per delivery", "4.20 µs", "4.00 µs", "1.05", "<= 1.12"]
        self.assertEqual(verdict(row), "yes")
        self.assertEqual(verdict([*row[:3], "1.13", "<= 1.12"]), "no")
        self.assertEqual(verdict([*row[:3], "1.12", "<= 1.12"]), "yes")
        self.assertEqual(verdict([*row[:3], "19.9", ">= 20"]), "no")
        self.assertEqual(verdict([*row[:3], "1.00", "> 1x"]), "no")

    def test_a_goal_with_a_unit_is_for_the_figure(self):
        row = ["memory", "1.29 KiB", "0.1 KiB", "", "<= 1.3 KiB"]
        self.assertEqual(verdict(row), "yes")
        self.assertEqual(verdict(["memory", "0.9 MiB", "", "0.1", "<= 1.3 KiB"]), "no")
        self.assertEqual(verdict(["refreshes", "4100 /s", "90 /s", "45", ">= 2,000 /s"]), "yes")
        self.assertEqual(verdict(["sockets", "99,999", "", "", ">= 100,000 sockets"]), "no")

    def test_no_goal_has_no_verdict(self):
        self.assertEqual(verdict(["p99", "1 ms", "1 ms", "1.0", ""]), "")
        self.assertEqual(verdict(["p99", "1 ms", "1 ms", "1.0", "-"]), "")

    def test_what_was_not_measured_is_not_met(self):
        self.assertEqual(verdict(["p99", "- ms", "1 ms", "-", "<= 1.3"]), "not measured")

    def test_what_cannot_be_compared_is_an_error(self):
        with self.assertRaises(ValueError):
            verdict(["memory", "4 µs", "", "", "<= 1.3 KiB"])
        with self.assertRaises(ValueError):
            verdict(["memory", "4 µs", "", "", "small"])


class Figures(unittest.TestCase):
    def test_the_number_comes_first(self):
        self.assertEqual(number("6.10 ms (5.9-7.2)"), 6.1)
        self.assertEqual(number("117,000"), 117000)
        self.assertIsNone(number("-"))

    def test_bytes_are_compared_in_one_unit(self):
        self.assertEqual(measure("1.5 KiB"), (1536, "bytes"))
        self.assertEqual(measure("12 ms"), (12, "ms"))


if __name__ == "__main__":
    unittest.main()
