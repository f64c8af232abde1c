// SPDX-License-Identifier: Apache-2.0

@main
struct Sidegate {
    static func main() {}
}
