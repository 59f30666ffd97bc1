"""The image that most targets run."""

import re
import unittest

import judged


class Image(judged.Target):
    target = "docker"

    def test_hadolint_has_nothing_to_say(self):
        for *_, project, _ in self.each():
            self.judge(judged.TOOLS / "hadolint", "--failure-threshold=style", project / "Dockerfile")

    def test_it_holds_nothing_but_the_binary_and_runs_as_nobody(self):
        for *_, project, _ in self.each():
            text = (project / "Dockerfile").read_text("utf-8")
            _, last = text.split("\nFROM scratch\n")
            self.assertRegex(last, r"(?m)^USER [1-9]\d*:[1-9]\d*$")
            self.assertNotIn("\nRUN ", last)
            self.assertRegex(last, r'(?m)^HEALTHCHECK .*CMD \["/my-chat", "healthcheck"\]$')
            self.assertRegex(last, r'(?m)^ENTRYPOINT \["/my-chat"\]$')
            for cargo in re.findall(r"cargo build[^&]*", text):
                self.assertIn("--locked", cargo)

    def test_the_build_sees_no_secrets(self):
        ignored = (judged.rendering.FOLDER / "image/.dockerignore").read_text("utf-8").splitlines()
        for path in ["deploy", ".git", "data", ".env"]:
            self.assertIn(path, ignored)


if __name__ == "__main__":
    unittest.main()
