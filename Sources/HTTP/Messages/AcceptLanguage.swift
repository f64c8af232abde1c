// SPDX-License-Identifier: Apache-2.0

/// Selects one of several languages by the Accept-Language fields of a request (RFC 9110 §12.5.4, RFC 4647 §3.4).
///
/// A range such as `zh-TW` stands for the language `zh` too, with which its lookup ends. Elements that are malformed are
/// ignored. What is read is bounded: the rest counts for nothing.
public struct AcceptLanguage {
    /// What the fields say of an offered language.
    private struct Wish {
        /// In thousandths; 0: not acceptable.
        var weight: UInt16
        /// The number of its element: of two languages with the same weight the first is preferred.
        let position: Int
    }

    private let offered: [[UInt8]]
    private var wishes: [Wish?]
    /// That of `*`.
    private var others: UInt16?
    private var elements = 0
    private var byteCount = 0

    /// - Parameter offered: tags of a primary language only, in lower case; the first is that of clients without a wish.
    public init(among offered: [String]) {
        self.offered = offered.map { Array($0.utf8) }
        wishes = Array(repeating: nil, count: offered.count)
    }

    /// - Parameter head: of the request; its Accept-Language fields count as one list.
    public init(of head: RequestHead, among offered: [String]) {
        self.init(among: offered)
        let bytes = head.bytes.span
        for field in head.fields where field.known == .other {
            guard field.name.upperBound <= bytes.count, field.value.upperBound <= bytes.count,
                bytes.extracting(field.name.range).equalsIgnoringCase("accept-language")
            else { continue }
            read(bytes.extracting(field.value.range))
        }
    }

    /// The value of one field.
    public mutating func read(_ value: Span<UInt8>) {
        let whole = value.count
        let value = value.extracting(0..<min(whole, Self.maximumBytes - byteCount))
        byteCount += value.count
        var position = 0
        while elements < Self.maximumElements, let element = value.nextListElement(&position) {
            // The last element may be cut.
            guard value.count == whole || position <= value.count else { break }
            guard !element.isEmpty else { continue }
            elements += 1
            take(value.extracting(element))
        }
    }

    /// The index of the preferred language; nil: the client has no wish, or none that can be met.
    public var preferred: Int? {
        var best: (index: Int, wish: Wish)?
        for (index, wish) in wishes.enumerated() {
            guard let wish, wish.weight > 0 else { continue }
            if let present = best?.wish,
                present.weight > wish.weight || (present.weight == wish.weight && present.position < wish.position)
            {
                continue
            }
            best = (index, wish)
        }
        if let others, others > best?.wish.weight ?? 0 {
            return wishes.firstIndex { $0 == nil } ?? best?.index
        }
        return best?.index
    }

    /// `language-range [ OWS ";" OWS "q=" qvalue ]`
    private mutating func take(_ element: Span<UInt8>) {
        let end = element.firstIndex(of: UInt8(ascii: ";"), in: 0..<element.count)
        var weight: UInt16 = 1000
        if end < element.count {
            let parameter = element.extracting(element.trimmed(end + 1..<element.count))
            guard let read = Self.weight(parameter) else { return }
            weight = read
        }
        let range = element.extracting(element.trimmed(0..<end))
        if range.count == 1, range[0] == UInt8(ascii: "*") {
            others = max(others ?? 0, weight)
            return
        }
        guard let primary = Self.primaryLength(of: range),
            let index = offered.firstIndex(where: { range.extracting(0..<primary).equalsLowercased($0.span) })
        else { return }
        // "Not Swiss German" says nothing about German.
        guard weight > 0 || primary == range.count else { return }
        if let present = wishes[index], present.weight >= weight { return }
        wishes[index] = Wish(weight: weight, position: elements)
    }

    /// The length of the first subtag; nil: this is no language range (RFC 4647 §2.1).
    private static func primaryLength(of range: Span<UInt8>) -> Int? {
        var primary: Int?
        var length = 0
        for index in 0..<range.count {
            let byte = range[index]
            switch byte {
            case UInt8(ascii: "-"):
                guard length > 0 else { return nil }
                if primary == nil { primary = index }
                length = 0
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                length += 1
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard primary != nil else { return nil }
                length += 1
            default: return nil
            }
            guard length <= 8 else { return nil }
        }
        guard length > 0 else { return nil }
        return primary ?? range.count
    }

    /// `q=` and a number from 0 to 1 with up to three decimals (RFC 9110 §12.4.2), in thousandths.
    private static func weight(_ parameter: Span<UInt8>) -> UInt16? {
        guard parameter.count >= 3, parameter.count <= 7, parameter[0] | 0x20 == UInt8(ascii: "q"),
            parameter[1] == UInt8(ascii: "=")
        else { return nil }
        let whole = parameter[2]
        guard whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1") else { return nil }
        var thousandths: UInt16 = 0
        var place: UInt16 = 100
        for index in 3..<parameter.count {
            let byte = parameter[index]
            if index == 3 {
                guard byte == UInt8(ascii: ".") else { return nil }
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            thousandths += UInt16(byte - UInt8(ascii: "0")) * place
            place /= 10
        }
        guard whole == UInt8(ascii: "1") else { return thousandths }
        return thousandths == 0 ? 1000 : nil
    }

    private static let maximumElements = 64
    private static let maximumBytes = 2048
}

extension Span<UInt8> {
    /// Whether this equals `other`, which is in lower case, in any case of ASCII letters.
    fileprivate func equalsLowercased(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index] | 0x20 != other[index] { return false }
        return true
    }
}
