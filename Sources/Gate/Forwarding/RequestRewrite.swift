// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Writes the head the app gets: what must not reach it is left out, what it is to know is set. One operation, so no
/// path can do half of it.
///
/// Runs for every request: one pass over the fields, whole runs of unchanged lines copied at once, nothing allocated
/// but what `out` grows by.
struct RequestRewrite {
    private let fromTrusted: SpoofFilter
    private let fromStrangers: SpoofFilter
    private let ownCookies: OwnCookieFilter
    private let tokenParameter: TokenParameter
    private let upstreamAuthority: [UInt8]
    private let preservesHost: Bool
    /// An identity header is Authorization: then the client's never passes.
    private let setsAuthorization: Bool
    /// The path is judged: the app gets the very one that was.
    private let normalizesPath: Bool
    private let apps: AppRoutes
    private let upgrades: AllowedUpgrades
    /// Some frameworks take the path from X-Original-URL in place of the one they got.
    private let passesOriginalURL: Bool

    init(_ configuration: GateConfiguration, _ tokenParameter: TokenParameter) {
        apps = AppRoutes(configuration.apps)
        upgrades = AllowedUpgrades(configuration.upgrades)
        normalizesPath = configuration.judgesPaths
        let names = configuration.identityHeaderNames + OverrideHeaders.names(configuration)
        fromTrusted = SpoofFilter(identityHeaders: names, isTrusted: true)
        fromStrangers = SpoofFilter(
            identityHeaders: names + OverrideHeaders.namesFromStrangers(configuration), isTrusted: false)
        ownCookies = OwnCookieFilter(configuration.session)
        self.tokenParameter = tokenParameter
        upstreamAuthority = Array(configuration.upstreamAuthority.utf8)
        preservesHost = configuration.preserveHost
        passesOriginalURL = !configuration.judgesPaths
        setsAuthorization = names.contains { SpoofFilter.folded($0) == Array("authorization".utf8) }
    }

    /// - Parameter app: which of the apps gets it, as ``AppRoutes`` counts them.
    func write(
        _ access: borrowing AccessRequest, for identity: Identity?, app: Int, random: RandomPool,
        into out: inout [UInt8]
    ) {
        let bytes = access.head.bytes.span
        out.reserveCapacity(out.count + bytes.count + (identity?.headerBlock.count ?? 0) + 512)
        let passesUpgrade = forwardsUpgrade(access.head, app: app)
        let app = apps.app(app)
        let isStripped = writeRequestLine(access, bytes, for: app, into: &out)
        writeHost(access.head, bytes, for: app, into: &out)
        if isStripped, let app {
            out.append("X-Forwarded-Prefix: ")
            out.append(contentsOf: app.stripPrefix.utf8)
            out.append("\r\n")
        }
        let isTraced = copyFields(
            access.head, bytes, identity, isTrusted: access.context.isTrustedPeer, passesUpgrade: passesUpgrade,
            setsTrace: access.trace != nil, into: &out)
        if let trace = access.trace {
            trace.append(to: &out)
        } else if !isTraced {
            writeTraceparent(random, into: &out)
        }
        writeConnection(access.head, bytes, passesUpgrade: passesUpgrade, into: &out)
        writeForwarded(access, bytes, into: &out)
        if !access.id.isEmpty {
            out.append("X-Request-ID: ")
            out.append(copying: access.id.span)
            out.append("\r\n")
        }
        if let identity { out.append(contentsOf: identity.headerBlock) }
    }

    /// Whether the app's prefix was taken off the path.
    private func writeRequestLine(
        _ access: borrowing AccessRequest, _ bytes: Span<UInt8>, for app: AppRoute?, into out: inout [UInt8]
    ) -> Bool {
        let method = access.head.methodName
        let path = access.head.path
        if let app, !app.stripPrefix.isEmpty, access.head.targetForm != .asterisk {
            let normal = access.path.canonical(in: access.head) ?? Array(copying: bytes.extracting(path.range))
            let stripped = app.stripped(normal)
            out.append(copying: bytes.extracting(method.range))
            out.append(UInt8(ascii: " "))
            out.append(contentsOf: stripped ?? normal)
            if access.head.query != nil { tokenParameter.appendQuery(of: access.head, to: &out) }
            return stripped != nil
        }
        if normalizesPath, let normal = access.path.canonical(in: access.head) {
            out.append(copying: bytes.extracting(method.range))
            out.append(UInt8(ascii: " "))
            out.append(contentsOf: normal)
        } else if path.lowerBound == method.upperBound + 1, bytes[path.lowerBound - 1] == 0x20 {
            // As usual, "GET /path" can be copied as it is.
            out.append(copying: bytes.extracting(method.lowerBound..<path.upperBound))
        } else {
            out.append(copying: bytes.extracting(method.range))
            out.append(UInt8(ascii: " "))
            out.append(copying: bytes.extracting(path.range))
        }
        if access.head.query != nil { tokenParameter.appendQuery(of: access.head, to: &out) }
        return false
    }

