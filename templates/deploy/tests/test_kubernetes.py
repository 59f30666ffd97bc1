"""The manifests for Kubernetes."""

import unittest

import judged
import rendering
import service


class Kubernetes(judged.Target):
    target = "kubernetes"

    def manifests(self, project):
        """What `kubectl apply -k` would apply, by kind, but for the settings."""
        deploy = project / "deploy"
        (kustomization,) = judged.documents(deploy / "kustomization.yaml")
        files = [deploy / name for name in kustomization["resources"]]
        present = {*deploy.rglob("*.yaml")} - {deploy / "kustomization.yaml"}
        self.assertEqual(present, {*files})
        self.judge(judged.TOOLS / "kubernetes-validate", "--strict", *files)
        found = [manifest for file in files for manifest in judged.documents(file)]
        return {manifest["kind"]: manifest for manifest in found}

    def test_the_manifests_are_valid_and_belong_together(self):
        for store, bus, project, _ in self.each():
            found = self.manifests(project)
            expected = {"Deployment", "Service"}
            if rendering.has_cluster(store, bus):
                expected |= {"HorizontalPodAutoscaler", "PodDisruptionBudget"}
            elif store != "postgres":
                expected |= {"PersistentVolumeClaim"}
            self.assertEqual({*found}, expected)
            spec = found["Deployment"]["spec"]
            labels = spec["template"]["metadata"]["labels"]
            self.assertEqual(spec["selector"]["matchLabels"], labels)
            self.assertEqual(found["Service"]["spec"]["selector"], labels)
            pod = spec["template"]["spec"]
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            (container,) = pod["containers"]
            self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
            self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            self.assertEqual(mounted, {volume["name"] for volume in pod["volumes"]})
            if "PodDisruptionBudget" in found:
                self.assertEqual(
                    found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"], labels
                )
                self.assertNotIn("replicas", spec)

    def test_the_service_knows_its_settings_and_ends_in_time(self):
        for *_, project, folder in self.each():
            deployment = self.manifests(project)["Deployment"]
            pod = deployment["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            lines = (project / "deploy/settings.env").read_text("utf-8").splitlines()
            env = judged.image_env(project)
            env |= dict(line.split("=", 1) for line in lines if not line.startswith("#"))
            for entry in container["env"]:
                env[entry["name"]] = entry["value"]
                if entry["name"].endswith("_FILE"):
                    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
                    self.assertIn(entry["value"].rsplit("/", 1)[0], mounts)
            settings = service.Settings(self, service.with_secret_files(env, folder), folder)
            settings.goes_within(self, pod["terminationGracePeriodSeconds"])
            self.assertEqual(settings.port(), container["ports"][0]["containerPort"])
            metrics = container["ports"][1]
            self.assertEqual(settings.port("metrics.bind"), metrics["containerPort"])
            annotations = deployment["spec"]["template"]["metadata"]["annotations"]
            self.assertEqual(annotations["prometheus.io/port"], str(metrics["containerPort"]))
            # Two failures of the probe, before the listener closes.
            probe = container["readinessProbe"]
            noticed = probe["periodSeconds"] * probe["failureThreshold"]
            self.assertGreater(settings.seconds("shutdown.drain_delay"), noticed)


if __name__ == "__main__":
    unittest.main()
