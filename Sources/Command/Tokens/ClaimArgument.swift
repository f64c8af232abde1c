// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JWT

/// `name=value` for a claim: JSON where it is a number, true, false, null, a list or an object, else text.
struct ClaimArgument: ExpressibleByArgument {
    let name: String
    let value: JSONValue

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        let text = String(argument[equals...].dropFirst())
        let bytes = Array(text.utf8)
        // A value in quotes is JSON too: a way to write the text "5".
        value = (try? JSONParser.parse(bytes.span)) ?? .string(text)
    }
}
