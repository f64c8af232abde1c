// SPDX-License-Identifier: Apache-2.0

/// Which deviations from HTTP are accepted in a response. None makes its framing ambiguous; ``Toleration`` lists them.
public enum ResponseLeniency: Sendable {
    /// None.
    case strict
    /// Those of many old apps.
    case standard
    /// Those of `upstream.tolerant` as well.
    case tolerant
}
