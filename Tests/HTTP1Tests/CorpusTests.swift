// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Testing

@Suite("The corpus")
struct CorpusTests {
    @Test("exists: an empty folder would pass every other test")
    func isThere() {
        #expect(CorpusFile.all("requests/valid").count >= 15)
        #expect(CorpusFile.all("requests/invalid").count >= 70)
        #expect(CorpusFile.all("responses/valid").count >= 8)
        #expect(CorpusFile.all("responses/invalid").count >= 15)
    }

    @Test("of valid requests is read as expected, however it is divided", arguments: CorpusFile.all("requests/valid"))
    func validRequests(_ file: CorpusFile) {
        let whole = Transcript.ofRequests(Cut.whole(file.bytes))
        #expect(whole.description == file.expected)
        #expect(whole.error == nil)
        expectSameHoweverCut(file.bytes, whole) { Transcript.ofRequests($0) }
    }

    @Test(
        "of invalid requests is refused as expected, however it is cut", arguments: CorpusFile.all("requests/invalid"))
    func invalidRequests(_ file: CorpusFile) {
        let whole = Transcript.ofRequests(Cut.whole(file.bytes))
        #expect(whole.error.map(Transcript.name) == file.expectedError)
        expectSameHoweverCut(file.bytes, whole) { Transcript.ofRequests($0) }
    }

    @Test("of valid responses is read as expected, however it is divided", arguments: CorpusFile.all("responses/valid"))
    func validResponses(_ file: CorpusFile) {
        let whole = Transcript.ofResponses(Cut.whole(file.bytes), to: method(file))
        #expect(whole.description == file.expected)
        #expect(whole.error == nil)
        expectSameHoweverCut(file.bytes, whole) { Transcript.ofResponses($0, to: method(file)) }
    }

    @Test(
        "of invalid responses is refused as expected, however it is cut", arguments: CorpusFile.all("responses/invalid")
    )
    func invalidResponses(_ file: CorpusFile) {
        let whole = Transcript.ofResponses(Cut.whole(file.bytes), to: method(file))
        #expect(whole.error.map(Transcript.name) == file.expectedError)
        expectSameHoweverCut(file.bytes, whole) { Transcript.ofResponses($0, to: method(file)) }
    }

    private func method(_ file: CorpusFile) -> Method {
        switch file.name.prefix(while: { $0 != "-" }) {
        case "HEAD": .head
        case "CONNECT": .connect
        default: .get
        }
    }

    private func expectSameHoweverCut(
        _ bytes: [UInt8], _ whole: Transcript, _ read: ([ArraySlice<UInt8>]) -> Transcript
    ) {
        #expect(read(Cut.single(bytes)).description == whole.description, "byte by byte")
        // Long files differ only in length; a prime stride covers every residue.
        for place in stride(from: 0, to: bytes.count, by: bytes.count > 4_096 ? 251 : 1) {
            let cut = read(Cut.inTwo(bytes, at: place))
            if cut.description != whole.description {
                Issue.record("cut at \(place): \(cut.description) but whole: \(whole.description)")
                return
            }
        }
    }
}