    private func writeHost(
        _ request: RequestHead, _ bytes: Span<UInt8>, for app: AppRoute?, into out: inout [UInt8]
    ) {
        out.append(" HTTP/1.1\r\nHost: ")
        if app?.preservesHost ?? preservesHost, !request.authority.isEmpty {
            out.append(copying: bytes.extracting(request.authority.range))
        } else {
            out.append(contentsOf: app?.authority ?? upstreamAuthority)
        }
        out.append("\r\n")
    }

    /// Copies the fields that may pass, as they came; whether a sound traceparent was among them.
    ///
    /// - Parameter setsTrace: the app gets another traceparent.
    private func copyFields(
        _ request: RequestHead, _ bytes: Span<UInt8>, _ identity: Identity?, isTrusted: Bool,
        passesUpgrade: Bool, setsTrace: Bool, into out: inout [UInt8]
    ) -> Bool {
        let filter = isTrusted ? fromTrusted : fromStrangers
        let keepsAuthorization = !setsAuthorization && !(identity?.isBearer ?? false)
        let tracing = Traceparent.isSound(in: request)
        var cookiesAreWritten = false
        // A run of adjacent lines of the head that all pass.
        var runStart = 0
        var runEnd = 0
        for index in request.fields.indices {
            let field = request.fields[index]
            let passes: Bool
            switch field.known {
            // The names that only responses have may be identity headers here.
            case .other, .clearSiteData, .persistentAuth, .proxySupport, .wwwAuthenticate:
                let name = bytes.extracting(field.name.range)
                passes = !filter.removes(name) && (tracing || !name.equalsIgnoringCase("tracestate"))
            case .host, .contentLength, .transferEncoding,
                .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .http2Settings,
                .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto, .xRequestID:
                // The framing is the connection's, hop-by-hop fields end here (RFC 9110 §7.6.1), the rest is set again.
                passes = false
            case .upgrade: passes = passesUpgrade
            case .authorization: passes = keepsAuthorization
            case .traceparent: passes = tracing && !setsTrace
            case .xOriginalURL, .xOriginalMethod: passes = isTrusted && passesOriginalURL
            case .referer:
                // A page whose URL had the token names it to the next one (CVE-2022-24797).
                let cleaned = tokenParameter.removed(from: bytes.extracting(field.value.range))
                passes = cleaned == nil
                if let cleaned, !request.nominatesFields || !request.nominates("referer".utf8.span) {
                    out.append("Referer: ")
                    out.append(contentsOf: cleaned)
                    out.append("\r\n")
                }
            case .cookie:
                passes = false
                if !cookiesAreWritten {
                    cookiesAreWritten = true
                    writeCookies(request, bytes, into: &out)
                }
            case .accept, .contentType, .date, .expect, .location, .origin, .secFetchDest, .secFetchMode,
                .secFetchSite, .server, .setCookie, .trailer, .userAgent, .xRequestedWith:
                passes = true
            }
            guard passes, !request.nominatesFields || !request.nominates(bytes.extracting(field.name.range))
            else { continue }
            if field.name.lowerBound == runEnd, runEnd > runStart, Self.isWholeLine(field, bytes) {
                runEnd = field.value.upperBound + 2
            } else {
                if runEnd > runStart { out.append(copying: bytes.extracting(runStart..<runEnd)) }
                runStart = 0
                runEnd = 0
                if Self.isWholeLine(field, bytes) {
                    runStart = field.name.lowerBound
                    runEnd = field.value.upperBound + 2
                } else {
                    out.append(copying: bytes.extracting(field.name.range))
                    out.append(": ")
                    out.append(copying: bytes.extracting(field.value.range))
                    out.append("\r\n")
                }
            }
        }
        if runEnd > runStart { out.append(copying: bytes.extracting(runStart..<runEnd)) }
        return tracing
    }

