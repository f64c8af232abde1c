// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Manifests

/// What the sidecar is like, unless annotations say otherwise.
struct SidecarArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The image of Sidegate.", valueName: "reference"))
    var image = "sidegate:\(Version.number)"

    @Option(help: ArgumentHelp("The ConfigMap that holds sidegate.yaml.", valueName: "name"))
    var configMap = "sidegate"

    @Option(help: ArgumentHelp("The Secret that holds what secret-key lists.", valueName: "name"))
    var secret = "sidegate"

    @Option(
        help: ArgumentHelp(
            "A file in the pod and the key of the Secret that fills it; repeatable. Default: jwt=jwt-secret and session=session-secret.",
            valueName: "file=key"))
    var secretKey: [SecretKeyArgument] = []

    @Flag(help: "An init container that keeps running, for Kubernetes 1.29 and later, or a container beside the app.")
    var sidecar = Form.native

    @Option(
        help: ArgumentHelp(
            "Where the sidecar takes requests; point the Service here. Default: 8080, or 8180, 8280 and so on when the app uses it.",
            valueName: "number"))
    var port: PortArgument?

    @Option(
        help: ArgumentHelp(
            "Where the sidecar serves health and metrics. Default: 9180, or 9280, 9380 and so on when the app uses it.",
            valueName: "number"))
    var adminPort: PortArgument?

    enum Form: String, EnumerableFlag {
        case native, plain
    }

    var options: SidecarOptions {
        var options = SidecarOptions(image: image)
        options.configMap = configMap
        options.secret = secret
        if !secretKey.isEmpty { options.secretKeys = secretKey.map(\.value) }
        options.isNative = sidecar == .native
        options.port = port?.number
        options.adminPort = adminPort?.number
        return options
    }
}

/// `FILE=KEY`
struct SecretKeyArgument: ExpressibleByArgument {
    let value: SidecarOptions.SecretKey

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy(Self.isName) else { return nil }
        value = SidecarOptions.SecretKey(file: String(parts[0]), key: String(parts[1]))
    }

    /// What Kubernetes allows as the key of a Secret.
    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text != "." && text != ".."
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (97...122).contains(byte | 0x20) || [45, 46, 95].contains(byte)
            }
    }
}

/// A port's number.
struct PortArgument: ExpressibleByArgument {
    let number: Int

    init?(argument: String) {
        guard let number = Int(argument), (1...65_535).contains(number) else { return nil }
        self.number = number
    }
}
