// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Sidecar
import Webhook

struct WebhookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook",
        abstract: "Adds the sidecar to the pods of a cluster when they are created.",
        discussion: """
            A mutating admission webhook, run by the chart sidegate-injector. It answers reviews of pods (AdmissionReview, \
            admission.k8s.io/v1) at https://…/mutate with a JSON Patch that does what `sidegate inject` does to a manifest, \
            and probes at /healthz. The MutatingWebhookConfiguration selects the pods, by labels of their own or of their \
            namespace; the annotations of a pod, which its template gives it, override the options.

            A pod that is to have the sidecar and cannot have it is refused, with the message of `sidegate inject`. A pod \
            that has the sidecar is left as it is, and so is one annotated sidegate/inject: disabled. The webhook makes no \
            requests of its own. Changed certificates are loaded without a restart; SIGTERM lets requests in flight finish.
            """)

    @Option(help: ArgumentHelp("Where to accept connections.", valueName: "address"))
    var listen = ":8443"

    @Option(
        help: ArgumentHelp("A PEM file: the certificate, then its chain.", valueName: "file"), completion: .file())
    var certificate: String

    @Option(help: ArgumentHelp("The PEM file with its key, unencrypted.", valueName: "file"), completion: .file())
    var key: String

    @OptionGroup var sidecar: SidecarArguments

    @Flag(help: "Only pods with the annotation sidegate/inject: enabled.")
    var markedOnly = false

    @Option(
        help: ArgumentHelp(
            "How long connections are accepted after SIGTERM, while the cluster still sends some.",
            valueName: "duration"))
    var drainDelay = "0s"

    func run() throws {
        let address = try ListenAddress(option: listen)
        if case .redirect = address {
            throw ValidationError("--listen \(listen): there is no page to redirect; write host:port")
        }
        guard let delay = DurationText.parse(drainDelay), delay <= .seconds(300) else {
            throw ValidationError("--drain-delay \(drainDelay): write a time of up to five minutes, such as 5s")
        }
        let (settings, findings) = TLSSettings.reading(
            certificate: certificate, key: key, environment: ProcessEnvironment.read())
        for finding in findings { StandardError.write(finding.description) }
        guard let settings else {
            let errors = findings.filter { $0.severity == .error }
            throw errors.allSatisfy(\.isUnopenable) ? ExitStatus.cannotOpen : .badConfiguration
        }
        let service: WebhookService
        do {
            service = try WebhookService(
                listen: address, certificate: settings,
                reviewer: PodReviewer(sidecar.options, isMarkedOnly: markedOnly), drainDelay: delay,
                log: LogWriter(1), version: Version.number)
        } catch {
            StandardError.write("sidegate: error: \(error)")
            throw ExitStatus.cannotOpen
        }
        service.runUntilStopped()
    }
}
