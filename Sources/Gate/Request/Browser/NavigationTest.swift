// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Whether a request is a browser's navigation: only that is redirected to the provider, everything else gets 401.
///
/// GET or HEAD; `Sec-Fetch-Mode` absent or `navigate`; `Sec-Fetch-Dest` absent or `document`; not
/// `X-Requested-With: XMLHttpRequest`; `Accept` absent or with `text/html`, `application/xhtml+xml` or `*/*`; no
/// Upgrade; no prefetch. Every value of a repeated field is seen (CVE-2020-25017): each must allow it, or for Accept one.
enum NavigationTest {
    case notNavigation
    /// It may be one, but nothing shows that a person looks at the result: HEAD, or `Accept: */*` from a client that
    /// sends no fetch metadata (an image in an old browser, a script). It is redirected without a login cookie.
    case unprovenNavigation
    case navigation

    static func isNavigation(_ request: RequestHead) -> Bool { of(request) != .notNavigation }

    static func of(_ request: RequestHead) -> NavigationTest {
        guard request.method == .get || request.method == .head else { return .notNavigation }
        let bytes = request.bytes.span
        var hasFetchMetadata = false
        var hasAccept = false
        var acceptsPage = false
        var namesPage = false
        for field in request.fields {
            let value = bytes.extracting(field.value.range)
            switch field.known {
            case .secFetchMode:
                guard value.equalsIgnoringCase("navigate") else { return .notNavigation }
                hasFetchMetadata = true
            case .secFetchDest:
                guard value.equalsIgnoringCase("document") else { return .notNavigation }
                hasFetchMetadata = true
            case .xRequestedWith: guard !value.equalsIgnoringCase("xmlhttprequest") else { return .notNavigation }
            case .upgrade: return .notNavigation
            case .accept:
                hasAccept = true
                let ranges = MediaRanges(value)
                acceptsPage = acceptsPage || ranges.acceptsPage
                namesPage = namesPage || ranges.namesPage
            case .other: if isPrefetch(bytes.extracting(field.name.range), value) { return .notNavigation }
            default: break
            }
        }
        guard !hasAccept || acceptsPage else { return .notNavigation }
        guard request.method == .get, hasFetchMetadata || !hasAccept || namesPage else { return .unprovenNavigation }
        return .navigation
    }

    /// The browser shows the response, as far as anything can show that: a navigation by GET, or a form that it sends.
    static func isProven(_ request: RequestHead) -> Bool {
        guard request.method == .post else { return of(request) == .navigation }
        guard !isSubresource(request), !isPrefetch(request) else { return false }
        return isShown(request) || !request.fields.contains { $0.known == .accept }
    }

    /// The browser declares the request a part of a page, or a script's: no person looks at the result.
    static func isSubresource(_ request: RequestHead) -> Bool {
        let bytes = request.bytes.span
        return request.fields.contains { field in
            let value = bytes.extracting(field.value.range)
            return switch field.known {
            case .secFetchMode: !value.equalsIgnoringCase("navigate")
            case .secFetchDest: !value.equalsIgnoringCase("document")
            default: false
            }
        }
    }

    /// A browser shows the response in a frame of another page: `Sec-Fetch-Dest: iframe, frame, embed, object`, and an
    /// `Accept` that names HTML.
    static func isFrame(_ request: RequestHead) -> Bool {
        (request.method == .get || request.method == .head) && Display(request)?.place == .frame && namesPage(request)
    }

    /// The browser fetches the page in case the user opens it later.
    static func isPrefetch(_ request: RequestHead) -> Bool {
        let bytes = request.bytes.span
        return request.fields.contains { field in
            field.known == .other
                && isPrefetch(bytes.extracting(field.name.range), bytes.extracting(field.value.range))
        }
    }

    /// `Sec-Purpose: prefetch` or `prefetch;prerender`, and what browsers sent before that was a standard.
    fileprivate static func isPrefetch(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        switch name.count {
        case 11: name.equalsIgnoringCase("sec-purpose") && value.startsWithIgnoringCase("prefetch")
        case 9: name.equalsIgnoringCase("x-purpose") && value.startsWithIgnoringCase("pre")
        case 7: name.equalsIgnoringCase("purpose") && value.startsWithIgnoringCase("pre")
        case 5: name.equalsIgnoringCase("x-moz") && value.startsWithIgnoringCase("prefetch")
        default: false
        }
    }

    /// A browser shows the response as a page, whatever the method is.
    static func isShown(_ request: RequestHead) -> Bool {
        if request.method == .get { return isNavigation(request) }
        guard let display = Display(request), display.place != .frame else { return false }
        return display.isNavigation || namesPage(request)
    }

    /// A browser sends a form, and shows the response: in a window or in a frame.
    static func isFormSubmission(_ request: RequestHead) -> Bool {
        guard request.method == .post, let display = Display(request) else { return false }
        return display.isNavigation || namesPage(request)
    }

    /// Asks for a page by name, as a browser does also when it sends a form.
    static func namesPage(_ request: RequestHead) -> Bool {
        let bytes = request.bytes.span
        for field in request.fields where field.known == .accept {
            if MediaRanges(bytes.extracting(field.value.range)).namesPage { return true }
        }
        return false
    }

    /// Clients that ask for JSON and not for a page get the gate's pages as JSON.
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

/// Where a browser shows the response, as far as it says so. Nil where it is not shown: to a script, in a part of a page,
/// or not yet.
private struct Display {
    enum Place {
        case window, frame
    }

    private(set) var isNavigation = false
    /// Nil: the browser does not say.
    private(set) var place: Place?

    init?(_ request: RequestHead) {
        let bytes = request.bytes.span
        for field in request.fields {
            let value = bytes.extracting(field.value.range)
            switch field.known {
            case .secFetchMode:
                guard value.equalsIgnoringCase("navigate") else { return nil }
                isNavigation = true
            case .secFetchDest:
                guard let named = Self.place(value), place == nil || place == named else { return nil }
                place = named
            case .xRequestedWith: guard !value.equalsIgnoringCase("xmlhttprequest") else { return nil }
            case .upgrade: return nil
            case .other: if NavigationTest.isPrefetch(bytes.extracting(field.name.range), value) { return nil }
            default: break
            }
        }
    }

    private static func place(_ destination: Span<UInt8>) -> Place? {
        if destination.equalsIgnoringCase("document") { return .window }
        return destination.equalsIgnoringCase("iframe") || destination.equalsIgnoringCase("frame")
            || destination.equalsIgnoringCase("embed") || destination.equalsIgnoringCase("object") ? .frame : nil
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
    /// `prefix` is in lower case.
    fileprivate func startsWithIgnoringCase(_ prefix: StaticString) -> Bool {
        count >= prefix.utf8CodeUnitCount && extracting(0..<prefix.utf8CodeUnitCount).equalsIgnoringCase(prefix)
    }
}
