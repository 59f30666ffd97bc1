"""What a checklist of security may not say."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import checklists  # noqa: E402


class Checklists(unittest.TestCase):
    def said_of(self, *rows, name="some.md"):
        with tempfile.TemporaryDirectory() as folder:
            paper = pathlib.Path(folder) / name
            paper.write_text("\n".join(rows), encoding="utf-8")
            return list(checklists.mistakes(ROOT, paper))

    def test_a_test_that_is_there(self):
        for test in [
            "tests/api/tokens.rs::confused_headers",
            "src/config/secret.rs::what_people_type_is_weak",
            "tests/process/audit.rs::a_refusal_has_its_reason_there_and_nowhere_else",
            "backends/contract/src/conformance/rotation.rs::logout_beats_a_racing_refresh",
            "page/tests/session.test.js::a reload goes on with what is stored",
        ]:
            self.assertEqual(self.said_of(f"| 1.1 | 1 | so | met | `{test}` |"), [], test)

    def test_a_test_that_is_not(self):
        for test in [
            "tests/api/tokens.rs::confused_header",
            "tests/api/token.rs::confused_headers",
            # A function that is no test.
            "tests/api/tokens.rs::is_refused",
            "tests/api/tokens.rs::header",
            # A part of a name.
            "tests/api/tokens.rs::headers",
            "backends/contract/src/conformance/rotation.rs::logout_beats_a_racing",
            "page/tests/session.test.js::a reload goes on with what",
            "README.md::Roomkey",
        ]:
            said = self.said_of(f"| 1.1 | 1 | so | met | `{test}` |")
            self.assertEqual(said, [f"there is no test {test}"])
            # Wherever it stands.
            self.assertEqual(self.said_of(f"See `{test}`."), [f"there is no test {test}"])

    def test_a_row_has_a_verdict_and_something_behind_it(self):
        for row, mistake in [
            ("| 1.1 | 1 | so | perhaps | because |", "1.1: 'perhaps' is no verdict"),
            ("| 1.1 | 1 | so | not met |  |", "1.1: nothing stands behind it"),
            ("| 1.1 | 1 | so | not met | <!-- --> |", "1.1: nothing stands behind it"),
            ("| 1.1 | 1 | so | met | of course |", "1.1: neither a test nor a paper shows it"),
        ]:
            self.assertEqual(self.said_of(row), [mistake])

    def test_a_requirement_has_one_row(self):
        rows = [f"| 3.{each} | so | not met | why |" for each in range(1, 13)]
        self.assertEqual(self.said_of(*rows, name="RFC8725.md"), [])
        self.assertEqual(self.said_of(*rows[:-1], name="RFC8725.md"), ["3.12: no row"])
        self.assertEqual(
            self.said_of(*rows, rows[3], name="RFC8725.md"), ["3.4: more than one row"]
        )


if __name__ == "__main__":
    unittest.main()
