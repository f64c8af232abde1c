// SPDX-License-Identifier: Apache-2.0

import Manifests
import Testing

/// Pods with every mixture of existing content: nothing, an empty list, other entries, an older sidecar.
@Suite("Existing content")
struct CombinationTests {
    enum Presence: CaseIterable {
        case missing, null, empty, others, ours, oursAndOthers, othersAndOurs
    }

    private static func entries(_ presence: Presence, ours: [String], other: String) -> [String]? {
        switch presence {
        case .missing: nil
        case .null, .empty: []
        case .others: [other]
        case .ours: ours
        case .oursAndOthers: ours + [other]
        case .othersAndOurs: [other] + ours
        }
    }

    private static func list(_ name: String, _ presence: Presence, _ entries: [String]?, isFlow: Bool) -> [String] {
        guard let entries else { return [] }
        if presence == .null { return isFlow ? ["\(name): null"] : ["\(name):"] }
        if entries.isEmpty { return ["\(name): []"] }
        return isFlow
            ? ["\(name): [\(entries.map { "{\($0)}" }.joined(separator: ","))]"]
            : ["\(name):"]
                + entries.map { "- " + $0.replacing(", ", with: "\n  ") }.flatMap { $0.split(separator: "\n") }.map(
                    String.init)
    }

    private static func pod(
        _ initContainers: Presence, _ containers: Presence, _ volumes: Presence, isListFlow: Bool, isPodFlow: Bool
    ) -> String {
        let old = "name: sidegate, image: old, args: [run,--config,/etc/sidegate/sidegate.yaml]"
        let lists: [(String, Presence, [String], String)] = [
            ("initContainers", initContainers, [old], "name: before, image: x"),
            ("containers", containers, [old], "name: other, image: x"),
            ("volumes", volumes, ["name: sidegate-config, configMap: {name: old}"], "name: data, emptyDir: {}"),
        ]
        var lines: [String] = []
        for (name, presence, ours, other) in lists {
            lines += list(
                name, presence, entries(presence, ours: ours, other: other), isFlow: isListFlow || isPodFlow)
        }
        let head = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"
        return isPodFlow
            ? head + "spec: {" + lines.joined(separator: ", ") + "}\n"
            : head + "spec:\n" + lines.map { "  \($0)\n" }.joined()
    }

    private func count(_ part: String, in text: String) -> Int {
        text.ranges(of: part).count + text.ranges(of: part.replacing("name: ", with: "\"name\": \"") + "\"").count
    }

    @Test(
        "One sidecar, the new one; all others once; and a second run changes nothing",
        arguments: [(false, false), (true, false), (true, true)])
    func everyMixture(isListFlow: Bool, isPodFlow: Bool) throws {
        for initContainers in Presence.allCases {
            for containers in [Presence.others, .oursAndOthers, .othersAndOurs] {
                for volumes in Presence.allCases {
                    let text = Self.pod(
                        initContainers, containers, volumes, isListFlow: isListFlow, isPodFlow: isPodFlow)
                    // A volume with the name of the sidecar's, without a sidecar, is the app's.
                    if text.contains("sidegate-config"), !text.contains("image: old") {
                        #expect(refusal(text)?.contains("this volume has the sidecar's name") == true, "\(text)")
                        continue
                    }
                    for isNative in [true, false] {
                        let once = try inject(text) { $0.isNative = isNative }.text
                        #expect(try inject(once) { $0.isNative = isNative }.text == once, "\(text)\n\(once)")
                        #expect(once.ranges(of: "sidegate:1").count == 1, "\(text)\n\(once)")
                        #expect(!once.contains("image: old"), "\(text)\n\(once)")
                        for part in ["name: before", "name: other", "name: data"] {
                            #expect(count(part, in: once) == count(part, in: text), "\(part)\n\(text)\n\(once)")
                        }
                        #expect(once.contains("restartPolicy") == isNative)
                        #expect(once.ranges(of: "/run/secrets/sidegate").count == 2 && once.contains("defaultMode"))
                    }
                }
            }
        }
    }
}
