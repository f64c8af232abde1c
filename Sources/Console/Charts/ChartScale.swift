// SPDX-License-Identifier: Apache-2.0

/// A vertical axis with round numbers.
struct ChartScale {
    /// At the top.
    let maximum: Double
    let steps: Int

    /// - Parameter highest: the largest value to be shown.
    init(highest: Double) {
        let needed = max(highest.isFinite ? highest : 0, 1)
        var unit = 1.0
        while unit * 10 <= needed, unit < 1e15 { unit *= 10 }
        // The next of 1, 2, 4, 5, 10 times a power of ten: each can be halved or quartered to round numbers.
        maximum = [1, 2, 4, 5, 10].map { $0 * unit }.first { $0 >= needed } ?? needed
        steps = maximum < 2 ? 1 : 2
    }

    var ticks: [Double] { (0...steps).map { maximum * Double($0) / Double(steps) } }

    /// From the top, for a value in an area of that height.
    func y(_ value: Double, height: Double) -> Double { height * (1 - min(1, max(0, value / maximum))) }
}

/// The parts that all charts have: a column of figures at the left, lines across, and times below.
struct ChartFrame {
    static let top = 6.0

    /// Of the area in which values are shown.
    var height = 120.0

    var scale: ChartScale
    /// What stands beside a tick.
    var label: (Double) -> String
    /// Shares of the width, and the words there.
    var times: [(share: Double, words: String)]

    /// With the words below.
    var full: Int { Int(Self.top + height) + 24 }

    func y(_ value: Double) -> String { HTML.decimal(Self.top + scale.y(value, height: height)) }

    var axis: HTML {
        """
        <svg height="\(full)" aria-hidden="true">\(scale.ticks.map { tick -> HTML in
            "<text x=\"28\" y=\"\(HTML.decimal(Self.top + scale.y(tick, height: height) + 4))\" text-anchor=\"end\">\(label(tick))</text>"
        })</svg>
        """
    }

    var rules: HTML {
        """
        \(scale.ticks.map { tick -> HTML in
            "<line class=\"rule\" x1=\"0\" x2=\"100%\" y1=\"\(y(tick))\" y2=\"\(y(tick))\"/>"
        })\(times.map { time -> HTML in
            "<text x=\"\(HTML.percent(time.share, of: 1))%\" y=\"\(full - 6)\" text-anchor=\"\(anchor(time.share))\">\(time.words)</text>"
        })
        """
    }

    private func anchor(_ share: Double) -> String { share <= 0.02 ? "start" : share >= 0.98 ? "end" : "middle" }
}

/// Fills that can be told apart without colours.
enum ChartFill {
    /// The first is for sign-ins, the last for all that have none of their own.
    static let count = 6

    /// Their definitions; once in a page.
    static let definitions: HTML = """
        <svg width="0" height="0" aria-hidden="true" class="sr"><defs>
        <pattern id="p0" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="f0" width="6" height="6"/></pattern>
        <pattern id="p1" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="f1" width="6" height="6"/><path class="ink" d="M0 0V6"/></pattern>
        <pattern id="p2" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="f2" width="6" height="6"/><circle class="dot" cx="3" cy="3" r="1.4"/></pattern>
        <pattern id="p3" width="6" height="5" patternUnits="userSpaceOnUse"><rect class="f3" width="6" height="5"/><path class="ink" d="M0 1H6"/></pattern>
        <pattern id="p4" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="f4" width="7" height="7"/><path class="ink" d="M0 0V7M0 0H7"/></pattern>
        <pattern id="p5" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect class="f5" width="6" height="6"/><path class="ink" d="M0 0V6"/></pattern>
        </defs></svg>
        """

    static func attribute(_ index: Int) -> HTML { " fill=\"url(#p\(index))\"" }

    static func swatch(_ index: Int) -> HTML {
        "<svg class=\"swatch\" aria-hidden=\"true\"><rect width=\"100%\" height=\"100%\"\(attribute(index))/></svg>"
    }
}
