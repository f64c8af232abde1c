// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Manifests
import YAML

struct InjectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inject",
        abstract: "Adds the sidecar to the pods of Kubernetes manifests.",
        discussion: """
            Reads manifests (YAML or JSON, many documents, Lists) and prints them with Sidegate in each pod without the \
            annotation `sidegate/inject: disabled`: of Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, and \
            of every other kind that has its pod at spec.template.spec, such as an Argo Rollout, a DeploymentConfig of \
            OpenShift or a Service of Knative. All else stays as it is, comments too. It does not connect to a cluster, and \
            running it twice changes nothing.

            kubectl create deployment … --dry-run=client -o yaml | sidegate inject | kubectl apply -f -

            Expects a ConfigMap with the key sidegate.yaml, and a Secret with the keys jwt-secret and session-secret. The \
            annotations sidegate/image, sidegate/config-map, sidegate/secret, sidegate/sidecar (native or plain), \
            sidegate/port and sidegate/admin-port of a workload or its pod override the options. The exit status is 1 when \
            a manifest cannot be changed, when its containers are in a place that is not known, or when the gate could not \
            protect the app (hostNetwork, hostPort); then nothing is printed.
            """)

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The manifests; - is standard input, the default.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var filename = "-"

    @OptionGroup var sidecar: SidecarArguments

    @Flag(
        help:
            "Adds a NetworkPolicy for each workload that admits the gate's port alone; other pods cannot reach the app's own."
    )
    var networkPolicy = false

    @Flag(help: "Only workloads with the annotation sidegate/inject: enabled.")
    var markedOnly = false

    func run() throws {
        let name = filename == "-" ? "standard input" : PrintableText.escaped(filename)
        let text = try Self.read(filename, shown: name)
        do throws(ManifestProblem) {
            let result = try SidecarInjector(
                sidecar.options, isMarkedOnly: markedOnly, addsNetworkPolicies: networkPolicy
            ).inject(text)
            for note in result.notes {
                let place = note.place
                StandardError.write("\(name):\(place.line):\(place.column): \(note.kind.rawValue): \(note.message)")
            }
            StandardOutput.write(result.text)
        } catch {
            StandardError.write("\(name):\(error.place.line):\(error.place.column): error: \(error.message)")
            throw ExitStatus.badConfiguration
        }
    }

    private static func read(_ path: String, shown name: String) throws -> [UInt8] {
        let descriptor = path == "-" ? 0 : unsafe open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor > 0 { close(descriptor) } }
        // One byte more than the limit, so that what is too large is refused.
        let limit = SidecarInjector.maximumSize + 1
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while descriptor >= 0, bytes.count < limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count > 0 {
                bytes += chunk.prefix(count)
            } else if errno != EINTR {
                break
            }
        }
        if bytes.count >= limit { return bytes }
        StandardError.write("sidegate: error: \(name): cannot read: \(unsafe String(cString: strerror(errno)))")
        throw ExitStatus.cannotOpen
    }
}
