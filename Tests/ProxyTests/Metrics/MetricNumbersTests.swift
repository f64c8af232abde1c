// SPDX-License-Identifier: Apache-2.0

import Proxy
import Testing

@Suite("What is counted for each request")
struct MetricNumbersTests {
    @Test("methods have the names of the metrics, and bounds increase")
    func tables() {
        #expect(MetricNumbers.methods.count == 10 && MetricNumbers.methods.last == "OTHER")
        #expect(MetricNumbers.boundsInSeconds == MetricNumbers.boundsInSeconds.sorted())
        #expect(MetricNumbers().durations(.app).count == MetricNumbers.boundsInSeconds.count + 1)
        #expect(MetricNumbers().upstreamDurations(.own).count == MetricNumbers.boundsInSeconds.count + 1)
    }

    @Test("a worker's requests are counted under their labels")
    func requests() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            try browser.send(Stage.request("GET /1"))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try app.send("HTTP/1.1 204 No Content\r\n\r\n")
            _ = try browser.receiveHead()
            try browser.send(
                "PUT / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 0\r\nAccept: application/json\r\n\r\n")
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 401 Unauthorized")
            let snapshot = try stage.run { $0.metricsSnapshot() }
            var found: [String] = []
            var watched = 0
            snapshot.numbers.forEachRequest { route, method, status, count in
                if count > 0 { found.append("\(route.label) \(method) \(status) \(count)") } else { watched += 1 }
            }
            #expect(found.sorted() == ["default GET 204 1", "default PUT 401 1"])
            // The failures that alerts are about have a series before they happen: routes, methods, statuses.
            #expect(watched == 2 * 7 * 5)
            #expect(snapshot.numbers.durations(.app).reduce(0, +) == 2)
            #expect(snapshot.numbers.upstreamDurations(.app).reduce(0, +) == 1)
            #expect(snapshot.numbers.durationSum(.app) >= snapshot.numbers.upstreamDurationSum(.app))
            #expect(snapshot.inFlight == 0 && snapshot.connections["http1"] == 1)
            var twice = snapshot
            twice.add(snapshot)
            #expect(twice.numbers.durations(.app).reduce(0, +) == 4 && twice.connections["http1"] == 2)
        }
    }
}