    /// The head has the field as `Name: value\r\n`, so it can be copied with its neighbours.
    @inline(__always)
    private static func isWholeLine(_ field: Field, _ bytes: Span<UInt8>) -> Bool {
        let nameEnd = field.name.upperBound
        let valueEnd = field.value.upperBound
        guard field.value.lowerBound == nameEnd &+ 2, valueEnd &+ 2 <= bytes.count else { return false }
        return bytes[nameEnd] == UInt8(ascii: ":") && bytes[nameEnd &+ 1] == 0x20 && bytes[valueEnd] == 13
            && bytes[valueEnd &+ 1] == 10
    }

    /// All Cookie fields as one, without the gate's cookies; the others byte for byte.
    private func writeCookies(_ request: RequestHead, _ bytes: Span<UInt8>, into out: inout [UInt8]) {
        let start = out.count
        out.append("Cookie: ")
        let textStart = out.count
        for index in request.fields.indices {
            let field = request.fields[index]
            guard field.known == .cookie, !request.nominatesFields || !request.nominates("cookie".utf8.span)
            else { continue }
            let end = field.value.upperBound
            var pairStart = field.value.lowerBound
            var isFirst = true
            while pairStart <= end {
                let pairEnd = bytes.firstIndex(of: UInt8(ascii: ";"), in: pairStart..<end)
                var nameStart = pairStart
                while nameStart < pairEnd, bytes[nameStart] == 0x20 || bytes[nameStart] == 0x09 { nameStart += 1 }
                // Neither a cookie of the gate nor nothing between two semicolons.
                if nameStart < pairEnd, !isOurs(nameStart..<pairEnd, bytes) {
                    if out.count == textStart {
                        out.append(copying: bytes.extracting(nameStart..<pairEnd))
                    } else {
                        out.append(UInt8(ascii: ";"))
                        if isFirst { out.append(0x20) }
                        out.append(copying: bytes.extracting(pairStart..<pairEnd))
                    }
                }
                isFirst = false
                pairStart = pairEnd + 1
            }
        }
        if out.count == textStart {
            out.removeLast(out.count - start)
        } else {
            out.append("\r\n")
        }
    }

    /// The pair's name is one of the gate's.
    @inline(__always)
    private func isOurs(_ pair: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
        var end = bytes.firstIndex(of: UInt8(ascii: "="), in: pair)
        while end > pair.lowerBound, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return ownCookies.isOurs(bytes.extracting(pair.lowerBound..<end))
    }

    /// Only what this connection to the app needs: nothing of the client's Connection passes.
    private func writeConnection(
        _ request: RequestHead, _ bytes: Span<UInt8>, passesUpgrade: Bool, into out: inout [UInt8]
    ) {
        if passesUpgrade {
            out.append("Connection: upgrade\r\n")
            return
        }
        for index in request.fields.indices where request.fields[index].known == .te {
            // RFC 9110 §10.1.4: TE is for the next hop; trailers pass, other codings would have to be decoded.
            if Self.hasElement("trailers", bytes.extracting(request.fields[index].value.range)) {
                out.append("TE: trailers\r\nConnection: te\r\n")
                return
            }
        }
    }

    /// Upgrade passes to `app`: the request asks for one protocol, which is allowed there.
    func forwardsUpgrade(_ request: RequestHead, app: Int) -> Bool {
        guard request.wantsUpgrade else { return false }
        return (apps.app(app)?.upgrades ?? upgrades).allow(request)
    }

    /// The request asks for a protocol that is allowed at `app`, whether its Upgrade passes or not.
    func asksForUpgrade(_ request: RequestHead, app: Int) -> Bool {
        (apps.app(app)?.upgrades ?? upgrades).allowed(of: request) != nil
    }

    /// A list names `element`, before any `;` or `/`.
    private static func hasElement(_ element: StaticString, _ list: Span<UInt8>) -> Bool {
        var start = 0
        while start <= list.count {
            let end = list.firstIndex(of: UInt8(ascii: ","), in: start..<list.count)
            var nameEnd = list.firstIndex(of: UInt8(ascii: ";"), in: start..<end)
            nameEnd = list.firstIndex(of: UInt8(ascii: "/"), in: start..<nameEnd)
            if list.extracting(list.trimmed(start..<nameEnd)).equalsIgnoringCase(element) { return true }
            start = end + 1
        }
        return false
    }

    private func writeTraceparent(_ random: RandomPool, into out: inout [UInt8]) {
        out.append("traceparent: 00-")
        random.appendIdentifier(words: 2, to: &out)
        out.append(UInt8(ascii: "-"))
        random.appendIdentifier(words: 1, to: &out)
        out.append("-01\r\n")
    }
}
