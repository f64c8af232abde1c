// SPDX-License-Identifier: Apache-2.0

/// An object of Kubernetes in a manifest: a document, or an item of a list.
struct ManifestObject {
    let node: ManifestNode
    /// nil: none is written, and none follows from the list.
    let kind: String?
    let version: String

    /// The objects of a document, those of lists one by one. An item of a DeploymentList needs no `kind` and `apiVersion`
    /// of its own; kubectl adds them.
    static func all(in root: ManifestNode) throws(ManifestProblem) -> [ManifestObject] {
        try all(in: root, kind: nil, version: "")
    }

    private static func all(
        in node: ManifestNode, kind given: String?, version: String
    ) throws(ManifestProblem) -> [ManifestObject] {
        let object = ManifestObject(
            node: node, kind: try node["kind"]?.text ?? given, version: try node["apiVersion"]?.text ?? version)
        guard let list = try object.list() else { return [object] }
        let itemKind = list.name == "items" ? object.kind.map { String($0.dropLast("List".count)) } : nil
        var objects: [ManifestObject] = []
        for item in list.items {
            objects += try all(
                in: item, kind: itemKind?.isEmpty == false ? itemKind : nil, version: object.version)
        }
        // What a list has beside its items is judged as an object of its own.
        let rest = (node.entries ?? []).filter { $0.key.text != list.name }
        let remainder = ManifestNode(content: .mapping(rest), place: node.place, range: node.range, isFlow: node.isFlow)
        return objects + [ManifestObject(node: remainder, kind: object.kind, version: object.version)]
    }

    /// Of a List, a DeploymentList and the like, or the objects of an OpenShift Template.
    private func list() throws(ManifestProblem) -> (name: String, items: [ManifestNode])? {
        guard let kind else { return nil }
        let name = kind == "Template" ? "objects" : kind.hasSuffix("List") ? "items" : nil
        guard let name, let items = try node[name]?.items else { return nil }
        return (name, items)
    }
}
