// SPDX-License-Identifier: Apache-2.0

import JWT

/// The request of an AdmissionReview (`admission.k8s.io/v1`): what the API server asks about an object.
struct AdmissionReview {
    static let version = "admission.k8s.io/v1"
    static let kind = "AdmissionReview"
    /// The API server takes objects of up to 3 MiB; the rest of a review is small. In bytes.
    static let maximumSize = 7 << 19
    /// Of JSON; the review of a pod has some hundreds to a few thousand. Bounds the time and the memory for a review.
    static let maximumValueCount = 20_000

    /// Bytes of a `uid`, which the response repeats; the API server sends 36.
    private static let maximumIdentifierSize = 256

    let uid: String
    /// `Pod`, or `apps/v1 Deployment`.
    let kind: String
    let subresource: String
    /// `CREATE`
    let operation: String
    /// Of the object, which has none itself when a controller makes it.
    let namespace: String
    let isDryRun: Bool
    let object: JSONValue

    /// Members that it does not know are allowed: later versions of Kubernetes may add some.
    init(parsing bytes: [UInt8]) throws(MalformedReview) {
        guard !bytes.isEmpty else { throw MalformedReview("the content is empty; an AdmissionReview is expected") }
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONParser.parse(
                bytes.span, limit: Self.maximumSize, maximumValueCount: Self.maximumValueCount)
        } catch {
            throw MalformedReview("the content cannot be read as JSON: \(error.message)")
        }
        let review = try Member(root, "the content")
        let (version, kind) = (try review.text("apiVersion"), try review.text("kind"))
        guard version == Self.version, kind == Self.kind else {
            throw MalformedReview(
                "the content is of the kind \(MalformedReview.shown(version)) \(MalformedReview.shown(kind)), not "
                    + "\(Self.version) \(Self.kind)")
        }
        let request = try review.object("request")
        uid = try request.text("uid")
        guard !uid.isEmpty, uid.utf8.count <= Self.maximumIdentifierSize else {
            throw MalformedReview("`request.uid` is empty, or longer than \(Self.maximumIdentifierSize) bytes")
        }
        let type = try request.object("kind")
        let (group, name) = (try type.optionalText("group") ?? "", try type.text("kind"))
        let typeVersion = try type.text("version")
        self.kind = group.isEmpty && typeVersion == "v1" ? name : "\(group)/\(typeVersion) \(name)"
        subresource = try request.optionalText("subResource") ?? ""
        operation = try request.text("operation")
        namespace = try request.optionalText("namespace") ?? ""
        isDryRun = try request.optionalTruth("dryRun") ?? false
        object = request.value("object") ?? .null
    }
}

/// Why the content of a request is no AdmissionReview.
struct MalformedReview: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// A part of the review in a message: printable, and not too long.
    static func shown(_ text: String) -> String {
        let printable = text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) }
        return text.isEmpty ? "(empty)" : String(printable)
    }
}

/// An object in a review, with its place for messages.
private struct Member {
    private let value: JSONValue
    private let place: String
    private let prefix: String

    init(_ value: JSONValue, _ place: String) throws(MalformedReview) {
        try self.init(value, place, prefix: "")
    }

    private init(_ value: JSONValue, _ place: String, prefix: String) throws(MalformedReview) {
        guard value.object != nil else { throw MalformedReview("\(place) is \(value.kindName), not an object") }
        self.value = value
        self.place = place
        self.prefix = prefix
    }

    /// nil: missing, or null, which is the same to Kubernetes.
    func value(_ name: String) -> JSONValue? {
        guard let member = value[name], !member.isNull else { return nil }
        return member
    }

    func object(_ name: String) throws(MalformedReview) -> Member {
        guard let member = value(name) else { throw missing(name) }
        return try Member(member, "`\(prefix)\(name)`", prefix: "\(prefix)\(name).")
    }

    func text(_ name: String) throws(MalformedReview) -> String {
        guard let text = try optionalText(name) else { throw missing(name) }
        return text
    }

    func optionalText(_ name: String) throws(MalformedReview) -> String? {
        guard let member = value(name) else { return nil }
        guard let text = member.string else { throw wrong(name, member, "a string") }
        return text
    }

    func optionalTruth(_ name: String) throws(MalformedReview) -> Bool? {
        guard let member = value(name) else { return nil }
        guard let truth = member.bool else { throw wrong(name, member, "true or false") }
        return truth
    }

    private func missing(_ name: String) -> MalformedReview { MalformedReview("`\(prefix)\(name)` is missing") }

    private func wrong(_ name: String, _ value: JSONValue, _ expected: String) -> MalformedReview {
        MalformedReview("`\(prefix)\(name)` is \(value.kindName), not \(expected)")
    }
}
