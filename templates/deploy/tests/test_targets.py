"""What holds for every target."""

import unittest

import judged
import rendering


class EveryTarget(judged.Target):
    def every_file(self):
        """Each file of each target, for each pair."""
        for self.target in rendering.TARGETS:
            for store, bus, project, _ in self.each():
                for file in project.rglob("*"):
                    if file.is_file():
                        yield store, bus, file, file.read_text("utf-8")

    def test_nothing_of_the_template_is_left(self):
        for *_, file, text in self.every_file():
            self.assertNotRegex(text, r"\{%|%\}|\{\{|\}\}", file)
            self.assertNotRegex(text, r"\A\n|\n\n\n|\n\n\Z|[ \t]\n", file)
            self.assertTrue(text.endswith("\n"), file)

    def test_nothing_of_what_was_not_chosen_is_left(self):
        words = {
            "sqlite": r"(?i)sqlite|accounts\.db|APP__STORE__PATH",
            "postgres": r"(?i)postgres|database_url",
            "nats": r"(?i)\bnats|nats_url|APP__BUS__HISTORY",
        }
        for store, bus, file, text in self.every_file():
            stores = {"sqlite", "postgres"} if store == "both" else {store}
            buses = {"nats"} if bus in ("nats", "both") else set()
            for word in {*words} - stores - buses:
                # Where a file is not enough, what would be is named.
                if (self.target, file.name, word) == ("cloud-run", "README.md", "postgres"):
                    continue
                self.assertNotRegex(text, words[word], file)

    def test_scripts_are_executable(self):
        for file in rendering.FOLDER.rglob("*.sh"):
            self.assertTrue(file.stat().st_mode & 0o111, file)


if __name__ == "__main__":
    unittest.main()
