// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT
import Manifests

/// Answers the reviews of new pods: a pure function from the content of a request to that of the response.
///
/// A pod that asks for the gate and cannot have it is not allowed: it would be an app without one.
package struct PodReviewer: Sendable {
    /// Of the content of a request, in bytes.
    package static let maximumSize = AdmissionReview.maximumSize

    private let injector: SidecarInjector

    /// - Parameters:
    ///   - options: for pods without annotations that say otherwise.
    ///   - isMarkedOnly: only pods annotated `sidegate/inject: enabled` get the sidecar.
    package init(_ options: SidecarOptions, isMarkedOnly: Bool = false) {
        injector = SidecarInjector(options, isMarkedOnly: isMarkedOnly, for: .newPods)
    }

    /// - Parameter content: of the request; JSON.
    package func review(_ content: [UInt8]) -> ReviewAnswer {
        do throws(MalformedReview) {
            let review = try AdmissionReview(parsing: content)
            return try answer(review)
        } catch {
            return ReviewAnswer(failure: error.description)
        }
    }

    private func answer(_ review: AdmissionReview) throws(MalformedReview) -> ReviewAnswer {
        guard review.kind == "Pod", review.subresource.isEmpty, review.operation == "CREATE" else {
            let resource = review.kind + (review.subresource.isEmpty ? "" : "/" + review.subresource)
            return ReviewAnswer(
                review, pod: "",
                .refused(
                    "the sidecar is added to pods when they are created, and this is "
                        + "\(MalformedReview.shown(review.operation)) of \(MalformedReview.shown(resource)); in the rules "
                        + "of the MutatingWebhookConfiguration name the operation CREATE and the resource pods alone"))
        }
        let pod = try ReviewedPod(review.object)
        return ReviewAnswer(review, pod: pod.name, outcome(of: pod))
    }

    private func outcome(of pod: ReviewedPod) -> ReviewOutcome {
        let result: SidecarInjector.Result
        do throws(ManifestProblem) {
            result = try injector.inject(pod.manifest)
        } catch {
            return .refused(error.message)
        }
        do throws(JSONError) {
            let patch = try pod.patch(to: result.text)
            guard !patch.operations.isEmpty else { return .unchanged }
            return .added(Array(patch.document.serialized()), warnings: Self.warnings(result.notes))
        } catch {
            return .refused("the pod with the sidecar cannot be read (\(error.message)): an error of Sidegate")
        }
    }
}

extension PodReviewer {
    /// The API server truncates longer ones, and all after 4096 bytes.
    private static let maximumWarningSize = 256
    private static let maximumWarningCount = 16

    private static func warnings(_ notes: [ManifestNote]) -> [String] {
        notes.prefix(maximumWarningCount).map { note in
            guard note.message.utf8.count > maximumWarningSize else { return note.message }
            let end = "…"
            var cut = ""
            for character in note.message {
                guard cut.utf8.count + character.utf8.count + end.utf8.count <= maximumWarningSize else { break }
                cut.append(character)
            }
            return cut + end
        }
    }
}

/// What becomes of a pod.
package enum ReviewOutcome: Equatable, Sendable {
    /// With the JSON Patch that adds the sidecar.
    case added([UInt8], warnings: [String])
    /// It has the sidecar, or is to have none.
    case unchanged
    /// With the reason.
    case refused(String)
}

/// The response to a request, and what the log says of it.
package struct ReviewAnswer: Sendable {
    /// A review that could be read.
    package struct Subject: Sendable {
        package let uid: String
        package let namespace: String
        /// A pod's name, or the beginning of one that the API server makes.
        package let pod: String
        package let isDryRun: Bool
        package let outcome: ReviewOutcome
    }

    /// Of HTTP.
    package let status: UInt16
    /// JSON.
    package let content: [UInt8]
    /// nil: the review is malformed.
    package let subject: Subject?
    /// What is wrong with a malformed review.
    package let problem: String?

    init(_ review: AdmissionReview, pod: String, _ outcome: ReviewOutcome) {
        status = 200
        content = Self.document(review, outcome).serialized()
        subject = Subject(
            uid: review.uid, namespace: review.namespace, pod: pod, isDryRun: review.isDryRun, outcome: outcome)
        problem = nil
    }

    init(failure: String) {
        status = 400
        content = StatusDocument(code: 400, message: failure).content
        subject = nil
        problem = failure
    }

    private static func document(_ review: AdmissionReview, _ outcome: ReviewOutcome) -> JSONValue {
        var response: [(String, JSONValue)] = [("uid", .string(review.uid))]
        switch outcome {
        case .added(let patch, let warnings):
            response += [
                ("allowed", true), ("patchType", "JSONPatch"), ("patch", .string(Base64.encodeToString(patch))),
            ]
            if !warnings.isEmpty { response.append(("warnings", .array(warnings.map { .string($0) }))) }
        case .unchanged:
            response.append(("allowed", true))
        case .refused(let message):
            let status = StatusDocument(code: 403, message: message).members
            response += [("allowed", false), ("status", .object(JSONObject(status)))]
        }
        return .object(
            JSONObject([
                ("apiVersion", .string(AdmissionReview.version)), ("kind", .string(AdmissionReview.kind)),
                ("response", .object(JSONObject(response))),
            ]))
    }
}
