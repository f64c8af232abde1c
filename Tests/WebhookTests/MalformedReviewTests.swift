// SPDX-License-Identifier: Apache-2.0

import JWT
import Testing
import Webhook

@Suite("The webhook: content that is no review")
struct MalformedReviewTests {
    private static func changed(_ old: String, _ new: String) -> String {
        let text = review(pod())
        let result = text.replacing(old, with: new)
        return result == text ? "nothing to replace" : result
    }

    private static let uid = #""uid": "705ab4f5-6393-11e8-b7cc-42010a800002""#

    @Test(
        "It is answered with 400 and the reason",
        arguments: [
            ("", "the content is empty"), ("x", "the content cannot be read as JSON: not JSON at byte 0"),
            ("[]", "the content is an array"),
            ("null", "the content is null"), ("{}", "`apiVersion` is missing"),
            (#"{"apiVersion": 1}"#, "`apiVersion` is a number, not a string"),
            (review(pod()) + "{}", "data after its end"), (String(review(pod()).dropLast()), "not JSON at byte"),
            (
                changed("admission.k8s.io/v1\"", "admission.k8s.io/v1beta1\""),
                "of the kind admission.k8s.io/v1beta1 AdmissionReview, not"
            ),
            (changed("\"AdmissionReview\"", "\"Pod\""), "of the kind admission.k8s.io/v1 Pod, not"),
            (changed(uid, #""uid": """#), "`request.uid` is empty"),
            (changed(uid, #""uid": 5"#), "`request.uid` is a number"),
            (changed(uid + ",", ""), "`request.uid` is missing"),
            (changed(uid, #"\#(uid), \#(uid)"#), "a duplicate name"),
            (changed(uid, #""uid": "\#(String(repeating: "x", count: 257))""#), "longer than 256 bytes"),
            (changed(#""dryRun": false"#, #""dryRun": "false""#), "`request.dryRun` is a string, not true or false"),
            (changed(#""namespace": "office""#, #""namespace": []"#), "`request.namespace` is an array"),
            (changed(#""operation": "CREATE""#, #""operation": {}"#), "`request.operation` is an object"),
            (changed(#""operation": "CREATE","#, ""), "`request.operation` is missing"),
            (review(pod(), kind: "[]"), "`request.kind` is an array, not an object"),
            (review(pod(), kind: "{}"), "`request.kind.kind` is missing"),
            (#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#, "`request` is missing"),
            (review("null"), "`request.object` is null"), (review("[]"), "`request.object` is an array"),
            (review(#"{"apiVersion": "v1", "kind": "Service"}"#), "`request.object` is not a v1 Pod"),
            (review(#"{"apiVersion": "v1", "kind": "Pod"}"#), "`request.object.metadata` is not an object"),
            (review(#"{"apiVersion": "v1", "kind": "Pod", "metadata": {}}"#), "`request.object.spec` is not an object"),
            (
                review(#"{"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": []}"#),
                "`request.object.spec` is not an object"
            ),
            (
                review(pod(more: "\"x\": [" + String(repeating: "0,", count: 20_000) + "0],")),
                "the content cannot be read as JSON: more than 20000 values"
            ),
            (
                // With the one that it has.
                review(pod(containers: String(repeating: "{},", count: 500))),
                "`request.object.spec` has 501 containers, which is more than 500"
            ),
            (
                review(pod(more: "\"initContainers\": [{}],", containers: String(repeating: "{},", count: 499))),
                "`request.object.spec` has 501 containers"
            ),
            (
                review(pod(annotations: "{\"\(String(repeating: "n", count: 1023))\": \"x\"}")),
                "a member whose name is longer than 1024 bytes"
            ),
            (
                review(pod(more: "\"x\": [{\"\(String(repeating: "\u{85}", count: 171))\": 1}],")),
                "a member whose name is longer than 1024 bytes"
            ),
            (review(String(repeating: "[", count: 100_000)), "nested deeper than 32 levels"),
            (String(repeating: " ", count: PodReviewer.maximumSize + 1), "too large"),
        ])
    func malformed(text: String, message: String) throws {
        let answer = PodReviewer(options).review(Array(text.utf8))
        #expect(answer.status == 400 && answer.subject == nil)
        let status = try JSONParser.parse(answer.content.span)
        #expect(status["kind"]?.string == "Status" && status["status"]?.string == "Failure")
        #expect(status["code"]?.number?.integer == 400)
        #expect(status["message"]?.string?.contains(message) == true, "\(status)")
        #expect(answer.problem == status["message"]?.string)
    }

    @Test("The largest counts and names are allowed")
    func largest() throws {
        let containers = (0..<499).map { "{\"name\": \"c\($0)\"}," }.joined()
        let name = String(repeating: "n", count: 1022)
        let pod = pod(annotations: "{\"\(name)\": \"x\"}", containers: containers)
        #expect(try answer(to: review(pod)).response["patch"] != nil)
    }

    @Test("Invalid UTF-8 and a byte order mark are refused")
    func encoding() {
        #expect(
            PodReviewer(options).review([0x22, 0xFF, 0x22]).problem == "the content cannot be read as JSON: not UTF-8")
        let marked = [0xEF, 0xBB, 0xBF] + Array(review(pod()).utf8)
        #expect(
            PodReviewer(options).review(marked).problem
                == "the content cannot be read as JSON: starts with a byte order mark")
    }

    @Test("Every prefix of a review is refused, and members that later versions may add are not")
    func prefixes() throws {
        let bytes = Array(review(pod()).utf8)
        let reviewer = PodReviewer(options)
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(reviewer.review(Array(bytes.prefix(count))).status == 400)
        }
        #expect(try answer(to: review(pod(), more: #""later": {"a": [1]},"#)).response["allowed"]?.bool == true)
        // A namespace or a dry run that is null or missing.
        #expect(try answer(to: review(pod(), more: #""dryRun": null,"#)).response["allowed"]?.bool == true)
        #expect(try answer(to: review(pod(), more: "")).response["allowed"]?.bool == true)
    }

    @Test("Characters that YAML does not know, or takes for line ends, are allowed in a pod, and stay")
    func characters() throws {
        for text in [
            "\u{85}", "\u{80}", "\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}", "\u{1F600}",
            "\u{7F}", "\u{A0}",
        ] {
            let pod = pod(more: "\"nodeName\": \"a\(text)\(text)b\",")
            let response = try answer(to: review(pod)).response
            #expect(response["allowed"]?.bool == true, "\(text.unicodeScalars) \(response)")
            #expect(try patched(pod, by: response)["spec"]?["nodeName"]?.string == "a\(text)\(text)b")
            let annotated = WebhookTests.pod(annotations: "{\"sidegate/image\": \"\(text)\"}")
            let image = try patched(annotated, by: try answer(to: review(annotated)).response)
            let sidecar = image["spec"]?["initContainers"]?.array?.first
            #expect(sidecar?["image"]?.string == text)
        }
    }
}
