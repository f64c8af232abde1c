// SPDX-License-Identifier: Apache-2.0

import JWT
import Manifests

/// The pod of a review, as the injector takes it: a manifest in JSON.
struct ReviewedPod {
    /// Containers and init containers.
    private static let maximumContainerCount = 500
    /// Of a member, in bytes of its JSON: what readers of YAML take for a name at most. The longest names of a pod, those of
    /// annotations, have 317.
    private static let maximumNameSize = 1024
    /// The metadata that the injector uses. The rest, `managedFields` above all, may be large.
    private static let metadataNames = [
        "name", "generateName", "namespace", "labels", "annotations", "ownerReferences",
    ]

    /// A name, or the beginning of one that the API server makes.
    let name: String
    private let metadata: JSONObject
    private let specification: JSONValue

    init(_ object: JSONValue) throws(MalformedReview) {
        guard object.object != nil else {
            throw MalformedReview("`request.object` is \(object.kindName), not an object")
        }
        guard object["apiVersion"]?.string == "v1", object["kind"]?.string == "Pod" else {
            throw MalformedReview("`request.object` is not a v1 Pod")
        }
        guard let metadata = object["metadata"]?.object else {
            throw MalformedReview("`request.object.metadata` is not an object")
        }
        guard let specification = object["spec"], specification.object != nil else {
            throw MalformedReview("`request.object.spec` is not an object")
        }
        self.metadata = JSONObject(metadata.members.filter { Self.metadataNames.contains($0.name) })
        self.specification = specification
        name = metadata["name"]?.string ?? metadata["generateName"]?.string ?? ""
        let count = ["initContainers", "containers"].reduce(0) { $0 + (specification[$1]?.array?.count ?? 0) }
        guard count <= Self.maximumContainerCount else {
            throw MalformedReview(
                "`request.object.spec` has \(count) containers, which is more than \(Self.maximumContainerCount)")
        }
        guard !Self.hasLongName(.object(self.metadata)), !Self.hasLongName(specification) else {
            throw MalformedReview(
                "`request.object` has a member whose name is longer than \(Self.maximumNameSize) bytes, with its quotes"
            )
        }
    }

    /// The manifest in JSON that is YAML as well: characters that YAML does not allow in a text, or takes for the end of
    /// a line, are escaped.
    var manifest: [UInt8] {
        let document: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": .object(metadata), "spec": specification,
        ]
        return Self.escaped(document.serialized())
    }

    /// What makes this pod the one of `manifest`, which the injector has changed.
    func patch(to manifest: [UInt8]) throws(JSONError) -> JSONPatch {
        let changed = try JSONParser.parse(manifest.span, limit: SidecarInjector.maximumSize)
        return JSONPatch(from: specification, to: changed["spec"] ?? .null, at: "/spec")
    }

    private static func hasLongName(_ value: JSONValue) -> Bool {
        switch value {
        case .object(let object):
            object.members.contains { member in
                escaped(JSONValue.string(member.name).serialized()).count > maximumNameSize
                    || hasLongName(member.value)
            }
        case .array(let elements): elements.contains(where: hasLongName)
        case .string, .number, .bool, .null: false
        }
    }

    /// - Parameter text: JSON in valid UTF-8, in which these characters are in strings only.
    private static func escaped(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            let second = index + 1 < text.count ? text[index + 1] : 0
            let third = index + 2 < text.count ? text[index + 2] : 0
            let escape: (text: String, count: Int)? =
                switch (byte, second, third) {
                // U+0080 to U+009F, with NEL.
                case (0xC2, 0x80...0x9F, _): ("\\u00" + String(second, radix: 16), 2)
                // The line and paragraph separators.
                case (0xE2, 0x80, 0xA8...0xA9): (third == 0xA8 ? "\\u2028" : "\\u2029", 3)
                case (0xEF, 0xBB, 0xBF): ("\\ufeff", 3)
                case (0xEF, 0xBF, 0xBE...0xBF): (third == 0xBE ? "\\ufffe" : "\\uffff", 3)
                default: nil
                }
            if let escape {
                result += escape.text.utf8
                index += escape.count
            } else {
                result.append(byte)
                index += 1
            }
        }
        return result
    }
}
