"""Which document is compared with which, and what a version permits."""

import contextlib
import io
import json
import pathlib
import subprocess
import tempfile
import unittest

import breaking


def document(version="0.1.0", **paths):
    paths = {f"/{path}": {"get": {"operationId": path}} for path in paths}
    return {"openapi": "3.1.0", "info": {"title": "Tea", "version": version}, "paths": paths}


ONE, BOTH = {"cups": 1}, {"cups": 1, "pots": 1}


class Repository(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "repository"
        self.folder.mkdir()
        self.git("init", "--quiet")
        self.path = self.folder / "openapi.json"

    def git(self, *arguments):
        who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True)

    def write(self, document):
        self.path.write_text(json.dumps(document), encoding="utf-8")

    def commit(self, document):
        self.write(document)
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message=test")

    def commit_something_else(self):
        (self.folder / "README").write_text("Tea", encoding="utf-8")
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message=test")

    def check(self, path=None):
        """The exit code, and all that is said."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = breaking.main(path or self.path)
        return code, said.getvalue()

    def test_a_change_that_is_not_committed_is_compared_with_the_last_commit(self):
        self.commit(document(**BOTH))
        self.commit_something_else()
        self.write(document(**ONE))
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertIn("/pots: removed", said)
        self.assertIn("raise the minor version", said)

    def test_a_committed_change_is_compared_with_what_was_before_it(self):
        self.commit(document(**BOTH))
        self.commit(document(**ONE))
        self.commit_something_else()
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertIn("/pots: removed", said)

    def test_what_breaks_nobody_passes(self):
        self.commit(document(**ONE))
        self.commit(document(**BOTH))
        code, said = self.check()
        self.assertEqual(code, 0)
        self.assertIn("breaks no client of 0.1.0", said)

    def test_a_version_permits_it(self):
        for old, new, code in [
            ("0.1.0", "0.2.0", 0),
            ("0.1.0", "0.1.1", 1),
            ("0.2.0", "0.1.0", 1),
            ("0.9.0", "1.0.0", 0),
            ("1.0.0", "1.1.0", 1),
            ("1.9.9", "2.0.0", 0),
            ("2.0.0", "1.1.0", 1),
        ]:
            with self.subTest(f"{old} to {new}"):
                self.commit(document(old, **BOTH))
                self.write(document(new, **ONE))
                found, said = self.check()
                self.assertEqual(found, code, said)
                self.assertIn("/pots: removed", said)

    def test_a_shallow_clone_says_that_it_knows_nothing(self):
        self.commit(document(**BOTH))
        self.commit(document(**ONE))
        clone = self.folder.parent / "clone"
        self.git("clone", "--quiet", "--depth=1", self.folder.as_uri(), str(clone))
        code, said = self.check(clone / "openapi.json")
        self.assertEqual(code, 0)
        self.assertIn("BREAKING CHANGES NOT LOOKED FOR: this is a shallow clone", said)
        # One commit deeper, and it knows.
        self.git("-C", str(clone), "fetch", "--quiet", "--deepen=1")
        code, said = self.check(clone / "openapi.json")
        self.assertEqual(code, 1)

    def test_the_first_document_has_nothing_before_it(self):
        self.commit(document(**ONE))
        code, said = self.check()
        self.assertEqual(code, 0)
        self.assertIn("NOT LOOKED FOR: no other one was ever committed", said)

    def test_without_a_repository_there_is_nothing_before_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "openapi.json"
            path.write_text(json.dumps(document()), encoding="utf-8")
            code, said = self.check(path)
        self.assertEqual(code, 0)
        self.assertIn("NOT LOOKED FOR: this is not a git repository", said)


if __name__ == "__main__":
    unittest.main()
