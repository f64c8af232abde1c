// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Whether a request is a browser's navigation: only that is redirected to the IdP, all else gets a 401.
///
/// GET or HEAD; `Sec-Fetch-Mode` absent or `navigate`; `Sec-Fetch-Dest` absent or `document`; not
/// `X-Requested-With: XMLHttpRequest`; `Accept` absent or with `text/html`, `application/xhtml+xml` or `*/*`; no
/// Upgrade. Every value of a repeated field is seen (CVE-2020-25017): each must allow it, or for Accept one.
enum NavigationTest {
    static func isNavigation(_ request: RequestHead) -> Bool {
        guard request.method == .get || request.method == .head else { return false }
        let bytes = request.bytes.span
        var hasAccept = false
        var acceptsPage = false
        for field in request.fields {
            let value = bytes.extracting(field.value.range)
            switch field.known {
            case .secFetchMode: guard value.equalsIgnoringCase("navigate") else { return false }
            case .secFetchDest: guard value.equalsIgnoringCase("document") else { return false }
            case .xRequestedWith: guard !value.equalsIgnoringCase("xmlhttprequest") else { return false }
            case .upgrade: return false
            case .accept:
                hasAccept = true
                acceptsPage = acceptsPage || MediaRanges(value).acceptsPage
            default: break
            }
        }
        return !hasAccept || acceptsPage
    }

    /// A browser shows the response as a page, whatever the method is.
    static func isShown(_ request: RequestHead) -> Bool {
        if request.method == .get { return isNavigation(request) }
        let bytes = request.bytes.span
        var isNavigate = false
        for field in request.fields {
            let value = bytes.extracting(field.value.range)
            switch field.known {
            case .secFetchMode:
                guard value.equalsIgnoringCase("navigate") else { return false }
                isNavigate = true
            case .secFetchDest: guard value.equalsIgnoringCase("document") else { return false }
            case .xRequestedWith: guard !value.equalsIgnoringCase("xmlhttprequest") else { return false }
            default: break
            }
        }
        return isNavigate || namesPage(request)
    }

    /// Asks for a page by name, as a browser does also when it sends a form.
    static func namesPage(_ request: RequestHead) -> Bool {
        let bytes = request.bytes.span
        for field in request.fields where field.known == .accept {
            if MediaRanges(bytes.extracting(field.value.range)).namesPage { return true }
        }
        return false
    }

    /// Own pages are JSON for whoever asks for JSON and not for a page.
    static func prefersJSON(_ request: RequestHead) -> Bool {
        let bytes = request.bytes.span
        var asksForJSON = false
        for field in request.fields where field.known == .accept {
            let ranges = MediaRanges(bytes.extracting(field.value.range))
            if ranges.namesPage { return false }
            asksForJSON = asksForJSON || ranges.namesJSON
        }
        return asksForJSON
    }
}

/// What an Accept field names (RFC 9110 §12.5.1), without its weights.
struct MediaRanges {
    /// `text/html` or `application/xhtml+xml`
    private(set) var namesPage = false
    /// `application/json` or a type that ends with `+json`
    private(set) var namesJSON = false
    /// `*/*`
    private(set) var namesAnything = false

    var acceptsPage: Bool { namesPage || namesAnything }

    init(_ accept: Span<UInt8>) {
        var start = 0
        while start <= accept.count {
            let end = accept.firstIndex(of: UInt8(ascii: ","), in: start..<accept.count)
            let typeEnd = accept.firstIndex(of: UInt8(ascii: ";"), in: start..<end)
            let type = accept.extracting(accept.trimmed(start..<typeEnd))
            if type.equalsIgnoringCase("text/html") || type.equalsIgnoringCase("application/xhtml+xml") {
                namesPage = true
            } else if type.equalsIgnoringCase("*/*") {
                namesAnything = true
            } else if type.equalsIgnoringCase("application/json")
                || (type.count > 5 && type.extracting((type.count - 5)...).equalsIgnoringCase("+json"))
            {
                namesJSON = true
            }
            start = end + 1
        }
    }
}

extension Span<UInt8> {
    /// `range` without the spaces and tabs at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }
}
