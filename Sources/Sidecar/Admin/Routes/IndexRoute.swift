// SPDX-License-Identifier: Apache-2.0

/// `/`: what is served here, and how to get in.
struct IndexRoute: PageRoute {
    var method: AdminMethod { .get }
    var path: String { "/" }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        let paths = "/healthz\n/readyz\n/metrics\n/probe?path="
        switch admission {
        case .admitted: done(AdminResponse.text(200, paths + "\n/api/sessions"))
        case .refused(let refusal): done(AdminResponse.text(200, paths + "\n\n" + refusal.words))
        }
    }
}
