"""The service for Cloud Run. What it takes of Kubernetes' pods is judged as a
pod, the rest against what its reference lists."""

import copy
import unittest

import judged
import rendering
import service
import yaml

ANNOTATIONS = {
    "run.googleapis.com/ingress",
    "autoscaling.knative.dev/minScale",
    "autoscaling.knative.dev/maxScale",
    "run.googleapis.com/cpu-throttling",
    "run.googleapis.com/startup-cpu-boost",
}
# From SIGTERM to SIGKILL, which can't be set.
GRACE = 10


class CloudRun(judged.Target):
    target = "cloud-run"

    def revision(self, project):
        (found,) = judged.documents(project / "deploy/service.yaml")
        self.assertEqual((found["apiVersion"], found["kind"]), ("serving.knative.dev/v1", "Service"))
        self.assertEqual({*found}, {"apiVersion", "kind", "metadata", "spec"})
        self.assertEqual({*found["spec"]}, {"template"})
        template = found["spec"]["template"]
        annotations = found["metadata"]["annotations"] | template["metadata"]["annotations"]
        self.assertEqual({*annotations} - ANNOTATIONS, set())
        self.assertEqual({type(value) for value in annotations.values()}, {str})
        return template

    def test_the_pod_is_one(self):
        for *_, project, folder in self.each():
            spec = copy.deepcopy(self.revision(project)["spec"])
            self.assertLessEqual(spec.pop("containerConcurrency"), 1000)
            self.assertLessEqual(spec.pop("timeoutSeconds"), 3600)
            file = folder / "pod.yaml"
            metadata = {"name": rendering.NAME}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
            file.write_text(yaml.safe_dump(pod), "utf-8")
            self.judge(judged.TOOLS / "kubernetes-validate", "--strict", file)

    def test_the_service_knows_its_settings_and_ends_in_time(self):
        for store, bus, project, folder in self.each():
            template = self.revision(project)
            (container,) = template["spec"]["containers"]
            (port,) = container["ports"]
            env = judged.image_env(project)
            env |= {entry["name"]: entry["value"] for entry in container["env"]}
            mounts = {mount["mountPath"] + "/value" for mount in container["volumeMounts"]}
            files = {value for name, value in env.items() if name.endswith("_FILE")}
            self.assertEqual(mounts, files)
            env = service.with_secret_files(env, folder) | {"PORT": str(port["containerPort"])}
            settings = service.Settings(self, env, folder)
            settings.goes_within(self, GRACE)
            self.assertEqual(settings.port(), container["startupProbe"]["httpGet"]["port"])
            # As the platform says itself: a file would be lost there.
            local = settings.values["store.kind"] == '"sqlite"'
            there = service.run(["config", "check"], env | {"K_SERVICE": "rooms"}, folder)
            self.assertEqual("accounts will be lost" in there.stderr, local, there.stderr)
            if not rendering.has_cluster(store, bus):
                scale = template["metadata"]["annotations"]["autoscaling.knative.dev/maxScale"]
                self.assertEqual(scale, "1")


if __name__ == "__main__":
    unittest.main()
