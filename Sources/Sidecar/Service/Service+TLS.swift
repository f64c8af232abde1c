// SPDX-License-Identifier: Apache-2.0

import Configuration
import TLS

extension Service {
    /// nil: plain HTTP.
    static func tls(_ settings: TLSSettings?, offersHTTP2: Bool) throws(ServiceError) -> TLSServerContext? {
        guard let settings else { return nil }
        do throws(TLSError) {
            return try TLSServerContext(TLSServerConfiguration(settings, offersHTTP2: offersHTTP2))
        } catch {
            throw ServiceError("TLS cannot be set up: \(error)")
        }
    }

    /// Other certificates are in force; when it throws, nothing has changed.
    static func replace(
        _ context: TLSServerContext?, _ settings: TLSSettings?, offersHTTP2: Bool
    ) throws(ServiceError) {
        // The change from or to plain HTTP waits for the next start.
        guard let context, let settings else { return }
        do throws(TLSError) {
            try context.replace(with: TLSServerConfiguration(settings, offersHTTP2: offersHTTP2))
        } catch {
            throw ServiceError("TLS cannot be set up: \(error)")
        }
    }

    /// Of the certificate that ends first, in seconds since 1970.
    static func certificateEnd(_ tls: TLSServerContext?) -> (@Sendable () -> Double?)? {
        guard let tls else { return nil }
        return { tls.certificates.map(\.notAfter).min().map { Double($0) } }
    }
}
