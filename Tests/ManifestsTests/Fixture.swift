// SPDX-License-Identifier: Apache-2.0

import Manifests

/// Injects into a text as the command does.
func inject(
    _ text: String, isMarkedOnly: Bool = false, _ change: (inout SidecarOptions) -> Void = { _ in }
) throws(ManifestProblem) -> (text: String, notes: [String]) {
    var options = SidecarOptions(image: "sidegate:1")
    change(&options)
    let result = try SidecarInjector(options, isMarkedOnly: isMarkedOnly).inject(Array(text.utf8))
    let notes = result.notes.map { "\($0.place.line):\($0.place.column): \($0.kind.rawValue): \($0.message)" }
    return (String(decoding: result.text, as: UTF8.self), notes)
}

/// Why a text is rejected: `line:column: message`.
func refusal(_ text: String, _ change: (inout SidecarOptions) -> Void = { _ in }) -> String? {
    do throws(ManifestProblem) {
        _ = try inject(text, change)
        return nil
    } catch {
        return "\(error.place.line):\(error.place.column): \(error.message)"
    }
}

/// The inserted lines of `after` that `before` does not have, and whether all others are unchanged.
func added(_ before: String, _ after: String) -> (lines: [String], isRestSame: Bool) {
    var rest = before.split(separator: "\n", omittingEmptySubsequences: false)[...]
    var lines: [String] = []
    for line in after.split(separator: "\n", omittingEmptySubsequences: false) {
        if line == rest.first {
            rest = rest.dropFirst()
        } else {
            lines.append(String(line))
        }
    }
    return (lines, rest.isEmpty)
}

let deployment = """
    # The wiki.
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: wiki}   # in flow style
    spec:
      template:
        metadata:
          labels: { app: wiki }
        spec:
          # Our own registry.
          containers:
            # The app itself.
            - name: wiki
              image: "registry.example.com/wiki:1"   # pinned
              command: ['sh', -c, >-
                exec wiki
                  --folded]
          terminationGracePeriodSeconds: 010
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: other}
    data: {a: "\\u00e9 é"}

    """
