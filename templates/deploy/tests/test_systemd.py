"""The unit for systemd."""

import unittest

import judged
import rendering
import service
import unit

# What `systemd-analyze security` may still find, of 100.
EXPOSURE = 15


class Systemd(judged.Target):
    target = "systemd"

    def unit(self, project, folder):
        """Under the name that it is installed as, with this machine's binary."""
        text = (project / "deploy/unit.service").read_text("utf-8")
        installed = f"/usr/local/bin/{rendering.NAME}"
        self.assertEqual(unit.values(text, "ExecStart"), [installed])
        file = folder / f"{rendering.NAME}.service"
        file.write_text(text.replace(f"={installed}\n", f"={service.BINARY}\n"), "utf-8")
        return file, text

    def test_systemd_has_nothing_to_say(self):
        for *_, project, folder in self.each():
            file, _ = self.unit(project, folder)
            done = self.judge("systemd-analyze", "--man=no", "verify", file)
            self.assertEqual(done.stdout + done.stderr, "")

    def test_little_is_left_that_it_may_do(self):
        for *_, project, folder in self.each():
            file, _ = self.unit(project, folder)
            self.judge("systemd-analyze", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}", "security", file)

    def test_the_service_knows_its_settings_and_ends_in_time(self):
        for *_, project, folder in self.each():
            _, text = self.unit(project, folder)
            credentials = {value.split(":")[0] for value in unit.values(text, "LoadCredential")}
            env = unit.environment(text, project / "deploy/environment", "/credentials")
            files = {value for name, value in env.items() if name.endswith("_FILE")}
            self.assertEqual(files, {f"/credentials/{name}" for name in credentials})
            settings = service.Settings(self, service.with_secret_files(env, folder), folder)
            settings.goes_within(self, int(unit.values(text, "TimeoutStopSec")[0]))
            self.assertEqual(settings.values["http.bind"], '"127.0.0.1:9000"')


if __name__ == "__main__":
    unittest.main()
